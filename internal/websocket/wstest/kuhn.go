package wstest

import "strings"

// group is a set of texts of Markus Kuhn's UTF-8 decoder stress test, as Autobahn numbers them (6.5 to 6.23). Kuhn's §5.3, the
// noncharacters, is valid: RFC 3629 does not forbid them.
type group struct {
	name    string
	vectors []string
	good    string // a T or an F for each vector; a single letter for all
}

func (g group) valid(i int) bool {
	if len(g.good) == 1 {
		i = 0
	}
	return g.good[i] == 'T'
}

func vectors() []group {
	incomplete := []string{
		"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
		"\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf",
	}
	return []group{
		{"valid text", []string{"hello$world", "hello\xc2\xa2world", "hello\xe2\x82\xacworld", "hello\xf0\xa4\xad\xa2world", greek}, "T"},
		{"beginnings of a valid text", beginnings(greek), "FTFFTFTFTFT"},
		{"first sequence of a length", []string{"\x00", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}, "T"},
		{"first sequence of five and six bytes", []string{"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"}, "F"},
		{"last sequence of a length", []string{"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}, "T"},
		{"last sequence of four, five and six bytes", []string{"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"}, "F"},
		{"other boundaries", []string{"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80"}, "TTTTF"},
		{"unexpected continuation bytes", []string{
			"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf",
			span(0x80, 0xbf, ""),
		}, "F"},
		{"lonely start bytes", []string{
			span(0xc0, 0xdf, " "), span(0xe0, 0xef, " "), span(0xf0, 0xf7, " "), span(0xf8, 0xfb, " "), span(0xfc, 0xfd, " "),
		}, "F"},
		{"last continuation byte missing", incomplete, "F"},
		{"incomplete sequences in a row", []string{strings.Join(incomplete, "")}, "F"},
		{"impossible bytes", []string{"\xfe", "\xff", "\xfe\xfe\xff\xff"}, "F"},
		{"overlong slash", []string{"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"}, "F"},
		{"longest overlong", []string{"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"}, "F"},
		{"overlong NUL", []string{"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"}, "F"},
		{"single surrogate", []string{
			"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf",
		}, "F"},
		{"paired surrogates", []string{
			"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80", "\xed\xad\xbf\xed\xbf\xbf",
			"\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf", "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf",
		}, "F"},
		{"noncharacter", noncharacters(), "T"},
		{"specials", []string{"\ufff9", "\ufffa", "\ufffb", "\ufffc", "\ufffd", "\ufffe", "\uffff"}, "T"},
	}
}

func beginnings(s string) []string {
	var out []string
	for n := range len(s) {
		out = append(out, s[:n+1])
	}
	return out
}

// span returns the bytes from first to last, each with sep behind it.
func span(first, last byte, sep string) string {
	var b strings.Builder
	for c := first; ; c++ {
		b.WriteByte(c)
		b.WriteString(sep)
		if c == last {
			return b.String()
		}
	}
}

// noncharacters returns the last two code points of each of the 17 planes.
func noncharacters() []string {
	var out []string
	for plane := range rune(17) {
		out = append(out, string(plane<<16|0xfffe), string(plane<<16|0xffff))
	}
	return out
}
