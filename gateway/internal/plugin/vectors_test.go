package plugin_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// vectorFile is a file of wit/vectors; wit/README.md says what is in it.
type vectorFile struct {
	Function string
	Heap     uint32
	Cases    []vector
}

type vector struct {
	Name      string
	Arguments []json.RawMessage
	Result    json.RawMessage
	Call      []uint64
	Returns   *uint64
	Ret       uint32
	Guest     []vectorBlock
	Host      []vectorBlock
}

type vectorBlock struct {
	At  uint32
	Is  string
	Hex string
}

func (b vectorBlock) octets(t *testing.T) []byte {
	t.Helper()
	octets, err := hex.DecodeString(b.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// TestVectors has a guest make the calls of wit/vectors. What the host lowers must
// be there octet by octet, and nothing else; what it lifts must arrive.
func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../wit/vectors/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := plugin.FunctionCount() + 2; len(files) != want {
		t.Errorf("there are vectors of %d functions, want %d", len(files), want)
	}
	source, err := os.ReadFile("testdata/vectors.wat")
	if err != nil {
		t.Fatal(err)
	}
	wasm := wat2wasm(t, string(source))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := valueOf[vectorFile](t, text)
		_, function, _ := strings.Cut(f.Function, "/")
		function = strings.Replace(function, "@0.1.0#", ".", 1)
		if len(f.Cases) == 0 {
			t.Errorf("%s has no cases", file)
		}
		for _, v := range f.Cases {
			t.Run(function+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				if strings.HasPrefix(function, "transformer.") {
					runExport(t, wasm, function, v)
				} else {
					runImport(t, wasm, f, function, v)
				}
			})
		}
	}
}

// TestLimits holds the limits that wit/README.md tells.
func TestLimits(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../../wit/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Limits\n")
	section, _, _ = strings.Cut(section, "\n## ")
	limits := plugin.Limits()
	rows := strings.Count(section, "\n|") - 2
	if rows != len(limits) {
		t.Errorf("wit/README.md has %d limits, want %d", rows, len(limits))
	}
	for what, limit := range limits {
		if row := fmt.Sprintf("\n| %s | %d |", what, limit); !strings.Contains(section, row) {
			t.Errorf("wit/README.md has no row%s", row)
		}
	}
}

func valueOf[T any](t *testing.T, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// vectorGuest is the guest of testdata/vectors.wat, whose part is played by the test.
type vectorGuest struct {
	configure func(ctx context.Context, g *sandbox.Guest, address, length uint64) uint32
	transform func(ctx context.Context, g *sandbox.Guest) uint32
	posted    []uint32
}

// run runs the guest on a mail and a document.
func (vg *vectorGuest) run(t *testing.T, wasm []byte, options string, m plugin.Mail, doc *document.Document) (plugin.Result, error) {
	t.Helper()
	i32 := []sandbox.Type{sandbox.I32}
	p, err := plugin.LoadForTest(t.Context(), plugin.Config{
		Name: "vectors", Wasm: wasm, Options: []byte(options), Timeout: time.Minute, Memory: 64 << 10,
		Read: []document.Pointer{{"crm"}}, Write: []document.Pointer{{"crm"}},
	},
		sandbox.Function{
			Module: "test", Name: "configure", Params: []sandbox.Type{sandbox.I32, sandbox.I32}, Results: i32,
			Call: func(ctx context.Context, g *sandbox.Guest, stack []uint64) error {
				stack[0] = uint64(vg.configure(ctx, g, uint64(uint32(stack[0])), uint64(uint32(stack[1]))))
				return nil
			},
		},
		sandbox.Function{
			Module: "test", Name: "transform", Results: i32,
			Call: func(ctx context.Context, g *sandbox.Guest, stack []uint64) error {
				stack[0] = uint64(vg.transform(ctx, g))
				return nil
			},
		},
		sandbox.Function{
			Module: "test", Name: "post", Params: i32,
			Call: func(_ context.Context, _ *sandbox.Guest, stack []uint64) error {
				vg.posted = append(vg.posted, uint32(stack[0]))
				return nil
			},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close(context.Background()) }()
	return p.Run(t.Context(), m, doc)
}

// good is where memory stays zero, which is a result that is good.
const good = 0

func answerGood(context.Context, *sandbox.Guest) uint32 { return good }

func runExport(t *testing.T, wasm []byte, function string, v vector) {
	t.Helper()
	var options string
	vg := &vectorGuest{transform: answerGood}
	if function == "transformer.transform" {
		vg.configure = func(context.Context, *sandbox.Guest, uint64, uint64) uint32 { return good }
		vg.transform = func(_ context.Context, g *sandbox.Guest) uint32 {
			writeBlocks(t, g, v.Guest)
			return v.Ret
		}
	} else {
		options = valueOf[string](t, v.Arguments[0])
		vg.configure = func(_ context.Context, g *sandbox.Guest, address, length uint64) uint32 {
			if got := []uint64{address, length}; !slices.Equal(got, v.Call) {
				t.Errorf("called with %d, want %d", got, v.Call)
			}
			checkMemory(t, g, v.Host)
			writeBlocks(t, g, v.Guest)
			return v.Ret
		}
	}
	_, err := vg.run(t, wasm, options, plugin.Mail{}, start())
	result := valueOf[tagged](t, v.Result)
	guest, failed := errors.AsType[*plugin.GuestError](err)
	if failed != (result.Tag == "err") || !failed && err != nil || failed && guest.Text != valueOf[string](t, result.Val) {
		t.Errorf("error = %v, want %s", err, v.Result)
	}
	if !slices.Contains(vg.posted, v.Ret) {
		t.Errorf("cabi_post was called with %d, want %d", vg.posted, v.Ret)
	}
}

// tagged is a result or variant.
type tagged struct {
	Tag string
	Val json.RawMessage
}

func runImport(t *testing.T, wasm []byte, f vectorFile, function string, v vector) {
	t.Helper()
	called := false
	vg := &vectorGuest{
		configure: func(context.Context, *sandbox.Guest, uint64, uint64) uint32 { return good },
		transform: func(ctx context.Context, g *sandbox.Guest) uint32 {
			called = true
			writeBlocks(t, g, v.Guest)
			// The host allocates after what the guest has.
			next := f.Heap
			for _, b := range append(v.Guest, v.Host...) {
				if b.At == v.Ret || slices.Contains(v.Guest, b) {
					next = max(next, b.At+uint32(len(b.Hex)/2))
				}
			}
			if _, err := g.Call(ctx, "next", uint64(next)); err != nil {
				t.Error(err)
			}
			results, err := g.Call(ctx, f.Function, v.Call...)
			if err != nil {
				t.Error(err)
				return good
			}
			if v.Returns != nil && !slices.Equal(results, []uint64{*v.Returns}) {
				t.Errorf("result = %d, want %d", results, *v.Returns)
			}
			checkMemory(t, g, append(v.Guest, v.Host...))
			return good
		},
	}
	doc := vectorDocument(function)
	res, err := vg.run(t, wasm, "", vectorMail(t, function, v), doc)
	if err != nil || !called {
		t.Fatalf("Run = %v", err)
	}
	checkLifted(t, function, v, res)
}

func writeBlocks(t *testing.T, g *sandbox.Guest, blocks []vectorBlock) {
	t.Helper()
	for _, b := range blocks {
		if err := g.Write(b.At, b.octets(t)); err != nil {
			t.Error(err)
		}
	}
}

// checkMemory holds that memory has the blocks, and is zero everywhere else.
func checkMemory(t *testing.T, g *sandbox.Guest, blocks []vectorBlock) {
	t.Helper()
	got, err := g.Read(0, uint32(g.MemorySize()))
	if err != nil {
		t.Error(err)
		return
	}
	want := make([]byte, len(got))
	for _, b := range blocks {
		octets := b.octets(t)
		copy(want[b.At:], octets)
		if !bytes.Equal(got[b.At:][:len(octets)], octets) {
			t.Errorf("%s at %d = %x, want %x", b.Is, b.At, got[b.At:][:len(octets)], octets)
		}
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("memory at %d = %x, want %x", i, got[i], want[i])
			return
		}
	}
}

// sized is a raw message of a length that no test wants to hold.
type sized struct {
	octets
	size int64
}

func (s sized) Size() int64 { return s.size }

func raw(s string) mail.Body { return octets{bytes.NewReader([]byte(s))} }

// vectorMail is a mail of which a call answers what the vector says.
func vectorMail(t *testing.T, function string, v vector) plugin.Mail {
	t.Helper()
	view := &mime.Message{}
	m := plugin.Mail{View: view}
	switch function {
	case "envelope.get":
		s := valueOf[struct {
			DeliveryID mail.DeliveryID `json:"delivery-id"`
			Tenant     string
			Alias      string
			MailFrom   string `json:"mail-from"` // null is ""
			RcptTo     string `json:"rcpt-to"`
			HELO       string
			RemoteIP   netip.Addr `json:"remote-ip"`
			TLS        bool
			ReceivedAt int64 `json:"received-at"`
		}](t, v.Result)
		session := mail.Session{HELO: s.HELO, RemoteIP: s.RemoteIP}
		if s.TLS {
			session.TLS = "TLS 1.3"
		}
		m.ID, m.Tenant, m.Alias, m.Recipient = s.DeliveryID, s.Tenant, s.Alias, s.RcptTo
		m.Envelope = mail.Envelope{ReversePath: s.MailFrom, Session: session}
		m.ReceivedAt = time.UnixMilli(s.ReceivedAt)
	case "headers.all":
		view.Fields = valueOf[[]mime.Field](t, v.Result)
	case "headers.get":
		name := valueOf[string](t, v.Arguments[0])
		for _, value := range valueOf[[]string](t, v.Result) {
			view.Fields = append(view.Fields, mime.Field{Name: strings.ToUpper(name), Value: value}, mime.Field{Name: name + "-", Value: "another"})
		}
	case "body.text", "body.html":
		var body *mime.Body
		if c := valueOf[*struct {
			Text      string
			Truncated bool
		}](t, v.Result); c != nil {
			body = &mime.Body{Content: c.Text, Truncated: c.Truncated}
		}
		if function == "body.text" {
			view.Text = body
		} else {
			view.HTML = body
		}
	case "attachments.all":
		for _, p := range valueOf[[]struct {
			Filename    string // null is ""
			ContentType string `json:"content-type"`
			Size        int64
			ContentID   string `json:"content-id"` // null is ""
			Inline      bool
			SHA256      string
		}](t, v.Result) {
			view.Attachments = append(view.Attachments, mime.Attachment{
				Filename: p.Filename, ContentType: p.ContentType, Size: p.Size, ContentID: p.ContentID, Inline: p.Inline, SHA256: p.SHA256,
			})
		}
	case "attachments.read":
		m.Raw = raw("\x00\xff\x80\nabcd")
		view.Attachments = []mime.Attachment{
			{Size: 4, Part: document.Part{Offset: 0, Length: 4}}, {Size: 4, Part: document.Part{Offset: 4, Length: 4}},
		}
	case "raw.size":
		m.Raw = sized{size: valueOf[int64](t, v.Result)}
	case "raw.read":
		m.Raw = raw("From: ö\r\n")
	case "scans.all":
		for _, r := range valueOf[[]struct {
			Engine string
			Part   *int
			Answer string
		}](t, v.Result) {
			report := mail.Report{Engine: r.Engine, Part: -1, Answer: []byte(r.Answer)}
			if r.Part != nil {
				report.Part = *r.Part
			}
			m.Scans = append(m.Scans, report)
		}
	}
	return m
}

// vectorDocument is the document of the vectors of payload.
func vectorDocument(function string) *document.Document {
	crm := []document.Member{{Name: "name", Value: document.String("Grüße")}}
	if function == "payload.get" {
		// No edit would leave this in a document.
		crm = append(crm, document.Member{Name: "both", Value: document.Object(
			document.Member{Name: "content", Value: document.Null()}, document.PartMember(0))})
		return &document.Document{Root: document.Object(document.Member{Name: "crm", Value: document.Object(crm...)}), Parts: make([]document.Part, 1)}
	}
	return &document.Document{Root: document.Object(
		document.Member{Name: "message", Value: document.Object(document.Member{Name: "subject", Value: document.String("Hi")})},
		document.Member{Name: "crm", Value: document.Object(crm...)},
	)}
}

// checkLifted holds that the host understood the arguments, where its answer does
// not show it.
func checkLifted(t *testing.T, function string, v vector, res plugin.Result) {
	t.Helper()
	want := plugin.Result{Verdict: plugin.Continue}
	switch function {
	case "disposition.drop":
		want.Verdict, want.Reason = plugin.Drop, valueOf[string](t, v.Arguments[0])
	case "disposition.quarantine":
		want.Verdict, want.Reason = plugin.Quarantine, valueOf[string](t, v.Arguments[0])
	case "log.write":
		line := plugin.Line{Level: valueOf[string](t, v.Arguments[0]), Message: valueOf[string](t, v.Arguments[1])}
		line.Fields = append(line.Fields, valueOf[[][2]string](t, v.Arguments[2])...)
		want.Log = []plugin.Line{line}
	}
	if diff := cmp.Diff(want, plugin.Result{Verdict: res.Verdict, Reason: res.Reason, Log: res.Log}); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(function, "payload.") || function == "payload.get" {
		return
	}
	if valueOf[tagged](t, v.Result).Tag == "err" {
		if diff := cmp.Diff(asJSON(t, vectorDocument(function)), asJSON(t, res.Document)); diff != "" {
			t.Error(diff)
		}
		return
	}
	all := []document.Pointer{{}}
	got, found, err := res.Document.Edit(document.Scope{Read: all}, 0).Get(valueOf[string](t, v.Arguments[0]))
	value := ""
	if function == "payload.set" {
		value = valueOf[string](t, v.Arguments[1])
	}
	if err != nil || got != value || found != (value != "") {
		t.Errorf("%s holds %s, %v, %v; want %q", v.Arguments[0], got, found, err, value)
	}
}
