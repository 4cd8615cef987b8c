package pushhttp

// Compact is compact, which works in place, for the tests.
func Compact(text []byte, maxDepth int) ([]byte, error) { return compact(text, maxDepth) }
