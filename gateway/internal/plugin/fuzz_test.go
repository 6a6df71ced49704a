package plugin_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// The calls of testdata/fuzz.wat, by their numbers.
const (
	envelopeGet uint8 = iota
	headersAll
	headersGet
	bodyText
	bodyHTML
	attachmentsAll
	attachmentsRead
	rawSize
	rawRead
	scansAll
	payloadGet
	payloadSet
	payloadRemove
	dispositionDrop
	dispositionQuarantine
	logWrite
	fdWrite
)

// What cabi_realloc of testdata/fuzz.wat does, by its number.
const (
	reallocates uint8 = iota
	reallocSays
	reallocTraps
	reallocExits
	reallocIsOdd
	reallocCalls
	reallocGrows
)

// Addresses of a program, and of what it works with.
const (
	programAt = 0x100
	callSize  = 40
	zeros     = 0x10 // nothing is written there: a result that is good
	ret       = 0x40 // where results may go
	dataAt    = 0x400
	beyond    = 64 << 10 // the end of memory
)

// program is one of testdata/fuzz.wat.
type program struct {
	realloc, flags              uint8
	says, transform, configures uint32
	calls                       []programCall
	data                        []byte
}

type programCall struct {
	which         uint8
	a, b, c, d, e uint32
	f             uint64
}

func (p program) encode() []byte {
	b := []byte{p.realloc, p.flags, uint8(len(p.calls)), 0}
	for _, n := range []uint32{p.says, p.transform, p.configures} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	for _, c := range p.calls {
		call := append(make([]byte, 0, callSize), c.which, 0, 0, 0)
		for _, n := range []uint32{c.a, c.b, c.c, c.d, c.e} {
			call = binary.LittleEndian.AppendUint32(call, n)
		}
		b = append(b, binary.LittleEndian.AppendUint64(call, c.f)[:callSize]...)
	}
	if p.data != nil {
		b = append(append(b, make([]byte, dataAt-programAt-len(b))...), p.data...)
	}
	return b
}

// text puts a string into the data.
func (p *program) text(s string) (address, length uint32) {
	address = dataAt + uint32(len(p.data))
	p.data = append(p.data, s...)
	return address, uint32(len(s))
}

// set adds a call of payload.set.
func (p *program) set(pointer, value string) {
	a, b := p.text(pointer)
	c, d := p.text(value)
	p.calls = append(p.calls, programCall{which: payloadSet, a: a, b: b, c: c, d: d, e: ret})
}

// words puts integers into the data, aligned.
func (p *program) words(list ...uint32) (address uint32) {
	p.data = append(p.data, make([]byte, -len(p.data)&7)...)
	address = dataAt + uint32(len(p.data))
	for _, n := range list {
		p.data = binary.LittleEndian.AppendUint32(p.data, n)
	}
	return address
}

// goodPrograms make every call as it is meant.
func goodPrograms() []program {
	look := program{transform: zeros, configures: zeros}
	name, n := look.text("subject")
	for _, which := range []uint8{envelopeGet, headersAll, bodyText, bodyHTML, attachmentsAll, rawSize, scansAll} {
		look.calls = append(look.calls, programCall{which: which, a: ret})
	}
	look.calls = append(look.calls,
		programCall{which: headersGet, a: name, b: n, c: ret},
		programCall{which: attachmentsRead, a: 0, f: 1, b: 100, c: ret},
		programCall{which: attachmentsRead, a: 0, f: 4, b: 100, c: ret},
		programCall{which: rawRead, f: 2, a: 100, b: ret},
	)
	edit := program{transform: zeros, configures: zeros}
	edit.set("/crm", `{"list":[1]}`)
	edit.set("/crm/list/-", `"ä"`)
	edit.set("/message/attachments", `[{"$part":1},{"content":"eA=="}]`)
	crm, n := edit.text("/crm")
	first, m := edit.text("/crm/list/0")
	reason, k := edit.text("größer")
	fields := edit.words(reason, k, 1, 0, crm, n, reason, k)
	edit.calls = append(edit.calls,
		programCall{which: payloadGet, a: crm, b: n, c: ret},
		programCall{which: payloadRemove, a: first, b: m, c: ret},
		programCall{which: dispositionQuarantine, a: reason, b: k},
		programCall{which: dispositionDrop, a: reason, b: k},
		programCall{which: logWrite, a: 2, b: reason, c: k, d: fields, e: 2},
		programCall{which: fdWrite, a: fields, b: 2, c: ret},
	)
	return []program{look, edit}
}

// badPrograms are the good ones, each with one thing wrong.
func badPrograms() (list []program) {
	for _, good := range goodPrograms() {
		change := func(change func(*program)) {
			p := good
			p.calls, p.data = slices.Clone(p.calls), slices.Clone(p.data)
			change(&p)
			list = append(list, p)
		}
		addresses := []uint32{0, 1, ret + 1, beyond - 4, beyond, 1<<32 - 4, 1<<32 - 1}
		for realloc := reallocates; realloc <= reallocGrows; realloc++ {
			for _, says := range addresses {
				change(func(p *program) { p.realloc, p.says = realloc, says })
			}
		}
		for flags := range uint8(8) {
			change(func(p *program) { p.flags = flags })
		}
		for i := range good.calls {
			for _, address := range addresses {
				change(func(p *program) { p.calls[i].a = address })
				change(func(p *program) { p.calls[i].b = address })
				change(func(p *program) { p.calls[i].c = address })
				change(func(p *program) { p.calls[i].d = address })
				change(func(p *program) { p.calls[i].e = address })
				change(func(p *program) { p.calls[i].f = uint64(address) << 31 })
			}
		}
		long := strings.Repeat("x", 9<<10)
		for _, text := range []string{"", "no luck", "\xff", long} {
			change(func(p *program) { a, n := p.text(text); p.transform = p.words(1, a, n) })
			change(func(p *program) { a, n := p.text(text); p.configures = p.words(1, a, n) })
			change(func(p *program) { a, n := p.text(text); p.calls = []programCall{{which: dispositionDrop, a: a, b: n}} })
			change(func(p *program) {
				a, n := p.text(text)
				p.calls = []programCall{{which: logWrite, b: a, c: n, d: p.words(a, n, a, n), e: 1}}
			})
			change(func(p *program) { p.calls = nil; p.set("/crm", text); p.set(text, "1") })
		}
		for _, address := range addresses {
			change(func(p *program) { p.transform = p.words(1, address, 1) })
			change(func(p *program) { p.transform = p.words(1, dataAt, address) })
			change(func(p *program) { p.transform = p.words(address) })
			change(func(p *program) { p.transform = address })
			change(func(p *program) { p.configures = address })
			change(func(p *program) {
				p.calls = []programCall{{which: logWrite, b: 1, d: p.words(address, 1, 1, address), e: 1}}
			})
		}
		for _, n := range []uint32{32, 33} {
			change(func(p *program) { p.calls = []programCall{{which: logWrite, d: beyond / 2, e: n}} })
		}
		for _, edit := range [][2]string{
			{"/message/subject", `"x"`},
			{"/id", `"x"`},
			{"", "{}"},
			{"/crm", `{"$part":0}`},
			{"/crm", `{"a":1,"a":2}`},
			{"/crm", `"\ud800"`},
			{"/message/attachments", `[{"$part":0},{"$part":0}]`},
			{"/message/attachments/0/content", `""`},
			{"/message/attachments/-", "[[]]"},
			{"/crm", strings.Repeat("[", 101) + strings.Repeat("]", 101)},
			{"/crm", "[" + strings.Repeat("0,", 9<<10) + "0]"},
		} {
			change(func(p *program) { p.calls = nil; p.set("/crm", "[]"); p.set(edit[0], edit[1]) })
		}
	}
	return list
}

// fuzzPlugin loads testdata/fuzz.wat.
func fuzzPlugin(t *testing.T) *plugin.Plugin {
	t.Helper()
	source, err := os.ReadFile("testdata/fuzz.wat")
	if err != nil {
		t.Fatal(err)
	}
	p, err := plugin.LoadForTest(context.Background(), plugin.Config{
		Name: "fuzz", Wasm: wat2wasm(t, string(source)), Timeout: time.Minute, Memory: 2 * beyond,
		Read: []document.Pointer{{"crm"}, {"message"}}, Write: fuzzWritable(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fuzzWritable() []document.Pointer {
	return []document.Pointer{{"crm"}, {"message", "attachments"}}
}

// fuzzMail has one of everything.
func fuzzMail() plugin.Mail {
	body := &mime.Body{Content: "Grüße"}
	return plugin.Mail{
		ID: "msg_1", Tenant: "acme", Recipient: "a@acme.test", Raw: raw("0123456789"), View: &mime.Message{
			Fields: []mime.Field{{Name: "Subject", Value: "Hi"}, {Name: "subject"}}, Text: body, HTML: body,
			Attachments: []mime.Attachment{
				{Filename: "a", Size: 4, Part: document.Part{Offset: 0, Length: 4}}, {Size: 4, Inline: true, Part: document.Part{Offset: 4, Length: 4}},
			},
		},
		Scans: []mail.Report{{Engine: "rspamd", Part: -1, Answer: []byte("{}")}, {Engine: "clamav", Part: 1, Answer: []byte("{}")}},
	}
}

// maxAllocated is far more than a run of a few calls takes with a guest of 128 KiB,
// and far less than what a length of 32 bits would ask for.
const maxAllocated = 512 << 20

// FuzzGuest runs programs that call what they like with what they like. Whatever it
// is, the host does not fail, and a run that fails leaves nothing behind; one that
// ends well has changed no more than it may.
func FuzzGuest(f *testing.F) {
	for _, p := range append(goodPrograms(), badPrograms()...) {
		f.Add(p.encode())
	}
	var p *plugin.Plugin
	m := fuzzMail()
	f.Fuzz(func(t *testing.T, options []byte) {
		if p == nil {
			p = fuzzPlugin(t)
		}
		doc := payloadDocument(t, "")
		before := stored(t, doc)
		allocated := allocatedOctets()
		res, err := p.WithOptions(options).Run(t.Context(), m, doc)
		if n := allocatedOctets() - allocated; n > maxAllocated {
			t.Errorf("the run made the host allocate %d octets", n)
		}
		if after := stored(t, doc); after != before {
			t.Errorf("the document that was given was changed: %s", after)
		}
		if failed, ok := errors.AsType[runtime.Error](err); ok {
			t.Errorf("the host has failed: %v", failed)
		}
		if res.Memory > 2*beyond {
			t.Errorf("the guest has %d octets of memory", res.Memory)
		}
		checkTexts(t, res)
		if err != nil {
			if res.Document != doc || res.Verdict != plugin.Continue || res.Reason != "" {
				t.Errorf("a run that failed leaves %s, %s %q", stored(t, res.Document), res.Verdict, res.Reason)
			}
			return
		}
		checkEdited(t, doc, res.Document)
	})
}

// TestFuzzPrograms holds that FuzzGuest begins with what ends well as well as with
// what does not.
func TestFuzzPrograms(t *testing.T) {
	t.Parallel()
	p := fuzzPlugin(t)
	for _, good := range goodPrograms() {
		doc := payloadDocument(t, "")
		if res, err := p.WithOptions(good.encode()).Run(t.Context(), fuzzMail(), doc); err != nil {
			t.Errorf("%+v: %v", good, err)
		} else if last := good.calls[len(good.calls)-1].which; last == fdWrite && (res.Verdict != plugin.Quarantine || len(res.Log) != 2 ||
			!strings.HasSuffix(stored(t, res.Document), `,"crm":{"list":["ä"]}}}`)) {
			t.Errorf("edits came to %s, %+v", stored(t, res.Document), res)
		}
	}
	failed := 0
	for _, bad := range badPrograms() {
		if _, err := p.WithOptions(bad.encode()).Run(t.Context(), fuzzMail(), payloadDocument(t, "")); err != nil {
			failed++
		}
	}
	if failed < 100 {
		t.Errorf("%d programs failed, want most of them", failed)
	}
}

func allocatedOctets() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// checkTexts holds what can be shown to a person to its bounds.
func checkTexts(t *testing.T, res plugin.Result) {
	t.Helper()
	checkLog(t, res.Log)
	texts := []string{res.Reason}
	for _, l := range res.Log {
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) || len(l.Fields) > 32 {
			t.Errorf("line of level %q has %d fields", l.Level, len(l.Fields))
		}
		texts = append(texts, l.Message)
		for _, field := range l.Fields {
			texts = append(texts, field[:]...)
		}
	}
	for _, text := range texts {
		if len(text) > 8<<10 || !utf8.ValidString(text) {
			t.Errorf("text of %d octets: %.80q", len(text), text)
		}
	}
}

// checkEdited holds that nothing else was changed than what may be, and that what
// came of it can be stored and sent.
func checkEdited(t *testing.T, before, after *document.Document) {
	t.Helper()
	if got, want := rest(t, after), rest(t, before); got != want {
		t.Errorf("outside its scope it made %s of %s", got, want)
	}
	if limit := max(document.MaxSize, before.Size()); after.Size() > limit {
		t.Errorf("the document has a size of %d, at most %d is to be", after.Size(), limit)
	}
	again, err := document.Unmarshal([]byte(stored(t, after)))
	if err != nil {
		t.Fatal(err)
	}
	var sent, resent bytes.Buffer
	for d, b := range map[*document.Document]*bytes.Buffer{after: &sent, again: &resent} {
		if err := d.Encode(b, func(w io.Writer, _ document.Part) error { _, err := io.WriteString(w, "x"); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(sent.Bytes(), resent.Bytes()) {
		t.Errorf("first attempt %s, second %s", sent.Bytes(), resent.Bytes())
	}
}

// rest is a document without what FuzzGuest may change.
func rest(t *testing.T, d *document.Document) string {
	t.Helper()
	e := d.Edit(document.Scope{Write: fuzzWritable()}, 0)
	for _, p := range fuzzWritable() {
		_ = e.Remove(p.String()) // it may not be there
	}
	return stored(t, e.Document())
}
