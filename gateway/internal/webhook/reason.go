package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/gateway/internal/webhook/guard"
)

const (
	maxReasonBytes   = 300
	maxLocationBytes = 200
	maxRetryAfter    = 24 * time.Hour
)

// streamError is what a reset HTTP/2 stream looks like: the error of net/http
// is not exported, but errors.As converts it to any struct of this shape.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return fmt.Sprintf("stream reset with code %d", e.Code) }

// failure puts into words why there was no answer. The first word is stable.
// caller is the context that Send was called with: where it ended, the attempt
// says nothing about the endpoint. timedOut is true where the attempt's own time
// was over.
func failure(caller context.Context, err error, timedOut bool, limit time.Duration) string {
	var (
		render  *renderError
		blocked *guard.BlockedError
		dns     *net.DNSError
		op      *net.OpError
		netErr  net.Error
		reset   streamError
	)
	switch {
	// Before all others: a failed render makes the transport fail too.
	case errors.As(err, &render):
		return "render: " + render.Error()
	case caller.Err() != nil:
		return "canceled: " + context.Cause(caller).Error()
	case timedOut:
		return fmt.Sprintf("timeout: no answer within %s", limit)
	case errors.As(err, &blocked):
		return "blocked_address: " + blocked.Error()
	case errors.As(err, &dns):
		return fmt.Sprintf("dns: look up %q: %s", dns.Name, dns.Err) // without the resolver's address
	case isTLS(err):
		return "tls: " + strings.TrimPrefix(err.Error(), "tls: ")
	case errors.As(err, &op) && op.Op == "dial":
		return "connect: " + op.Error()
	case errors.As(err, &netErr) && netErr.Timeout():
		return "timeout: " + err.Error()
	case errors.As(err, &reset):
		return "reset: " + plain(err)
	case isReset(err) && errors.As(err, &op) && op.Op == "write":
		return "reset: the endpoint hung up before it had taken the payload: " + op.Err.Error()
	case isReset(err):
		return "reset: the connection ended before an answer: " + plain(err)
	default:
		return "protocol: " + plain(err)
	}
}

// plain returns the text of err without what net/http says in front of it.
func plain(err error) string {
	text := err.Error()
	for _, prefix := range []string{
		"net/http: HTTP/1.x transport connection broken: ",
		"net/http: Transport failed to read from server: ",
		"net/http: ",
	} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

func isTLS(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		op          *net.OpError
	)
	switch {
	case errors.As(err, &certificate), errors.As(err, &record):
		return true
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return true // an alert, sent or received
	}
	// The rest of crypto/tls has no types: only this prefix tells it.
	return strings.HasPrefix(err.Error(), "tls: ")
}

func isReset(err error) bool {
	for _, target := range []error{
		syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED,
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	// net/http does not export this one: the peer closed a kept connection.
	return strings.HasSuffix(err.Error(), "server closed idle connection")
}

// refusal puts an answer other than 2xx into words.
func refusal(resp *http.Response) string {
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		return fmt.Sprintf("redirect: %d to %s", resp.StatusCode, strconv.QuoteToGraphic(cut(location, maxLocationBytes)))
	}
	// The registered text, not the peer's own: that could say anything.
	return strings.TrimSpace(fmt.Sprintf("status: %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}

// clean makes a reason fit to be stored and shown: valid UTF-8 of at most
// maxReasonBytes in one line, without control or format characters.
func clean(reason string) string {
	reason = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case !unicode.IsGraphic(r):
			return ' '
		}
		return r
	}, reason)
	return cut(reason, maxReasonBytes)
}

// cut shortens s to at most limit bytes, at the start of a character, and marks
// the cut.
func cut(s string, limit int) string {
	const mark = "…"
	if len(s) <= limit {
		return s
	}
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}

// retryAfter reads a Retry-After field (RFC 9110 section 10.2.3): seconds, or an
// HTTP date. It returns 0 for what is neither, and for a time that is past; more
// than a day becomes a day, so that no answer can park a delivery for good.
func retryAfter(field string, now time.Time) time.Duration {
	field = strings.TrimSpace(field)
	if field == "" {
		return 0
	}
	if strings.Trim(field, "0123456789") == "" {
		seconds, err := strconv.ParseUint(field, 10, 64)
		if err != nil || seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter // the only error that digits can give is "out of range"
		}
		return time.Duration(seconds) * time.Second // bounded above
	}
	at, err := http.ParseTime(field)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
