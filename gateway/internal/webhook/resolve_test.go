package webhook

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers every question for an A record with the next of addresses,
// the last one for ever, and with a time to live of 0. It is the resolver's dialer.
func nameServer(t *testing.T, addresses ...[4]byte) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for asked := 0; ; {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var msg dnsmessage.Message
			if msg.Unpack(buffer[:n]) != nil || len(msg.Questions) != 1 {
				continue
			}
			question := msg.Questions[0]
			answer := dnsmessage.Message{
				Header:    dnsmessage.Header{ID: msg.ID, Response: true, RecursionAvailable: true},
				Questions: msg.Questions,
			}
			switch {
			case len(addresses) == 0:
				answer.RCode = dnsmessage.RCodeNameError
			case question.Type == dnsmessage.TypeA:
				answer.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: addresses[min(asked, len(addresses)-1)]},
				}}
				asked++
			}
			packed, err := answer.Pack()
			if err != nil {
				continue
			}
			_, _ = conn.WriteTo(packed, from)
		}
	}()
	address := conn.LocalAddr().String()
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", address)
	}
}

// TestRebinding gives one name two addresses, one after the other: the first may
// be dialled, the second may not. What counts is the address that is dialled.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Connection", "close") // the next attempt resolves anew
	})
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dialer := guardedDialer(Config{AllowNetworks: prefixes("127.0.0.1/32")})
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: nameServer(t, [4]byte{127, 0, 0, 1}, [4]byte{127, 0, 0, 2})}
	client := New(Config{AllowHTTP: true, Dial: dialer.DialContext})
	t.Cleanup(client.Close)

	url := "http://rebind.test.:" + port + "/"
	if got := client.Send(t.Context(), request(t, url, []byte(`{}`))); !got.Delivered {
		t.Fatalf("first address: result = %+v", got)
	}
	got := client.Send(t.Context(), request(t, url, []byte(`{}`)))
	if want := "blocked_address: 127.0.0.2:" + port + ": prohibited port"; !strings.HasPrefix(got.Reason, want) {
		t.Errorf("second address: result = %+v, want reason %q…", got, want)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests arrived, want 1", n)
	}
}

func TestUnknownName(t *testing.T) {
	t.Parallel()
	dialer := guardedDialer(Config{})
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: nameServer(t)}
	client := New(Config{Dial: dialer.DialContext})
	t.Cleanup(client.Close)
	got := client.Send(t.Context(), request(t, "https://unknown.test./", []byte(`{}`)))
	if got.Reason != `dns: look up "unknown.test.": no such host` {
		t.Errorf("reason = %q", got.Reason)
	}
}
