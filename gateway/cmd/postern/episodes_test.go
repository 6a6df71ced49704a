package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/imap"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// alternationsName is the program that TestAlternatingServer ends by kill -9: this test binary, called by that name.
const alternationsName = "alternations"

// alternations tries an account at one server after the other, over and over, and tells of each failure as a gateway does. It is
// given the database, the number of its first attempt and that after the last, and the ports; with none left to try it
// tells that all is well. It prints the number of each attempt that it has told of.
func alternations() {
	if err := alternate(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func alternate(ctx context.Context, args []string) error {
	var numbers []int
	for _, arg := range args[1:] {
		n, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	first, end, ports := numbers[0], numbers[1], numbers[2:]
	db, err := sqlite.Open(ctx, args[0])
	if err != nil {
		return err
	}
	defer db.Close()
	q := queue.New(db, noBodies{}, queue.Config{Owner: rand.Text(), Logger: hclog.NewNullLogger()})
	ev := events.New(q.Sources(db), q, events.Config{
		Subscribers: func(string, string) []store.Endpoint { return []store.Endpoint{{Tenant: "acme", Name: "ops"}} },
		Retention:   func(_ string, at time.Time) store.Retention { return store.Retention{ExpiresAt: at.Add(time.Hour)} },
		Logger:      hclog.NewNullLogger(),
	})
	if err := ev.Refresh(ctx); err != nil {
		return err
	}
	about := store.About{Tenant: "acme", Class: events.Account, Name: "sales"}
	password, err := secret.ParsePassword("wrong")
	if err != nil {
		return err
	}
	m := imap.New(imap.Deps{Tokens: forgetful{}, Dialer: outbound.Dialer{Timeout: 50 * time.Millisecond}, Log: hclog.NewNullLogger()})
	for n := first; n < end; n++ {
		server := outbound.Server{Host: "127.0.0.1", Port: ports[n%len(ports)], Security: outbound.Plaintext}
		if n%len(ports) == 2 {
			server.Security = outbound.TLS
		}
		found, err := m.Test(ctx, imap.Config{Name: "sales", Server: server, Login: outbound.Login{User: "u", Password: password}})
		if err != nil || found.Failure == nil {
			return fmt.Errorf("attempt %d has found %+v, %w", n, found, err)
		}
		if err := ev.Failed(ctx, about, found.Failure); err != nil {
			return err
		}
		fmt.Println(n)
	}
	if first == end {
		return ev.Succeeded(ctx, about)
	}
	return nil
}

// TestAlternatingServer has an account fail for four reasons in turn, a thousand times, at real sockets, in a process that is ended
// three times by kill -9. It is told of once for each reason, whatever happens, and once for each kind when all is well.
func TestAlternatingServer(t *testing.T) {
	t.Parallel()
	ports := []string{refusing(t), silent(t), selfSigned(t), unwilling(t)}
	const attempts = 1000
	database := filepath.Join(t.TempDir(), "postern.db")
	next := 0
	run := func(until int, kill bool) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), alternationsName, append([]string{database, strconv.Itoa(next), strconv.Itoa(attempts)}, ports...)...)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); next < until && lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(err)
			}
			next = n + 1
		}
		if kill {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Wait(); err != nil && !kill {
			t.Fatal(err)
		}
	}
	for _, until := range []int{101, 402, 703} {
		run(until, true) // an attempt that it has told of and not printed is made again
	}
	run(attempts, false)
	if next != attempts {
		t.Fatalf("%d attempts were made", next)
	}
	run(attempts, false) // which are all done: it tells that all is well

	db, err := sqlite.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	list, err := db.List(t.Context(), store.Filter{Events: true, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, d := range list {
		_, what, _ := strings.Cut(d.Subject, ": ")
		what, _, _ = strings.Cut(what, " since")
		got[d.Event.Name+": "+what]++
	}
	want := map[string]int{
		"connectError: connect ECONNREFUSED 127.0.0.1:" + ports[0]: 1,
		"connectError: read ETIMEDOUT":                             1,
		"connectError: self-signed certificate":                    1,
		"authenticationError: no such user":                        1,
		"connectSuccess: connected, after failures":                1,
		"authenticationSuccess: logged in, after failures":         1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// listenOn accepts connections, and returns the port.
func listenOn(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// refusing is a port that nobody listens on.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// silent says nothing, for as long as the client stays.
func silent(t *testing.T) string {
	t.Helper()
	return listenOn(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })
}

// selfSigned has a certificate of its own.
func selfSigned(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return listenOn(t, func(c net.Conn) {
		_ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}).Handshake()
	})
}

// unwilling speaks IMAP and lets nobody in.
func unwilling(t *testing.T) string {
	t.Helper()
	return listenOn(t, func(c net.Conn) {
		fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1] ready\r\n")
		for lines := bufio.NewScanner(c); lines.Scan(); {
			tag, command, _ := strings.Cut(lines.Text(), " ")
			answer := "OK done"
			switch {
			case strings.HasPrefix(command, "CAPABILITY"):
				fmt.Fprint(c, "* CAPABILITY IMAP4rev1\r\n")
			case strings.HasPrefix(command, "LOGIN"):
				answer = "NO [AUTHENTICATIONFAILED] no such user"
			}
			if _, err := fmt.Fprintf(c, "%s %s\r\n", tag, answer); err != nil {
				return
			}
		}
	})
}
