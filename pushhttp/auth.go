package pushhttp

import (
	"crypto/sha256"
)

// Key is an API key as the gateway keeps it: by name and hash, without the
// secret.
type Key struct {
	Name string            // for logs and the Limiter; need not be unique
	Hash [sha256.Size]byte // SHA-256 of the secret
}

// NewKey returns the key for a secret. An empty secret gives a Key that New refuses.
func NewKey(name, secret string) Key {
	if secret == "" {
		return Key{Name: name}
	}
	return Key{Name: name, Hash: sha256.Sum256([]byte(secret))}
}

func (k Key) isZero() bool { return k.Hash == [sha256.Size]byte{} }
