// Command spam is the plugin builtin:spam: it maps rspamd's answer to the section
// spam of the payload. Its README has the rules.
package main

import (
	"errors"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// Options are those of the plugin's block.
type Options struct {
	// Threshold is the score from which a mail is spam; 0 leaves it to rspamd.
	Threshold float64 `json:"threshold"`
}

func init() { plugin.RegisterWithOptions(Options{}, check, transform) }

func main() {}

func check(o Options) error {
	if o.Threshold < 0 {
		return errors.New("threshold: must be 0 (rspamd's own decision) or a score above it")
	}
	return nil
}

func transform(m *plugin.Mail, o Options) error {
	for _, report := range m.Scans() {
		if report.Engine != engine || report.Part >= 0 {
			continue
		}
		section, err := mapAnswer(report.Answer, o.Threshold)
		if err != nil {
			return err
		}
		return m.Payload().Set("/spam", section)
	}
	return nil // not scanned: no section, which is not the same as "not spam"
}
