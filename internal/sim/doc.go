// Package sim holds any number of sessions in one process without sockets: a
// million, where a process may have 20,000 files. It answers what only numbers
// show: what a session takes, what the garbage collector does with a full
// heap, what the timers of all cost, how long a push to all takes.
//
// The server is the real one: loop, engine, Socket.IO, registry, gateway and
// the push API's handler, put together and configured as `outrider serve`
// does. What is not there is below poll.Poller. A Network takes the kernel's
// place and is the clients at the same time: they send the handshake, CONNECT
// and set_connect, answer heartbeats or send them, and count what is written
// to them. A client is a record of 32 bytes outside Go's heap, which the
// collector does not see; what the heap holds is the server's.
//
// So the figures have no system calls in them, no memory of the kernel's and
// no network. They are a server's own part, and no throughput of a machine.
package sim
