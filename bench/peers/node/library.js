// The server of bench/library on socket.io for Node: what `make bench-library` measures beside ours.
//
//   node library.js 127.0.0.1:3002
//
// Settings are those of socket.io's own advice for production, as in server.js: no compression of messages, no client files
// served, bufferutil for masking, the handshake's request not kept. A message may have 2 MiB; 1 MiB is above the default of
// 1,000,000 bytes.

import { createServer } from "node:http";
import { Server } from "socket.io";

const [address = "127.0.0.1:3002"] = process.argv.slice(2);
const [host, port] = address.split(":");

const http = createServer();
const io = new Server(http, { perMessageDeflate: false, serveClient: false, maxHttpBufferSize: 2 << 20 });
io.engine.on("connection", (connection) => {
  connection.request = null;
});

io.on("connection", (socket) => {
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("binary", (...args) => socket.emit("binary", ...args));
  socket.on("ack", (...args) => args.pop()(...args));
  socket.on("broadcast", (...args) => io.emit("broadcast", ...args));
});

http.listen({ host, port: Number(port), backlog: 4096 });
