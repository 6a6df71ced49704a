package plugin_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// delivery is a mail before its chain.
type delivery struct {
	name     string
	mail     plugin.Mail
	raw      []byte
	document *document.Document
}

// deliveries are mails of many kinds.
func deliveries(t *testing.T) []delivery {
	t.Helper()
	var list []delivery
	answers := map[string]string{
		"invoice.eml":    "seed",
		"newsletter.eml": "tagged",
		"full.eml":       "skipped",
	}
	for _, pattern := range []string{"../../../examples/mails/*.eml", "../payload/testdata/*.eml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no mails %s: %v", pattern, err)
		}
		for _, file := range files {
			name, answer := filepath.Base(file), ""
			if scan := answers[name]; scan != "" {
				answer = string(readFile(t, firstParty+"/spam/testdata/"+scan+".json"))
			}
			list = append(list, deliver(t, name, readFile(t, file), answer))
		}
	}
	return list
}

// deliver makes a delivery of a mail. answer is rspamd's; empty for none.
func deliver(t *testing.T, name string, raw []byte, answer string) delivery {
	t.Helper()
	view, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	m := plugin.Mail{
		ID: "msg_01ARYZ6S410000000000000000_1", Tenant: "acme", Alias: "support", Recipient: "support@acme.test",
		Envelope: mail.Envelope{
			ReversePath: "bounces+42@example.com",
			Session:     mail.Session{HELO: "mail.example.com", RemoteIP: netip.MustParseAddr("192.0.2.7"), TLS: "TLS 1.3"},
		},
		ReceivedAt: time.UnixMilli(1770892200123).UTC(), View: view, Raw: octets{bytes.NewReader(raw)},
	}
	if answer != "" {
		m.Scans = []mail.Report{{Engine: "clamav", Part: 0, Answer: []byte(`{"status":"clean"}`)}, {Engine: "rspamd", Part: -1, Answer: []byte(answer)}}
	}
	sum := sha256.Sum256(raw)
	doc := payload.Build(view, payload.Facts{
		ID: m.ID, Tenant: m.Tenant, Alias: m.Alias, Recipient: m.Recipient, Envelope: m.Envelope,
		ReceivedAt: m.ReceivedAt, SHA256: hex.EncodeToString(sum[:]),
	})
	e := doc.Edit(document.Scope{Write: []document.Pointer{{"gone"}}}, 1<<10)
	if err := e.Set("/gone", []byte("1")); err != nil { // for the probe to remove
		t.Fatal(err)
	}
	return delivery{name, m, raw, e.Document()}
}

func exampleMail(t *testing.T, name string) []byte {
	t.Helper()
	return readFile(t, "../../../examples/mails/"+name)
}

// shapes are options of the plugin payload: those of its own tests.
func shapes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(firstParty + "/payload/testdata/*.options.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no options of the plugin payload: %v", err)
	}
	list := []string{`{}`, `{"constants":{"/integrity":1}}`}
	for _, file := range files {
		list = append(list, string(readFile(t, file)))
	}
	return list
}

// granted is a configuration with every permission.
func granted(t *testing.T, wasm []byte, options string, write []string) plugin.Config {
	t.Helper()
	dir, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	cfg := plugin.Config{
		Name: "tried", Wasm: wasm, Grant: everything(), Options: []byte(options),
		Timeout: time.Minute, Memory: 128 << 20, CacheDir: dir,
	}
	for _, s := range write {
		p, err := document.ParsePointer(s)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Write = append(cfg.Write, p)
	}
	return cfg
}

// fixture writes the file of a delivery.
func fixture(t *testing.T, d delivery, options string, writable []string) string {
	t.Helper()
	m, s := d.mail, d.mail.Envelope.Session
	type object = map[string]any
	f := object{
		"Envelope": object{
			"DeliveryID": m.ID, "Tenant": m.Tenant, "Alias": m.Alias, "MailFrom": m.Envelope.ReversePath, "RcptTo": m.Recipient,
			"HELO": s.HELO, "RemoteIP": s.RemoteIP.String(), "TLS": s.TLS != "", "ReceivedAt": m.ReceivedAt,
		},
		"Headers": m.View.Fields, "Raw": d.raw, "Payload": json.RawMessage(shown(t, d.document)),
		"Write": writable, "Options": json.RawMessage(options),
	}
	for name, b := range map[string]*mime.Body{"Text": m.View.Text, "HTML": m.View.HTML} {
		if b != nil {
			f[name] = object{"Text": b.Content, "Truncated": b.Truncated}
		}
	}
	var attachments, scans []object
	for _, a := range m.View.Attachments {
		content, err := io.ReadAll(mime.Open(m.Raw, a.Part))
		if err != nil {
			t.Fatal(err)
		}
		attachments = append(attachments, object{
			"Filename": a.Filename, "ContentType": a.ContentType, "ContentID": a.ContentID, "Inline": a.Inline,
			"SHA256": a.SHA256, "Content": content,
		})
	}
	for _, r := range m.Scans {
		scans = append(scans, object{"Engine": r.Engine, "Part": r.Part, "Answer": []byte(r.Answer)})
	}
	f["Attachments"], f["Scans"] = attachments, scans
	encoded, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(t.TempDir(), "*.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(encoded); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

// shown is a document as a plugin that may read all of it sees it.
func shown(t *testing.T, d *document.Document) string {
	t.Helper()
	text, _, err := d.Edit(document.Scope{Read: []document.Pointer{{}}}, 0).Get("")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decode reads JSON and keeps the digits of numbers.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return v
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// asksFor lists the permissions that a plugin asks for.
func asksFor(t *testing.T, cfg plugin.Config) []string {
	t.Helper()
	in, err := plugin.Inspect(t.Context(), cfg.Wasm, cfg.CacheDir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in.Permissions
}
