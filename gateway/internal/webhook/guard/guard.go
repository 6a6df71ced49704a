// Package guard watches over the connections of the webhook client: [Guard]
// decides which addresses may be dialled, [Conns] knows what is open.
//
// Endpoints are chosen by tenants, so without a guard they could make the
// gateway talk to its own loopback, to its neighbours or to a cloud's metadata
// service. The invariant is that an address is checked as it is dialled, behind
// resolution: no text of a URL and no answer of a name server is trusted.
package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// Guard decides which addresses may be dialled. It is safe for concurrent use.
type Guard struct {
	allowed  []netip.Prefix
	guardian *ssrf.Guardian
}

// defaultPorts are dialled where New is given none. The slice is made anew on
// each call, so that nobody can change it for others.
func defaultPorts() []uint16 { return []uint16{443, 80, 8443} }

// New makes a Guard that lets through public addresses on the given ports, and
// the given networks on any port. No ports means 443, 80 and 8443.
func New(networks []netip.Prefix, ports []uint16) *Guard {
	if len(ports) == 0 {
		ports = defaultPorts()
	}
	return &Guard{
		allowed:  slices.Clone(networks),
		guardian: ssrf.New(ssrf.WithPorts(slices.Clone(ports)...)),
	}
}

// BlockedError is an address that a Guard refused, and why.
type BlockedError struct {
	Address string // as it was to be dialled
	Err     error
}

// Error gives the address and the reason.
func (e *BlockedError) Error() string { return fmt.Sprintf("%s: %v", e.Address, e.Err) }

// Unwrap returns the reason.
func (e *BlockedError) Unwrap() error { return e.Err }

// Control is a net.Dialer.Control that fails by a [BlockedError]. It runs after
// resolution, on the very address that is about to be dialled: names that
// resolve to different addresses each time, numbers in odd notations and digits
// of other scripts all arrive here as what they are. Checking the host in the
// URL would miss them.
func (g *Guard) Control(network, address string, conn syscall.RawConn) error {
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil {
		return &BlockedError{Address: address, Err: err}
	}
	// An operator who allows 127.0.0.0/8 means ::ffff:127.0.0.1 too. The
	// guardian gets the address as it is: it denies every mapped one.
	plain := addrPort.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(g.allowed, func(p netip.Prefix) bool { return p.Contains(plain) }) {
		return nil
	}
	if err := g.guardian.Safe(network, address, conn); err != nil {
		return &BlockedError{Address: address, Err: err}
	}
	return nil
}
