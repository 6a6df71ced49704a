package plugintest_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

func TestReading(t *testing.T) {
	t.Parallel()
	received := time.UnixMilli(1770892200123).UTC()
	mail := plugintest.Mail{
		Envelope: plugin.Envelope{DeliveryID: "msg_1_1", Tenant: "acme", Alias: "support", RcptTo: "support@acme.test", TLS: true, ReceivedAt: received},
		Headers:  []plugin.Field{{Name: "Received", Value: "a"}, {Name: "Subject", Value: "Hi"}, {Name: "received", Value: "b"}},
		HTML:     &plugin.Body{Text: "<p>", Truncated: true},
		Attachments: []plugintest.Attachment{
			{Filename: "a.txt", ContentType: "text/plain", Content: []byte("one")}, {ContentType: "image/png", Inline: true, ContentID: "x", Content: []byte(strings.Repeat("two", 200_000))},
		},
		Raw:   []byte("raw"),
		Scans: []plugin.Report{{Engine: "rspamd", Part: -1, Answer: []byte(`{}`)}, {Engine: "clamav", Part: 1, Answer: []byte(`{"status":"clean"}`)}},
	}
	r := plugintest.Run(t, func(m *plugin.Mail) error {
		if e := m.Envelope(); e != mail.Envelope {
			t.Errorf("Envelope = %+v", e)
		}
		if got := m.Header("RECEIVED"); got != "a" {
			t.Errorf("Header = %q", got)
		}
		if got := m.HeaderValues("Received"); len(got) != 2 || got[1] != "b" {
			t.Errorf("HeaderValues = %q", got)
		}
		if got := m.Header("X-None"); got != "" || len(m.Headers()) != 3 {
			t.Errorf("Header of none = %q", got)
		}
		if _, ok := m.Text(); ok {
			t.Error("Text is there")
		}
		if b, ok := m.HTML(); !ok || b.Text != "<p>" || !b.Truncated {
			t.Errorf("HTML = %+v, %v", b, ok)
		}
		list := m.Attachments()
		if len(list) != 2 || list[0].Filename != "a.txt" || list[1].ContentID != "x" || list[1].Size != 600_000 {
			t.Fatalf("Attachments = %+v", list)
		}
		for i, a := range list {
			if b, err := io.ReadAll(a.Open()); err != nil || string(b) != string(mail.Attachments[i].Content) {
				t.Errorf("attachment %d has %d octets, %v", i, len(b), err)
			}
		}
		if b, err := io.ReadAll(m.Raw()); err != nil || string(b) != "raw" || m.RawSize() != 3 {
			t.Errorf("Raw = %q, %v", b, err)
		}
		if s := m.Scans(); len(s) != 2 || s[0].Part != -1 || s[1].Part != 1 || string(s[1].Answer) != `{"status":"clean"}` {
			t.Errorf("Scans = %+v", s)
		}
		m.Log().Warn("seen", plugin.Field{Name: "n", Value: "2"})
		m.Drop("not wanted")
		return nil
	}, mail)
	if r.Err != nil || r.Dropped == nil || *r.Dropped != "not wanted" || r.Quarantined != nil {
		t.Errorf("result = %+v", r)
	}
	if len(r.Log) != 1 || r.Log[0].Level != "warn" || r.Log[0].Fields[0].Value != "2" {
		t.Errorf("log = %+v", r.Log)
	}
}

func TestEditing(t *testing.T) {
	t.Parallel()
	const before = `{"message":{"subject":"Hi","list":[1,2,3]},"a/b":{"~":0}}`
	r := plugintest.Run(t, func(m *plugin.Mail) error {
		p := m.Payload()
		for pointer, want := range map[string]error{
			"/id":              plugin.ErrForbidden,
			"/messages":        plugin.ErrForbidden,
			"message":          plugin.ErrBadPointer,
			"/message/none/x":  plugin.ErrBadPointer,
			"/message/list/3":  plugin.ErrBadPointer,
			"/message/list/01": plugin.ErrBadPointer,
		} {
			var edit *plugin.EditError
			if err := p.Set(pointer, 1); !errors.Is(err, want) || !errors.As(err, &edit) || edit.Pointer != pointer {
				t.Errorf("Set(%q) = %v, want %v", pointer, err, want)
			}
		}
		if err := p.SetJSON("/message/x", []byte(`{`)); !errors.Is(err, plugin.ErrBadValue) {
			t.Errorf("SetJSON = %v", err)
		}
		var list []int
		if found, err := p.Get("/message/list", &list); !found || err != nil || len(list) != 3 {
			t.Errorf("Get = %v, %v, %v", list, found, err)
		}
		if found, err := p.Get("/message/none", &list); found || err != nil {
			t.Errorf("Get of nothing = %v, %v", found, err)
		}
		return errors.Join(
			p.Set("/message/list/-", "four"), p.Set("/message/list/0", map[string]any{"one": true}), p.Remove("/message/list/1"),
			p.Set("/a~1b/~0", "tilde"), p.Set("/crm", nil), p.Remove("/message/subject"),
		)
	}, plugintest.Mail{Payload: []byte(before), Write: []string{"/message", "/a~1b", "/crm"}})
	if want := `{"a/b":{"~":"tilde"},"crm":null,"message":{"list":[{"one":true},3,"four"]}}`; r.Err != nil || string(r.Payload) != want {
		t.Errorf("payload = %s, %v; want %s", r.Payload, r.Err, want)
	}
	if got := r.Get("/message/list/2"); string(got) != `"four"` {
		t.Errorf("Get = %s", got)
	}
}

func TestNoEditStaysAfterAnError(t *testing.T) {
	t.Parallel()
	r := plugintest.Run(t, func(m *plugin.Mail) error {
		if err := m.Payload().Set("/crm", 1); err != nil {
			return err
		}
		return errors.New("no")
	}, plugintest.Mail{Write: []string{"/crm"}})
	if r.Err == nil || string(r.Payload) != `{}` {
		t.Errorf("payload = %s, %v", r.Payload, r.Err)
	}
}

type options struct {
	Limit float64 `json:"limit"`
	Name  string  `json:"name"`
}

func TestOptions(t *testing.T) {
	check := func(o options) error {
		if o.Limit < 0 {
			return errors.New("limit is negative")
		}
		return nil
	}
	plugin.RegisterWithOptions(options{Limit: 5}, check, func(m *plugin.Mail, o options) error { return m.Payload().Set("/o", o) })
	for text, want := range map[string]string{
		`{}`:                     `{"limit":5,"name":""}`,
		`{"limit":1,"name":"x"}`: `{"limit":1,"name":"x"}`,
		`{"limit":-1}`:           "limit is negative",
		`{"limt":1}`:             `there is no option "limt"`,
		`{"limit":"1"}`:          `option "limit": want a number, got string`,
		``:                       "options: ",
	} {
		f, err := plugintest.Configure(t, text)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Configure(%s) = %v, want %s", text, err, want)
			}
			continue
		}
		r := plugintest.Run(t, f, plugintest.Mail{Write: []string{"/o"}})
		if got := string(r.Get("/o")); r.Err != nil || got != want {
			t.Errorf("options %s came as %s, %v; want %s", text, got, r.Err, want)
		}
	}
}

// TestHostsWord holds what the gateway would say too: some members are its own, and
// the first word about a delivery counts.
func TestHostsWord(t *testing.T) {
	t.Parallel()
	r := plugintest.Run(t, func(m *plugin.Mail) error {
		for _, pointer := range []string{"/id", "/envelope/mailFrom", "/security"} {
			if err := m.Payload().Set(pointer, "forged"); !errors.Is(err, plugin.ErrForbidden) {
				t.Errorf("Set(%s) = %v, want ErrForbidden", pointer, err)
			}
		}
		m.Quarantine("first")
		m.Drop("second")
		m.Quarantine("third")
		return m.Payload().Remove("/id") // which the payload may be without
	}, plugintest.Mail{Payload: []byte(`{"id":"msg_1","envelope":{"mailFrom":"a"}}`), Write: []string{""}})
	if r.Err != nil || string(r.Payload) != `{"envelope":{"mailFrom":"a"}}` {
		t.Errorf("%v, %s", r.Err, r.Payload)
	}
	if r.Dropped != nil || r.Quarantined == nil || *r.Quarantined != "first" {
		t.Errorf("dropped = %v, quarantined = %v", r.Dropped, r.Quarantined)
	}
}
