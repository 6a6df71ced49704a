package scan

import (
	"context"
	"net/netip"
	"testing"

	"github.com/foxcpp/go-mockdns"

	"github.com/postern-mail/postern/gateway/internal/scan/scantest"
)

func TestClientName(t *testing.T) {
	t.Parallel()
	many := make([]string, 50)
	for i := range many {
		many[i] = "wrong.example.org."
	}
	many[49] = "mx.example.org."
	r, _ := scantest.Resolver(t, map[string]mockdns.Zone{
		"mx.example.org.":         {A: []string{"192.0.2.1", "192.0.2.3", "192.0.2.4"}},
		"mx6.example.org.":        {AAAA: []string{"2001:db8::1"}},
		"wrong.example.org.":      {A: []string{"192.0.2.99"}},
		"1.2.0.192.in-addr.arpa.": {PTR: []string{"mx.example.org."}},
		"2.2.0.192.in-addr.arpa.": {PTR: []string{"mx.example.org."}}, // claims another's name
		"3.2.0.192.in-addr.arpa.": {PTR: []string{"wrong.example.org.", "none.example.org.", "mx.example.org."}},
		"4.2.0.192.in-addr.arpa.": {PTR: many},
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.": {PTR: []string{"mx6.example.org."}},
	})
	for ip, want := range map[string]string{
		"192.0.2.1":        "mx.example.org",
		"::ffff:192.0.2.1": "mx.example.org",
		"192.0.2.2":        "",
		"192.0.2.3":        "mx.example.org",
		"192.0.2.4":        "",
		"192.0.2.5":        "",
		"2001:db8::1":      "mx6.example.org",
	} {
		if got := ClientName(t.Context(), r, netip.MustParseAddr(ip)); got != want {
			t.Errorf("ClientName(%s) = %q, want %q", ip, got, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got := ClientName(ended, r, netip.MustParseAddr("192.0.2.1")); got != "" {
		t.Errorf("after the end of its context: %q", got)
	}
	if got := ClientName(t.Context(), r, netip.Addr{}); got != "" {
		t.Errorf("of no address: %q", got)
	}
}

// claims is a resolver that confirms every name.
type claims []string

func (c claims) LookupAddr(context.Context, string) ([]string, error) { return c, nil }

func (claims) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
}

// TestHostileClientName holds that only a host's name is one.
func TestHostileClientName(t *testing.T) {
	t.Parallel()
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'x'
	}
	for _, name := range []string{"", ".", "a b.", "a\r\nUser: x.", "ü.example.", "a/b.", "(x).", string(long)} {
		if got := ClientName(t.Context(), claims{name}, netip.MustParseAddr("192.0.2.1")); got != "" {
			t.Errorf("ClientName = %q", got)
		}
	}
}
