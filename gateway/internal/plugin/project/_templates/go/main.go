// Command my-plugin is a plugin for Postern: it sets /topic in the payload to the word
// in brackets that a subject begins with, such as "orders" of "Re: [Orders] Where is
// it?".
package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// The gateway calls transform for each delivery. A plugin has no main that runs, so it
// is registered in init.
func init() { plugin.RegisterWithOptions(options{Default: "general"}, options.check, transform) }

func main() {}

// options are those of the plugin's block in the gateway's configuration.
type options struct {
	// Default is the topic of a mail that names none.
	Default string `json:"default"`
}

// check is called when the gateway starts, so that a mistake is found before a mail is.
func (o options) check() error {
	if o.Default == "" {
		return errors.New(`default is empty: write options { default = "…" } into the plugin's block, or leave it out`)
	}
	return nil
}

// A mail is a stranger's: what has another form is no topic.
var topicForm = regexp.MustCompile(`(?i)^(?:(?:re|fwd?):\s*)*\[([a-z0-9-]{1,40})\]`)

func transform(m *plugin.Mail, o options) error {
	topic := o.Default
	if found := topicForm.FindStringSubmatch(m.Header("Subject")); found != nil {
		topic = strings.ToLower(found[1])
	} else {
		m.Log().Info("the subject names no topic", plugin.Field{Name: "topic", Value: topic})
	}
	return m.Payload().Set("/topic", topic)
}
