package bench

import (
	"fmt"
	"strconv"
	"strings"

	"outrider/bench/internal/fleet"
)

// Mix is what share of the clients has which property, as flags write it:
// "4", or "websocket:8,polling:1,upgrade:1". It is a pflag.Value.
type Mix []Share

// Share is one part of a mix.
type Share struct {
	Name   string `json:"name"`
	Weight int    `json:"weight"`
}

// maxWeight bounds the sum of a mix's weights.
const maxWeight = 1_000_000

// ParseMix reads the text form.
func ParseMix(text string) (Mix, error) {
	var m Mix
	sum := 0
	for part := range strings.SplitSeq(text, ",") {
		name, weight, weighted := strings.Cut(strings.TrimSpace(part), ":")
		share := Share{Name: name, Weight: 1}
		if weighted {
			n, err := strconv.Atoi(weight)
			if err != nil || n < 0 || n > maxWeight {
				return nil, fmt.Errorf("%q: the weight must be a number up to %d", part, maxWeight)
			}
			share.Weight = n
		}
		if name == "" {
			return nil, fmt.Errorf("%q has a share without a name", text)
		}
		sum += share.Weight
		m = append(m, share)
	}
	if sum == 0 || sum > maxWeight {
		return nil, fmt.Errorf("%q: the weights must add up to something, and to no more than %d", text, maxWeight)
	}
	return m, nil
}

// String is the inverse of ParseMix.
func (m *Mix) String() string {
	parts := make([]string, len(*m))
	for i, share := range *m {
		if parts[i] = share.Name; len(*m) > 1 {
			parts[i] += ":" + strconv.Itoa(share.Weight)
		}
	}
	return strings.Join(parts, ",")
}

// Set implements pflag.Value.
func (m *Mix) Set(text string) (err error) {
	*m, err = ParseMix(text)
	return err
}

// Type implements pflag.Value.
func (m *Mix) Type() string { return "mix" }

// of returns the name for a number from all of uint64, so that the shares of
// evenly spread numbers are the mix.
func (m Mix) of(hash uint64) string {
	sum := 0
	for _, share := range m {
		sum += share.Weight
	}
	at := int(hash % uint64(sum))
	for _, share := range m {
		if at -= share.Weight; at < 0 {
			return share.Name
		}
	}
	return m[0].Name
}

// profiles says what each client is, by its number: the same in every process.
type profiles struct{ EIO, Transport, Kind Mix }

// check looks every name up.
func (p profiles) check() error {
	for _, share := range p.EIO {
		if share.Name != "3" && share.Name != "4" {
			return fmt.Errorf("eio: no revision %q: 3 or 4", share.Name)
		}
	}
	for _, share := range p.Transport {
		if _, err := fleet.ParseTransport(share.Name); err != nil {
			return fmt.Errorf("transport: %w", err)
		}
	}
	for _, share := range p.Kind {
		if _, err := fleet.ParseKind(share.Name); err != nil {
			return fmt.Errorf("kind: %w", err)
		}
	}
	return nil
}

// of returns the profile of a client. The three properties are independent of
// each other, and of the number's own regularities.
func (p profiles) of(number uint64) fleet.Profile {
	transport, _ := fleet.ParseTransport(p.Transport.of(scatter(3*number + 1)))
	kind, _ := fleet.ParseKind(p.Kind.of(scatter(3*number + 2)))
	return fleet.Profile{Revision: p.EIO.of(scatter(3 * number))[0] - '0', Transport: transport, Kind: kind}
}

// scatter is SplitMix64's step: numbers that follow each other come out far
// apart.
func scatter(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
