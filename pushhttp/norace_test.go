//go:build !race

package pushhttp_test

const raceEnabled = false
