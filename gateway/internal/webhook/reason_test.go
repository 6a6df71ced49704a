package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/gateway/internal/webhook/guard"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 12, 10, 30, 0, 0, time.UTC)
	for field, want := range map[string]time.Duration{
		"":                                 0,
		"0":                                0,
		"1":                                time.Second,
		" 120 ":                            2 * time.Minute,
		"000120":                           2 * time.Minute,
		"86400":                            24 * time.Hour,
		"86401":                            24 * time.Hour,
		"9223372037":                       24 * time.Hour,
		"99999999999999999999":             24 * time.Hour, // more than 64 bits hold
		"-1":                               0,
		"+1":                               0,
		"1.5":                              0,
		"1e99":                             0,
		"0x10":                             0,
		"1, 2":                             0,
		"١٢":                               0, // digits, but not ASCII
		"soon":                             0,
		"Thu, 12 Feb 2026 10:31:00 GMT":    time.Minute,
		"Thursday, 12-Feb-26 10:31:00 GMT": time.Minute,
		"Thu Feb 12 10:31:00 2026":         time.Minute,
		"Thu, 12 Feb 2026 10:29:00 GMT":    0, // past
		"Fri, 31 Dec 9999 23:59:59 GMT":    24 * time.Hour,
		"Mon, 01 Jan 0001 00:00:00 GMT":    0,
		"Thu, 32 Feb 2026 10:31:00 GMT":    0,
		"2026-02-12T10:31:00Z":             0, // no HTTP date
	} {
		if got := retryAfter(field, now); got != want {
			t.Errorf("retryAfter(%q) = %s, want %s", field, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 2, 12, 10, 30, 0, 0, time.UTC)
	for _, seed := range []string{"", "120", "-1", "1e99", "99999999999999999999", "Thu, 12 Feb 2026 10:31:00 GMT", "Thu Feb 12 10:31:00 2026"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, field string) {
		if got := retryAfter(field, now); got < 0 || got > maxRetryAfter {
			t.Errorf("retryAfter(%q) = %s", field, got)
		}
	})
}

func TestFailure(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, tc := range []struct {
		err  error
		want string
	}{
		{dial(&guard.BlockedError{Address: "127.0.0.1:80", Err: errors.New("no")}), "blocked_address: 127.0.0.1:80: no"},
		{dial(&net.DNSError{Err: "no such host", Name: "nx.test", Server: "10.0.0.2:53", IsNotFound: true}), `dns: look up "nx.test": no such host`},
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connect: dial tcp: connect: connection refused"},
		{dial(os.ErrDeadlineExceeded), "connect: dial tcp: i/o timeout"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "tls: failed to verify certificate: "},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "tls: first record"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "tls: remote error: tls: handshake failure"},
		{errors.New("tls: server selected unsupported protocol version 301"), "tls: server selected"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "reset: "},
		{&net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, "reset: the endpoint hung up before it had taken the payload: write: broken pipe"},
		{fmt.Errorf("read: %w", io.EOF), "reset: "},
		{errors.New("http: server closed idle connection"), "reset: "},
		{streamError{StreamID: 1, Code: 2}, "reset: "},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "timeout: "},
		{&renderError{errors.New("open body: gone")}, "render: open body: gone"},
		{errors.New("net/http: HTTP/1.x transport connection broken: malformed HTTP response"), "protocol: "},
	} {
		if got := failure(t.Context(), tc.err, false, time.Second); !strings.HasPrefix(got, tc.want) {
			t.Errorf("failure(%v) = %q, want %q…", tc.err, got, tc.want)
		}
	}

	if got := failure(t.Context(), io.EOF, true, 30*time.Second); got != "timeout: no answer within 30s" {
		t.Errorf("over time: %q", got)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the gateway stops"))
	if got := failure(ctx, io.EOF, true, time.Second); got != "canceled: the gateway stops" {
		t.Errorf("canceled: %q", got)
	}
	if got := failure(ctx, &renderError{errors.New("no")}, true, time.Second); got != "render: no" {
		t.Errorf("canceled while the render failed: %q", got)
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                  "",
		"timeout: 30 s":                     "timeout: 30 s",
		"Zürich 東京 €":                       "Zürich 東京 €",
		"a\x00b\r\nc\x1b[31md\u009be\x7ff":  "a b  c [31md e f",
		"bidi \u202eevil\u2066\u200b\ufeff": "bidi  evil   ",
		"invalid \xff\xfe":                  "invalid ??",
		"line\u2028sep":                     "line sep",
		strings.Repeat("x", 300):            strings.Repeat("x", 300),
		strings.Repeat("x", 301):            strings.Repeat("x", 297) + "…",
		strings.Repeat("é", 200):            strings.Repeat("é", 148) + "…",
	} {
		got := clean(in)
		if got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
		checkReason(t, got)
	}
}

// checkReason holds what Result.Reason promises.
func checkReason(t *testing.T, reason string) {
	t.Helper()
	if len(reason) > maxReasonBytes {
		t.Errorf("reason has %d bytes", len(reason))
	}
	if !utf8.ValidString(reason) {
		t.Errorf("reason %q is not UTF-8", reason)
	}
	if strings.ContainsFunc(reason, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		t.Errorf("reason %q holds control characters", reason)
	}
}
