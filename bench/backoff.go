package bench

import (
	"math"
	"time"
)

// socket.io-client's defaults, in milliseconds where they are times.
const (
	reconnectionDelay    = 1000
	reconnectionDelayMax = 5000
	randomizationFactor  = .5
	reconnectionFactor   = 2
)

// reconnectTimeout is how long socket.io-client waits for one attempt.
const reconnectTimeout = 20 * time.Second

// reconnectDelay is how long socket.io-client waits before an attempt to
// reconnect, the first of which is number 0, by a random number from 0 to 1.
// The arithmetic is that of backo2, which the client contains: the digit behind
// the point says in which direction the delay deviates, and the maximum cuts
// off what lies above it, so that from the fifth attempt on there is no chance
// in it any more.
func reconnectDelay(attempt int, random float64) time.Duration {
	const constant = 16 // attempts beyond it, and some before, wait for the maximum
	ms := reconnectionDelay * math.Pow(reconnectionFactor, float64(min(attempt, constant)))
	deviation := math.Floor(random * randomizationFactor * ms)
	if int(random*10)&1 == 0 {
		deviation = -deviation
	}
	return time.Duration(min(ms+deviation, reconnectionDelayMax)) * time.Millisecond
}

// chance is a random number from 0 to 1 that a client has for an attempt: the
// same in every run.
func chance(number uint64, attempt int) float64 {
	const bits = 53 // of a float64's fraction
	return float64(scatter(scatter(number)^uint64(attempt))>>(64-bits)) / (1 << bits)
}
