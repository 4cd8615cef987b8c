package gateway

import "strings"

// kind is an audience. It is a small int because every member carries one.
type kind uint8

const (
	customer kind = iota
	rider
	merchant
	h5
	platform
	show // operators' live view: joined and greeted, in no index
	kinds
)

var kindNames = [kinds]string{"customer", "rider", "merchant", "h5", "platform", "show"}

func (k kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "unknown kind"
}

// namespaces are the two names under which clients join k: the web pages use
// the first, the iOS app the second.
func (k kind) namespaces() [2]string {
	return [2]string{"/socket/" + k.String(), "/" + k.String()}
}

// parseKind finds an audience that can be pushed to; show is not one.
func parseKind(name string) (kind, bool) {
	for k := range show {
		if kindNames[k] == name {
			return k, true
		}
	}
	return 0, false
}

// group is what client_push addresses: a kind, or for merchants one sort of
// client. A member is in one group at most.
type group uint8

const (
	noGroup group = iota
	customers
	riders
	merchantApps
	merchantPoses
	merchantPads
	h5s
	platforms
	groups
)

// groupNames are what the push API calls the groups.
var groupNames = [groups]string{
	"", "customer", "rider", "merchant_app", "merchant_pos", "merchant_pad", "h5", "platform",
}

func (g group) String() string { return groupNames[g] }

func parseGroup(name string) (group, bool) {
	for g := noGroup + 1; g < groups; g++ {
		if groupNames[g] == name {
			return g, true
		}
	}
	return noGroup, false
}

// groupOf is the group of every member of a kind. A merchant's depends on its
// client, see merchantGroup.
func groupOf(k kind) group {
	switch k {
	case customer:
		return customers
	case rider:
		return riders
	case h5:
		return h5s
	case platform:
		return platforms
	}
	return noGroup
}

// merchantGroup is the group of a merchant's client; none is no group.
func merchantGroup(client string) (group, bool) {
	switch client {
	case "":
		return noGroup, true
	case "app":
		return merchantApps, true
	case "pos":
		return merchantPoses, true
	case "pad":
		return merchantPads, true
	}
	return noGroup, false
}

// topicGroup is the group of kind k that SPEC.md §2 calls by this topic's name:
// openfood_customer, openfood_rider, openfood_merchant_<client>. The other
// kinds' groups are reached by client_push alone.
func topicGroup(k kind, topic string) group {
	name, ok := strings.CutPrefix(topic, "openfood_")
	if !ok {
		return noGroup
	}
	switch g, _ := parseGroup(name); {
	case k == customer && g == customers, k == rider && g == riders:
		return g
	case k == merchant && g >= merchantApps && g <= merchantPads:
		return g
	}
	return noGroup
}
