package httpwire

const (
	maxSizeDigits = 15      // of a chunk size: 60 bits never overflow
	maxExtra      = 4 << 10 // bytes of extensions and trailers in a whole body: they serve nobody here
)

// phase is what the next byte of a body is.
type phase uint8

const (
	phaseDone phase = iota
	phaseLength
	phaseSize
	phaseExtension
	phaseSizeLF
	phaseChunk
	phaseChunkCR
	phaseChunkLF
	phaseTrailer // a trailer line's first byte, or the CR of the blank line
	phaseTrailerName
	phaseTrailerValue
	phaseTrailerLF
	phaseEndLF
	phaseRefused
)

// Body decodes a request's body, by length or in chunks (RFC 9112 §6 and §7.1), as its bytes come in. It is a small value without
// pointers that holds no bytes: what it has consumed need not be kept. The zero Body is an empty one.
type Body struct {
	left    int64  // bytes until the end of the body or of the chunk; the size while it is read
	extra   uint16 // bytes of extensions and trailers so far
	matches uint16 // bit i: the trailer name so far is a prefix of trailerRefused[i]
	phase   phase
	digits  uint8 // of the chunk size
	name    uint8 // bytes of the trailer name, saturating at 255
}

// NewBody returns the decoder for the body behind a parsed head. It keeps nothing of h.
func NewBody(h *Head) Body {
	switch {
	case h.Chunked:
		return Body{phase: phaseSize}
	case h.ContentLength > 0:
		return Body{phase: phaseLength, left: h.ContentLength}
	}
	return Body{}
}

// Next consumes n bytes of src and returns the first run of body bytes among them; data aliases src and may be empty. Call it with
// src[n:] until done, or until src is empty and more has to be read: every byte that is not behind the end is consumed, and each
// call consumes at least one if there is one. Bytes behind the end are the next request's. A body without bytes is done at the first
// call, also with an empty src. An error is an *Error and final.
func (b *Body) Next(src []byte) (data []byte, n int, done bool, err error) {
	for n < len(src) && b.phase != phaseDone {
		if b.phase == phaseLength || b.phase == phaseChunk {
			end := n + int(min(b.left, int64(len(src)-n)))
			b.took(int64(end - n))
			return src[n:end:end], end, b.phase == phaseDone, nil
		}
		if err := b.step(src[n]); err != nil {
			b.phase = phaseRefused
			return nil, n, false, err
		}
		n++
	}
	return nil, n, b.phase == phaseDone, nil
}

// took counts bytes of data.
func (b *Body) took(n int64) {
	b.left -= n
	switch {
	case b.left > 0:
	case b.phase == phaseLength:
		b.phase = phaseDone
	default:
		b.phase = phaseChunkCR
	}
}

// step takes one byte of a chunked body's framing.
func (b *Body) step(c byte) *Error {
	switch b.phase {
	case phaseSize:
		return b.stepSize(c)
	case phaseExtension:
		switch {
		case c == '\r':
			b.phase = phaseSizeLF
		case isControl(c):
			return errChunkExt
		default:
			return b.count()
		}
	case phaseSizeLF:
		switch {
		case c != '\n':
			return errBareCR
		case b.left == 0:
			b.phase = phaseTrailer
		default:
			b.phase = phaseChunk
		}
	case phaseChunkCR:
		if c != '\r' {
			return errChunkEnd
		}
		b.phase = phaseChunkLF
	case phaseChunkLF:
		if c != '\n' {
			return errChunkEnd
		}
		b.phase, b.digits = phaseSize, 0
	case phaseRefused:
		return errBodyRefused
	default:
		return b.stepTrailer(c)
	}
	return nil
}

// stepSize takes a byte of a chunk's size. No white space is allowed between the size and what follows: readers differ about it.
func (b *Body) stepSize(c byte) *Error {
	digit, ok := unhex(c)
	switch {
	case ok && b.digits < maxSizeDigits:
		b.left = b.left<<4 | int64(digit)
		b.digits++
	case b.digits == 0:
		return errChunkSize
	case c == ';':
		b.phase = phaseExtension
	case c == '\r':
		b.phase = phaseSizeLF
	default:
		return errChunkSize
	}
	return nil
}

// count counts a byte that carries nothing for us.
func (b *Body) count() *Error {
	if b.extra == maxExtra {
		return errChunkExtra
	}
	b.extra++
	return nil
}
