package plugin_test

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

// outside stands for the testing.T that examples have not.
type outside struct{ testing.TB }

func (outside) Helper() {}

func (outside) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// show runs a plugin on a mail and prints the payload after it. In a test of a
// plugin this is plugintest.Run with the test's own testing.T.
func show(f func(*plugin.Mail) error, m plugintest.Mail) plugintest.Result {
	r := plugintest.Run(outside{}, f, m)
	if r.Err != nil {
		fmt.Println("error:", r.Err)
	}
	fmt.Println(string(r.Payload))
	return r
}

// A plugin's init function registers what is called for each delivery; main stays
// empty.
func ExampleRegister() {
	tag := func(m *plugin.Mail) error {
		return m.Payload().Set("/crm", map[string]any{"customer": m.Header("X-Customer")})
	}
	plugin.Register(tag) // in func init() of the plugin

	show(tag, plugintest.Mail{
		Headers: []plugin.Field{{Name: "X-Customer", Value: "42"}},
		Write:   []string{"/crm"},
	})
	// Output: {"crm":{"customer":"42"}}
}

// Options come from the block of the configuration. What check refuses is told when
// the gateway starts, and not by the first mail.
func ExampleRegisterWithOptions() {
	type options struct {
		Account string `json:"account"`
	}
	check := func(o options) error {
		if o.Account == "" {
			return errors.New("account: must be set")
		}
		return nil
	}
	plugin.RegisterWithOptions(options{}, check, func(m *plugin.Mail, o options) error {
		return m.Payload().Set("/account", o.Account)
	})

	// As the gateway does with options { account = "acme" }, and with none.
	tag, err := plugintest.Configure(outside{}, `{"account":"acme"}`)
	if err != nil {
		panic(err)
	}
	show(tag, plugintest.Mail{Write: []string{"/account"}})
	_, err = plugintest.Configure(outside{}, `{}`)
	fmt.Println(err)
	_, err = plugintest.Configure(outside{}, `{"acount":"acme"}`)
	fmt.Println(err)
	// Output:
	// {"account":"acme"}
	// account: must be set
	// there is no option "acount"
}

// What of the payload may be read and written is granted by pointer.
func ExamplePayload() {
	show(func(m *plugin.Mail) error {
		p := m.Payload()
		var subject string
		if _, err := p.Get("/message/subject", &subject); err != nil {
			return err
		}
		if err := p.Set("/message/subject", strings.TrimPrefix(subject, "Fwd: ")); err != nil {
			return err
		}
		if err := p.Set("/message/tags/-", "forwarded"); err != nil { // "-" appends
			return err
		}
		return p.Remove("/message/html")
	}, plugintest.Mail{
		Payload: []byte(`{"message":{"subject":"Fwd: Hi","html":"<p>","tags":[]}}`),
		Write:   []string{"/message"},
	})
	// Output: {"message":{"subject":"Hi","tags":["forwarded"]}}
}

// An edit that was not granted is an error that the plugin can tell from others. When
// it returns an error, none of its edits stays.
func ExampleEditError() {
	show(func(m *plugin.Mail) error {
		if err := m.Payload().Set("/crm", true); err != nil {
			return err
		}
		err := m.Payload().Set("/message/subject", "Hello")
		fmt.Println(errors.Is(err, plugin.ErrForbidden))
		return err
	}, plugintest.Mail{Write: []string{"/crm"}})
	// Output:
	// true
	// error: payload /message/subject: not granted
	// {}
}

// A field can stand in a header more than once.
func ExampleMail_HeaderValues() {
	show(func(m *plugin.Mail) error {
		return m.Payload().Set("/hops", len(m.HeaderValues("received")))
	}, plugintest.Mail{
		Headers: []plugin.Field{{Name: "Received", Value: "from a"}, {Name: "Subject", Value: "Hi"}, {Name: "Received", Value: "from b"}},
		Write:   []string{"/hops"},
	})
	// Output: {"hops":2}
}

// A mail need not have a text body, nor an HTML body.
func ExampleMail_Text() {
	firstLine := func(m *plugin.Mail) error {
		body, ok := m.Text()
		if !ok {
			return nil
		}
		line, _, _ := strings.Cut(body.Text, "\n")
		return m.Payload().Set("/first", line)
	}
	show(firstLine, plugintest.Mail{Text: &plugin.Body{Text: "Hi team,\nbye"}, Write: []string{"/first"}})
	show(firstLine, plugintest.Mail{Write: []string{"/first"}})
	// Output:
	// {"first":"Hi team,"}
	// {}
}

// The content of an attachment is fetched slice by slice as it is read.
func ExampleAttachment_Open() {
	show(func(m *plugin.Mail) error {
		for _, a := range m.Attachments() {
			h := sha256.New()
			if _, err := io.Copy(h, a.Open()); err != nil {
				return err
			}
			if err := m.Payload().Set("/digests/-", fmt.Sprintf("%s %x", a.Filename, h.Sum(nil)[:4])); err != nil {
				return err
			}
		}
		return nil
	}, plugintest.Mail{
		Attachments: []plugintest.Attachment{{Filename: "a.txt", ContentType: "text/plain", Content: []byte("hello")}},
		Payload:     []byte(`{"digests":[]}`),
		Write:       []string{"/digests"},
	})
	// Output: {"digests":["a.txt 2cf24dba"]}
}

// Drop ends the chain: nothing is delivered, and the log says why.
func ExampleMail_Drop() {
	r := show(func(m *plugin.Mail) error {
		if m.Envelope().MailFrom == "" {
			m.Drop("a bounce")
		}
		return nil
	}, plugintest.Mail{})
	fmt.Println(*r.Dropped)
	// Output:
	// {}
	// a bounce
}

// What is logged is kept with the delivery's own trace.
func ExampleLog() {
	r := show(func(m *plugin.Mail) error {
		m.Log().Warn("no such customer", plugin.Field{Name: "number", Value: "4711"})
		return nil
	}, plugintest.Mail{})
	fmt.Println(r.Log)
	// Output:
	// {}
	// [{warn no such customer [{number 4711}]}]
}

// A scanner's report is its own answer, as JSON.
func ExampleMail_Scans() {
	show(func(m *plugin.Mail) error {
		for _, report := range m.Scans() {
			if report.Engine == "rspamd" && report.Part < 0 {
				return m.Payload().SetJSON("/rspamd", report.Answer)
			}
		}
		return nil
	}, plugintest.Mail{
		Scans: []plugin.Report{{Engine: "rspamd", Part: -1, Answer: []byte(`{"score":2.5}`)}},
		Write: []string{"/rspamd"},
	})
	// Output: {"rspamd":{"score":2.5}}
}

// Quarantine holds a delivery until an operator has looked at it. What a plugin does
// with a mail that it cannot judge is its own word.
func ExampleMail_Quarantine() {
	r := show(func(m *plugin.Mail) error {
		for _, a := range m.Attachments() {
			if strings.HasSuffix(strings.ToLower(a.Filename), ".exe") {
				m.Quarantine("a program: " + a.Filename)
			}
		}
		return nil
	}, plugintest.Mail{Attachments: []plugintest.Attachment{{Filename: "Invoice.EXE", ContentType: "application/pdf"}}})
	fmt.Println(*r.Quarantined)
	// Output:
	// {}
	// a program: Invoice.EXE
}

// The envelope is what SMTP said, and not what the header does.
func ExampleMail_Envelope() {
	show(func(m *plugin.Mail) error {
		e := m.Envelope()
		// support+4711@acme.test is for the alias support.
		_, tag, _ := strings.Cut(strings.Split(e.RcptTo, "@")[0], "+")
		return m.Payload().Set("/route", map[string]any{"alias": e.Alias, "tag": tag, "encrypted": e.TLS})
	}, plugintest.Mail{
		Envelope: plugin.Envelope{Alias: "support", RcptTo: "support+4711@acme.test", TLS: true},
		Write:    []string{"/route"},
	})
	// Output: {"route":{"alias":"support","encrypted":true,"tag":"4711"}}
}

// The raw message is read slice by slice; what is not read is not fetched.
func ExampleMail_Raw() {
	show(func(m *plugin.Mail) error {
		first, err := bufio.NewReader(m.Raw()).ReadString('\n')
		if err != nil {
			return err
		}
		return m.Payload().Set("/raw", map[string]any{"octets": m.RawSize(), "first": strings.TrimSpace(first)})
	}, plugintest.Mail{Raw: []byte("Received: from a\r\nSubject: Hi\r\n\r\nHello\r\n"), Write: []string{"/raw"}})
	// Output: {"raw":{"first":"Received: from a","octets":40}}
}

// Text and HTML need not say the same, and a body that is too long is cut.
func ExampleMail_HTML() {
	tracked := func(m *plugin.Mail) error {
		body, ok := m.HTML()
		if !ok {
			return nil
		}
		return m.Payload().Set("/tracked", map[string]any{
			"pixel": strings.Contains(body.Text, `width="1" height="1"`), "all": !body.Truncated,
		})
	}
	show(tracked, plugintest.Mail{HTML: &plugin.Body{Text: `<p>Hi<img src="x" width="1" height="1">`}, Write: []string{"/tracked"}})
	// Output: {"tracked":{"all":true,"pixel":true}}
}

// GetJSON gives a part of the payload as it stands, which SetJSON can put elsewhere.
func ExamplePayload_GetJSON() {
	show(func(m *plugin.Mail) error {
		text, found, err := m.Payload().GetJSON("/message/from")
		if err != nil || !found {
			return err
		}
		return m.Payload().SetJSON("/sender", text)
	}, plugintest.Mail{
		Payload: []byte(`{"message":{"from":[{"name":"Mira","email":"mira@customer.example"}]}}`),
		Read:    []string{"/message/from"},
		Write:   []string{"/sender"},
	})
	// Output: {"message":{"from":[{"email":"mira@customer.example","name":"Mira"}]},"sender":[{"email":"mira@customer.example","name":"Mira"}]}
}
