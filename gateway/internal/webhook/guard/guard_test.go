package guard

import (
	"errors"
	"net/netip"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

func TestGuard(t *testing.T) {
	t.Parallel()
	inside := prefixes("10.1.0.0/16", "fd00:1::/32", "fe80::/10", "64:ff9b::/96")
	for _, tc := range []struct {
		address  string
		networks []netip.Prefix
		ports    []uint16
		allowed  bool
	}{
		// By default: public addresses, on the ports of the web.
		{address: "8.8.8.8:443", allowed: true},
		{address: "8.8.8.8:80", allowed: true},
		{address: "8.8.8.8:8443", allowed: true},
		{address: "[2606:4700:4700::1111]:443", allowed: true},
		{address: "8.8.8.8:25"},
		{address: "8.8.8.8:6379"},
		{address: "[2606:4700:4700::1111]:22"},

		{address: "127.0.0.1:443"},
		{address: "127.8.9.10:443"},
		{address: "0.0.0.0:443"},
		{address: "0.1.2.3:443"},
		{address: "10.0.0.1:443"},
		{address: "172.16.0.1:443"},
		{address: "172.31.255.255:443"},
		{address: "192.168.1.1:443"},
		{address: "169.254.169.254:80"}, // metadata of most clouds
		{address: "169.254.170.2:80"},   // ECS
		{address: "100.64.0.1:443"},
		{address: "100.100.100.200:80"}, // Alibaba
		{address: "192.0.0.192:80"},     // Oracle
		{address: "198.18.0.1:443"},
		{address: "198.19.255.255:443"},
		{address: "192.0.2.1:443"},
		{address: "198.51.100.1:443"},
		{address: "203.0.113.1:443"},
		{address: "224.0.0.1:443"},
		{address: "239.255.255.250:443"},
		{address: "240.0.0.1:443"},
		{address: "255.255.255.255:443"},

		{address: "[::1]:443"},
		{address: "[::]:443"},
		{address: "[::ffff:127.0.0.1]:443"},
		{address: "[::ffff:169.254.169.254]:80"},
		{address: "[::ffff:8.8.8.8]:443"},
		{address: "[::127.0.0.1]:443"},
		{address: "[64:ff9b::7f00:1]:443"},
		{address: "[64:ff9b::808:808]:443"},
		{address: "[2002:7f00:1::]:443"},
		{address: "[2001::1]:443"},
		{address: "[2001:db8::1]:443"},
		{address: "[fc00::1]:443"},
		{address: "[fd00:ec2::254]:80"}, // EC2
		{address: "[fe80::1]:443"},
		{address: "[fe80::1%lo]:443"},
		{address: "[fec0::1]:443"},
		{address: "[ff02::1]:443"},
		{address: "[3fff::1]:443"},
		{address: "[5f00::1]:443"},

		// Allowed networks, on any port.
		{address: "10.1.2.3:443", networks: inside, allowed: true},
		{address: "10.1.2.3:8080", networks: inside, allowed: true},
		{address: "[::ffff:10.1.2.3]:8080", networks: inside, allowed: true},
		{address: "[fd00:1::5]:1", networks: inside, allowed: true},
		{address: "[fe80::1%lo]:9000", networks: inside, allowed: true},
		{address: "[64:ff9b::808:808]:443", networks: inside, allowed: true},
		{address: "10.2.0.1:443", networks: inside},
		{address: "[::ffff:10.2.0.1]:443", networks: inside},
		{address: "[fd00:2::5]:443", networks: inside},
		{address: "127.0.0.1:443", networks: inside},
		{address: "8.8.8.8:443", networks: inside, allowed: true},
		{address: "8.8.8.8:8080", networks: inside},
		{address: "127.0.0.1:443", networks: prefixes("::/0")},
		{address: "[::1]:443", networks: prefixes("0.0.0.0/0")},

		// Other ports.
		{address: "8.8.8.8:9443", ports: []uint16{9443}, allowed: true},
		{address: "8.8.8.8:443", ports: []uint16{9443}},
		{address: "127.0.0.1:9443", ports: []uint16{9443}},
		{address: "8.8.8.8:443", ports: []uint16{}, allowed: true},
		{address: "8.8.8.8:25", ports: []uint16{}},

		// What Control never sees.
		{address: "localhost:443"},
		{address: "8.8.8.8"},
		{address: ""},
	} {
		network := "tcp4"
		if addrPort, err := netip.ParseAddrPort(tc.address); err == nil && addrPort.Addr().Is6() {
			network = "tcp6"
		}
		err := New(tc.networks, tc.ports).Control(network, tc.address, nil)
		if (err == nil) != tc.allowed {
			t.Errorf("%s (networks %v, ports %v): error = %v, want allowed = %t", tc.address, tc.networks, tc.ports, err, tc.allowed)
		}
		var blocked *BlockedError
		if err != nil && !errors.As(err, &blocked) {
			t.Errorf("%s: error is a %T", tc.address, err)
		}
	}
}

func TestGuardKnowsOnlyTCP(t *testing.T) {
	t.Parallel()
	g := New(nil, nil)
	for _, network := range []string{"udp4", "udp6", "unix", ""} {
		if err := g.Control(network, "8.8.8.8:443", nil); err == nil {
			t.Errorf("network %q is allowed", network)
		}
	}
}

func TestGuardKeepsItsOwnLists(t *testing.T) {
	t.Parallel()
	networks, ports := prefixes("10.0.0.0/8"), []uint16{9443}
	g := New(networks, ports)
	networks[0], ports[0] = netip.MustParsePrefix("127.0.0.0/8"), 25
	if err := g.Control("tcp4", "127.0.0.1:25", nil); err == nil {
		t.Error("changing the caller's list changed the guard")
	}
	if err := g.Control("tcp4", "8.8.8.8:25", nil); err == nil {
		t.Error("changing the caller's ports changed the guard")
	}
}
