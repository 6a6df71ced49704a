// Command htmltomarkdown is the markdown plugin as it would be with the library
// html-to-markdown, to compare the two in the same sandbox.
package main

import (
	"github.com/postern-mail/postern/sdk/go/plugin"

	"github.com/postern-mail/postern/gateway/bench/guest/htmltomarkdown/convert"
)

func init() { plugin.Register(transform) } //nolint:gochecknoinits // where plugins register

func transform(m *plugin.Mail) error {
	body, _ := m.HTML()
	markdown, err := convert.HTML(body.Text)
	if err != nil {
		return err
	}
	return m.Payload().Set("/message/content/markdown", markdown)
}

func main() {}
