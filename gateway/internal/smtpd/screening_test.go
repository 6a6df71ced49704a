package smtpd_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// judge is a spam scanner that gives every mail one score, or fails.
type judge struct {
	score float64
	err   error
}

func (j judge) Scan(context.Context, scan.Mail) (scan.SpamReport, error) {
	if j.err != nil {
		return scan.SpamReport{Status: scan.Failed}, j.err
	}
	return scan.SpamReport{Status: scan.Done, Score: j.score, RequiredScore: 15, Action: "no action", Answer: []byte(`{"score":1}`)}, nil
}

// TestScreening has scanners' words become replies, and rows of the log.
func TestScreening(t *testing.T) {
	t.Parallel()
	ten := 10.0
	for name, tc := range map[string]struct {
		screening reception.Screening
		want      string
		states    []mail.State
		bodies    int
	}{
		"below": {
			reception.Screening{Spam: judge{score: 9.9}, Policies: map[string]reception.Policy{"acme": {Reject: &ten}}},
			"",
			[]mail.State{mail.Queued},
			1,
		},
		"rejected": {
			reception.Screening{Spam: judge{score: 10}, Policies: map[string]reception.Policy{"acme": {Reject: &ten}}},
			"554 5.7.1 Message is taken for spam or infected",
			[]mail.State{mail.Rejected},
			0,
		},
		"deferred": {
			reception.Screening{Spam: judge{score: 10}, Policies: map[string]reception.Policy{"acme": {Defer: &ten}}},
			"451 4.7.1 Message cannot be taken now, try again later", nil, 0,
		},
		"scanner is down": {
			reception.Screening{Spam: judge{err: errors.New("it is down")}, DeferSpam: true},
			"451 4.7.1 Message cannot be taken now, try again later", nil, 0,
		},
		"scanner is down, and not needed": {
			reception.Screening{Spam: judge{err: errors.New("it is down")}}, "", []mail.State{mail.Queued}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startScreened(t, defaults(), tc.screening)
			client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: f.addr})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			_, err = client.Send(smtpclient.Mail{From: "a@example.com", To: []string{"support@acme.test"}, Body: strings.NewReader("Subject: Hi\r\n\r\nHi\r\n")})
			got := ""
			if refusal := new(smtpclient.Refusal); errors.As(err, &refusal) {
				got = refusal.Error()
			} else if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(got, tc.want) || (got == "") != (tc.want == "") {
				t.Errorf("reply = %q, want %q", got, tc.want)
			}
			var states []mail.State
			for _, d := range f.stored(t) {
				states = append(states, d.State)
			}
			if len(states) != len(tc.states) || len(states) > 0 && states[0] != tc.states[0] || len(f.bodyFiles(t)) != tc.bodies {
				t.Errorf("states = %v, want %v; %d bodies, want %d", states, tc.states, len(f.bodyFiles(t)), tc.bodies)
			}
		})
	}
}
