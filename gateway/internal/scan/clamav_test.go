package scan

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const clean = "stream: OK\x00"

func clamavAt(t *testing.T, address string, l Limits) *ClamAV {
	t.Helper()
	c, err := NewClamAV(ClamAVConfig{Address: address, Limits: l}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fakeClamd answers to commands as clamd does, and to streams by scan.
func fakeClamd(scan func(content []byte) string) func(n int, conn net.Conn) {
	return func(_ int, conn net.Conn) {
		switch readCommand(conn) {
		case "zVERSION":
			_, _ = io.WriteString(conn, "ClamAV 1.4.6/27465/Tue Nov 24 06:00:00 2026\x00")
		case "zPING":
			_, _ = io.WriteString(conn, "PONG\x00")
		case "zINSTREAM":
			if content, err := readChunks(conn); err == nil {
				_, _ = io.WriteString(conn, scan(content))
			}
		}
	}
}

func TestClamAV(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789\n", 100_000)
	serve := fakeClamd(func(content []byte) string {
		switch string(content) {
		case preamble + text:
			return clean
		case "malware":
			return "stream: Some.Malware FOUND\x00"
		}
		return "stream: nothing known ERROR\x00"
	})
	for _, address := range []string{
		listen(t, "tcp", "127.0.0.1:0", serve),
		listen(t, "unix", filepath.Join(t.TempDir(), "s"), serve),
		"unix:" + listen(t, "unix", filepath.Join(t.TempDir(), "s"), serve),
	} {
		c := clamavAt(t, address, Limits{})
		ignoreTime := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Duration" }, cmp.Ignore())
		got, err := c.Scan(t.Context(), mailOf(text))
		want := VirusReport{Part: mail.WholeMail, Status: Clean, Version: "1.4.6"}
		if diff := cmp.Diff(want, got, ignoreTime); err != nil || diff != "" || got.Duration <= 0 {
			t.Errorf("%v, -want +got\n%s", err, diff)
		}
		got, err = c.ScanPart(t.Context(), iotest.OneByteReader(strings.NewReader("malware")), 7)
		want = VirusReport{Part: 7, Status: Infected, Signature: "Some.Malware", Version: "1.4.6"}
		if diff := cmp.Diff(want, got, ignoreTime); err != nil || diff != "" {
			t.Errorf("%v, -want +got\n%s", err, diff)
		}
		got, err = c.ScanPart(t.Context(), strings.NewReader(""), 0)
		want = VirusReport{Part: 0, Status: Failed, Reason: "the scanner reported an error"}
		if diff := cmp.Diff(want, got, ignoreTime); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		wantError(t, err, Refused, "clamav at "+address, `"stream: nothing known ERROR"`)
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestClamAVConfig(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "clamd", "clamd:", ":3310", "unix:", "unix:clamd.ctl", "./clamd.ctl", "http://clamd:3310"} {
		if _, err := NewClamAV(ClamAVConfig{Address: bad}, hclog.NewNullLogger()); err == nil || !strings.HasPrefix(err.Error(), "clamav: address ") {
			t.Errorf("%q: error = %v", bad, err)
		}
	}
}

// TestHostileClamd lets the server do its worst.
func TestHostileClamd(t *testing.T) {
	t.Parallel()
	after := func(text string) func(net.Conn) { // the stream
		return func(conn net.Conn) {
			if _, err := readStream(conn); err == nil {
				_, _ = io.WriteString(conn, text)
			}
		}
	}
	atOnce := func(text string, then func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.ReadFull(conn, make([]byte, 1000))
			_, _ = io.WriteString(conn, text)
			then(conn)
		}
	}
	// It neither reads on nor hangs up, until the scan is over.
	waits := func(conn net.Conn) { <-conn.(heldConn).scanned }
	hangsUp := func(net.Conn) {}
	for name, tc := range map[string]struct {
		serve  func(conn net.Conn)
		reason Reason // empty where status is of a verdict
		text   string
		status Status
	}{
		"in several packets": {serve: func(conn net.Conn) {
			if _, err := readStream(conn); err == nil {
				for _, octet := range []byte(clean) {
					_, _ = conn.Write([]byte{octet})
				}
			}
		}, status: Clean},
		"garbage":                   {serve: after("\xff\xfe\x01\x02\x00"), reason: Protocol, text: "is this clamd?"},
		"HTTP":                      {serve: after("HTTP/1.1 400 Bad Request\r\n\r\n"), reason: Interrupted},
		"endless garbage":           {serve: func(conn net.Conn) { after("")(conn); writeUntilHungUp(conn, "stream: OK\n") }, reason: Protocol, text: "is this clamd?"},
		"two replies":               {serve: after(clean + "stream: Malware FOUND\x00"), reason: Protocol, text: "is this clamd?"},
		"no command of its own":     {serve: after("UNKNOWN COMMAND\x00"), reason: Protocol},
		"no end":                    {serve: after("stream: OK"), reason: Interrupted, text: "hung up"},
		"no reply":                  {serve: after(""), reason: Interrupted, text: "hung up"},
		"a reset":                   {serve: func(conn net.Conn) { after("")(conn); reset(conn) }, reason: Interrupted, text: "hung up"},
		"hangs up at once":          {serve: hangsUp, reason: Interrupted, text: "hung up"},
		"resets at the first octet": {serve: func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)); reset(conn) }, reason: Interrupted, text: "hung up"},
		"resets within":             {serve: atOnce("", reset), reason: Interrupted, text: "hung up"},
		"clean within":              {serve: atOnce(clean, waits), reason: Protocol, text: "is this clamd?"},
		"clean within, hangs up":    {serve: atOnce(clean, hangsUp), reason: Protocol, text: "is this clamd?"},
		"a finding within":          {serve: atOnce("stream: Malware FOUND\x00", waits), status: Infected},
		"over the limit":            {serve: atOnce("INSTREAM size limit exceeded. ERROR\x00", waits), status: TooLarge},
		"over the limit, hangs up":  {serve: atOnce("INSTREAM size limit exceeded. ERROR\x00", hangsUp), status: TooLarge},
		"an error within":           {serve: atOnce("no space left ERROR\x00", hangsUp), reason: Refused, text: `"no space left ERROR"`},
		"a reply unasked":           {serve: func(conn net.Conn) { _, _ = io.WriteString(conn, clean); waits(conn) }, reason: Protocol, text: "is this clamd?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scanned := make(chan struct{})
			address := listen(t, "tcp", "127.0.0.1:0", func(n int, conn net.Conn) {
				if n == 1 { // the second asks for the version
					tc.serve(heldConn{conn, scanned})
				}
			})
			m := mailOf(strings.Repeat("x", 40<<20)) // more than what can be on its way
			got, err := clamavAt(t, address, Limits{}).Scan(t.Context(), m)
			m.Body.(*body).over.Store(true)
			close(scanned)
			if tc.reason != "" {
				wantError(t, err, tc.reason, "clamav at "+address, tc.text)
				tc.status = Failed
				if got.Signature != "" || got.Reason != tc.reason.text() {
					t.Errorf("report = %+v", got)
				}
			} else if err != nil {
				t.Error(err)
			}
			if got.Status != tc.status {
				t.Errorf("report = %+v, want %s", got, tc.status)
			}
			if m.Body.(*body).late.Load() {
				t.Error("the mail was read after the scan")
			}
		})
	}
}

// heldConn knows when the scan is over.
type heldConn struct {
	net.Conn
	scanned <-chan struct{}
}

func TestClamAVTooLarge(t *testing.T) {
	t.Parallel()
	var streams atomic.Int32
	address := listen(t, "tcp", "127.0.0.1:0", func(_ int, conn net.Conn) {
		fakeClamd(func([]byte) string { streams.Add(1); return clean })(0, conn)
	})
	const limit = chunkSize + 5
	c := clamavAt(t, address, Limits{MaxSize: limit, Failures: 1})
	large := strings.Repeat("x", limit+1)
	const reason = "larger than 65541 octets"
	got, err := c.Scan(t.Context(), mailOf(large))
	if err != nil || got.Status != TooLarge || got.Part != mail.WholeMail || got.Reason != reason {
		t.Errorf("%+v, %v", got, err)
	}
	for range 3 { // the breaker has no part in it
		got, err = c.ScanPart(t.Context(), strings.NewReader(large), 1)
		if err != nil || got.Status != TooLarge || got.Part != 1 || got.Reason != reason {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if n := streams.Load(); n != 0 {
		t.Errorf("%d streams", n)
	}
	if got, err := c.ScanPart(t.Context(), strings.NewReader(large[1:]), 1); err != nil || got.Status != Clean {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := c.Scan(t.Context(), mailOf(large[1:])); err != nil || got.Status != Clean {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestClamAVUnreadableMail(t *testing.T) {
	t.Parallel()
	address := listen(t, "tcp", "127.0.0.1:0", fakeClamd(func([]byte) string { return clean }))
	c := clamavAt(t, address, Limits{Failures: 1})
	for name, b := range badBodies() {
		got, err := c.Scan(t.Context(), Mail{Body: b})
		wantError(t, err, Unreadable, "read the mail: ")
		if got.Status != Failed || got.Reason != "what was to be scanned could not be read" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	_, err := c.ScanPart(t.Context(), iotest.ErrReader(errDisk), 0)
	wantError(t, err, Unreadable, "on fire")
	if !errors.Is(err, errDisk) {
		t.Errorf("error = %v", err)
	}
	if got, err := c.Scan(t.Context(), mailOf(simpleMail)); err != nil || got.Status != Clean { // the breaker has not counted
		t.Errorf("%+v, %v", got, err)
	}
}

// inBubble runs a test of a client whose connections are pipes to serve.
func inBubble(t *testing.T, l Limits, serve func(conn net.Conn), check func(t *testing.T, c *ClamAV)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dial, wait := pipes(serve)
		defer wait()
		c, err := NewClamAV(ClamAVConfig{Address: "clamd.test:3310", Dial: dial, Limits: l}, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		check(t, c)
	})
}

// TestSlowClamd runs in bubbles, whose time is their own.
func TestSlowClamd(t *testing.T) {
	t.Parallel()
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for name, tc := range map[string]struct {
		serve  func(conn net.Conn)
		giveUp time.Duration
		reason Reason // empty for an answer
		took   time.Duration
	}{
		"never reads":         {func(net.Conn) { <-time.After(time.Hour) }, 0, Timeout, time.Minute},
		"never answers":       {silent, 0, Timeout, time.Minute},
		"the caller gives up": {silent, 5 * time.Second, Canceled, 5 * time.Second},
		"answers at 1 B/s, too slowly": {func(conn net.Conn) {
			_, _ = readStream(conn)
			drip(conn, "stream: A-very-long-name-of-something-that-would-have-been-found-if-it-had FOUND\x00")
		}, 0, Timeout, time.Minute},
		"reads at 1 B/s": {func(conn net.Conn) {
			for {
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					return
				}
				<-time.After(time.Second)
			}
		}, 0, Timeout, time.Minute},
		"slow, but in time": {func(conn net.Conn) {
			if content, _ := readStream(conn); content != nil {
				<-time.After(50 * time.Second)
				_, _ = io.WriteString(conn, clean)
			}
		}, 0, "", 50 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, Limits{Failures: 1}, tc.serve, func(t *testing.T, c *ClamAV) {
				ctx := t.Context()
				if tc.giveUp > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.giveUp)
					defer cancel()
				}
				got, err := c.Scan(ctx, mailOf(strings.Repeat("x", 200_000)))
				if tc.reason != "" {
					wantError(t, err, tc.reason)
				} else if err != nil || got.Status != Clean {
					t.Errorf("%+v, %v", got, err)
				}
				if got.Duration != tc.took {
					t.Errorf("took %s, want %s", got.Duration, tc.took)
				}
			})
		})
	}
}

// TestEarlyReply holds that a reply within the stream ends the scan, though the
// server neither reads on nor hangs up.
func TestEarlyReply(t *testing.T) {
	t.Parallel()
	inBubble(t, Limits{}, func(conn net.Conn) {
		if readCommand(conn) == "zINSTREAM" {
			_, _ = io.WriteString(conn, "INSTREAM size limit exceeded. ERROR\x00")
			<-time.After(time.Hour)
		}
	}, func(t *testing.T, c *ClamAV) {
		got, err := c.Scan(t.Context(), mailOf(simpleMail))
		if want := (VirusReport{Part: mail.WholeMail, Status: TooLarge, Reason: "larger than the scanner's limit"}); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	})
}

// TestClamAVConnections holds that no more are open than are allowed, the one for
// the version included.
func TestClamAVConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		serve := fakeClamd(func([]byte) string { time.Sleep(time.Second); return clean })
		dial, wait := pipes(func(conn net.Conn) { serve(0, conn) })
		defer wait()
		var open, most atomic.Int32
		c, err := NewClamAV(ClamAVConfig{Address: "clamd.test:3310", Limits: Limits{MaxScans: 3}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			n := open.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				continue
			}
			conn, err := dial(ctx, network, address)
			return countedConn{conn, &open}, err
		}}, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		var scans sync.WaitGroup
		for range 20 {
			scans.Go(func() {
				if got, err := c.Scan(t.Context(), mailOf(simpleMail)); err != nil || got.Status != Clean || got.Version != "1.4.6" {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		scans.Wait()
		if open, most := open.Load(), most.Load(); open != 0 || most != 3 {
			t.Errorf("%d connections at the same time, %d are left", most, open)
		}
	})
}

// countedConn is counted while it is open.
type countedConn struct {
	net.Conn
	open *atomic.Int32
}

func (c countedConn) Close() error {
	c.open.Add(-1)
	return c.Conn.Close()
}

func TestClamAVVersion(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	versions := []string{"ClamAV 1.4.6/27465/Tue Nov 24\x00", "ClamAV 1.5.0\x00", "clamav-milter 7\x00", "", "ClamAV 2\x1b[31m" + strings.Repeat("x", 100) + "\x00"}
	inBubble(t, Limits{}, func(conn net.Conn) {
		if readCommand(conn) == "zINSTREAM" {
			_, _ = readChunks(conn)
			_, _ = io.WriteString(conn, clean)
			return
		}
		text := versions[asked.Add(1)-1]
		if text == "" {
			_, _ = io.Copy(io.Discard, conn) // says nothing
		}
		_, _ = io.WriteString(conn, text)
	}, func(t *testing.T, c *ClamAV) {
		// Where it says nothing, what was known last stays.
		for i, want := range []string{"1.4.6", "1.5.0", "", "", "2?[31m" + strings.Repeat("x", 26)} {
			for range 3 {
				got, err := c.Scan(t.Context(), mailOf(simpleMail))
				if err != nil || got.Status != Clean || got.Version != want {
					t.Errorf("%d: %+v, %v, want %s", i, got, err, want)
				}
				if got.Duration > versionTimeout {
					t.Errorf("%d: took %s", i, got.Duration)
				}
			}
			if n := asked.Load(); int(n) != i+1 {
				t.Errorf("%d: asked %d times", i, n)
			}
			time.Sleep(versionAge + time.Second)
		}
	})
}

func TestClamAVPing(t *testing.T) {
	t.Parallel()
	inBubble(t, Limits{}, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, func(t *testing.T, c *ClamAV) {
		wantError(t, c.Ping(t.Context()), Timeout)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantError(t, c.Ping(ctx), Canceled)
	})
	for text, reason := range map[string]Reason{"PONG": Interrupted, "pong\x00": Protocol, "": Interrupted, "PONG\x00PONG\x00": Protocol} {
		address := listen(t, "tcp", "127.0.0.1:0", func(_ int, conn net.Conn) {
			_, _ = io.ReadFull(conn, make([]byte, len("zPING\x00")))
			_, _ = io.WriteString(conn, text)
		})
		wantError(t, clamavAt(t, address, Limits{}).Ping(t.Context()), reason)
	}
	wantError(t, clamavAt(t, "127.0.0.1:1", Limits{}).Ping(t.Context()), Connect, "see whether it runs")
	wantError(t, clamavAt(t, filepath.Join(t.TempDir(), "none"), Limits{}).Ping(t.Context()), Connect)
}
