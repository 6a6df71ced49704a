// Command classify is the plugin builtin:classify: it sets the section
// classification of the payload. Its README has the signals and rules.
package main

import (
	"slices"
	"strings"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

func init() { plugin.Register(transform) }

func main() {}

func transform(m *plugin.Mail) error {
	in := Input{Headers: delivered(m.Headers(), m.Envelope().MailFrom)}
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

// delivered returns the header as a mailbox would have it: with the reverse-path in
// Return-Path (RFC 5321 section 4.4), which in a mail on its way is none of its sender's.
func delivered(header []plugin.Field, reversePath string) []plugin.Field {
	const returnPath = "Return-Path"
	header = slices.DeleteFunc(header, func(f plugin.Field) bool { return strings.EqualFold(f.Name, returnPath) })
	return append(header, plugin.Field{Name: returnPath, Value: "<" + reversePath + ">"})
}
