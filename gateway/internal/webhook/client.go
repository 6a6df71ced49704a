// Package webhook hands payloads to endpoints: it signs them by Standard
// Webhooks 1.0.0, sends them with a client that cannot be turned against the
// gateway's own network, and puts the outcome into a Result. It knows bytes, not
// mail.
//
// Invariants:
//
//   - A payload of more than 64 KiB is never whole in memory. It is rendered twice,
//     once into the signature and once onto the wire, and the request completes only
//     if both runs wrote the same octets. A smaller one is kept by the first run.
//   - Every address is checked when it is dialled, after resolution, and every
//     new connection is checked again.
//   - Redirects are never followed, proxies and cookies never used.
//   - What an endpoint can make the gateway read, keep or wait for is bounded.
//   - 2xx headers are success, whatever becomes of the answer's body.
//
// Nothing here is durable and nothing is retried: an attempt is recorded, and
// the next one scheduled, by the caller. Delivery is at least once: an answer
// that is lost on its way is a failed attempt, and the stable webhook-id lets
// the receiver drop the second copy.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/webhook/guard"
)

const (
	defaultTimeout   = 30 * time.Second
	defaultUserAgent = "Postern"

	// maxHeaderBytes bounds the headers of an answer, its 1xx answers included.
	maxHeaderBytes = 16 << 10
	// maxAnswerBytes of an answer's body are read: enough to keep the
	// connection for the next attempt in all ordinary cases.
	maxAnswerBytes = 64 << 10
	// keptAnswerBytes of it are kept for the log.
	keptAnswerBytes = 1 << 10

	// smallPayload is up to how many octets a payload is kept whole: less than a second
	// run takes for its buffers.
	smallPayload = 64 << 10

	// Above askFirst octets an endpoint is asked whether it wants the payload (RFC 9110
	// section 10.1.1), and given askPatience to say so: one that refuses and hangs up at
	// once would else be heard only by chance.
	askFirst    = 1 << 20
	askPatience = time.Second

	// An endpoint that has more attempts under way than idle connections are kept
	// costs a handshake for each of those above.
	maxIdleConns        = 256
	maxIdleConnsPerHost = 64
	idleConnTimeout     = 90 * time.Second

	// A connection that died without a word would fail every attempt of its
	// host; HTTP/2 sends them all over the same one. Pings find it out.
	http2PingAfter   = 15 * time.Second
	http2PingTimeout = 5 * time.Second
)

// Config says what a Client may do. The zero Config is the strict one: https to
// public addresses.
type Config struct {
	// AllowHTTP permits endpoints of the scheme http.
	AllowHTTP bool
	// AllowNetworks may be dialled although they are not public, and on any port.
	AllowNetworks []netip.Prefix
	// AllowPorts are the ports that may be dialled on public addresses. Empty
	// means 443, 80 and 8443.
	AllowPorts []uint16
	// Timeout bounds one attempt, from resolution to the last octet read of the
	// answer's body. 0 means 30 s.
	Timeout time.Duration
	// UserAgent is the User-Agent field. Empty means "Postern".
	UserAgent string
	// Dial replaces the guarded dialer, and with it all checks of addresses. It
	// is for tests; nil otherwise.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// RootCAs verify the certificates of endpoints. nil means the system's.
	RootCAs *x509.CertPool
}

// Client sends webhooks. It is safe for concurrent use; Close ends it.
type Client struct {
	allowHTTP bool
	timeout   time.Duration
	userAgent string
	// transport is used without an http.Client around it: redirects and cookies
	// are the client's doing, so here they cannot happen.
	transport *http.Transport
	conns     guard.Conns
}

// New makes a Client. It starts nothing.
func New(cfg Config) *Client {
	c := &Client{
		allowHTTP: cfg.AllowHTTP,
		timeout:   cfg.Timeout,
		userAgent: cfg.UserAgent,
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	dial := cfg.Dial
	if dial == nil {
		dial = guardedDialer(cfg).DialContext
	}
	c.transport = &http.Transport{
		Proxy: nil, // a proxy would resolve and dial for us, past the guard
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return c.conns.Add(conn), nil
		},
		TLSClientConfig:        &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    c.timeout,
		ForceAttemptHTTP2:      true, // off by default where DialContext is set
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: http2PingAfter, PingTimeout: http2PingTimeout},
		DisableCompression:     true, // else an answer could grow while it is read
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           maxIdleConns,
		MaxIdleConnsPerHost:    maxIdleConnsPerHost,
		IdleConnTimeout:        idleConnTimeout,
		ExpectContinueTimeout:  askPatience,
	}
	return c
}

// guardedDialer returns the dialer that refuses addresses outside cfg.
func guardedDialer(cfg Config) *net.Dialer {
	return &net.Dialer{Control: guard.New(cfg.AllowNetworks, cfg.AllowPorts).Control}
}

// Close closes every connection of the client. Call it when the last Send has
// returned: one that is still under way fails, and none can follow.
func (c *Client) Close() {
	c.transport.CloseIdleConnections() // also gives up dials that nobody waits for
	c.conns.Close()
}

// Request is one attempt to hand over one payload.
type Request struct {
	// URL is the endpoint's.
	URL string
	// ID becomes the webhook-id: the same for every attempt of a delivery.
	ID mail.DeliveryID
	// Key signs the attempt. Send refuses the zero Key.
	Key secret.Key
	// Render writes the payload, which is JSON. It is pure: every run writes the
	// same octets. It is run at least once, and again for the wire where the payload
	// is large, by another goroutine that ends before Send returns. It stops when its
	// writer fails.
	Render func(io.Writer) error
	// At is the time of this attempt: the webhook-timestamp.
	At time.Time
}

// Result is the outcome of one attempt.
type Result struct {
	// Delivered is true where the endpoint answered 2xx.
	Delivered bool
	// Code is the status of the answer; 0 where there was none.
	Code int
	// Duration is how long Send took.
	Duration time.Duration
	// Reason says why the payload was not delivered; it is empty on success. It
	// is one line of valid UTF-8 of at most 300 bytes and begins with a stable
	// word and a colon: url, key and render for a fault on our side (nothing
	// complete was sent); canceled where the caller's context ended;
	// blocked_address, dns, connect and tls where no connection came about;
	// timeout, reset and protocol where no answer came over it; redirect and
	// status for an answer that is not 2xx.
	Reason string
	// Response is the beginning of the answer's body, at most 1 KiB, as it came:
	// untrusted, and perhaps not text.
	Response []byte
	// RetryAfter is how long the endpoint asked to be left alone by the
	// Retry-After field of a 429 or 503, at most a day; 0 where it did not.
	RetryAfter time.Duration
}

// Send makes one attempt. It returns when the answer, or as much of it as is
// read, has come, at the latest after Config.Timeout or when ctx ends. An answer
// that comes before the payload was sent whole is the answer.
func (c *Client) Send(ctx context.Context, req Request) Result {
	start := time.Now()
	result := c.send(ctx, req)
	result.Duration = time.Since(start)
	result.Reason = clean(result.Reason)
	return result
}

func (c *Client) send(caller context.Context, req Request) Result {
	target, err := c.parseURL(req.URL)
	if err != nil {
		return Result{Reason: "url: " + err.Error()}
	}
	if req.Key.IsZero() {
		return Result{Reason: "key: the endpoint has no signing secret"}
	}
	signed := newSigner(req.Key, req.ID, req.At)
	signed.keep = true
	if err := req.Render(signed); err != nil {
		return Result{Reason: "render: " + err.Error()}
	}
	if signed.size == 0 {
		return Result{Reason: "render: the payload is empty"}
	}

	ctx, cancel := context.WithTimeout(caller, c.timeout)
	defer cancel()
	bodies := &bodySet{make: func() *body {
		return newBody(req.Render, newSigner(req.Key, req.ID, req.At), signed.size, signed.sum())
	}}
	httpReq := c.request(ctx, target, req, signed, bodies)

	resp, err := c.transport.RoundTrip(httpReq)
	if err != nil {
		// The render's own error, where there is one, is the cause of the
		// transport's, which need not name it.
		if renderErr := bodies.close(); renderErr != nil {
			err = renderErr
		}
		timedOut := errors.Is(ctx.Err(), context.DeadlineExceeded)
		return Result{Reason: failure(caller, err, timedOut, c.timeout)}
	}
	defer func() { _ = resp.Body.Close() }() // all of it that counts was read
	result := Result{Code: resp.StatusCode, Response: readAnswer(resp)}
	_ = bodies.close() // the answer counts, whatever becomes of the rest
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		result.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	}
	if result.Delivered = resp.StatusCode/100 == 2; !result.Delivered {
		result.Reason = refusal(resp)
	}
	return result
}

// parseURL refuses what no endpoint's URL may be. It does not look at the host:
// the guard does, when it is an address.
func (c *Client) parseURL(raw string) (*url.URL, error) {
	target, err := url.Parse(raw)
	if err != nil {
		// Without its *url.Error, which repeats the URL: queries hold tokens.
		if urlErr, ok := errors.AsType[*url.Error](err); ok {
			err = urlErr.Err
		}
		return nil, fmt.Errorf("parse URL: %w", err)
	}
	switch {
	case target.Scheme == "http" && !c.allowHTTP:
		return nil, errors.New("plain http is not allowed")
	case target.Scheme != "https" && target.Scheme != "http":
		return nil, fmt.Errorf("scheme %q is not https", target.Scheme)
	case target.Hostname() == "":
		return nil, errors.New("there is no host")
	case target.User != nil:
		return nil, errors.New("user names and passwords do not belong in an endpoint's URL")
	}
	return target, nil
}

func (c *Client) request(ctx context.Context, target *url.URL, req Request, signed *signer, bodies *bodySet) *http.Request {
	header := make(http.Header)
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", c.userAgent)
	header.Set("Webhook-Id", string(req.ID))
	header.Set("Webhook-Timestamp", strconv.FormatInt(req.At.Unix(), 10))
	header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(signed.sum()))
	if signed.size > askFirst {
		header.Set("Expect", "100-continue")
	}
	// Not sent. It tells the transport that the request may be repeated, which
	// the webhook-id makes true: so a kept connection that the endpoint closed
	// just now is replaced by a new one and does not cost an attempt.
	header["Idempotency-Key"] = nil
	httpReq := &http.Request{
		Method:     http.MethodPost,
		ProtoMajor: 1, ProtoMinor: 1, // what is at least to be spoken: else the transport does not ask
		URL:           target,
		Host:          target.Host,
		Header:        header,
		ContentLength: signed.size,
	}
	httpReq.GetBody = func() (io.ReadCloser, error) {
		if signed.keep {
			return io.NopCloser(bytes.NewReader(signed.kept)), nil
		}
		return bodies.add(), nil
	}
	httpReq.Body, _ = httpReq.GetBody() // never fails
	return httpReq.WithContext(ctx)
}

// readAnswer returns the beginning of the answer's body and reads on to its
// end, within bounds. That the body ends badly or too late changes nothing.
func readAnswer(resp *http.Response) []byte {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// This body is the bare connection, which no timeout guards any more.
		return nil
	}
	kept, err := io.ReadAll(io.LimitReader(resp.Body, keptAnswerBytes))
	if err == nil {
		_, _ = io.CopyN(io.Discard, resp.Body, maxAnswerBytes-keptAnswerBytes)
	}
	return kept
}
