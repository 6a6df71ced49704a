// Command payload is the plugin that gives the payload its final shape: it leaves
// members out, renames them and adds constants.
package main

import "github.com/postern-mail/postern/sdk/go/plugin"

func init() {
	plugin.RegisterWithOptions(options{}, options.check, func(m *plugin.Mail, o options) error {
		return shape(m.Payload(), o)
	})
}

func main() {}
