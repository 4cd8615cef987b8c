package socketio

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"

	"outrider/engineio"
	"outrider/registry"
)

// Server is a Socket.IO server: an engine and the namespaces on it. Its methods may be called from any goroutine.
type Server struct {
	cfg      Config // as given, with defaults; never changes
	limits   limits
	engine   *engineio.Server
	seed     maphash.Seed // hides the places that socket ids carry
	counters counters

	rooms    *registry.Index[Socket] // of all namespaces
	recovery *recovery               // nil if sockets are not recovered

	mu         sync.RWMutex // guards what follows, and Namespace.refs
	namespaces map[string]*Namespace
	templates  []*Namespace
	children   int

	leave func() error // has the adapter leave the cluster, once; nil without one
}

// NewServer returns a server that has the namespace "/" and accepts nobody yet: see [Server.Serve]. The error says
// which field of cfg is wrong.
func NewServer(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:        cfg,
		limits:     cfg.limits(),
		seed:       maphash.MakeSeed(),
		rooms:      registry.NewIndex[Socket](),
		namespaces: make(map[string]*Namespace),
	}
	if cfg.Recovery != nil {
		s.recovery = newRecovery(s, cfg.Recovery)
	}
	s.Of("/")
	cfg.Engine.Handler = engineHandler{s}
	if s.engine, err = engineio.NewServer(cfg.Engine); err != nil {
		return nil, err
	}
	if cfg.Adapter != nil {
		if err := cfg.Adapter.Start(&Node{s}); err != nil {
			return nil, errors.Join(fmt.Errorf("socketio: Config.Adapter: %w", err), s.engine.Close())
		}
		s.leave = sync.OnceValue(cfg.Adapter.Close)
	}
	return s, nil
}

// Serve accepts connections on ln until the server is shut down, and returns engineio.ErrServerClosed then. It may be
// called for several listeners.
func (s *Server) Serve(ln net.Listener) error { return s.engine.Serve(ln) }

// Serves reports whether requests for the path are the engine's. See engineio.Server.Serves.
func (s *Server) Serves(path []byte) bool { return s.engine.Serves(path) }

// TakeOver serves a connection that another server has served so far, whose next request is for the engine; read is what has
// been read of that request. See engineio.Server.TakeOver.
func (s *Server) TakeOver(c net.Conn, read []byte) error { return s.engine.TakeOver(c, read) }

// ServeHTTP serves what an [http.Server] has accepted, on the engine's loop: mux.Handle("/socket.io/", server). It works for
// plain TCP and Unix sockets; see engineio.Server.ServeHTTP.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Shutdown stops accepting and closes all connections after what is queued for them. Sockets are disconnected with
// reason "server shutting down"; clients come back by themselves, to another server or to this one's successor. It
// returns when all are gone, or with ctx's error when ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.recovery.close()
	return s.leaveAfter(s.engine.Shutdown(ctx))
}

// Close is Shutdown without patience: connections are cut where they are.
func (s *Server) Close() error {
	defer s.recovery.close()
	return s.leaveAfter(s.engine.Close())
}

// leaveAfter has the adapter leave the cluster, after an end that came out as err.
func (s *Server) leaveAfter(err error) error {
	if s.leave == nil {
		return err
	}
	return errors.Join(err, s.leave())
}

// Of returns the namespace of that name, and makes it if there is none; a missing leading slash is added. (A name with a
// comma in it, or a question mark for clients before protocol 5, is one that nobody can ask for.) A namespace that Of has
// returned exists as long as the server: clients may join it from then on, with or without handlers.
func (s *Server) Of(name string) *Namespace {
	if name == "" || name[0] != '/' {
		name = "/" + name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ns := s.namespaces[name]
	if ns == nil {
		ns = newNamespace(s, name, nil)
		s.namespaces[name] = ns
	} else if ns.template != nil && !ns.pinned { // a child becomes one of the fixed namespaces
		ns.pinned = true
		s.children--
	}
	return ns
}

// OfFunc returns a template of namespaces. When a client connects to a namespace that does not exist, match is asked
// for its name (templates in the order in which they were made); if it says true the namespace is made, with the
// handlers and middleware that the template has at that moment. Clients that connect at the same time meet in one
// namespace. [Config].MaxChildNamespaces bounds how many there are; those whose last socket has left are forgotten
// unless KeepEmptyNamespaces is set.
//
// Emit and the broadcast operators of the template reach all its children. The nodes of a cluster ([Adapter]) must make
// their templates in the same order. match runs on the connection's turn and
// may block; it must not change.
func (s *Server) OfFunc(match func(name string) bool) *Namespace {
	template := newNamespace(s, "", nil)
	template.match = match
	s.mu.Lock()
	defer s.mu.Unlock()
	template.number = len(s.templates)
	s.templates = append(s.templates[:len(s.templates):len(s.templates)], template)
	return template
}

// enter returns the namespace that a client asks for, or nil if it may not exist. A caller who got one owes a
// release.
func (s *Server) enter(name []byte) *Namespace {
	s.mu.RLock()
	ns, templates := s.namespaces[string(name)], s.templates
	fixed := ns != nil && ns.template == nil
	s.mu.RUnlock()
	if fixed {
		return ns
	}
	template := (*Namespace)(nil)
	if ns == nil {
		if template = matching(templates, string(name)); template == nil {
			return nil
		}
	} else {
		template = ns.template
	}
	return s.enterChild(template, string(name))
}

func matching(templates []*Namespace, name string) *Namespace {
	for _, template := range templates {
		if template.match(name) {
			return template
		}
	}
	return nil
}

// enterChild makes the child, or joins the one that another connection has made meanwhile.
func (s *Server) enterChild(template *Namespace, name string) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	ns := s.namespaces[name]
	if ns == nil {
		if s.children >= s.cfg.MaxChildNamespaces {
			return nil
		}
		ns = newNamespace(s, name, template)
		s.namespaces[name] = ns
		s.children++
	}
	ns.refs++
	return ns
}

// release gives back what enter gave.
func (s *Server) release(ns *Namespace) {
	if ns.template == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ns.refs--
	if ns.refs == 0 && !ns.pinned && !s.cfg.KeepEmptyNamespaces {
		delete(s.namespaces, ns.name)
		s.children--
	}
}

// all returns the namespaces, but for the templates.
func (s *Server) all() []*Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.namespaces))
}

// childrenOf returns the namespaces made from a template.
func (s *Server) childrenOf(template *Namespace) []*Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var children []*Namespace
	for _, ns := range s.namespaces {
		if ns.template == template {
			children = append(children, ns)
		}
	}
	return children
}
