package smtpd_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
	"github.com/postern-mail/postern/gateway/internal/smtpd"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// fixture is a server over a real store and spool.
type fixture struct {
	server *smtpd.Server
	addr   string
	store  *sqlite.DB
	bodies *spool.Files
	dir    string
	ended  chan error
}

func defaults() smtpd.Config {
	return smtpd.Config{
		Name: "mx", Hostname: "mx.acme.test", MaxMessageSize: 1 << 20, MaxRecipients: 5,
		MaxConnections: 100, MaxConnectionsPerIP: 100, IdleTimeout: time.Minute, Logger: hclog.NewNullLogger(),
	}
}

func start(t *testing.T, cfg smtpd.Config) *fixture {
	return startScreened(t, cfg, reception.Screening{})
}

func startScreened(t *testing.T, cfg smtpd.Config, screening reception.Screening) *fixture {
	t.Helper()
	return startOn(t, cfg, screening, func(bodies *spool.Files) reception.Bodies { return bodies })
}

// startOn starts a server whose bodies go through what wrap makes.
func startOn(t *testing.T, cfg smtpd.Config, screening reception.Screening, wrap func(*spool.Files) reception.Bodies) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir(), ended: make(chan error, 1)}
	var err error
	if f.store, err = sqlite.Open(t.Context(), filepath.Join(f.dir, "postern.db")); err != nil {
		t.Fatal(err)
	}
	if f.bodies, err = spool.OpenFiles(filepath.Join(f.dir, "bodies")); err != nil {
		t.Fatal(err)
	}
	routes, err := route.New([]route.Tenant{
		{Name: "acme", Domains: []string{"acme.test", "bücher.example"}, Aliases: []route.Alias{
			{Name: "support", Endpoints: []string{"desk"}}, {Name: "both", Endpoints: []string{"desk", "archive"}},
		}},
		{Name: "open", Domains: []string{"open.test"}, Aliases: []route.Alias{{Name: "*", Endpoints: []string{"all"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	q := queue.New(f.store, f.bodies, queue.Config{Owner: "test", Logger: cfg.Logger})
	receiver := reception.New(wrap(f.bodies), q, map[string]reception.Retention{"acme": {Raw: time.Hour}, "open": {Raw: time.Hour}}, screening, cfg.Logger)
	f.server = smtpd.New(cfg, routes, receiver)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	go func() { f.ended <- f.server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = f.server.Shutdown(ctx)
		_ = f.store.Close()
		_ = f.bodies.Close()
	})
	return f
}

// stored lists the deliveries that were enqueued, the newest first.
func (f *fixture) stored(t *testing.T) []store.Delivery {
	t.Helper()
	list, err := f.store.List(t.Context(), store.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// bodyFiles lists the files in the spool.
func (f *fixture) bodyFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, "bodies", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// raw returns the octets of a stored message.
func (f *fixture) raw(t *testing.T, d store.Delivery) string {
	t.Helper()
	id, _ := d.ID.Split()
	m, err := f.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	body, err := f.bodies.Open(t.Context(), m.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	b, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// conn is a client that speaks line by line.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func (f *fixture) dial(t *testing.T) *conn {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return &conn{c, bufio.NewReader(c)}
}

func (c *conn) send(t *testing.T, s string) {
	t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		t.Fatalf("send %.40q: %v", s, err)
	}
}

// reply reads one reply, all its lines.
func (c *conn) reply() (string, error) {
	var all strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		all.WriteString(line)
		if err != nil || len(line) < 4 || line[3] == ' ' {
			return all.String(), err
		}
	}
}

func (c *conn) expect(t *testing.T, prefix string) string {
	t.Helper()
	got, err := c.reply()
	if err != nil || !strings.HasPrefix(got, prefix) {
		t.Fatalf("reply = %q, %v; want %q", got, err, prefix)
	}
	return got
}

// begin brings a transaction up to the reply to DATA.
func (c *conn) begin(t *testing.T) {
	t.Helper()
	c.expect(t, "220 ")
	for _, step := range []struct{ say, want string }{
		{"EHLO client.example", "250"},
		{"MAIL FROM:<a@example.com>", "250 2."},
		{"RCPT TO:<support@acme.test>", "250 2."},
		{"DATA", "354 "},
	} {
		c.send(t, step.say+"\r\n")
		c.expect(t, step.want)
	}
}

// startTLS greets and encrypts the session.
func (c *conn) startTLS(t *testing.T) *conn {
	t.Helper()
	c.expect(t, "220 ")
	c.send(t, "EHLO x\r\nSTARTTLS\r\n")
	c.expect(t, "250")
	c.expect(t, "220 ")
	encrypted := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true}) // a test's own certificate
	return &conn{encrypted, bufio.NewReader(encrypted)}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.TLS = selfSigned(t)
	f := start(t, cfg)
	c := f.dial(t)
	c.expect(t, "220 mx.acme.test ")
	c.send(t, "EHLO client.example\r\n")
	got := c.expect(t, "250-")
	for _, want := range []string{"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "STARTTLS", "ENHANCEDSTATUSCODES", "SIZE 1048576"} {
		if !strings.Contains(got, want+"\r\n") {
			t.Errorf("EHLO does not offer %s: %q", want, got)
		}
	}
}

// TestOneMessageNeverTwo sends what has made other servers see two mails in one.
func TestOneMessageNeverTwo(t *testing.T) {
	t.Parallel()
	second := "MAIL FROM:<evil@example.com>\r\nRCPT TO:<support@acme.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n\x00.\r\n", "\r\n.\r\r\n", "\n\n.\r\n", "\r\n.\x00\r\n"} {
		for _, allow := range []bool{false, true} {
			t.Run(fmt.Sprintf("%q allow=%v", end, allow), func(t *testing.T) {
				t.Parallel()
				cfg := defaults()
				cfg.AllowBareNewlines = allow
				f := start(t, cfg)
				c := f.dial(t)
				c.begin(t)
				c.send(t, "Subject: first\r\n\r\nbody"+end+second)
				got, err := c.reply()
				if err != nil {
					t.Fatal(err)
				}
				list := f.stored(t)
				if len(list) > 1 {
					t.Fatalf("one mail became %d", len(list))
				}
				if accepted := strings.HasPrefix(got, "250 "); accepted != (len(list) == 1) {
					t.Errorf("reply %q with %d messages stored", got, len(list))
				}
				// go-smtp takes the CR after a dot away before anybody sees it.
				bare := strings.ContainsAny(strings.NewReplacer("\r\n.\r", "", "\r\n", "").Replace(end), "\r\n")
				if bare && !allow && !strings.HasPrefix(got, "550 5.5.2") {
					t.Errorf("reply = %q, want 550 5.5.2", got)
				}
				c.send(t, "QUIT\r\n")
				if got, err := c.reply(); err != nil || !strings.HasPrefix(got, "221") {
					t.Errorf("after the mail: %q, %v; want nothing but the reply to QUIT", got, err)
				}
			})
		}
	}
}

func TestClientThatVanishesLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]string{
		"DATA": "DATA\r\n", "BDAT": "BDAT 1000\r\n", "BDAT LAST": "BDAT 1000 LAST\r\n", "BDAT twice": "BDAT 5\r\nhello", "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, defaults())
			c := f.dial(t)
			c.expect(t, "220 ")
			c.send(t, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<support@acme.test>\r\n"+say+"Subject: half a mail\r\n\r\nand then")
			for range 3 {
				c.expect(t, "250")
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			// Shutdown returns when the session has ended.
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := f.server.Shutdown(ctx); err != nil {
				t.Fatal(err)
			}
			if list := f.stored(t); len(list) > 0 {
				t.Errorf("stored: %+v", list)
			}
			if left := f.bodyFiles(t); len(left) > 0 {
				t.Errorf("left in the spool: %v", left)
			}
		})
	}
}

func TestBodyIsKeptAsSent(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	// A long line, octets of no charset, NUL, a dot at a line's beginning.
	content := "Subject: x\r\n\r\n" + strings.Repeat("long ", 100_000) + "\r\n\xff\xfe\x00\r\n.dot\r\n..\r\n"
	c := f.dial(t)
	c.begin(t)
	c.send(t, strings.ReplaceAll(content, "\r\n.", "\r\n..")+".\r\n")
	c.expect(t, "250 2.0.0 OK: queued as msg_")
	if got := f.raw(t, f.stored(t)[0]); got != content {
		t.Errorf("stored %d octets that differ from the %d sent", len(got), len(content))
	}
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.MaxMessageSize = 4 << 20
	f := start(t, cfg)
	for length, want := range map[int]string{1 << 20: "250 ", 1<<20 + 1: "554 5.6.0"} {
		c := f.dial(t)
		c.begin(t)
		c.send(t, "Subject: x\r\n\r\n"+strings.Repeat("y", length)+"\r\n.\r\n")
		c.expect(t, want)
	}
	if n := len(f.bodyFiles(t)); n != 1 {
		t.Errorf("%d bodies in the spool, want 1", n)
	}
}

func TestChunking(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	c := f.dial(t)
	c.expect(t, "220 ")
	c.send(t, "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<support@acme.test>\r\nBDAT 12\r\nSubject: x\r\nBDAT 8 LAST\r\n\r\n.\r\nok\n")
	for range 3 {
		c.expect(t, "250")
	}
	c.expect(t, "250 2.0.0 Continue")
	c.expect(t, "550 5.5.2") // the bare LF at the end
	c.send(t, "MAIL FROM:<>\r\nRCPT TO:<support@acme.test>\r\nBDAT 12\r\nSubject: x\r\nBDAT 9 LAST\r\n\r\n.\r\nok\r\n")
	for range 3 {
		c.expect(t, "250")
	}
	c.expect(t, "250 2.0.0 OK: queued")
	if got := f.raw(t, f.stored(t)[0]); got != "Subject: x\r\n\r\n.\r\nok\r\n" {
		t.Errorf("stored %q", got)
	}
}

func TestSizeIsBounded(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.MaxMessageSize = 10_000
	f := start(t, cfg)
	c := f.dial(t)
	c.expect(t, "220 ")
	c.send(t, "EHLO x\r\nMAIL FROM:<> SIZE=10001\r\n")
	c.expect(t, "250")
	c.expect(t, "552 5.3.4")
	c.send(t, "MAIL FROM:<>\r\nRCPT TO:<support@acme.test>\r\nDATA\r\n")
	c.expect(t, "250")
	c.expect(t, "250")
	c.expect(t, "354")
	c.send(t, strings.Repeat("0123456789\r\n", 1000)+".\r\n")
	c.expect(t, "552 5.3.4")
	c.send(t, "MAIL FROM:<>\r\nRCPT TO:<support@acme.test>\r\nBDAT 10001 LAST\r\n"+strings.Repeat("x", 10_001))
	c.expect(t, "250")
	c.expect(t, "250")
	c.expect(t, "552 5.3.4")
	if list, left := f.stored(t), f.bodyFiles(t); len(list)+len(left) > 0 {
		t.Errorf("kept of a mail that was refused: %v, %v", list, left)
	}
}

func TestDiskThatFailsGives451(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	if err := os.RemoveAll(filepath.Join(f.dir, "bodies")); err != nil {
		t.Fatal(err)
	}
	c := f.dial(t)
	c.begin(t)
	c.send(t, "Subject: x\r\n\r\n.\r\n")
	got := c.expect(t, "451 4.3.0")
	if strings.Contains(got, f.dir) || strings.Contains(got, "bodies") {
		t.Errorf("the reply tells of the inside: %q", got)
	}
}

// fullDisk has no room for bodies.
type fullDisk struct {
	*spool.Files
	dir string
	err error
}

func (d fullDisk) Put(_ context.Context, _ mail.MessageID, _ time.Time, r io.Reader) (mail.BodyRef, error) {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return "", err
	}
	return "", spool.Explain(d.dir, &os.PathError{Op: "write", Path: d.dir, Err: d.err})
}

// TestDiskThatIsFullGives451 holds what client and operator are told about a disk that is
// full or fails.
func TestDiskThatIsFullGives451(t *testing.T) {
	t.Parallel()
	for says, errno := range map[string]error{
		"the disk is full: no mail is taken until there is room in /data/bodies":                syscall.ENOSPC,
		"the disk is failing: no mail is taken until it can be written to in /data/bodies; see": syscall.EIO,
	} {
		log, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		cfg := defaults()
		cfg.Logger = hclog.New(&hclog.LoggerOptions{Output: log})
		f := startOn(t, cfg, reception.Screening{}, func(files *spool.Files) reception.Bodies {
			return fullDisk{files, "/data/bodies", errno}
		})
		c := f.dial(t)
		c.begin(t)
		c.send(t, "Subject: x\r\n\r\n.\r\n")
		if got := c.expect(t, "451 4.3.0"); strings.Contains(got, "/data") {
			t.Errorf("the reply tells of the inside: %q", got)
		}
		text, err := os.ReadFile(log.Name())
		if err != nil || !strings.Contains(string(text), says) || !strings.Contains(string(text), "[ERROR]") {
			t.Errorf("log = %q, %v; want %q at level ERROR", text, err, says)
		}
		if list := f.stored(t); len(list) > 0 {
			t.Errorf("stored: %+v", list)
		}
	}
}

// TestStoreThatFailsGives451 closes the store under a mail. Nobody can say then
// whether the row was committed, so the body stays for the next start's sweep.
func TestStoreThatFailsGives451(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	c := f.dial(t)
	c.begin(t)
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	c.send(t, "Subject: x\r\n\r\n.\r\n")
	c.expect(t, "451 4.3.0")
	if left := f.bodyFiles(t); len(left) != 1 {
		t.Errorf("in the spool: %v, want the one body", left)
	}
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: f.addr})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	// Twice the same counts once; "both" has two endpoints.
	to := []string{"support@acme.test", "SUPPORT@ACME.TEST", "both@acme.test", "any+one@open.test"}
	if _, err := client.Send(smtpclient.Mail{From: "a@example.com", To: to, Body: strings.NewReader("Subject: x\n\nhello\n")}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range f.stored(t) {
		got = append(got, fmt.Sprintf("%s %s/%s %s", d.Recipient, d.Endpoint.Tenant, d.Endpoint.Name, d.Alias))
	}
	want := "any+one@open.test open/all *, both@acme.test acme/archive both, both@acme.test acme/desk both, support@acme.test acme/desk support"
	if strings.Join(got, ", ") != want {
		t.Errorf("deliveries = %s, want %s", strings.Join(got, ", "), want)
	}
	id, _ := f.stored(t)[0].ID.Split()
	m, err := f.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if m.Envelope.ReversePath != "a@example.com" || m.Envelope.Session.HELO != "localhost" || m.Envelope.Session.RemoteIP.String() != "127.0.0.1" {
		t.Errorf("envelope = %+v", m.Envelope)
	}
	if !strings.HasPrefix(m.TraceField, "Received: from localhost ([127.0.0.1])\r\n\tby mx.acme.test (Postern) with ESMTP id "+string(id)+";\r\n\t") {
		t.Errorf("trace field = %q", m.TraceField)
	}
	if strings.Contains(m.TraceField, "support@") {
		t.Errorf("trace field of several recipients names one: %q", m.TraceField)
	}
}
