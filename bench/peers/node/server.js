// The gateway's push job on socket.io for Node, as one would write it today: what `make bench-peers` measures beside the
// gateway and the floor.
//
//   node server.js 127.0.0.1:3002 [milliseconds between heartbeats]
//
// It does for the load what the gateway does: both names of each audience, the greeting, set_connect with its
// acknowledgement, single login, logout, and device_push, topic_push and client_push with JSON. Topics and groups are
// rooms, so a push to many is encoded once by socket.io itself; a uid is looked up in a map. What the load does not use
// is left out: print_push, clear_table, forms, API keys, hooks, offline tokens.
//
// Settings are those of socket.io's own advice for production: no compression of messages, no client files served,
// bufferutil for masking, the handshake's request not kept. One process, which is one thread for all of this: more of them
// need a balancer and an adapter between them, and are another design, not another setting.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "socket.io";

const KINDS = ["customer", "rider", "merchant", "h5", "platform", "show"];
const TOPICAL = new Set(["rider", "merchant"]);
const SINGLE_LOGIN = new Set(["customer", "rider"]);
const GROUPS = new Set(["customer", "rider", "merchant_app", "merchant_pos", "merchant_pad", "h5", "platform"]);
const ALIASES = new Map([["app", "merchant_app"], ["pos", "merchant_pos"], ["pad", "merchant_pad"]]);
const MAX_FIELD = 256;
const MAX_TOKEN = 4096;
const MAX_BODY = 1e6;

const [address = "127.0.0.1:3002", ping = "25000"] = process.argv.slice(2);
const [host, port] = address.split(":");

const http = createServer(serve);
http.keepAliveTimeout = 75_000; // callers keep their connections

const io = new Server(http, {
  path: "/socket/socket.io/",
  allowEIO3: true,
  pingInterval: Number(ping),
  pingTimeout: 20_000,
  perMessageDeflate: false,
  serveClient: false,
});
io.engine.on("connection", (connection) => {
  connection.request = null;
});

// An audience has two names, and one map of its users under both.
const audiences = new Map(KINDS.map((kind) => [kind, {
  kind,
  users: new Map(), // uid -> Set of sockets
  namespaces: [`/socket/${kind}`, `/${kind}`].map((name) => io.of(name)),
}]));

for (const audience of audiences.values()) {
  for (const namespace of audience.namespaces) {
    namespace.on("connection", (socket) => welcome(audience, socket));
  }
}

function welcome(audience, socket) {
  socket.emit("message", "connect success");
  socket.on("set_connect", (fields, ack) => {
    const message = audience.kind === "show" ? "" : setConnect(audience, socket, fields);
    const answer = { code: message ? 1 : 0, message };
    if (message) socket.emit("set_connect_error", answer);
    if (typeof ack === "function") ack(answer);
  });
  socket.on("logout", () => forget(audience, socket));
  socket.on("disconnect", () => forget(audience, socket));
}

// setConnect registers a socket in place of what it was registered as, and returns what is wrong with the fields, if anything.
function setConnect(audience, socket, fields) {
  if (typeof fields !== "object" || fields === null) return "set_connect takes one object";
  const { type, topic, client, token, connect_type: connectType } = fields;
  const uid = userId(fields.uid);
  if (!uid) return "uid: is missing, empty or zero";
  for (const text of [type, topic, client]) {
    if (text !== undefined && (typeof text !== "string" || Buffer.byteLength(text) > MAX_FIELD)) return "a field is no string, or too long";
  }
  if (token !== undefined && (typeof token !== "string" || Buffer.byteLength(token) > MAX_TOKEN)) return "token: is no string, or too long";
  if (type && type !== audience.kind) return `type: must be ${audience.kind} on this namespace`;
  if (client && !ALIASES.has(client)) return "client: must be app, pos or pad";

  forget(audience, socket);
  const rooms = [];
  const table = audience.kind === "h5" && connectType === "table";
  if (table) {
    rooms.push(topicRoom(`h5_${uid}_base_notification`));
  } else {
    register(audience, socket, uid, token);
  }
  if (TOPICAL.has(audience.kind) && topic) {
    rooms.push(topicRoom(topic));
    if (client === "pos") rooms.push(topicRoom(topic.replace(/^[^_]*/, "pos")));
  }
  const group = audience.kind === "merchant" ? ALIASES.get(client) : audience.kind;
  if (group) rooms.push(groupRoom(group));
  socket.join(rooms);
  socket.data = { uid: table ? "" : uid, token, rooms };
  return "";
}

// Rooms and socket ids share one space of names: a topic must not be the name of somebody's socket.
const topicRoom = (topic) => `topic:${topic}`;
const groupRoom = (group) => `group:${group}`;

function userId(uid) {
  const text = typeof uid === "number" && Number.isInteger(uid) ? String(uid) : uid;
  return typeof text === "string" && text !== "0" && Buffer.byteLength(text) <= MAX_FIELD ? text.trim() : "";
}

function register(audience, socket, uid, token) {
  let sockets = audience.users.get(uid);
  if (sockets && SINGLE_LOGIN.has(audience.kind)) {
    for (const earlier of [...sockets]) {
      if (earlier.data.token !== token) earlier.emit("logout", { reason: "replaced" });
      forget(audience, earlier);
    }
    sockets = undefined;
  }
  if (!sockets) audience.users.set(uid, (sockets = new Set()));
  sockets.add(socket);
}

function forget(audience, socket) {
  const { uid, rooms = [] } = socket.data;
  const sockets = uid && audience.users.get(uid);
  if (sockets?.delete(socket) && sockets.size === 0) audience.users.delete(uid);
  for (const room of rooms) socket.leave(room);
  socket.data = {};
}

// The push API.

class Refusal extends Error {}

const endpoints = {
  "/device_push": ({ type, uid, data }) => {
    const { users } = audienceOf(type);
    const text = textOf(data);
    let matched = 0;
    for (const id of new Set(uids(uid))) {
      for (const socket of users.get(id) ?? []) {
        socket.emit("message", text);
        matched++;
      }
    }
    return matched;
  },
  "/topic_push": ({ type, topic, data }) => {
    if (typeof topic !== "string" || topic === "") throw new Refusal("topic: is missing or no string");
    return broadcast(audienceOf(type), topicRoom(topic), textOf(data));
  },
  "/client_push": ({ title, body, clients, push_type }) => {
    const groups = (Array.isArray(clients) ? clients : [clients]).map((name) => ALIASES.get(name) ?? name);
    if (!groups.every((group) => GROUPS.has(group))) throw new Refusal("clients: must be kinds of client");
    const text = JSON.stringify({ title, body, push_type });
    let matched = 0;
    for (const group of new Set(groups)) {
      matched += broadcast(audiences.get(group.split("_")[0]), groupRoom(group), text);
    }
    return matched;
  },
};

function audienceOf(type) {
  const audience = audiences.get(type);
  if (!audience || type === "show") throw new Refusal("type: must be customer, rider, merchant, h5 or platform");
  return audience;
}

function uids(uid) {
  const list = Array.isArray(uid) ? uid : String(uid ?? "").split(",");
  return list.map((id) => {
    const text = userId(id);
    if (!text) throw new Refusal("uid: is missing, empty or zero");
    return text;
  });
}

function textOf(data) {
  if (data === undefined) throw new Refusal("data: is missing");
  return JSON.stringify(data);
}

// broadcast has a room's sockets under both names of the audience written to, and returns how many they are.
function broadcast(audience, room, text) {
  let matched = 0;
  for (const namespace of audience.namespaces) {
    const size = namespace.adapter.rooms.get(room)?.size ?? 0;
    if (size > 0) namespace.to(room).emit("message", text);
    matched += size;
  }
  return matched;
}

function serve(request, response) {
  const push = endpoints[request.url.replace(/^\/socket(?=\/)/, "")];
  if (!push) return answer(response, 404, { code: 404, message: "no such endpoint" });
  if (request.method !== "POST") return answer(response, 405, { code: 405, message: "must be POST" });
  const chunks = [];
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  });
  request.on("end", () => {
    if (size > MAX_BODY) return answer(response, 413, { code: 413, message: "the body is too large" });
    try {
      const matched = push(JSON.parse(Buffer.concat(chunks).toString()) ?? {});
      answer(response, 200, { code: 0, message: "", result: { id: randomUUID(), matched, written: matched, offline: 0 } });
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof SyntaxError)) throw error;
      answer(response, 400, { code: 400, message: error.message });
    }
  });
}

function answer(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) }).end(text);
}

http.listen({ host, port: Number(port), backlog: 4096 });
