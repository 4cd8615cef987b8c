package bench

import (
	"math"
	"testing"
	"time"
)

// TestReconnectDelay has what backo2 of socket.io-client 4.8.3 returns, in
// milliseconds, when Math.random is replaced by a constant.
func TestReconnectDelay(t *testing.T) {
	for _, test := range []struct {
		random float64
		want   [6]int64
	}{
		{0, [6]int64{1000, 2000, 4000, 5000, 5000, 5000}},
		{.05, [6]int64{975, 1950, 3900, 5000, 5000, 5000}},
		{.099, [6]int64{951, 1901, 3802, 5000, 5000, 5000}},
		{.1, [6]int64{1050, 2100, 4200, 5000, 5000, 5000}},
		{.25, [6]int64{875, 1750, 3500, 5000, 5000, 5000}},
		{.5, [6]int64{1250, 2500, 5000, 5000, 5000, 5000}},
		{.77, [6]int64{1385, 2770, 5000, 5000, 5000, 5000}},
		{.85, [6]int64{575, 1150, 2300, 4600, 5000, 5000}},
		{.999, [6]int64{1499, 2999, 5000, 5000, 5000, 5000}},
	} {
		for attempt, want := range test.want {
			if got := reconnectDelay(attempt, test.random).Milliseconds(); got != want {
				t.Errorf("random %v, attempt %d: %d ms, want %d", test.random, attempt, got, want)
			}
		}
		if got := reconnectDelay(math.MaxInt, test.random); got != 5*time.Second {
			t.Errorf("random %v, the last attempt: %v", test.random, got)
		}
	}
}

// TestChance: clients come back spread over the whole of socket.io's second,
// and otherwise at each attempt.
func TestChance(t *testing.T) {
	const n = 10_000
	var tenths [10]int
	same := 0
	for number := range uint64(n) {
		c := chance(number, 0)
		if c < 0 || c >= 1 {
			t.Fatalf("client %d: %v", number, c)
		}
		tenths[int(c*10)]++
		if int(c*10) == int(chance(number, 1)*10) {
			same++
		}
	}
	for i, count := range append(tenths[:], same) {
		if count < n/10*9/10 || count > n/10*11/10 {
			t.Errorf("tenth %d: %d of %d clients", i, count, n)
		}
	}
}
