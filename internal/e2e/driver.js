// Holds stock socket.io clients of one version and tells the Go tests what they see.
//
//	node driver.js <version>
//
// Orders come in as JSON, one a line: open, emit, close. Notices go out the same way, in the order in which the client's
// listeners were called. The clients are used as an application uses them: by options, listeners and emit, nothing else.
// The process ends when its standard input does, so it cannot outlive the tests.
"use strict";

const { createInterface } = require("node:readline");

const version = process.argv[2];
const io = require(`socket.io-client-${version}`);
const generation = Number(version.split(".")[0]);

// What the gateway emits. Clients from 3.x on also report any other name.
const EVENTS = ["message", "logout", "set_connect_error"];

const sockets = new Map();

function tell(notice) {
  process.stdout.write(JSON.stringify(notice) + "\n");
}

function transportOf(socket) {
  const engine = socket.io.engine;
  return engine && engine.transport ? engine.transport.name : "";
}

// An Error's own fields do not survive JSON.stringify; 2.x clients hand out whatever the server sent instead of one.
function reasonOf(error) {
  return error instanceof Error ? { message: error.message, data: error.data } : error;
}

function watchEngine(client, manager) {
  manager.on("open", () => {
    const engine = manager.engine;
    engine.on("upgrade", (transport) => tell({ client, notice: "upgrade", transport: transport.name }));
    // Old clients ping and get a pong, new ones get a ping. Not all versions have an event for it, so look at the packets.
    engine.on("packet", ({ type }) => (type === "ping" || type === "pong") && tell({ client, notice: "heartbeat" }));
  });
}

function watchSocket(client, socket) {
  const received = (event) => (...args) =>
    tell({ client, notice: "event", event, args, transport: transportOf(socket) });

  socket.on("connect", () =>
    tell({ client, notice: "connect", id: socket.id, transport: transportOf(socket), recovered: socket.recovered }));
  socket.on("disconnect", (reason) => tell({ client, notice: "disconnect", reason }));
  socket.on("connect_error", (error) => tell({ client, notice: "connect_error", error: reasonOf(error) }));
  if (generation < 3) {
    socket.on("error", (error) => tell({ client, notice: "connect_error", error: reasonOf(error) }));
  }
  for (const event of EVENTS) {
    socket.on(event, received(event));
  }
  if (socket.onAny) {
    socket.onAny((event, ...args) => EVENTS.includes(event) || received(event)(...args));
  }
}

const orders = {
  open({ client, url, options }) {
    const socket = io(url, options);
    sockets.set(client, socket);
    watchEngine(client, socket.io);
    watchSocket(client, socket);
  },

  emit({ client, event, args = [], ack }) {
    const answered = (...answer) => tell({ client, notice: "ack", ack, args: answer });
    sockets.get(client).emit(event, ...args, ...(ack ? [answered] : []));
  },

  close({ client }) {
    sockets.get(client).close();
    sockets.delete(client);
  },
};

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on("line", (line) => {
  const { order, ...what } = JSON.parse(line);
  orders[order](what);
});
lines.on("close", () => process.exit(0));
