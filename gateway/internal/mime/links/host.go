package links

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// maxHost is the longest host that DNS has (RFC 1035 section 3.1), in octets of
// whatever form. Encoding a longer one would take time that nobody is bound by.
const maxHost = 255

// maxTargets bounds the addresses of a mailto that are looked at.
const maxTargets = 20

// targets returns the hosts that a URL leads to: that of a web address, those of
// the addresses of a mailto. What has no host gives none.
func targets(link string) []string {
	scheme, rest, _ := strings.Cut(link, ":")
	if strings.EqualFold(scheme, "mailto") {
		list, _, _ := strings.Cut(rest, "?")
		var hosts []string
		for address := range strings.SplitSeq(unpercent(list), ",") {
			if _, host, ok := cutLast(address, "@"); ok && len(hosts) < maxTargets {
				hosts = appendHost(hosts, host)
			}
		}
		return hosts
	}
	if !strings.HasPrefix(rest, "//") {
		return nil
	}
	_, host := authority(rest)
	return appendHost(nil, host)
}

// authority splits what is behind the scheme of a web address into what claims to
// be a user and the host. Browsers take a backslash for a slash, any number of
// either, and the last "@" for the end of the user: "https://bank@evil" leads to
// evil.
func authority(s string) (user, host string) {
	s = strings.TrimLeft(s, `/\`)
	if end := strings.IndexAny(s, `/\?#`); end >= 0 {
		s = s[:end]
	}
	user, host, ok := cutLast(s, "@")
	if !ok {
		user, host = "", s
	}
	if !strings.HasPrefix(host, "[") {
		host, _, _ = strings.Cut(host, ":")
	} else if end := strings.IndexByte(host, ']'); end >= 0 {
		host = host[:end+1]
	}
	return user, unpercent(host)
}

// appendHost appends the one form of a host: in ASCII and lower case, without the
// dot of the root. Names beyond ASCII are compared as DNS sees them, so that a
// Cyrillic letter is not the Latin one that it looks like.
func appendHost(hosts []string, host string) []string {
	host = strings.Trim(host, "[]")
	if len(host) > maxHost {
		host = host[len(host)-maxHost:] // the end is what says whose it is
	}
	if !isASCII(host) {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			host = ascii
		}
	}
	host = strings.Trim(strings.ToLower(host), ".")
	if host == "" {
		return hosts
	}
	return append(hosts, host)
}

// site returns what one owner has registered, of which a host is part: for
// www.acme.co.uk that is acme.co.uk. Addresses stand for themselves.
func site(host string) string {
	if last := host[len(host)-1]; ('0' <= last && last <= '9') || strings.Contains(host, ":") {
		if _, err := netip.ParseAddr(host); err == nil {
			return host
		}
	}
	if s, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return s
	}
	return host
}

// isRegistered reports whether a host is a name below a suffix under which names
// are registered: "acme.com" is, "readme.txt" and "co.uk" are not.
func isRegistered(host string) bool {
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && !strings.Contains(suffix, ".") {
		return false
	}
	_, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil
}

func unpercent(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return strings.ToValidUTF8(plain, "")
	}
	return s
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
