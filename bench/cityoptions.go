package bench

import (
	"time"

	"github.com/spf13/pflag"
)

// CityOptions are what city can be told.
type CityOptions struct {
	// For is how long the day is.
	For time.Duration `json:"for"`
	// Orders is how many there are a second, of orderPushes pushes each.
	Orders float64 `json:"orders"`
	// Regions is how many the riders are spread over.
	Regions int `json:"regions"`
	// Every is how often each client moves, logs in or out, or drops its
	// connection.
	Every time.Duration `json:"every"`
	// Ledger is a directory to keep ledgers in; without one they are kept in a
	// temporary one, and only if something is wrong.
	Ledger string `json:"ledger,omitempty"`
	// LedgerBytes is how much each process may write to the ledger.
	LedgerBytes int64 `json:"ledger_bytes"`
}

func defaultCity() CityOptions {
	return CityOptions{For: 2 * time.Minute, Orders: 100, Regions: 40, Every: 30 * time.Second, LedgerBytes: 1 << 30}
}

func (o *CityOptions) flags(f *pflag.FlagSet) {
	f.DurationVar(&o.For, "city-for", o.For, "city: how long the day is")
	f.Float64Var(&o.Orders, "city-orders", o.Orders, "city: orders a second, of 8 pushes each")
	f.IntVar(&o.Regions, "city-regions", o.Regions, "city: regions that the riders are in")
	f.DurationVar(&o.Every, "city-every", o.Every, "city: how often each client moves, logs in or out, or drops its connection")
	f.StringVar(&o.Ledger, "ledger", o.Ledger, "city: `directory` to keep the ledger in; without it a ledger is kept if something is wrong")
	f.Int64Var(&o.LedgerBytes, "ledger-bytes", o.LedgerBytes, "city: bytes that each process may write to the ledger")
}

// Bounds of a ledger: room for something, and less than a disk.
const (
	leastLedger = 64 << 10
	mostLedger  = 1 << 40
)

func (o *CityOptions) validate() error {
	switch {
	case o.For <= 0 || o.For > maxTime:
		return misuse("city-for: must be more than 0 and at most %v, is %v", maxTime, o.For)
	case o.Every < time.Second || o.Every > maxTime:
		return misuse("city-every: must be from a second to %v, is %v", maxTime, o.Every)
	case !(o.Orders > 0 && o.Orders <= 1e5): // not a number is neither
		return misuse("city-orders: must be more than 0 and at most 100000, is %v", o.Orders)
	case o.Orders*orderPushes*o.For.Seconds() > maxPushes:
		return misuse("city-orders for city-for is more than %d pushes", maxPushes)
	case o.Regions < 1 || o.Regions > maxClients:
		return misuse("city-regions: must be from 1 to %d, is %d", maxClients, o.Regions)
	case o.LedgerBytes < leastLedger || o.LedgerBytes > mostLedger:
		return misuse("ledger-bytes: must be from %d to %d, is %d", leastLedger, mostLedger, o.LedgerBytes)
	}
	return nil
}
