package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const (
	defaultRspamdSize    = 50 << 20 // rspamd's max_message; over its own it hangs up without a word
	defaultRspamdTimeout = 30 * time.Second
	defaultRspamdScans   = 64

	maxHeaderBytes  = 16 << 10 // of an answer
	maxRefusalBytes = 4 << 10  // of an answer other than 200
	maxQuoted       = 200      // octets of a scanner's own words in an error
	maxVersion      = 32
	dialTimeout     = 5 * time.Second // it is on this host, or near
	idleConnTimeout = 90 * time.Second
)

// Dial makes a connection, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// RspamdConfig says where rspamd is.
type RspamdConfig struct {
	// URL is that of rspamd's normal worker or of a proxy before it, as in
	// http://127.0.0.1:11333.
	URL string
	Limits
	// Dial is nil for plain connections.
	Dial Dial
	// Health is nil where nobody is to be told.
	Health Health
}

// Rspamd is a client of rspamd. It is safe for concurrent use.
type Rspamd struct {
	base    *url.URL
	maxSize int64
	gate    *gate
	// transport is used without an http.Client around it, so that redirects are
	// not followed.
	transport *http.Transport
	reading   chan struct{} // bounds the answers that are taken apart
}

// NewRspamd makes a client. It starts nothing and asks nobody.
func NewRspamd(cfg RspamdConfig, log hclog.Logger) (*Rspamd, error) {
	base, err := url.Parse(cfg.URL)
	switch {
	case err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "":
		// Without the URL: if it is a wrong one, it may hold anything.
		return nil, errors.New("rspamd: the URL is none; write one like http://127.0.0.1:11333")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("rspamd: the URL has more than scheme, host, port and path; leave the rest out")
	}
	if base.Path == "" {
		base.Path = "/" // JoinPath does not put it in, and a request needs it
	}
	l := cfg.withDefaults(defaultRspamdSize, defaultRspamdTimeout, defaultRspamdScans)
	dial := cfg.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	return &Rspamd{
		base:    base,
		maxSize: l.MaxSize,
		gate:    newGate(mail.Rspamd, cfg.URL, l, cfg.Health, log),
		reading: make(chan struct{}, maxReading),
		transport: &http.Transport{
			Proxy: nil, // it would be given all mail
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dial(ctx, network, address)
				if err != nil {
					return nil, &dialError{err}
				}
				return conn, nil
			},
			TLSHandshakeTimeout:    l.Timeout,
			DisableCompression:     true, // else an answer could grow while it is read
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxIdleConns:           l.MaxScans,
			MaxIdleConnsPerHost:    l.MaxScans,
			IdleConnTimeout:        idleConnTimeout,
		},
	}, nil
}

// Close closes the connections that are kept. No scan may be under way.
func (r *Rspamd) Close() { r.transport.CloseIdleConnections() }

// Scan asks rspamd about a mail. The error, an *Error, is nil unless the report's
// Status is Failed.
func (r *Rspamd) Scan(ctx context.Context, m Mail) (SpamReport, error) {
	if m.Body.Size() > r.maxSize {
		return SpamReport{Status: TooLarge}, nil
	}
	start := time.Now()
	var report SpamReport
	err := r.gate.run(ctx, func(ctx context.Context) error { return r.check(ctx, m, &report) })
	report.Status = Done
	if err != nil {
		report = SpamReport{Status: Failed}
	}
	report.Duration = time.Since(start)
	return report, err
}

// Ping asks whether rspamd is there, past the breaker.
func (r *Rspamd) Ping(ctx context.Context) error { return r.gate.within(ctx, r.ping) }

func (r *Rspamd) ping(ctx context.Context) error {
	req := (&http.Request{Method: http.MethodGet, URL: r.base.JoinPath("ping"), Header: make(http.Header)}).WithContext(ctx)
	resp, err := r.transport.RoundTrip(req)
	if err != nil {
		return r.gate.fault(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return r.refusal(resp)
	}
	if text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBytes)); strings.TrimSpace(string(text)) != "pong" {
		return r.gate.fail(Protocol, errors.New("the answer to a ping is no pong; is this rspamd?"))
	}
	return nil
}

// check makes one request.
func (r *Rspamd) check(ctx context.Context, m Mail, report *SpamReport) error {
	content := &upload{body: m.Body}
	defer content.close()
	resp, err := r.transport.RoundTrip(r.request(ctx, m, content))
	whole, bodyErr := content.state()
	if bodyErr != nil {
		// It is the cause of the transport's error, or else rspamd was given a part.
		if err == nil {
			_ = resp.Body.Close()
		}
		return r.gate.fail(Unreadable, bodyErr)
	}
	if err != nil {
		return r.gate.fault(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return r.refusal(resp)
	}
	if !whole {
		return r.gate.fail(Protocol, errors.New("the answer came before the mail was handed over"))
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxRawAnswer+1))
	switch {
	case err != nil:
		return r.gate.fault(ctx, err)
	case len(raw) > maxRawAnswer:
		return r.gate.fail(Protocol, fmt.Errorf("the answer has more than %d octets", maxRawAnswer))
	}
	// To take an answer apart needs many times its length, and many scans are under way.
	select {
	case r.reading <- struct{}{}:
		defer func() { <-r.reading }()
	case <-ctx.Done():
		return r.gate.fault(ctx, ctx.Err())
	}
	if err := readAnswer(raw, report); err != nil {
		return r.gate.fail(Protocol, err)
	}
	report.Version = versionAfter(resp.Header.Get("Server"), "rspamd/")
	return nil
}

func (r *Rspamd) request(ctx context.Context, m Mail, content *upload) *http.Request {
	header := envelopeHeader(m)
	header.Set("User-Agent", "Postern")
	// Not sent. It tells the transport that the request may be repeated: so a kept
	// connection that was closed just now is replaced and does not cost a scan.
	header["Idempotency-Key"] = nil
	body, _ := content.open() // never fails
	req := &http.Request{
		Method:        http.MethodPost,
		URL:           r.base.JoinPath("checkv2"),
		Host:          r.base.Host,
		Header:        header,
		Body:          body,
		GetBody:       content.open,
		ContentLength: m.Body.Size(),
	}
	if req.ContentLength == 0 {
		req.Body, req.GetBody = http.NoBody, nil // else 0 would mean: not known
	}
	return req.WithContext(ctx)
}

// refusal puts an answer other than 200 into words.
func (r *Rspamd) refusal(resp *http.Response) error {
	status := strings.TrimSpace(fmt.Sprintf("status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	var answer struct {
		Error string `json:"error"`
	}
	// The body of a 101 is the bare connection, which no timeout guards any more.
	if resp.StatusCode != http.StatusSwitchingProtocols {
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBytes))
		if err == nil && json.Unmarshal(text, &answer) == nil && answer.Error != "" {
			return r.gate.fail(Refused, fmt.Errorf("%s: %q; its own log says more", status, printable(answer.Error, maxQuoted)))
		}
	}
	return r.gate.fail(Protocol, fmt.Errorf("%s; is this rspamd's normal worker?", status))
}

// versionAfter reads what follows a product's name in its greeting, up to the next
// slash or space. It is empty where the greeting is another's.
func versionAfter(greeting, product string) string {
	version, ok := strings.CutPrefix(greeting, product)
	if !ok {
		return ""
	}
	if end := strings.IndexAny(version, "/ "); end >= 0 {
		version = version[:end]
	}
	return printable(version, maxVersion)
}
