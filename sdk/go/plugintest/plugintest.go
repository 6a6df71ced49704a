// Package plugintest runs a plugin's function natively, on mails of a test's
// making:
//
//	func TestTag(t *testing.T) {
//		r := plugintest.Run(t, tag, plugintest.Mail{
//			Headers: []plugin.Field{{Name: "X-Customer", Value: "42"}},
//			Write:   []string{"/crm"},
//		})
//		if r.Err != nil || string(r.Get("/crm/customer")) != `"42"` {
//			t.Errorf("%v, %s", r.Err, r.Payload)
//		}
//	}
//
// Permissions on interfaces are those of the built module and are not asked for
// here; pointers that the plugin may read and write are, and what is the host's own
// is refused as in the gateway. What this package does not know are the gateway's
// bounds, and its rules on "$part", the place of an attachment's content:
// "postern plugin run" has both.
package plugintest

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/sdk/go/internal/abi"
	"github.com/postern-mail/postern/sdk/go/plugin"
)

// Mail is the delivery that a plugin is given. Its JSON form is what
// "postern plugin fixture MAIL.eml" prints.
type Mail struct {
	Envelope    plugin.Envelope
	Headers     []plugin.Field
	Text, HTML  *plugin.Body // nil where the mail has none
	Attachments []Attachment
	Raw         []byte
	Scans       []plugin.Report
	// Payload is the JSON that the plugin finds; empty means {}.
	Payload json.RawMessage
	// Write and Read are the JSON Pointers that the plugin is granted. Where Read
	// is nil, it is as Write.
	Write, Read []string
}

// Attachment is an attachment with its content.
type Attachment struct {
	Filename    string
	ContentType string
	ContentID   string
	Inline      bool
	SHA256      string
	Content     []byte
}

// Result is what a run came to.
type Result struct {
	// Err is what the plugin returned. Where it is not nil, no edit stays.
	Err error
	// Payload is the JSON after the run.
	Payload json.RawMessage
	// Dropped and Quarantined are the reasons given; nil where there was none.
	Dropped, Quarantined *string
	Log                  []Line

	t testing.TB
}

// Line is one line of the plugin's log.
type Line struct {
	Level   string // debug, info, warn or error
	Message string
	Fields  []plugin.Field
}

// Get returns the JSON at a pointer of the payload; nil where there is nothing.
func (r Result) Get(pointer string) json.RawMessage {
	r.t.Helper()
	p := newPayload(r.t, r.Payload, []string{""}, []string{""})
	value, found, e := p.get(pointer)
	if e.Case != abi.EditDone || !found {
		return nil
	}
	return json.RawMessage(value)
}

// Run calls a plugin's function once, as the gateway does for one delivery.
func Run(t testing.TB, f func(*plugin.Mail) error, m Mail) Result {
	t.Helper()
	before := m.Payload
	if len(before) == 0 {
		before = json.RawMessage("{}")
	}
	read := m.Read
	if read == nil {
		read = m.Write
	}
	payload := newPayload(t, before, read, m.Write)
	fixture := newFixture(m)
	fixture.Get, fixture.Set, fixture.Remove = payload.get, payload.set, payload.remove

	r := Result{Err: f(plugin.ForTesting(fixture)), Payload: before, t: t, Dropped: fixture.Dropped, Quarantined: fixture.Quarantined}
	if r.Err == nil {
		r.Payload = payload.json()
	}
	for _, l := range fixture.Logged {
		line := Line{Level: [...]string{"debug", "info", "warn", "error"}[l.Level], Message: l.Message}
		for _, field := range l.Fields {
			line.Fields = append(line.Fields, plugin.Field(field))
		}
		r.Log = append(r.Log, line)
	}
	return r
}

// Load reads a Mail from a file of JSON.
func Load(t testing.TB, file string) Mail {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var m Mail
	if err := json.Unmarshal(content, &m); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return m
}

// Configure calls what a program has registered with options, as the gateway does
// when it loads a plugin, and returns a function for Run.
func Configure(t testing.TB, options string) (f func(*plugin.Mail) error, err error) {
	t.Helper()
	h := abi.Registered()
	if h.Transform == nil {
		t.Fatal("nothing is registered: call plugin.Register in an init function")
	}
	if err := h.Configure(options); err != nil {
		return nil, err
	}
	return func(m *plugin.Mail) error { return h.Transform(plugin.FixtureOf(m)) }, nil
}

func newFixture(m Mail) *abi.Fixture {
	e := m.Envelope
	f := &abi.Fixture{
		Session: abi.Session{
			DeliveryID: e.DeliveryID, Tenant: e.Tenant, Alias: e.Alias, MailFrom: e.MailFrom, HasMailFrom: e.MailFrom != "",
			RcptTo: e.RcptTo, Helo: e.HELO, RemoteIP: e.RemoteIP, TLS: e.TLS, ReceivedAt: millis(e.ReceivedAt),
		},
		Raw: m.Raw,
	}
	for _, h := range m.Headers {
		f.Fields = append(f.Fields, abi.Field(h))
	}
	if m.Text != nil {
		f.Text = &abi.Content{Text: m.Text.Text, Truncated: m.Text.Truncated}
	}
	if m.HTML != nil {
		f.HTML = &abi.Content{Text: m.HTML.Text, Truncated: m.HTML.Truncated}
	}
	for _, a := range m.Attachments {
		f.Parts = append(f.Parts, abi.Part{
			Filename: a.Filename, HasFilename: a.Filename != "", ContentType: a.ContentType, Size: uint64(len(a.Content)),
			ContentID: a.ContentID, HasContentID: a.ContentID != "", Inline: a.Inline, SHA256: a.SHA256,
		})
		f.Contents = append(f.Contents, a.Content)
	}
	for _, s := range m.Scans {
		r := abi.Report{Engine: s.Engine, HasPart: s.Part >= 0, Answer: string(s.Answer)}
		if r.HasPart {
			r.Part = uint32(s.Part)
		}
		f.Reports = append(f.Reports, r)
	}
	return f
}

func millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMilli())
}

// payload is a document that is edited by JSON Pointer (RFC 6901).
type payload struct {
	root        any
	read, write []string
}

func newPayload(t testing.TB, text []byte, read, write []string) *payload {
	t.Helper()
	p := &payload{read: read, write: write}
	if err := json.Unmarshal(text, &p.root); err != nil {
		t.Fatalf("payload: %v", err)
	}
	return p
}

func (p *payload) json() json.RawMessage {
	text, err := json.Marshal(p.root)
	if err != nil {
		panic(err) // it was read from JSON
	}
	return text
}

// within reports whether a pointer is one of the granted, or below one.
func within(pointer string, granted []string) bool {
	for _, g := range granted {
		if pointer == g || strings.HasPrefix(pointer, g+"/") {
			return true
		}
	}
	return false
}

// split takes a pointer apart.
func split(pointer string) ([]string, bool) {
	if pointer == "" {
		return nil, true
	}
	if pointer[0] != '/' {
		return nil, false
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, token := range tokens {
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return tokens, true
}

func (p *payload) get(pointer string) (string, bool, abi.EditError) {
	tokens, ok := split(pointer)
	switch {
	case !ok:
		return "", false, abi.EditError{Case: abi.EditBadPointer}
	case !within(pointer, p.read):
		return "", false, abi.EditError{Case: abi.EditForbidden}
	}
	v := p.root
	for _, token := range tokens {
		if v, ok = child(v, token); !ok {
			return "", false, abi.EditError{}
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was read from JSON
	}
	return string(text), true, abi.EditError{}
}

func child(v any, token string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		c, ok := v[token]
		return c, ok
	case []any:
		if i, ok := index(token, len(v)-1); ok {
			return v[i], true
		}
	}
	return nil, false
}

// index reads an array index of at most last.
func index(token string, last int) (int, bool) {
	var i int
	if _, err := fmt.Sscanf(token, "%d", &i); err != nil || fmt.Sprint(i) != token || i < 0 || i > last {
		return 0, false
	}
	return i, true
}

func (p *payload) set(pointer, value string) abi.EditError {
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		return abi.EditError{Case: abi.EditBadValue, Text: err.Error()}
	}
	if top, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/"); slices.Contains(abi.HostOwned(), top) {
		return abi.EditError{Case: abi.EditForbidden}
	}
	return p.edit(pointer, func(parent any, token string) (any, bool) {
		switch parent := parent.(type) {
		case map[string]any:
			parent[token] = v
			return parent, true
		case []any:
			if token == "-" {
				return append(parent, v), true
			}
			if i, ok := index(token, len(parent)-1); ok {
				parent[i] = v
				return parent, true
			}
		}
		return nil, false
	})
}

func (p *payload) remove(pointer string) abi.EditError {
	return p.edit(pointer, func(parent any, token string) (any, bool) {
		switch parent := parent.(type) {
		case map[string]any:
			_, ok := parent[token]
			delete(parent, token)
			return parent, ok
		case []any:
			if i, ok := index(token, len(parent)-1); ok {
				return append(parent[:i:i], parent[i+1:]...), true
			}
		}
		return nil, false
	})
}

// edit changes the parent of a pointer's target.
func (p *payload) edit(pointer string, change func(parent any, token string) (any, bool)) abi.EditError {
	tokens, ok := split(pointer)
	switch {
	case !ok || len(tokens) == 0:
		return abi.EditError{Case: abi.EditBadPointer}
	case !within(pointer, p.write):
		return abi.EditError{Case: abi.EditForbidden}
	}
	root, ok := editAt(p.root, tokens, change)
	if !ok {
		return abi.EditError{Case: abi.EditBadPointer}
	}
	p.root = root
	return abi.EditError{}
}

func editAt(v any, tokens []string, change func(any, string) (any, bool)) (any, bool) {
	if len(tokens) == 1 {
		return change(v, tokens[0])
	}
	c, ok := child(v, tokens[0])
	if !ok {
		return nil, false
	}
	c, ok = editAt(c, tokens[1:], change)
	if !ok {
		return nil, false
	}
	switch v := v.(type) {
	case map[string]any:
		v[tokens[0]] = c
	case []any:
		i, _ := index(tokens[0], len(v)-1)
		v[i] = c
	}
	return v, true
}
