package loop

// The numbers that the tests go one below and one above of.
const (
	ReadSize   = readSize
	MaxRest    = maxRest
	MaxIOV     = maxIOV
	MaxWait    = maxWait
	StallAfter = stallAfter
)

// FD returns the connection's descriptor.
func (c *Conn) FD() int { return int(c.fd) }

// Token returns the connection's token.
func (c *Conn) Token() uint64 { return c.token }

// RestCap returns the size of the array that the rest is kept in. The loop
// must be asleep.
func (c *Conn) RestCap() int {
	if c.rest == nil {
		return 0
	}
	return cap(*c.rest)
}
