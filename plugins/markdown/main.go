// Command markdown is the first-party plugin that adds the mail's body as
// Markdown to the payload.
package main

import (
	"github.com/postern-mail/postern/sdk/go/plugin"

	"github.com/postern-mail/postern/plugins/markdown/convert"
)

func init() {
	plugin.RegisterWithOptions(convert.Options{Links: true, Images: true}, nil, transform)
}

// transform reads the bodies and sets what is made of them.
func transform(m *plugin.Mail, o convert.Options) error {
	html, hasHTML := m.HTML()
	// The text is the second choice; a mail with a good HTML body does not pay for
	// fetching it.
	markdown := convert.HTML(html.Text, o)
	if markdown == "" {
		text, hasText := m.Text()
		if !hasHTML && !hasText {
			return nil
		}
		markdown = convert.Text(text.Text, o)
	}
	return m.Payload().Set("/message/content/markdown", markdown)
}

func main() {}
