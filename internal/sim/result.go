package sim

import "time"

// Result is what a run has measured. After an early end the fields of what was
// not done are zero.
type Result struct {
	Sessions int // that became ready
	Failed   int // to become ready
	Lost     int // sessions that ended before they should
	Odd      int // writes of the server that made no sense to a client

	ClientSize int64 // what the simulated clients take, outside Go's heap

	Connect Period
	Empty   Memory // of the server before the first session
	// With all sessions, less Empty and the clients: as it was when the last one
	// was ready; when the garbage had been collected; and after the idle time.
	Connected, Alive, Rested Memory

	UIDPush     Pushes // one after the other, through the gateway
	PostedPush  Pushes // the same through the push API's handler
	CallersPush Pushes // several callers at once, through the gateway
	SystemPush  Pushes // to all

	Idle       Period
	Heartbeats int
	Parts      map[string]time.Duration // of Idle.CPU, by package

	Collections Period // that were asked for
	Close       Period
}
