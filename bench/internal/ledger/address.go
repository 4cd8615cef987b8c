package ledger

import (
	"fmt"

	"outrider/bench/internal/fleet"
)

// Class is what an address names.
type Class uint8

// The classes.
const (
	User     Class = iota
	Topic          // by a number, see fleet.Kind.AppendTopic
	POSTopic       // the second topic of a pos
	Group          // all clients that client_push calls by a name
	classes
)

// Address is whom a push is for, at one of the servers.
type Address struct {
	Class  Class
	Kind   fleet.Kind // one for each audience, or for a group
	Server uint8
	N      uint64 // user or topic; 0 of a group
}

// MaxServers bounds Address.Server.
const MaxServers = 256

// audience is the one kind that stands for all of its audience.
func audience(k fleet.Kind) fleet.Kind {
	switch k {
	case fleet.MerchantPOS, fleet.MerchantPad:
		return fleet.MerchantApp
	case fleet.Table:
		return fleet.Person
	}
	return k
}

// UserOf is a user of the audience of a kind.
func UserOf(server int, k fleet.Kind, user uint64) Address {
	return Address{User, audience(k), uint8(server), user}
}

// TopicOf is the topic with a number; a table's is that of its user.
func TopicOf(server int, k fleet.Kind, topic uint64) Address {
	if k != fleet.Table {
		k = audience(k)
	}
	return Address{Topic, k, uint8(server), topic}
}

// POSTopicOf is the second topic of the pos in a topic.
func POSTopicOf(server int, topic uint64) Address {
	return Address{POSTopic, fleet.MerchantApp, uint8(server), topic}
}

// GroupOf is all clients of a kind.
func GroupOf(server int, k fleet.Kind) Address {
	if k == fleet.Table {
		k = fleet.Person
	}
	return Address{Group, k, uint8(server), 0}
}

// AddressesOf are those under which a set_connect puts a client (SPEC.md §2),
// its login first.
func AddressesOf(server int, k fleet.Kind, user, topic uint64) []Address {
	switch {
	case k == fleet.Show:
		return nil
	case k == fleet.Table:
		return []Address{TopicOf(server, k, user), GroupOf(server, k)}
	case !k.Topical():
		return []Address{UserOf(server, k, user), GroupOf(server, k)}
	}
	all := []Address{UserOf(server, k, user), TopicOf(server, k, topic), GroupOf(server, k)}
	if k == fleet.MerchantPOS {
		all = append(all, POSTopicOf(server, topic))
	}
	return all
}

// Exclusive reports whether a later login of the same user takes over.
func Exclusive(k fleet.Kind) bool { return k == fleet.Rider || k == fleet.Customer }

// String names the address as the push API does.
func (a Address) String() string {
	name := a.Kind.Audience()
	switch a.Class {
	case User:
		name = fmt.Sprintf("%s %d", name, a.N)
	case Topic:
		name = string(a.Kind.AppendTopic(nil, a.N))
	case POSTopic:
		name = string(fleet.AppendPOSTopic(nil, a.N))
	default:
		name = "all of " + a.Kind.Group()
	}
	if a.Server > 0 {
		name = fmt.Sprintf("%s at server %d", name, a.Server+1)
	}
	return name
}
