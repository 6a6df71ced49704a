// Command crm is a plugin for Postern: it tells Acme's CRM which customer and
// which ticket a mail is about, in the section /crm of the payload.
package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// The gateway calls transform for each delivery. A module has no main that runs,
// so it is registered in init.
func init() { plugin.RegisterWithOptions(options{}, options.check, transform) }

func main() {}

// options are those of the plugin's block in the gateway's configuration.
type options struct {
	// Account is the account in the CRM that tickets are looked up in.
	Account string `json:"account"`
}

// check is called when the gateway starts, so that a mistake is found before a
// mail is.
func (o options) check() error {
	if o.Account == "" {
		return errors.New(`account is missing: write options { account = "…" } into the plugin's block`)
	}
	return nil
}

// section is what is set at /crm. It always has all its members; null is what the
// mail does not say.
type section struct {
	Account  string  `json:"account"`
	Customer *string `json:"customer"`
	Ticket   *int    `json:"ticket"`
}

// The forms that Acme's CRM gives out.
var (
	customerForm = regexp.MustCompile(`^C-[0-9]{1,9}$`)
	ticketForm   = regexp.MustCompile(`^[0-9]{1,9}$`)
	inSubject    = regexp.MustCompile(`\[#([0-9]{1,9})\]`)
)

func transform(m *plugin.Mail, o options) error {
	crm := section{Account: o.Account}
	if id := header(m, "X-Customer-Id", customerForm); id != "" {
		crm.Customer = &id
	}
	ticket := header(m, "X-Ticket-Id", ticketForm)
	// Who answers a mail answers its subject, and loses the headers.
	if found := inSubject.FindStringSubmatch(m.Header("Subject")); found != nil {
		if ticket != "" && ticket != found[1] {
			m.Log().Warn("the subject names another ticket than the header, which counts",
				plugin.Field{Name: "header", Value: ticket}, plugin.Field{Name: "subject", Value: found[1]})
		} else {
			ticket = found[1]
		}
	}
	if ticket != "" {
		number, err := strconv.Atoi(ticket)
		if err != nil {
			return fmt.Errorf("ticket: %w", err)
		}
		crm.Ticket = &number
	}
	return m.Payload().Set("/crm", crm)
}

// header returns the value of a header field where it has the form that it is to
// have. Anybody can write anything into a mail: what has another form is told to
// whoever reads the log, and is not believed.
func header(m *plugin.Mail, name string, form *regexp.Regexp) string {
	value := m.Header(name)
	if value == "" || form.MatchString(value) {
		return value
	}
	m.Log().Warn("a header is not used, since its value has another form",
		plugin.Field{Name: "header", Value: name}, plugin.Field{Name: "value", Value: fmt.Sprintf("%.40s", value)})
	return ""
}
