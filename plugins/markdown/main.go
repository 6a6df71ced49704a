// Command markdown is the first-party plugin that adds the mail's body as
// Markdown to the payload.
package main

import "github.com/postern-mail/postern/sdk/go/plugin"

func init() { plugin.RegisterWithOptions(Options{Links: true, Images: true}, nil, transform) }

// transform reads the bodies and sets what Convert makes of them.
func transform(m *plugin.Mail, o Options) error {
	var in Input
	html, hasHTML := m.HTML()
	in.HTML = html.Text
	// The text is the second choice; a mail with a good HTML body does not pay for
	// fetching it.
	markdown := Convert(in, o)
	if markdown == "" {
		text, hasText := m.Text()
		if !hasHTML && !hasText {
			return nil
		}
		markdown = Convert(Input{Text: text.Text}, o)
	}
	return m.Payload().Set("/message/content/markdown", markdown)
}

func main() {}
