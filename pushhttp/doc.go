// Package pushhttp is the push API: the five endpoints to which a back end
// posts what its users should see.
package pushhttp
