// Command classify is the plugin builtin:classify: it sets the section
// classification of the payload. Its README has the signals and rules.
package main

import "github.com/postern-mail/postern/sdk/go/plugin"

func init() { plugin.Register(transform) }

func main() {}

func transform(m *plugin.Mail) error {
	in := Input{Headers: m.Headers()}
	if b, ok := m.Text(); ok {
		in.Text = b.Text
	}
	if b, ok := m.HTML(); ok {
		in.HTML = b.Text
	}
	for _, a := range m.Attachments() {
		if !a.Inline {
			in.Attachments++
		}
		in.Calendar = in.Calendar || a.ContentType == "text/calendar"
	}
	return m.Payload().Set("/classification", Classify(in))
}
