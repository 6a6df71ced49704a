package config

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// The names of scanners, which are the labels of their blocks.
const (
	rspamd = "rspamd"
	clamAV = "clamav"
)

// defaultVirusAction is that of plans and tenants that say nothing.
const defaultVirusAction = "exclude"

// scannerBlock opens the block of the scanner that its label names.
func (l *loader) scannerBlock(h schema.Header) *schema.Block {
	switch h.Label {
	case rspamd:
		return l.rspamdBlock(&Rspamd{})
	case clamAV:
		return l.clamAVBlock(&ClamAV{})
	}
	hint := l.DidYouMean(h.Label, []string{rspamd, clamAV})
	if hint == "" {
		hint = fmt.Sprintf("write %q or %q", rspamd, clamAV)
	}
	l.Note(h.Name.Problem(hint, "there is no scanner "+syntax.Quote(h.Label)))
	// Which settings it would have, nobody knows.
	return &schema.Block{Free: func([]syntax.Attribute) syntax.Problems { return nil }}
}

func (l *loader) rspamdBlock(s *Rspamd) *schema.Block {
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "url", Required: true, Set: schema.Into(&s.URL, scannerURL)},
			{Name: "on_error", Initial: "accept", Set: schema.Into(&s.OnError, scanFailure)},
			{Name: "timeout", Initial: "10s", Set: schema.Into(&s.Timeout, scanTimeout)},
			{Name: "max_size", Initial: "20MiB", Set: schema.Into(&s.MaxSize, scanSize)},
		},
		Finish: func() { l.config.Scanners.Rspamd = s },
	}
}

// clamAVBlock has the largest size that clamd itself takes unless it is told
// otherwise (StreamMaxLength).
func (l *loader) clamAVBlock(s *ClamAV) *schema.Block {
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "address", Required: true, Set: s.setAddress},
			{Name: "on_error", Initial: "defer", Set: schema.Into(&s.OnError, scanFailure)},
			{Name: "timeout", Initial: "30s", Set: schema.Into(&s.Timeout, scanTimeout)},
			{Name: "max_size", Initial: "25MiB", Set: schema.Into(&s.MaxSize, scanSize)},
		},
		Finish: func() { l.config.Scanners.ClamAV = s },
	}
}

// scanFailure reads what a mail gets that could not be scanned.
func scanFailure(v syntax.Value) (string, syntax.Problems) {
	return schema.OneOf("accept", "defer")(v)
}

// scanTimeout reads how long a client that has sent its mail may be kept waiting.
func scanTimeout(v syntax.Value) (time.Duration, syntax.Problems) {
	return schema.Duration(100*time.Millisecond, 2*time.Minute)(v)
}

// scanSize reads up to what size a mail is scanned, as max_message_size is read.
func scanSize(v syntax.Value) (int64, syntax.Problems) {
	return schema.Size(1<<10, 1<<30)(v)
}

// scannerURL reads where a scanner answers.
func scannerURL(v syntax.Value) (string, syntax.Problems) {
	return origin(v, "let the scanner listen where only the gateway reaches it", "http://127.0.0.1:11333")
}

// maxSocketPath is what the system takes for the path of a socket, in octets.
const maxSocketPath = 107

// setAddress reads where clamd listens: on a port or on a socket.
func (s *ClamAV) setAddress(v syntax.Value) syntax.Problems {
	text, ps := schema.Text(v)
	if ps != nil {
		return ps
	}
	if strings.HasPrefix(text, "/") {
		path := filepath.Clean(text)
		if len(path) > maxSocketPath {
			return v.Wrong("", "the path of a socket has at most %d octets, this one has %d", maxSocketPath, len(path))
		}
		s.Network, s.Address = "unix", path
		return nil
	}
	host, p, err := net.SplitHostPort(text)
	if err != nil {
		return v.Wrong(`write "host:port", or the whole path of a socket, as in "/run/clamav/clamd.ctl"`, "%s is not an address to connect to", syntax.Quote(text))
	}
	if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
		return v.Wrong("", "port %s is not a number from 1 to 65535", syntax.Quote(p))
	}
	if !isHost(host) {
		return v.Wrong("", "host %s is neither an IP address nor a name", syntax.Quote(host))
	}
	s.Network, s.Address = "tcp", text
	return nil
}

// A screening is what a plan or a tenant says of scanners. What it does not say
// is nil.
type screening struct {
	spam        *SpamPolicy
	virusScan   *bool
	virusAction *string

	spamAt        syntax.Place // of the block, where it has a threshold
	virusScanAt   syntax.Value
	virusActionAt syntax.Value
}

func (s *screening) settings() []schema.Setting {
	return []schema.Setting{
		{Name: "virus_scan", Set: schema.Also(&s.virusScanAt, schema.Into(&s.virusScan, given(schema.Boolean)))},
		{Name: "virus_action", Set: schema.Also(&s.virusActionAt, schema.Into(&s.virusAction, given(schema.OneOf(defaultVirusAction, "reject", "quarantine"))))},
	}
}

// child is the block of thresholds. An empty one says that nothing is done.
func (s *screening) child() schema.Child {
	return schema.Child{Kind: "spam", Open: func(h schema.Header) *schema.Block {
		s.spam = &SpamPolicy{}
		var last syntax.Value
		threshold := func(name string, target **float64) schema.Setting {
			return schema.Setting{Name: name, Set: schema.Also(&last, schema.Into(target, given(score)))}
		}
		return &schema.Block{
			Settings: []schema.Setting{
				threshold("tag", &s.spam.Tag),
				threshold("quarantine", &s.spam.Quarantine),
				threshold("defer", &s.spam.Defer),
				threshold("reject", &s.spam.Reject),
			},
			Finish: func() {
				if last.At != (syntax.Place{}) {
					s.spamAt = h.At
				}
			},
		}
	}}
}

// overlay puts what is said over what somebody farther away says.
func (s *screening) overlay(spam *SpamPolicy, virusScan *bool, virusAction *string) {
	if s.spam != nil {
		*spam = *s.spam
	}
	if s.virusScan != nil {
		*virusScan = *s.virusScan
	}
	if s.virusAction != nil {
		*virusAction = *s.virusAction
	}
}

// inheritScreening gives the tenant what it says, and of the rest what its plan
// says, which is known by now.
func (t *Tenant) inheritScreening(said *screening) {
	t.Spam, t.VirusScan, t.VirusAction = t.Plan.Spam, t.Plan.VirusScan, t.Plan.VirusAction
	said.overlay(&t.Spam, &t.VirusScan, &t.VirusAction)
}

// wantScanners finds what asks for a scanner that is not there, or for nothing, once all
// are known. scans says whether mail is scanned for viruses.
func (l *loader) wantScanners(said *screening, scans bool) {
	if l.Partial() {
		return
	}
	if said.virusScan != nil && *said.virusScan && l.config.Scanners.ClamAV == nil {
		l.Note(said.virusScanAt.Wrong(`write scanner "clamav" { address = "127.0.0.1:3310" }`, "virus_scan needs a scanner %q, and there is none", clamAV)...)
	}
	if said.virusActionAt.At != (syntax.Place{}) && !scans {
		l.Note(said.virusActionAt.Wrong("write virus_scan = true", "virus_action does nothing: virus_scan is not set")...)
	}
	if said.spamAt != (syntax.Place{}) && l.config.Scanners.Rspamd == nil {
		l.Note(said.spamAt.Problem(`write scanner "rspamd" { url = "http://127.0.0.1:11333" }`, fmt.Sprintf("spam needs a scanner %q, and there is none", rspamd)))
	}
}

// given makes a kind that tells apart what was said and what was not, which stays
// nil.
func given[T any](read schema.Kind[T]) schema.Kind[*T] {
	return func(v syntax.Value) (*T, syntax.Problems) {
		x, ps := read(v)
		return &x, ps
	}
}

// maxScore bounds thresholds on both sides. rspamd's own scores are tens at most.
const maxScore = 1000

// score reads a score of rspamd: a number, whole or not.
func score(v syntax.Value) (float64, syntax.Problems) {
	var x float64
	switch n := v.Data.(type) {
	case int64:
		x = float64(n)
	case float64:
		x = n
	case json.Number: // a whole number, too large in any case
		return 0, v.Wrong("", "want a number from %d to %d, got %s", -maxScore, maxScore, n)
	default:
		return 0, v.Wrong("", "want a number from %d to %d, got %s", -maxScore, maxScore, v.Describe())
	}
	if x < -maxScore || x > maxScore {
		return 0, v.Wrong("", "want a number from %d to %d, got %g", -maxScore, maxScore, x)
	}
	return x, nil
}
