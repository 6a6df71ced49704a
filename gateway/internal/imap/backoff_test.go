package imap

import (
	"bufio"
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// within reports whether a wait is as long as it should be, give or take a quarter, and within its bounds.
func within(got, want time.Duration) bool {
	return got >= max(firstWait, want*3/4) && got <= min(longestWait, want*5/4)
}

// TestBackoffTimes has a server refuse connections for ever, on a fake clock.
func TestBackoffTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		m := newMemory()
		g := start(t, m, func(d *Deps) {
			d.dial = func(_ context.Context, s outbound.Server) (*outbound.Conn, error) {
				at = append(at, time.Now())
				return nil, outbound.Classify(&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 993}, Err: syscall.ECONNREFUSED}, s, nil)
			}
		}, sales(t, outbound.Server{Host: "mail.test", Port: 993, Security: outbound.TLS}))
		began := time.Now()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(at) == 0 || !at[0].Equal(began) {
			t.Fatalf("the first attempt was at %v", at)
		}
		want := firstWait
		for i := 1; i < len(at); i++ {
			if got := at[i].Sub(at[i-1]); !within(got, want) {
				t.Errorf("wait %d was %s, want about %s", i, got, want)
			}
			want = min(2*want, longestWait*4/5)
		}
		if n := len(at); n < 24*6 || n > 24*12 {
			t.Errorf("%d attempts in a day", n)
		}
		if e := g.events()[0]; e != "sales: connection ECONNREFUSED: connect ECONNREFUSED 192.0.2.1:993" {
			t.Errorf("told %q", e)
		}
		if s := g.Status()[0]; s.State != Waiting || s.Failure.Code != outbound.ConnRefused || !s.NextAttempt.After(time.Now()) {
			t.Errorf("%+v", s)
		}

		// A change is tried at once, and closes what is open; the same settings change nothing.
		n, now := len(at), time.Now()
		cfg := g.running["sales"].cfg
		g.Reconfigure(t.Context(), []Config{cfg})
		synctest.Wait()
		if len(at) != n {
			t.Error("the same settings have it tried again")
		}
		cfg.Login.Password = password(t, "another")
		g.Reconfigure(t.Context(), []Config{cfg})
		synctest.Wait()
		if len(at) != n+1 || !at[n].Equal(now) {
			t.Errorf("after a change: %d attempts more", len(at)-n)
		}
		if e := g.events()[n]; e != "sales: reset: " {
			t.Errorf("told %q", e)
		}
		g.Reconfigure(t.Context(), nil)
		if len(g.Status()) != 0 {
			t.Error("it is there still")
		}
		g.stop()
	})
}

// TestSteady holds that a connection that is dropped resets nothing, and is a success only when it has lived.
func TestSteady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		var drop func()
		m := newMemory()
		g := start(t, m, func(d *Deps) {
			d.dial = func(context.Context, outbound.Server) (*outbound.Conn, error) {
				at = append(at, time.Now())
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					imapServer{}.serve(theirs, bufio.NewReader(theirs))
				}()
				drop = func() { _ = theirs.Close() }
				return &outbound.Conn{Conn: ours}, nil
			}
		}, sales(t, outbound.Server{Host: "mail.test", Port: 143, Security: outbound.Plaintext}))
		synctest.Wait()
		successes := func() (n int) {
			for _, e := range g.events() {
				if e == "sales: success" {
					n++
				}
			}
			return n
		}
		if successes() != 1 {
			t.Fatalf("told %q", g.events())
		}
		for want := firstWait; want < 200*time.Second; want *= 2 {
			time.Sleep(30 * time.Second)
			n, dropped := len(at), time.Now()
			drop()
			time.Sleep(want * 5 / 4)
			synctest.Wait()
			if len(at) != n+1 || !within(at[n].Sub(dropped), want) {
				t.Fatalf("dropped at %s, then %v; want %s", dropped, at[n:], want)
			}
		}
		if successes() != 1 {
			t.Errorf("told %q", g.events())
		}
		time.Sleep(steady + time.Second)
		synctest.Wait()
		if successes() != 2 {
			t.Errorf("told %q", g.events())
		}
		n, dropped := len(at), time.Now()
		drop()
		time.Sleep(firstWait * 5 / 4)
		synctest.Wait()
		if len(at) != n+1 || !within(at[n].Sub(dropped), firstWait) || successes() != 3 {
			t.Errorf("after one that has lived: %v, told %q", at[n:], g.events())
		}
		g.stop()
	})
}

// TestDisable holds that logins that are refused for three days disable an account, and nothing else does.
func TestDisable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		dial := func(context.Context, outbound.Server) (*outbound.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				imapServer{answers: map[string]string{"LOGIN": "TAG NO [AUTHENTICATIONFAILED] no"}}.serve(theirs, bufio.NewReader(theirs))
			}()
			return &outbound.Conn{Conn: ours}, nil
		}
		cfg := sales(t, outbound.Server{Host: "mail.test", Port: 143, Security: outbound.Plaintext})
		began := time.Now()
		for range 2 { // the second process goes on where the first was
			g := start(t, m, func(d *Deps) { d.dial = dial }, cfg)
			time.Sleep(35 * time.Hour)
			g.stop()
		}
		if len(m.disabled) > 0 {
			t.Fatalf("%q after %s", m.disabled, time.Since(began))
		}
		g := start(t, m, func(d *Deps) { d.dial = dial }, cfg)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if len(m.disabled) != 1 || g.Status()[0].State != Disabled {
			t.Errorf("%q, %+v", m.disabled, g.Status())
		}
		n := len(g.events())
		time.Sleep(24 * time.Hour)
		if len(g.events()) != n {
			t.Error("it is tried still")
		}
		m.episode.OpenedAt = time.Time{} // who enables it has ended the episode
		g.Reconfigure(t.Context(), []Config{cfg})
		synctest.Wait()
		if len(g.events()) != n+1 || g.Status()[0].State == Disabled {
			t.Errorf("enabled: %q, %+v", g.events()[n:], g.Status())
		}
		g.stop()
	})
}

// TestHolds holds that one process at a time runs an account, and the other goes on when it stops or dies.
func TestHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		dials := make(map[string]int)
		process := func(owner string, holds Holds) *gateway {
			return start(t, m, func(d *Deps) {
				d.Owner, d.Holds = owner, holds
				d.dial = func(context.Context, outbound.Server) (*outbound.Conn, error) {
					dials[owner]++
					ours, theirs := net.Pipe()
					go func() {
						defer theirs.Close()
						imapServer{}.serve(theirs, bufio.NewReader(theirs))
					}()
					return &outbound.Conn{Conn: ours}, nil
				}
			}, sales(t, outbound.Server{Host: "mail.test", Port: 143, Security: outbound.Plaintext}))
		}
		broken := &brokenHolds{memory: m}
		a := process("a", broken)
		synctest.Wait()
		b := process("b", m)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if dials["a"] != 1 || dials["b"] != 0 || b.Status()[0].State != Standby {
			t.Fatalf("%v, %+v", dials, b.Status())
		}
		broken.down.Store(true) // a loses its store, and must not go on beyond its lease
		time.Sleep(lease)
		synctest.Wait()
		if s := a.Status()[0]; s.State == Connected {
			t.Errorf("it goes on without a lease: %+v", s)
		}
		time.Sleep(standby * 2)
		synctest.Wait()
		if dials["b"] != 1 || b.Status()[0].State != Connected {
			t.Errorf("%v, %+v", dials, b.Status())
		}
		a.stop()
		b.stop()
		if len(m.ends) != 0 {
			t.Errorf("held by %v until %v", m.holders, m.ends)
		}
	})
}

// brokenHolds fails from some time on.
type brokenHolds struct {
	*memory
	down atomic.Bool
}

func (h *brokenHolds) Hold(ctx context.Context, name, owner string, now, until time.Time) (bool, error) {
	if h.down.Load() {
		return false, errStore
	}
	return h.memory.Hold(ctx, name, owner, now, until)
}

// TestPutOff holds that a mail that cannot be taken now holds up those behind it, is tried again, and is passed
// over after a day where the one behind it can be taken. Where no mail can be, none is passed over.
func TestPutOff(t *testing.T) {
	t.Parallel()
	t.Run("one", func(t *testing.T) { t.Parallel(); testPutOff(t, false, "second") })
	t.Run("all", func(t *testing.T) { t.Parallel(); testPutOff(t, true, "first", "second") })
}

func testPutOff(t *testing.T, all bool, want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var repaired atomic.Bool
		m := newMemory()
		var refused atomic.Int32
		m.refuse = func(raw string) error {
			if (raw == "first" || all) && !repaired.Load() {
				refused.Add(1)
				return errors.New("the scanner is down")
			}
			return nil
		}
		mails := imapServer{answers: map[string]string{
			"SELECT":          "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 3] x\r\n",
			"UID FETCH 1:429": "* 1 FETCH (UID 1 RFC822.SIZE 5)\r\n* 2 FETCH (UID 2 RFC822.SIZE 6)\r\n",
			"UID FETCH 1:2 (": "* 1 FETCH (UID 1 BODY[] {5}\r\nfirst)\r\n* 2 FETCH (UID 2 BODY[] {6}\r\nsecond)\r\n",
			"FETCH 1 (":       "* 1 FETCH (UID 1)\r\n",
			"UID FETCH 2 (":   "* 2 FETCH (UID 2 BODY[] {6}\r\nsecond)\r\n",
			"UID FETCH 2:429": "* 2 FETCH (UID 2 RFC822.SIZE 6)\r\n",
		}}
		g := start(t, m, func(d *Deps) {
			d.dial = func(context.Context, outbound.Server) (*outbound.Conn, error) {
				ours, theirs := net.Pipe()
				go func() {
					defer theirs.Close()
					mails.serve(theirs, bufio.NewReader(theirs))
				}()
				return &outbound.Conn{Conn: ours}, nil
			}
		}, sales(t, outbound.Server{Host: "mail.test", Port: 143, Security: outbound.Plaintext}))
		time.Sleep(23 * time.Hour)
		synctest.Wait()
		if m.count() != 0 || refused.Load() < 100 || refused.Load() > 800 {
			t.Errorf("%d mails were taken, after %d tries", m.count(), refused.Load())
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		repaired.Store(true) // for what has waited
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := g.raws(); !slices.Equal(got, want) {
			t.Errorf("took %q", got)
		}
		if events := g.events(); len(events) != 1 {
			t.Errorf("told %q", events)
		}
		g.stop()
	})
}
