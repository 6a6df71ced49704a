package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const (
	defaultClamAVSize    = 100 << 20 // clamd's StreamMaxLength
	defaultClamAVTimeout = 60 * time.Second
	defaultClamAVScans   = 8 // of clamd's MaxThreads, by default 10

	// The version is asked for with a scan, at most every versionAge.
	versionAge     = 10 * time.Minute
	versionTimeout = 2 * time.Second
)

// ClamAVConfig says where clamd is.
type ClamAVConfig struct {
	// Address is host:port, or the path of a Unix socket with or without "unix:".
	//
	// clamd says "OK" of what is in an archive beyond its limits, unless its
	// configuration has AlertExceedsMax: with it, such a scan is TooLarge.
	Address string
	Limits
	// Dial is nil for plain connections.
	Dial Dial
	// Health is nil where nobody is to be told.
	Health Health
}

// ClamAV is a client of clamd. It is safe for concurrent use, and keeps nothing
// open.
//
// Each scan has a connection of its own. A session of several (IDSESSION) would
// save some dozen microseconds of dialling. But then an answer could be taken for
// that to another mail, a daemon that restarts would break scans that had not
// begun, and a stream over the limit ends the session anyway.
type ClamAV struct {
	network, address string
	maxSize          int64
	gate             *gate
	dial             Dial

	// version holds its value while nobody asks for it.
	version chan version
}

type version struct {
	text  string
	asked time.Time // zero for never
}

// NewClamAV makes a client. It starts nothing and asks nobody.
func NewClamAV(cfg ClamAVConfig, log hclog.Logger) (*ClamAV, error) {
	network, address, err := splitAddress(cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("clamav: %w", err)
	}
	l := cfg.withDefaults(defaultClamAVSize, defaultClamAVTimeout, defaultClamAVScans)
	dial := cfg.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	c := &ClamAV{
		network: network, address: address, maxSize: l.MaxSize, dial: dial,
		gate: newGate(mail.ClamAV, cfg.Address, l, cfg.Health, log), version: make(chan version, 1),
	}
	c.version <- version{}
	return c, nil
}

// splitAddress tells a Unix socket from a host and port.
func splitAddress(s string) (network, address string, err error) {
	if socket, ok := strings.CutPrefix(s, "unix:"); ok || path.IsAbs(s) {
		if !path.IsAbs(socket) {
			return "", "", fmt.Errorf("address %q: write the whole path of the socket", s)
		}
		return "unix", socket, nil
	}
	if host, port, err := net.SplitHostPort(s); err != nil || host == "" || port == "" {
		return "", "", fmt.Errorf("address %q: write host:port, or the path of a Unix socket", s)
	}
	return "tcp", s, nil
}

// Scan asks clamd about a mail as a whole. The error, an *Error, is nil unless the
// report's Status is Failed.
func (c *ClamAV) Scan(ctx context.Context, m Mail) (VirusReport, error) {
	if m.Body.Size() > c.maxSize {
		report := VirusReport{Part: mail.WholeMail}
		report.overLimit(c.maxSize)
		return report, nil
	}
	whole := wholeOf(m.Body)
	whole.r = io.MultiReader(strings.NewReader(preamble), whole.r)
	whole.size += int64(len(preamble))
	whole.limit = whole.size
	return c.scan(ctx, whole, mail.WholeMail)
}

// preamble comes before a mail that is scanned as a whole: a field of a header, by which
// clamd takes it for a mail. It looks at the first octets alone, which are the sender's to
// choose, and does not open what begins like a picture or a program.
const preamble = "Received: from unknown by postern\r\n"

// ScanPart asks clamd about an attachment, counted from 0, whose content r gives.
// Otherwise it is as Scan. When it has returned, nobody reads r any more; it cannot
// interrupt a Read.
func (c *ClamAV) ScanPart(ctx context.Context, r io.Reader, part int) (VirusReport, error) {
	return c.scan(ctx, &source{r: r, size: -1, limit: c.maxSize}, part)
}

func (c *ClamAV) scan(ctx context.Context, content *source, part int) (VirusReport, error) {
	start := time.Now()
	report := VirusReport{Part: part}
	err := c.gate.run(ctx, func(ctx context.Context) error { return c.stream(ctx, content, &report) })
	switch {
	case errors.Is(err, errTooLarge):
		report.overLimit(c.maxSize)
		err = nil
	case err != nil:
		report = VirusReport{Part: part, Status: Failed, Reason: reasonOf(err).text()}
	}
	report.Duration = time.Since(start)
	return report, err
}

// overLimit is what is said of more than may be asked about.
func (r *VirusReport) overLimit(limit int64) {
	r.Status, r.Reason = TooLarge, fmt.Sprintf("larger than %d octets", limit)
}

// stream makes one scan.
func (c *ClamAV) stream(ctx context.Context, content *source, report *VirusReport) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	answer, err := exchange(conn, content)
	switch {
	case errors.Is(err, errTooLarge):
		return err
	case err != nil:
		return c.gate.fail(Unreadable, err)
	case answer.err != nil:
		return c.gate.fault(ctx, answer.err)
	}
	if err := answer.readVerdict(report); err != nil {
		if _, ok := errors.AsType[*refusedError](err); ok {
			return c.gate.fail(Refused, err)
		}
		return c.gate.fail(Protocol, err)
	}
	report.Version = c.engineVersion(ctx)
	return nil
}

// Ping asks whether clamd is there, past the breaker.
func (c *ClamAV) Ping(ctx context.Context) error { return c.gate.within(ctx, c.ping) }

func (c *ClamAV) ping(ctx context.Context) error {
	text, err := c.command(ctx, "zPING\x00")
	if err == nil && text != "PONG" {
		err = c.gate.fail(Protocol, errors.New("the answer to a ping is no pong; is this clamd?"))
	}
	return err
}

// engineVersion asks for the version where it is not known, or was asked for long
// ago. That it gets no answer is no fault of the scan, and not tried again sooner.
func (c *ClamAV) engineVersion(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	var v version
	select {
	case v = <-c.version:
	case <-ctx.Done():
		return ""
	}
	if v.asked.IsZero() || time.Since(v.asked) > versionAge {
		v.asked = time.Now()
		if text, err := c.command(ctx, "zVERSION\x00"); err == nil {
			v.text = versionAfter(text, "ClamAV ")
		}
	}
	c.version <- v
	return v.text
}

// command sends a command and reads its reply.
func (c *ClamAV) command(ctx context.Context, command string) (string, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, command); err != nil {
		return "", c.gate.fault(ctx, err)
	}
	text, err := readReply(conn)
	if err != nil {
		return "", c.gate.fault(ctx, err)
	}
	return text, nil
}

// connect makes a connection on which everything fails when ctx ends.
func (c *ClamAV) connect(ctx context.Context) (net.Conn, error) {
	conn, err := c.dial(ctx, c.network, c.address)
	if err != nil {
		return nil, c.gate.fault(ctx, &dialError{err})
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return &guardedConn{conn, stop}, nil
}

// guardedConn ends the watch over its context when it is closed.
type guardedConn struct {
	net.Conn
	stop func() bool
}

// Close implements net.Conn.
func (c *guardedConn) Close() error {
	c.stop()
	return c.Conn.Close()
}
