package dispatch

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/scan"
)

// answers is a virus scanner that says of each attachment what the test says.
type answers []scan.VirusReport

func (a answers) ScanPart(_ context.Context, _ io.Reader, part int) (scan.VirusReport, error) {
	return a[part], nil
}

type octets struct{ *strings.Reader }

func (octets) Close() error { return nil }

// An infected mail goes on without its infected attachments only where each of the
// others is known to be clean.
func TestInfectedMailIsHeldUnlessTheRestIsClean(t *testing.T) {
	const attachment = "--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
	text := "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + attachment + attachment + "--b--\r\n"
	infected := scan.VirusReport{Status: scan.Infected, Signature: "Eicar"}
	clean := scan.VirusReport{Status: scan.Clean}
	large := scan.VirusReport{Status: scan.TooLarge, Reason: "larger than 9 octets"}
	for name, test := range map[string]struct {
		scans answers
		held  string
	}{
		"the other is clean":       {scans: answers{infected, clean}},
		"the other is not scanned": {answers{infected, large}, "virus: Eicar was found in the mail, and attachment 1 could not be scanned: larger than 9 octets"},
		"none is infected":         {answers{clean, clean}, "virus: Eicar was found in the mail, and in none of its attachments"},
	} {
		t.Run(name, func(t *testing.T) {
			body := octets{strings.NewReader(text)}
			view, err := mime.Parse(body, body.Size())
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = (&Dispatcher{virus: test.scans}).attachments(t.Context(), infected.Report(), view, body)
			if test.held == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if held, ok := errors.AsType[*errVirusHeld](err); !ok || held.Error() != test.held {
				t.Errorf("got %v, want %q", err, test.held)
			}
		})
	}
}
