package bench

import (
	"outrider/bench/internal/fleet"
	"outrider/bench/internal/ledger"
)

// cityPlan says who is who in the city, and what is sent to whom: functions of
// the clients' and the pushes' numbers, the same in every process and run.
type cityPlan struct {
	Profiles profiles `json:"profiles"`
	FirstUID uint64   `json:"first_uid"`
	Targets  uint64   `json:"targets"`
	Regions  uint64   `json:"regions"`
}

// cityKinds is who lives in a city, if nobody says otherwise.
func cityKinds() Mix {
	return Mix{
		{"rider", 45},
		{"customer", 30},
		{"app", 6},
		{"pos", 6},
		{"pad", 3},
		{"h5", 3},
		{"table", 5},
		{"platform", 2},
	}
}

// cityNumbers is how many pushes a city may make. Its pushes are numbered from
// a multiple of that, which is different where the first uid is: a client
// knows a push of another harness by its number.
const cityNumbers = 1 << 32

func (p *cityPlan) firstPush() uint64 { return (1 + p.FirstUID%(1<<31-1)) * cityNumbers }

// ours reports whether a push is one of this city's.
func (p *cityPlan) ours(number uint64) bool {
	return number/cityNumbers == p.firstPush()/cityNumbers
}

func (p *cityPlan) target(number uint64) int { return int(number % p.Targets) }

// spare reports whether a client is a further device of somebody else's.
func (p *cityPlan) spare(number uint64) bool {
	one := uint64(8) // of so many
	if p.Profiles.of(number).Kind.Audience() == "merchant" {
		one = 2
	}
	return scatter(number^0x5ba7e)%one == 0
}

// maxApart bounds how far a device's number is from its owner's.
const maxApart = 256

// owner returns whose user a client is: its own, or that of a client before it
// at the same target, which is in the same worker, whose first is given.
func (p *cityPlan) owner(number, first uint64) uint64 {
	if !p.spare(number) {
		return number
	}
	kind := p.Profiles.of(number).Kind
	for apart := p.Targets; apart <= maxApart*p.Targets && apart <= number-first; apart += p.Targets {
		if other := number - apart; sameUser(kind, p.Profiles.of(other).Kind) && !p.spare(other) {
			return other
		}
	}
	return number
}

// sameUser reports whether clients of two kinds can be devices of one user.
func sameUser(a, b fleet.Kind) bool {
	return a == b || a.Audience() == "merchant" && b.Audience() == "merchant"
}

// device is the number of a client's device: a third of the spare ones have the
// token of the owner's, as a phone has that changed networks.
func (p *cityPlan) device(number, owner uint64) uint8 {
	if number == owner || scatter(number^0xdeb1ce)%3 == 0 {
		return 0
	}
	return uint8(1 + scatter(number)%255)
}

// topic is that of a client of user at a time: the region where a rider is, or
// a merchant's store. Topics are numbered from the first uid on, so that
// several harnesses have none in common.
func (p *cityPlan) topic(kind fleet.Kind, number, user, round uint64) uint64 {
	if kind != fleet.Rider {
		return uint64(uint32(user))
	}
	return p.region(scatter(number + round*0x10001))
}

func (p *cityPlan) region(hash uint64) uint64 { return uint64(uint32(p.FirstUID + hash%p.Regions)) }

// town is the users at one target.
type town struct {
	riders, customers, merchants, persons, platforms, tables []uint64

	stores []uint64 // topics with a pos
	kinds  []fleet.Kind
}

// towns lists the users of all clients, by target.
func (p *cityPlan) towns(shares []share) []town {
	all := make([]town, p.Targets)
	for _, part := range shares {
		for number := part.first; number < part.first+uint64(part.n); number++ {
			all[p.target(number)].add(p.Profiles.of(number).Kind, p.owner(number, part.first), number)
		}
	}
	return all
}

func (t *town) add(kind fleet.Kind, owner, number uint64) {
	known := false
	for _, k := range t.kinds {
		known = known || k == kind
	}
	if !known && kind != fleet.Show {
		t.kinds = append(t.kinds, kind)
	}
	if kind == fleet.MerchantPOS {
		t.stores = append(t.stores, uint64(uint32(owner)))
	}
	if list := t.list(kind); owner == number && list != nil {
		*list = append(*list, number)
	}
}

func (t *town) list(kind fleet.Kind) *[]uint64 {
	switch kind {
	case fleet.Rider:
		return &t.riders
	case fleet.Customer:
		return &t.customers
	case fleet.MerchantApp, fleet.MerchantPOS, fleet.MerchantPad:
		return &t.merchants
	case fleet.Person:
		return &t.persons
	case fleet.Platform:
		return &t.platforms
	case fleet.Table:
		return &t.tables
	}
	return nil
}

// An order is so many pushes, some of which give way to one to a region, or to
// all of a kind.
const (
	orderPushes   = 8
	regionEvery   = 400
	announceEvery = 2000
)

// unicastInCity reports whether a push is to one user or table.
func unicastInCity(number uint64) bool { return number%regionEvery != regionEvery-1 }

// errand says whom a push is for; ok is false if nobody lives at the target.
func (p *cityPlan) errand(t *town, target int, number uint64) (a ledger.Address, ok bool) {
	switch {
	case len(t.kinds) == 0:
		return a, false
	case number%announceEvery == announceEvery-1:
		return ledger.GroupOf(target, t.kinds[number/announceEvery%uint64(len(t.kinds))]), true
	case number%regionEvery == regionEvery-1 && len(t.riders) > 0:
		return ledger.TopicOf(target, fleet.Rider, p.region(scatter(number))), true
	}
	order := number / orderPushes
	// The merchant is told of an order, and its till; the customer that it was
	// accepted; the rider of the way; and so on.
	for step := range uint64(orderPushes) {
		who := [orderPushes]struct {
			users []uint64
			to    func(target int, n uint64) ledger.Address
		}{
			{t.merchants, userOf(fleet.MerchantApp)},
			{t.stores, ledger.POSTopicOf},
			{t.customers, userOf(fleet.Customer)},
			{t.riders, userOf(fleet.Rider)},
			{t.customers, userOf(fleet.Customer)},
			{t.tables, tableOf},
			{t.riders, userOf(fleet.Rider)},
			{t.platforms, userOf(fleet.Platform)},
		}[(number+step)%orderPushes]
		if len(who.users) == 0 {
			who.users, who.to = t.persons, userOf(fleet.Person)
		}
		if n := uint64(len(who.users)); n > 0 {
			return who.to(target, who.users[scatter(order)%n]), true
		}
	}
	return a, false
}

func userOf(kind fleet.Kind) func(target int, user uint64) ledger.Address {
	return func(target int, user uint64) ledger.Address { return ledger.UserOf(target, kind, user) }
}

func tableOf(target int, user uint64) ledger.Address {
	return ledger.TopicOf(target, fleet.Table, user)
}

// push appends the request of a push to an address.
func (a *pushAPI) push(dst []byte, to ledger.Address, s stamp) []byte {
	switch to.Class {
	case ledger.User:
		return a.device(dst, to.Kind, to.N, s)
	case ledger.Topic:
		return a.topic(dst, to.Kind, to.N, s)
	case ledger.POSTopic:
		return a.posTopic(dst, to.N, s)
	}
	return a.client(dst, to.Kind, s)
}
