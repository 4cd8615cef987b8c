//go:build race

package pushhttp_test

// raceEnabled is whether the race detector runs, under which sync.Pool drops things.
const raceEnabled = true
