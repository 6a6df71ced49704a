// Package fetch gets octets from servers for package artifact: by https, and out of OCI
// registries. It holds how much comes and by which way; what the octets have to be is
// its caller's to hold.
//
// Invariants:
//
//   - Sizes are bounded before anything is read, and while it is read. Time is bounded by
//     the caller's context.
//   - Nothing comes by plain http but from this machine, over redirects too.
//   - No error repeats what a server says, nor the query of a URL, which may hold a token.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"time"
)

const (
	maxRedirects = 5
	// maxHeaderBytes bounds the headers of an answer. Storage behind registries
	// redirects to long URLs.
	maxHeaderBytes = 64 << 10
	// dialTimeout tells of a server that is not there before the time is over for one
	// that is slow.
	dialTimeout = 10 * time.Second
)

// Config says who may be believed, and who asks.
type Config struct {
	// RootCAs verify the certificates of servers. nil means the system's.
	RootCAs *x509.CertPool
	// DockerConfig is the file in which docker keeps the logins of registries. Empty
	// means where docker has it: $DOCKER_CONFIG/config.json, or ~/.docker/config.json.
	DockerConfig string
	// UserAgent is the User-Agent field of requests.
	UserAgent string
}

// Client fetches. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
}

// New makes a Client. It connects to nobody.
func New(cfg Config) *Client {
	transport := &http.Transport{
		// As others do: what comes is verified, whichever way it takes.
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true, // off by default where DialContext is set
		DisableCompression:     true, // else an answer could grow while it is read
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return &Client{cfg: cfg, http: &http.Client{Transport: guarded{transport}, CheckRedirect: checkRedirect}}
}

// CloseIdle closes the connections that nobody uses.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// guarded speaks plain http with nobody but this machine: neither with a registry nor
// with who gives tokens for it.
type guarded struct{ *http.Transport }

func (g guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" && !isLoopback(req.URL.Hostname()) {
		return nil, errors.New("plain http is for this machine only")
	}
	return g.Transport.RoundTrip(req)
}

// checkRedirect lets few redirects pass, and none to where anybody on the way could
// read a token or answer in the server's place. A registry on this machine may stay
// on it.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("the server redirects more than %d times", maxRedirects)
	}
	local := via[0].URL.Scheme == "http" && isLoopback(req.URL.Hostname())
	if req.URL.Scheme != "https" && !local {
		return fmt.Errorf("the server redirects to %s:, and it may be https only", req.URL.Scheme)
	}
	return nil
}

// isLoopback says whether a host is this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// Get fetches what a URL of https names, up to a size in octets.
func (c *Client) Get(ctx context.Context, from string, most int) (_ []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("fetch %s: %w", ShownURL(from), explain(ctx, err))
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	if req.URL.Scheme != "https" {
		return nil, errors.New("only https is fetched")
	}
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, statusError(res.StatusCode)
	}
	if res.ContentLength > int64(most) {
		return nil, tooLarge(res.ContentLength, most)
	}
	octets, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	if len(octets) > most {
		return nil, tooLarge(int64(len(octets)), most)
	}
	return octets, err
}

// tooLarge is the error of what has at least so many octets.
func tooLarge(octets int64, most int) error {
	return fmt.Errorf("it has %d octets or more, and may have %d", octets, most)
}

// statusError says what an answer means. What else the server says is not repeated.
func statusError(status int) error {
	answer := fmt.Sprintf("the server answers %d %s", status, http.StatusText(status))
	switch {
	case status == http.StatusNotFound || status == http.StatusGone:
		return errors.New(answer + "; look whether it is still there, and by this name")
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return errors.New(answer + "; it wants to know who asks")
	case status >= 500 || status == http.StatusTooManyRequests:
		return errors.New(answer + "; try again later")
	default:
		return errors.New(answer)
	}
}

// shownQuery is the query of a URL within a message.
var shownQuery = regexp.MustCompile(`(https?://[^\s"?]*)\?[^\s"]*`)

// explain says what the failure of a request means.
func explain(ctx context.Context, err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	unknown := x509.UnknownAuthorityError{}
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return cause
	case errors.As(err, &unknown):
		return fmt.Errorf("%w; where it is an authority of your own, set SSL_CERT_FILE to a file with its certificate", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("it came in part only: %w", err)
	case shownQuery.MatchString(err.Error()):
		return errors.New(shownQuery.ReplaceAllString(err.Error(), "$1?…"))
	default:
		return err
	}
}

// ShownURL is a URL as a message may show it.
func ShownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "the url"
	}
	query := ""
	if u.RawQuery != "" {
		query = "?…"
	}
	u.RawQuery, u.Fragment, u.User = "", "", nil
	return u.String() + query
}
