package gateway

// FanOutShare is the number of members for each of whom a fan-out takes
// another goroutine.
const FanOutShare = fanOutShare
