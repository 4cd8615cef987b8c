package engineio

import (
	"crypto/rand"
	"encoding/base64"
)

// idChars is the length of an ID as text: 15 bytes are exactly 20 characters of base64, without padding.
const idChars = 20

// ID is a session id, the sid of every request: 120 random bits. Who knows it owns the session, so it belongs
// neither in logs that others read nor in metrics.
type ID [15]byte

// NewID returns an ID that nobody can guess.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // never fails: the runtime ends the process first
	return id
}

// ParseID parses the text form of an ID and nothing else: 20 characters of url-safe base64.
func ParseID[T string | []byte](text T) (id ID, ok bool) {
	if len(text) != idChars {
		return ID{}, false
	}
	var chars [idChars]byte
	copy(chars[:], text)
	n, err := base64.RawURLEncoding.Decode(id[:], chars[:])
	if err != nil || n != len(id) { // fewer: line breaks, which the decoder skips
		return ID{}, false
	}
	return id, true
}

// AppendText appends the 20 characters of the ID. It never fails.
func (id ID) AppendText(dst []byte) ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(dst, id[:]), nil
}

// String returns the 20 characters of the ID.
func (id ID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }
