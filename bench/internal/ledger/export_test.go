package ledger

// CheckInPasses is Check with so many receipts in memory at once.
func CheckInPasses(dir string, atOnce int) (*Result, error) { return check(dir, atOnce) }

// Codec writes and reads records one after the other.
type Codec struct{ c codec }

// Append and Parse are those of the codec.
func (c *Codec) Append(dst []byte, r *Record) []byte          { return c.c.append(dst, r) }
func (c *Codec) Parse(p []byte, r *Record) (n int, err error) { return c.c.parse(p, r) }
