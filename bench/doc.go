// Package bench is a load harness for servers of Socket.IO that offer the push
// API: many clients, in worker processes of their own, and pushes to them,
// with what the server's process spends on it.
//
// A [Scenario] is one kind of load. [Run] does some of them against a server
// and makes a [Report]; [Compare] does the same against two servers in turn,
// of which the one is by default the floor: a server that does as little as
// can be done under this load. README.md has the method.
package bench
