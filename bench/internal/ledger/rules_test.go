package ledger_test

import (
	"strings"
	"testing"

	"outrider/bench/internal/ledger"
)

// known is a rider who is known when the rules' tests begin.
const known = `
	0 open 1
	0 claim 1 rider 7 3
	10 ack 1
`

// TestRules has the package's rules, by their numbers, from both sides.
func TestRules(t *testing.T) {
	for _, test := range []struct {
		rule   int
		name   string
		script string
		want   string
	}{
		{1, "had it", known + `20 push 1 30 200 1 1 user rider 7
			25 got 1 1`, ""},
		{1, "the claim is acknowledged too late to be sure", `0 open 1
			0 claim 1 rider 7 3
			20 push 1 30 200 0 0 user rider 7
			21 ack 1`, ""},
		{1, "... and the push may come all the same", `0 open 1
			0 claim 1 rider 7 3
			20 push 1 30 200 1 1 user rider 7
			21 ack 1
			29 got 1 1`, ""},
		{1, "the claim begins after the answer", `0 open 1
			20 push 1 30 200 0 0 user rider 7
			31 claim 1 rider 7 3
			32 ack 1
			33 got 1 1`, "phantom 1"},
		{1, "each address", `0 open 1
			0 claim 1 pos 7 3
			10 ack 1
			20 push 1 21 200 1 1 user app 7
			22 got 1 1
			30 push 2 31 200 1 1 topic app 3
			32 got 1 2
			40 push 3 41 200 1 1 pos pos 3
			42 got 1 3
			50 push 4 51 200 1 1 group pos
			52 got 1 4
			60 push 5 61 200 0 0 group app`, ""},
		{2, "another topic", known + `100 claim 1 rider 7 4
			110 ack 1
			120 push 1 130 200 0 0 topic rider 3
			140 push 2 150 200 1 1 topic rider 4
			155 got 1 2`, ""},
		{2, "the topic that was left", known + `100 claim 1 rider 7 4
			110 ack 1
			120 push 1 130 200 0 0 topic rider 3
			135 got 1 1`, "phantom 1"},
		{2, "while it moves, either", known + `100 claim 1 rider 7 4
			101 push 1 102 200 0 0 topic rider 3
			103 push 2 104 200 1 1 topic rider 3
			105 got 1 2
			106 push 3 107 200 0 0 topic rider 4
			110 ack 1`, ""},
		{2, "the user stays without a gap", known + `100 claim 1 rider 7 4
			101 push 1 105 200 1 1 user rider 7
			110 ack 1`, "lost 1"},
		{2, "another user", known + `100 claim 1 rider 8 3
			110 ack 1
			120 push 1 130 200 0 0 user rider 7
			121 push 2 131 200 1 1 topic rider 3
			132 got 1 2`, ""},
		{2, "logged out", known + `100 logout 1
			105 push 1 106 200 1 1 user rider 7
			107 got 1 1
			110 out 1
			120 push 2 130 200 0 0 user rider 7
			140 claim 1 rider 7 3
			150 ack 1
			160 push 3 161 200 1 1 user rider 7
			162 got 1 3`, ""},
		{2, "logged out, and still there", known + `100 logout 1
			110 out 1
			120 push 1 130 200 1 1 user rider 7
			131 got 1 1`, "phantom 1, wrong answer 1"},
		{2, "a logout that is not acknowledged", known + `100 logout 1
			120 push 1 130 200 1 1 user rider 7
			131 got 1 1`, ""},
		{3, "taken over", known + `100 open 2
			100 claim 2 rider 7 3 1
			110 ack 2
			111 told 1
			120 push 1 130 200 1 1 user rider 7
			131 got 2 1
			140 push 2 150 200 1 1 group rider
			151 got 2 2`, ""},
		{3, "taken over, and still there", known + `100 open 2
			100 claim 2 rider 7 3 1
			110 ack 2
			111 told 1
			120 push 1 130 200 1 1 user rider 7
			131 got 1 1
			132 got 2 1`, "phantom 1"},
		{3, "taken over and taken back", known + `100 open 2
			100 claim 2 rider 7 3 1
			110 ack 2
			111 told 1
			200 claim 1 rider 7 3
			210 ack 1
			211 told 2
			220 push 1 230 200 1 1 user rider 7`, "lost 1"},
		{3, "two at once", known + `100 open 2
			100 claim 2 rider 7 3 1
			101 claim 1 rider 7 4
			109 ack 1
			110 ack 2
			120 push 1 121 200 1 1 user rider 7
			122 got 1 1
			130 push 2 131 200 1 1 user rider 7
			132 got 2 2
			133 push 3 134 200 1 1 user rider 7`, ""},
		{3, "merchants keep all", `0 open 1
			0 claim 1 app 7 3
			10 ack 1
			20 open 2
			20 claim 2 pos 7 3
			30 ack 2
			40 push 1 50 200 2 2 user app 7
			51 got 1 1`, "lost 1"},
		{4, "lost before the acknowledgement", known + `100 open 2
			100 claim 2 rider 7 3 1
			101 leave 2
			102 close 2
			120 push 1 130 200 0 0 user rider 7
			5000 claim 1 rider 7 3
			5010 ack 1
			5020 push 2 5030 200 0 0 user rider 7
			6000 claim 1 rider 7 3
			6010 ack 1
			6020 push 3 6030 200 1 1 user rider 7`, "lost 1"},
		{4, "refused", known + `100 claim 1 rider 8 3
			110 refused 1
			120 push 1 130 200 0 0 user rider 8
			140 push 2 150 200 1 1 user rider 7
			151 got 1 2
			160 claim 1 rider 8 3
			170 ack 1
			180 push 3 190 200 1 1 user rider 8`, "lost 1"},
		{5, "closed soon after", known + `100 push 1 110 200 1 1 user rider 7
			2109 leave 1
			2109 close 1`, ""},
		{5, "closed later", known + `100 push 1 110 200 1 1 user rider 7
			2110 leave 1
			2110 close 1`, "lost 1"},
		{5, "counted until the close is noticed", known + `100 leave 1
			100 close 1
			5100 push 1 5101 200 1 1 user rider 7
			5101 push 2 5102 200 1 1 user rider 7`, "wrong answer 1"},
		{5, "... and longer if it polls", known + `100 leave 1
			100 polled 1
			30100 push 1 30101 200 1 1 user rider 7
			30101 push 2 30102 200 1 1 user rider 7`, "wrong answer 1"},
		{5, "it reads no more", known + `100 leave 1
			120 push 1 130 200 1 1 user rider 7
			30000 close 1`, ""},
		{5, "the end of the ledger", known + `97999 push 1 98001 200 1 1 user rider 7`, ""},
		{5, "just before it", known + `97999 push 1 98000 200 1 1 user rider 7`, "lost 1"},
		{6, "lost", known + `20 push 1 30 200 1 1 user rider 7`, "lost 1"},
		{6, "not answered", known + `20 push 1 0 0 -1 -1 user rider 7`, ""},
		{6, "got by the connection before only", known + `100 leave 1
			101 close 1
			110 open 1
			110 claim 1 rider 7 3
			115 ack 1
			120 push 1 130 200 1 1 user rider 7
			131 got 1 1
			2500 leave 1
			2501 close 1
			2510 open 1
			2510 claim 1 rider 7 3
			2515 ack 1
			2520 push 2 2530 200 1 1 user rider 7`, "lost 1"},
		{7, "twice", known + `20 push 1 30 200 1 1 user rider 7
			25 got 1 1
			26 got 1 1`, "duplicate 1"},
		{7, "on two connections once each", known + `20 push 1 120 200 2 2 user rider 7
			25 got 1 1
			30 leave 1
			31 close 1
			40 open 1
			40 claim 1 rider 7 3
			50 ack 1
			60 got 1 1`, ""},
		{8, "in the other order", known + `20 push 1 30 200 1 1 user rider 7
			30 push 2 40 200 1 1 user rider 7
			31 push 3 41 200 1 1 user rider 7
			45 got 1 2
			46 got 1 3
			47 got 1 1`, "reordered 1"},
		{8, "under way together", known + `20 push 1 30 200 1 1 user rider 7
			29 push 2 40 200 1 1 user rider 7
			45 got 1 2
			46 got 1 1`, ""},
		{8, "not answered", known + `20 push 1 0 0 -1 -1 user rider 7
			31 push 2 40 200 1 1 user rider 7
			45 got 1 2
			46 got 1 1`, ""},
		{9, "somebody else's", known + `20 push 1 30 200 0 0 user rider 8
			35 got 1 1`, "phantom 1"},
		{9, "another audience's", known + `20 push 1 30 200 0 0 user customer 7
			35 got 1 1`, "phantom 1"},
		{9, "never sent", known + `35 got 1 9`, "phantom 1"},
		{9, "refused", known + `20 push 1 30 503 -1 -1 user rider 7
			35 got 1 1`, "phantom 1"},
		{10, "too few", known + `20 push 1 30 200 0 0 user rider 7
			35 got 1 1`, "wrong answer 1"},
		{10, "too many", known + `20 push 1 30 200 2 2 user rider 7
			35 got 1 1`, "wrong answer 1"},
		{10, "not written", known + `20 push 1 30 200 1 0 user rider 7
			35 got 1 1`, "wrong answer 1"},
		{10, "more written than matched", known + `20 push 1 30 200 1 2 user rider 7
			35 got 1 1`, "wrong answer 1"},
		{10, "it does not say", known + `20 push 1 30 200 -1 -1 user rider 7
			35 got 1 1`, ""},
		{11, "not told", known + `100 open 2
			100 claim 2 rider 7 3 1
			110 ack 2`, "wrong logout 1"},
		{11, "told too late", known + `100 open 2
			100 claim 2 rider 7 3 1
			110 ack 2
			2111 told 1`, "wrong logout 1"},
		{11, "told though it is the same device", known + `100 open 2
			100 claim 2 rider 7 3
			110 ack 2
			111 told 1`, "wrong logout 1"},
		{11, "told for nothing", known + `100 told 1`, "wrong logout 1"},
		{11, "gone before it could be told", known + `100 open 2
			100 claim 2 rider 7 3 1
			110 ack 2
			111 leave 1
			111 close 1`, ""},
		{11, "it has logged out itself", known + `50 logout 1
			60 out 1
			100 open 2
			100 claim 2 rider 7 3 1
			110 ack 2`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := ledger.Check(write(t, test.script, 0))
			if err != nil {
				t.Fatal(err)
			}
			if got := faults(r); got != test.want {
				var text strings.Builder
				_ = r.WriteText(&text)
				t.Errorf("rule %d: %q, want %q\n%s", test.rule, got, test.want, &text)
			}
		})
	}
}

// TestForeign: with other harnesses at the server nobody knows all members of a
// group, but still all of a topic of one's own (rule 10).
func TestForeign(t *testing.T) {
	script := known + `20 push 1 30 200 3 3 group rider
		35 got 1 1
		40 push 2 50 200 3 3 topic rider 3
		55 got 1 2`
	for foreign, want := range map[uint64]string{0: "wrong answer 2", 4: "wrong answer 1"} {
		if r, err := ledger.Check(write(t, script, foreign)); err != nil || faults(r) != want {
			t.Errorf("%d receipts of others: %v, %v, want %s", foreign, r, err, want)
		}
	}
}
