// Command echo is a plugin that sets the HTML body into the payload as it is: what it
// costs is the way to a guest and back.
package main

import "github.com/postern-mail/postern/sdk/go/plugin"

func init() { plugin.Register(transform) } //nolint:gochecknoinits // where plugins register

func transform(m *plugin.Mail) error {
	body, _ := m.HTML()
	return m.Payload().SetJSON("/echo", []byte(body.Text))
}

func main() {}
