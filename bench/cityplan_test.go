package bench

import (
	"testing"

	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

func somePlan(first, targets uint64) cityPlan {
	return cityPlan{
		Profiles: profiles{Mix{{"4", 1}}, Mix{{"websocket", 1}}, cityKinds()},
		FirstUID: first, Targets: targets, Regions: 7,
	}
}

// TestCityPlan: a device's owner is a client of its own at the same target and
// in the same worker, and the pushes of an order are for users that there are.
func TestCityPlan(t *testing.T) {
	const targets, first, n = 3, 1000, 3000
	p := somePlan(first, targets)
	shares := []share{{first, n / 2}, {first + n/2, n / 2}}
	towns := p.towns(shares)
	users, spares := map[ledger.Address]bool{}, 0
	for _, part := range shares {
		for number := part.first; number < part.first+uint64(part.n); number++ {
			owner, kind := p.owner(number, part.first), p.Profiles.of(number).Kind
			switch {
			case owner > number, owner < part.first, p.target(owner) != p.target(number):
				t.Fatalf("%d is a device of %d", number, owner)
			case owner != number:
				spares++
				if p.owner(owner, part.first) != owner || !sameUser(kind, p.Profiles.of(owner).Kind) {
					t.Fatalf("%d is a device of %d", number, owner)
				}
			}
			for _, a := range ledger.AddressesOf(p.target(number), kind, owner, p.topic(kind, number, owner, 0)) {
				users[a] = true
			}
		}
	}
	if spares < n/10 || spares > n/3 {
		t.Errorf("%d of %d are further devices", spares, n)
	}
	classes := map[ledger.Class]int{}
	for k := range uint64(40_000) {
		number := p.firstPush() + k
		target := int(k % targets)
		a, ok := p.errand(&towns[target], target, number)
		if !ok || !users[a] {
			t.Fatalf("push %d is for %v, whom nobody is", number, a)
		}
		if unicastInCity(number) != (a.Class != ledger.Group && (a.Class != ledger.Topic || a.Kind != fleet.Rider)) {
			t.Fatalf("push %d to %v: one or many?", number, a)
		}
		classes[a.Class]++
	}
	if classes[ledger.Group] != 20 || classes[ledger.POSTopic] < 4000 || classes[ledger.User] < 20_000 {
		t.Errorf("pushes by class: %v", classes)
	}
}

// TestCitiesApart: the pushes, and the regions, of harnesses whose users are
// others are others, too.
func TestCitiesApart(t *testing.T) {
	a, b := somePlan(1, 1), somePlan(15_001, 1)
	if !a.ours(a.firstPush()) || !a.ours(a.firstPush()+cityNumbers-1) || a.ours(b.firstPush()) || a.ours(1) || a.ours(a.firstPush()+cityNumbers) {
		t.Error("a city takes another's pushes for its own")
	}
	for hash := range uint64(100) {
		if a.region(hash) >= 1+7 || b.region(hash) < 15_001 {
			t.Fatalf("regions %d and %d", a.region(hash), b.region(hash))
		}
	}
	last := somePlan(1<<64-1, 1)
	if s, ok := parseStamp(stamp{number: last.firstPush() + cityNumbers - 1}.append(nil)); !ok || !last.ours(s.number) {
		t.Errorf("the last number is read as %+v", s)
	}
}

// TestCountIn: an answer without the number has none.
func TestCountIn(t *testing.T) {
	for text, want := range map[string]int{
		`{"matched":12,"written":3}`: 12, `{"matched":}`: -1, `{}`: -1, ``: -1, `{"matched":99999999999}`: -1, `{"matched":0`: 0,
	} {
		if got := countIn([]byte(text), `"matched":`); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
