package webhook

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// guard decides which addresses may be dialled. Endpoints are chosen by
// tenants, so without it they could make the gateway talk to its own loopback,
// to its neighbours or to a cloud's metadata service.
type guard struct {
	allowed  []netip.Prefix
	guardian *ssrf.Guardian
}

// defaultPorts are dialled where Config.AllowPorts is empty. The slice is made
// anew on each call, so that nobody can change it for others.
func defaultPorts() []uint16 { return []uint16{443, 80, 8443} }

func newGuard(networks []netip.Prefix, ports []uint16) *guard {
	if len(ports) == 0 {
		ports = defaultPorts()
	}
	return &guard{
		allowed:  slices.Clone(networks),
		guardian: ssrf.New(ssrf.WithPorts(slices.Clone(ports)...)),
	}
}

// blockedError is an address that the guard refused.
type blockedError struct {
	address string
	err     error
}

func (e *blockedError) Error() string { return fmt.Sprintf("%s: %v", e.address, e.err) }
func (e *blockedError) Unwrap() error { return e.err }

// control is the net.Dialer.Control of the client. It runs after resolution, on
// the very address that is about to be dialled: names that resolve to different
// addresses each time, numbers in odd notations and digits of other scripts all
// arrive here as what they are. Checking the host in the URL would miss them.
func (g *guard) control(network, address string, conn syscall.RawConn) error {
	addrPort, err := netip.ParseAddrPort(address)
	if err != nil {
		return &blockedError{address: address, err: err}
	}
	// An operator who allows 127.0.0.0/8 means ::ffff:127.0.0.1 too. The
	// guardian gets the address as it is: it denies every mapped one.
	plain := addrPort.Addr().Unmap().WithZone("")
	if slices.ContainsFunc(g.allowed, func(p netip.Prefix) bool { return p.Contains(plain) }) {
		return nil
	}
	if err := g.guardian.Safe(network, address, conn); err != nil {
		return &blockedError{address: address, err: err}
	}
	return nil
}
