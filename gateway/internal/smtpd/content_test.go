package smtpd

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// FuzzContent holds that what the reader passes on is what came, that no bare CR
// or LF passes, and that how the octets are cut into pieces changes nothing.
func FuzzContent(f *testing.F) {
	for _, s := range []string{"", "Subject: x\r\n\r\nbody\r\n", "a\rb", "a\nb", "a\r", "\r\n.\r\n", strings.Repeat("Received: x\r\n", 51)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		whole, wholeErr := io.ReadAll(&contentReader{hops: mail.NewHops("mx"), r: bytes.NewReader(content)})
		pieces, piecesErr := io.ReadAll(&contentReader{hops: mail.NewHops("mx"), r: iotest.OneByteReader(bytes.NewReader(content))})
		if !errors.Is(wholeErr, piecesErr) {
			t.Errorf("whole: %v, in pieces: %v", wholeErr, piecesErr)
		}
		if wholeErr != nil {
			return
		}
		if !bytes.Equal(whole, content) || !bytes.Equal(pieces, content) {
			t.Errorf("%q became %q and %q", content, whole, pieces)
		}
		rest := strings.ReplaceAll(string(content), "\r\n", "")
		if strings.ContainsAny(rest, "\r\n") {
			t.Errorf("%q passed", content)
		}
	})
}
