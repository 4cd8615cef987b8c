package bench

// Usage is what a process of this machine has used up to a moment.
type Usage = usage

// UsageOf looks at a process from outside, as the harness does at the servers
// under test.
func UsageOf(pid int) (Usage, error) { return process{pid}.usage() }
