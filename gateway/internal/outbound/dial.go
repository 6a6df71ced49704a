package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	defaultTimeout = 30 * time.Second
	// maxAddresses bounds how many addresses of a server are tried.
	maxAddresses = 8
)

// Dialer connects to mail servers. The zero Dialer is ready for use.
type Dialer struct {
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// Control is called before each connection as that of [net.Dialer]; its error forbids it.
	Control func(network, address string, c syscall.RawConn) error
	// Timeout bounds each step: the name, the connection, the TLS handshake, and from then on
	// each read and write, until SetPatience says otherwise. 0 means 30 s.
	Timeout time.Duration
}

func (d Dialer) timeout() time.Duration {
	if d.Timeout <= 0 {
		return defaultTimeout
	}
	return d.Timeout
}

// Dial connects to a server, and makes the TLS handshake where the connection begins with it.
// Its error is a *Failure.
func (d Dialer) Dial(ctx context.Context, s Server) (*Conn, error) {
	raw, err := d.connect(ctx, s)
	if err != nil {
		return nil, Classify(err, s, nil)
	}
	if s.Security != TLS {
		return newConn(raw, d.timeout()), nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	secured := tls.Client(raw, d.TLSConfig(s))
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, Classify(err, s, nil)
	}
	return newConn(secured, d.timeout()), nil
}

// TLSConfig is how the TLS of a server is spoken, for who starts it with STARTTLS.
func (d Dialer) TLSConfig(s Server) *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// connect tries the addresses one after the other. Where all fail, the lowest one tells why:
// the order in which they are tried is the resolver's, which changes.
func (d Dialer) connect(ctx context.Context, s Server) (net.Conn, error) {
	addresses, err := d.lookup(ctx, s.Host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Control: d.Control}
	end := time.Now().Add(d.timeout())
	var (
		lowest netip.Addr
		why    error
	)
	for i, a := range addresses {
		// An address that does not answer leaves time for the others.
		share := max(time.Until(end), 0) / time.Duration(len(addresses)-i)
		within, cancel := context.WithTimeout(ctx, share)
		conn, err := dialer.DialContext(within, "tcp", netip.AddrPortFrom(a, uint16(s.Port)).String())
		cancel()
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if why == nil || a.Less(lowest) {
			lowest, why = a, err
		}
	}
	return nil, why
}

// lookup returns at least one address, or an error.
func (d Dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	resolver := d.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	within, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	found, err := resolver.LookupNetIP(within, "ip", host)
	if err != nil {
		if ctx.Err() != nil {
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}
		return nil, err
	}
	for i, a := range found {
		found[i] = a.Unmap()
	}
	if len(found) > maxAddresses {
		slices.SortFunc(found, netip.Addr.Compare)
		found = found[:maxAddresses]
	}
	if len(found) == 0 {
		return nil, &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return found, nil
}

// Address is host:port, as it is dialled.
func (s Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }
