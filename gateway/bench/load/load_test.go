package load_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/bench/load"
	"github.com/postern-mail/postern/gateway/bench/reference"
)

func TestMails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mail []byte
		size int
	}{
		"plain": {load.Plain(4 << 10), 4 << 10},
		"HTML":  {load.HTML(4 << 10), 4 << 10},
		"mixed": {load.Mixed(50 << 10), 50 << 10},
		"large": {load.Mixed(5 << 20), 5 << 20},
	} {
		if n := len(c.mail); n < c.size*9/10 || n > c.size*11/10 {
			t.Errorf("%s: %d octets, want about %d", name, n, c.size)
		}
		for line := range strings.Lines(string(c.mail)) {
			if !strings.HasSuffix(line, "\r\n") || len(line) > 1000 {
				t.Fatalf("%s: the line %q is none of SMTP", name, line)
			}
		}
	}
}

// TestReferences has both references take mails until all of them have come as webhooks.
func TestReferences(t *testing.T) {
	t.Parallel()
	for _, kind := range []reference.Server{reference.Naive, reference.Spooled} {
		for name, mail := range map[string][]byte{"plain": load.Plain(4 << 10), "HTML": load.HTML(4 << 10), "mixed": load.Mixed(50 << 10)} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				sink, err := load.NewSink()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = sink.Close() })
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = l.Close() })
				go func() { _ = reference.Serve(kind, l, sink.URL(), t.TempDir()) }()
				const mails = 50
				got, err := load.Run(t.Context(), load.Plan{
					Address: l.Addr().String(), Sink: sink, Mail: mail, Connections: 4, Mails: mails, Duration: time.Hour,
				})
				if err != nil {
					t.Fatal(err)
				}
				if got.Accepted != mails || got.Twice != 0 || got.Rate <= 0 || got.P50 <= 0 || got.P99 < got.P50 || got.AcceptRate <= 0 {
					t.Errorf("result = %+v", got)
				}
			})
		}
	}
}

// TestRefusal holds that a mail which is refused is an error, and so is a server that is
// not there.
func TestRefusal(t *testing.T) {
	t.Parallel()
	sink, err := load.NewSink()
	if err != nil {
		t.Fatal(err)
	}
	url := sink.URL()
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { _ = reference.Serve(reference.Naive, l, url, "") }()
	plan := load.Plan{Address: l.Addr().String(), Sink: sink, Mail: load.Plain(1000), Connections: 1, Mails: 1, Duration: time.Hour}
	if _, err := load.Run(t.Context(), plan); err == nil || !strings.Contains(err.Error(), "the server says") {
		t.Errorf("error = %v", err)
	}
	plan.Address = url
	if _, err := load.Run(t.Context(), plan); err == nil {
		t.Error("there was a server")
	}
}
