package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
	"strings"

	"outrider/engineio"
)

// socketID is the id of a socket of protocol 5: 88 random bits, and the number of the socket's slot in its namespace,
// hidden under a keyed hash of the random ones. So an id tells nothing, cannot be guessed, and still finds its socket
// without a map of them. On the wire it looks as an engine's id does: 20 characters of base64.
type socketID [socketIDRandom + 4]byte

const (
	socketIDRandom = 11
	socketIDChars  = 20
)

func newSocketID(seed maphash.Seed, slot uint32) (id socketID) {
	rand.Read(id[:socketIDRandom]) // never fails: the runtime ends the process first
	binary.BigEndian.PutUint32(id[socketIDRandom:], slot^id.mask(seed))
	return id
}

func (id *socketID) mask(seed maphash.Seed) uint32 {
	return uint32(maphash.Bytes(seed, id[:socketIDRandom]))
}

// slot returns the number that is hidden in the id, any number if the id is not one of ours.
func (id *socketID) slot(seed maphash.Seed) uint32 {
	return binary.BigEndian.Uint32(id[socketIDRandom:]) ^ id.mask(seed)
}

func (id socketID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

func (id socketID) appendText(dst []byte) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, id[:])
}

// Socket returns the connected socket with that id, or nil. It allocates nothing, and costs the same whatever the number
// of sockets.
func (n *Namespace) Socket(id string) *Socket {
	if s := n.byID(id); s != nil && s.Connected() {
		return s
	}
	return nil
}

func (n *Namespace) byID(id string) *Socket {
	if parsed, ok := engineio.ParseID(id); ok {
		id5 := socketID(parsed)
		if s := n.sockets.get(id5.slot(n.server.seed)); s != nil && s.id == id5 {
			return s
		}
	}
	if engineID, ok := n.engineID(id); ok {
		if session := n.server.engine.Session(engineID); session != nil {
			if c, ok := session.Data().(*conn); ok {
				return c.in(n)
			}
		}
	}
	return nil
}

// engineID returns the engine's id in the id of a socket of a client older than protocol 5: behind the namespace and
// "#", or bare in "/".
func (n *Namespace) engineID(id string) (engineio.ID, bool) {
	if n.wire != nil {
		var ok bool
		if id, ok = strings.CutPrefix(id, n.name); !ok {
			return engineio.ID{}, false
		}
		if id, ok = strings.CutPrefix(id, "#"); !ok {
			return engineio.ID{}, false
		}
	}
	return engineio.ParseID(id)
}

// named reports whether id is the socket's.
func (s *Socket) named(id string) bool {
	if s.Revision() == engineio.Revision3 {
		engineID, ok := s.ns.engineID(id)
		return ok && engineID == s.conn.session.ID()
	}
	parsed, ok := engineio.ParseID(id)
	return ok && socketID(parsed) == s.id
}
