package main

import (
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// serveInternal serves what operators look at and nobody else may: the
// profiles of net/http/pprof under /debug/pprof/. They tell what the process
// does, and taking one costs time; hence a listener of their own, off unless
// it is configured. It returns when ln is closed.
func serveInternal(ln net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // and the named profiles below it
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(ln)
}
