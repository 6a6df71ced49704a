package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// port reads a TCP port.
func port(v syntax.Value) (uint16, syntax.Problems) {
	n, ps := schema.Integer(1, 65535)(v)
	return uint16(n), ps // within the bounds
}

const (
	maxAttempts = 50
	maxDelay    = 7 * schema.Day
)

// schedule reads the delays before the attempts of a delivery. Only the first
// may be none: an endpoint that fails is given time.
func schedule(v syntax.Value) ([]time.Duration, syntax.Problems) {
	delays, ps := schema.ListOf(1, maxAttempts, schema.Duration(0, maxDelay))(v)
	if ps != nil {
		return nil, ps
	}
	entries := schema.Entries(v)
	for i, d := range delays[1:] {
		if d < time.Second {
			ps = append(ps, entries[i+1].Wrong("", "only the first delay may be under 1s")...)
		}
	}
	return delays, ps
}

// network reads a network in CIDR form.
func network(v syntax.Value) (netip.Prefix, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return netip.Prefix{}, ps
	}
	p, err := netip.ParsePrefix(s)
	if ip, ipErr := netip.ParseAddr(s); ipErr == nil && ip.Zone() == "" {
		return netip.Prefix{}, v.Wrong(fmt.Sprintf("write \"%s/%d\" for this one address", ip, ip.BitLen()), "%s has no prefix length", syntax.Quote(s))
	}
	switch {
	case err != nil:
		return netip.Prefix{}, v.Wrong(`write it as "10.0.0.0/8"`, "%s is not a network", syntax.Quote(s))
	case p.Addr().Is4In6():
		return netip.Prefix{}, v.Wrong("write the IPv4 network itself", "%s is an IPv4 network in IPv6 form", syntax.Quote(s))
	case p != p.Masked():
		return netip.Prefix{}, v.Wrong(fmt.Sprintf("did you mean %q?", p.Masked()), "%s has bits set after its prefix", syntax.Quote(s))
	}
	return p, nil
}

// domain reads a domain name and gives it in lower case and in ASCII, as it
// stands in DNS and in envelopes.
func domain(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return "", ps
	}
	name, err := toASCII(s)
	if err != nil {
		return "", v.Wrong("", "%s is not a domain name: %s", syntax.Quote(s), err)
	}
	return name, nil
}

// maxDomainText bounds what IDNA is given, in octets: its work grows with that.
const maxDomainText = 256

// toASCII is IDNA's profile for look-ups (RFC 5891 section 5), with the lengths
// of DNS on top.
func toASCII(s string) (string, error) {
	if len(s) > maxDomainText {
		return "", errors.New("it is too long")
	}
	if strings.HasSuffix(s, ".") {
		return "", errors.New("it ends in a dot")
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return "", errors.New("it is an IP address")
	}
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))
	name, err := profile.ToASCII(s)
	if err != nil {
		return "", fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "idna: "))
	}
	return name, nil
}

// isHost says whether a host can be one to connect to: an IP address, or a name. In
// names between containers an underscore may stand.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	_, err := toASCII(strings.ReplaceAll(s, "_", "-"))
	return err == nil
}

// webURL reads an absolute URL of http or https, and gives the port that it means.
// No message quotes the URL, which may hold a token or a password; noUser says
// what is to be done instead of the latter.
func webURL(v syntax.Value, noUser string) (*url.URL, uint16, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return nil, 0, ps
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, 0, v.Wrong(`write it like "https://host:port/path"`, "url is not a valid URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, 0, v.Wrong(`write "https://…"`, "url must be absolute and begin with https:// or http://")
	case u.User != nil:
		return nil, 0, v.Wrong(noUser, "url must not hold a user name or password")
	case strings.Contains(s, "#"):
		return nil, 0, v.Wrong("", "url must not hold a fragment (#…)")
	case u.Hostname() == "":
		return nil, 0, v.Wrong("", "url names no host")
	}
	p := u.Port()
	if p == "" {
		p = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 {
		return nil, 0, v.Wrong("", "url has a port that is not between 1 and 65535")
	}
	return u, uint16(n), nil
}

// origin reads a URL of a program whose paths are known already, so that it holds a
// host and nothing behind it. noUser is as that of webURL.
func origin(v syntax.Value, noUser, example string) (string, syntax.Problems) {
	u, _, ps := webURL(v, noUser)
	if ps != nil {
		return "", ps
	}
	switch {
	case u.RawQuery != "" || u.ForceQuery:
		return "", v.Wrong("", "url must not hold a query (?…)")
	case u.Path != "" && u.Path != "/":
		return "", v.Wrong(fmt.Sprintf("write host and port only, as in %q", example), "url must not hold a path")
	case !isHost(u.Hostname()):
		return "", v.Wrong("", "the host of the url is neither an IP address nor a name")
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), nil
}

// listenAddress reads host:port or :port. The port is a number; 0 is any.
func listenAddress(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return "", ps
	}
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", v.Wrong(`write "host:port" or ":port"`, "%s is not an address to listen on", syntax.Quote(s))
	}
	if _, err := strconv.ParseUint(p, 10, 16); err != nil {
		return "", v.Wrong("", "port %s is not a number from 0 to 65535", syntax.Quote(p))
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		if _, err := toASCII(host); err != nil {
			return "", v.Wrong("", "host %s is neither an IP address nor a name", syntax.Quote(host))
		}
	}
	return s, nil
}

// loopback reads an address that only this machine can reach. A name is no
// proof of that: it is resolved elsewhere.
func loopback(v syntax.Value) (string, syntax.Problems) {
	s, ps := listenAddress(v)
	if ps != nil {
		return "", ps
	}
	host, _, _ := net.SplitHostPort(s) // checked just now
	if !isLoopback(host) {
		return "", v.Wrong(`write a loopback address, such as "127.0.0.1:8025"`, "the inspector shows mail to whoever asks and may not listen on %s", syntax.Quote(s))
	}
	return s, nil
}

// isLoopback says whether a host is this machine for sure.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
