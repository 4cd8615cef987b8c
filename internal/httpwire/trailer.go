package httpwire

import "math"

// trailerRefused names the fields that would change the message's framing, routing, rights or meaning if a reader merged trailers
// into the head (RFC 9110 §6.5.1). The others are checked for form and dropped.
var trailerRefused = [...]string{
	"authorization", "connection", "content-encoding", "content-length", "content-range", "content-type", "cookie", "expect", "host",
	"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
}

// stepTrailer takes a byte behind the last chunk.
func (b *Body) stepTrailer(c byte) *Error {
	switch b.phase {
	case phaseTrailer:
		if c == '\r' {
			b.phase = phaseEndLF
			return nil
		}
		b.phase, b.name, b.matches = phaseTrailerName, 0, 1<<len(trailerRefused)-1
		return b.stepTrailerName(c)
	case phaseTrailerName:
		return b.stepTrailerName(c)
	case phaseTrailerValue:
		switch {
		case c == '\r':
			b.phase = phaseTrailerLF
		case isControl(c):
			return errTrailer
		default:
			return b.count()
		}
	case phaseTrailerLF, phaseEndLF:
		if c != '\n' {
			return errBareCR
		}
		if b.phase == phaseEndLF {
			b.phase = phaseDone
		} else {
			b.phase = phaseTrailer
		}
	}
	return nil
}

// stepTrailerName takes a byte of a trailer's name or its colon. A name may be split anywhere and nothing of it is kept but which
// refused names it can still become.
func (b *Body) stepTrailerName(c byte) *Error {
	switch {
	case c == ':' && b.name > 0:
		for i, name := range trailerRefused {
			if b.matches>>i&1 != 0 && len(name) == int(b.name) {
				return errTrailerName
			}
		}
		b.phase = phaseTrailerValue
	case class[c]&tokenByte == 0:
		return errTrailer
	default:
		for i, name := range trailerRefused {
			if int(b.name) >= len(name) || name[b.name] != lower(c) {
				b.matches &^= 1 << i
			}
		}
		if b.name < math.MaxUint8 {
			b.name++
		}
	}
	return b.count()
}
