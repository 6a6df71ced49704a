package imap

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// BenchmarkFetch fetches mails of 4 KiB from one folder: into a receiver that throws them away, and into
// the spool and an SQLite database, with each mail durable before the next.
func BenchmarkFetch(b *testing.B) {
	raw := func(uid uint32) string {
		return fmt.Sprintf("Message-ID: <%d@x.test>\r\n\r\n", uid) + strings.Repeat("octets of a line\r\n", 4<<10/18)
	}
	fetch := func(b *testing.B, receiver Receiver, count func() int, m *memory) {
		s := folderOf("IDLE")
		for uid := range uint32(b.N) {
			s.mails[uid+1] = raw(uid)
		}
		server := serve(b, s.serve)
		b.SetBytes(int64(len(raw(1))))
		b.ResetTimer()
		g := start(b, m, func(d *Deps) { d.Receiver = receiver }, sales(b, server))
		for count() < b.N {
			time.Sleep(time.Millisecond)
		}
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		g.stop()
	}
	b.Run("discarded", func(b *testing.B) {
		m := newMemory()
		m.discard = true
		fetch(b, m, m.count, m)
	})
	b.Run("spooled", func(b *testing.B) {
		dir := b.TempDir()
		db, err := sqlite.Open(b.Context(), filepath.Join(dir, "postern.db"))
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		bodies, err := spool.OpenFiles(filepath.Join(dir, "bodies"))
		if err != nil {
			b.Fatal(err)
		}
		defer bodies.Close()
		q := queue.New(db, bodies, queue.Config{Owner: "test", Logger: newTestLog()})
		r := reception.New(bodies, q, map[string]reception.Retention{"acme": {Raw: time.Hour}}, reception.Screening{}, newTestLog())
		m := newMemory()
		count := func() int {
			list, err := db.Count(b.Context(), store.Filter{})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for _, c := range list {
				n += c.Deliveries
			}
			return n
		}
		fetch(b, r, count, m)
	})
}

// idleServer has the process be a server, for BenchmarkIdle: it is not to be measured.
const idleServer = "POSTERN_TEST_IDLE_SERVER"

// TestIdleServer is the server of BenchmarkIdle.
func TestIdleServer(t *testing.T) {
	dir := os.Getenv(idleServer)
	if dir == "" {
		t.Skip("this is the server of a benchmark")
	}
	cert := selfSigned(t, "localhost")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%d\n%s", l.Addr().(*net.TCPAddr).Port, cert.Certificate[0])
	if err := os.WriteFile(filepath.Join(dir, "port.new"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "port.new"), filepath.Join(dir, "port")); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			imapServer{}.serve(c, bufio.NewReader(c))
		}()
	}
}

// BenchmarkIdle has 1,000 accounts wait for mail over TLS, and says what the process takes: its resident
// memory, what each account has of it, goroutines, and the processor's time.
func BenchmarkIdle(b *testing.B) {
	const accounts = 1000
	dir := b.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestIdleServer$")
	cmd.Env = append(os.Environ(), idleServer+"="+dir)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var text []byte
	for text == nil {
		text, _ = os.ReadFile(filepath.Join(dir, "port"))
		time.Sleep(10 * time.Millisecond)
	}
	var port int
	line, der, _ := strings.Cut(string(text), "\n")
	if _, err := fmt.Sscan(line, &port); err != nil {
		b.Fatal(err)
	}
	cert, err := x509.ParseCertificate([]byte(der))
	if err != nil {
		b.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	for b.Loop() {
		before := resident(b)
		var list []Config
		for i := range accounts {
			cfg := sales(b, outbound.Server{Host: "localhost", Port: port, Security: outbound.TLS, Roots: roots})
			cfg.Name = fmt.Sprintf("account-%d", i)
			list = append(list, cfg)
		}
		began := time.Now()
		g := start(b, newMemory(), nil, list...)
		for done := 0; done < accounts; time.Sleep(50 * time.Millisecond) {
			done = 0
			for _, s := range g.Status() {
				if s.State == Connected && len(s.Folders) > 0 {
					done++
				}
			}
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/start")
		time.Sleep(2 * time.Second)
		debug.FreeOSMemory()
		used := processor(b)
		const measured = 10 * time.Second
		time.Sleep(measured)
		b.ReportMetric(float64(processor(b)-used)/float64(measured)*100, "%cpu")
		now := resident(b)
		b.ReportMetric(float64(now)/(1<<20), "MiB")
		b.ReportMetric(float64(now-before)/accounts/1024, "KiB/account")
		b.ReportMetric(float64(runtime.NumGoroutine())/accounts, "goroutines/account")
		g.stop()
	}
}

// resident is the process's resident memory, in octets.
func resident(b *testing.B) int64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skipf("missing: /proc: %v", err)
	}
	var all, pages int64
	if _, err := fmt.Sscan(string(text), &all, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// processor is the processor's time that the process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
