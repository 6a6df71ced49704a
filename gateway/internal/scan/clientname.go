package scan

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// maxNames is how many names of one address are looked at: anybody may give his
// address thousands.
const maxNames = 10

// Resolver is what ClientName needs of a *net.Resolver.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) ([]string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// ClientName returns a name that ip has and that has ip (forward-confirmed reverse
// DNS), without the root's dot. It is empty where there is none, or none was found
// before ctx ended: the caller bounds the time.
func ClientName(ctx context.Context, r Resolver, ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	// With an error there may be names all the same: those that are well-formed.
	names, _ := r.LookupAddr(ctx, ip.String())
	for _, name := range names[:min(len(names), maxNames)] {
		name = strings.TrimSuffix(name, ".")
		if name == "" || len(name) > maxName || strings.ContainsFunc(name, notOfName) {
			continue
		}
		// The dot keeps the resolver from trying the search domains of this host.
		ips, _ := r.LookupNetIP(ctx, "ip", name+".")
		if slices.ContainsFunc(ips, func(other netip.Addr) bool { return other.Unmap().WithZone("") == ip }) {
			return name
		}
	}
	return ""
}

// notOfName reports whether no host's name has the character. An underscore is
// against the rules and in use.
func notOfName(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		return false
	}
	return true
}
