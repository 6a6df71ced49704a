package payload_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
)

var update = flag.Bool("update", false, "write the golden files anew")

var receivedAt = time.Date(2026, 2, 12, 10, 30, 2, 345e6, time.UTC)

// facts returns the facts of a transaction that brought raw.
func facts(raw []byte) payload.Facts {
	sum := sha256.Sum256(raw)
	return payload.Facts{
		ID:        "msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1",
		Tenant:    "acme",
		Alias:     "support",
		Recipient: "support@acme.test",
		Envelope: mail.Envelope{
			ReversePath: "bounces+42@example.com",
			Session: mail.Session{
				Listener: "mx", HELO: "mail.example.com", RemoteIP: netip.MustParseAddr("192.0.2.7"),
				TLS: "TLS 1.3 TLS_AES_128_GCM_SHA256",
			},
		},
		ReceivedAt: receivedAt,
		SHA256:     hex.EncodeToString(sum[:]),
	}
}

// goldenFacts returns the facts of a golden mail; most came by the same
// transaction.
func goldenFacts(name string, raw []byte) payload.Facts {
	f := facts(raw)
	switch name {
	case "null_reverse_path":
		f.Envelope = mail.Envelope{}
	case "unicode":
		f.Recipient, f.Envelope.SMTPUTF8 = "grüße@bücher.example", true
	}
	return f
}

// goldenMails returns the mails of testdata by their name.
func goldenMails(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no mails in testdata: %v", err)
	}
	mails := make(map[string][]byte)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mails[strings.TrimSuffix(filepath.Base(file), ".eml")] = raw
	}
	return mails
}

func build(t testing.TB, raw []byte, f payload.Facts) *document.Document {
	t.Helper()
	m, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return payload.Build(m, f)
}

func render(t testing.TB, d *document.Document, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := payload.Render(&b, d, bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGolden compares the payload of testdata/x.eml with testdata/x.json, which
// holds it indented.
func TestGolden(t *testing.T) {
	t.Parallel()
	mails := goldenMails(t)
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		stem, isGolden := strings.CutSuffix(filepath.Base(file), ".json")
		if _, ok := mails[stem]; !ok && (isGolden || filepath.Ext(file) != ".eml") {
			t.Errorf("%s belongs to no mail", file)
		}
	}
	for name, raw := range mails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := json.Indent(&got, render(t, build(t, raw, goldenFacts(name, raw)), raw), "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("payload differs (-want +got):\n%s", diff)
			}
		})
	}
}

// message decodes the part "message" of what Build makes of m.
func message(t *testing.T, m *mime.Message, f payload.Facts) (out struct {
	Date              string
	Sender, Recipient struct{ Name, Email *string }
},
) {
	t.Helper()
	var p struct{ Message any }
	p.Message = &out
	if err := json.Unmarshal(render(t, payload.Build(m, f), nil), &p); err != nil {
		t.Fatal(err)
	}
	return out
}

// text shows a string that may be null.
func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func TestSender(t *testing.T) {
	t.Parallel()
	alice, bob := mail.Address{Name: "Alice", Address: "alice@x.test"}, mail.Address{Address: "bob@x.test"}
	for name, tc := range map[string]struct {
		m           mime.Message
		reversePath string
		want        string
	}{
		"From":                      {m: mime.Message{From: []mail.Address{alice}}, reversePath: "r@x.test", want: "Alice alice@x.test"},
		"first of several":          {m: mime.Message{From: []mail.Address{bob, alice}}, want: "null bob@x.test"},
		"From before Sender":        {m: mime.Message{From: []mail.Address{alice}, Sender: []mail.Address{bob}}, want: "Alice alice@x.test"},
		"Sender without From":       {m: mime.Message{Sender: []mail.Address{bob}}, reversePath: "r@x.test", want: "null bob@x.test"},
		"envelope":                  {reversePath: "r@x.test", want: "null r@x.test"},
		"null reverse-path":         {want: "null null"},
		"From without address":      {m: mime.Message{From: []mail.Address{{Name: "Alice"}}}, reversePath: "r@x.test", want: "Alice null"},
		"Reply-To makes no sender":  {m: mime.Message{ReplyTo: []mail.Address{alice}}, reversePath: "r@x.test", want: "null r@x.test"},
		"recipient makes no sender": {m: mime.Message{To: []mail.Address{alice}}, want: "null null"},
	} {
		f := facts(nil)
		f.Envelope.ReversePath = tc.reversePath
		s := message(t, &tc.m, f).Sender
		if got := text(s.Name) + " " + text(s.Email); got != tc.want {
			t.Errorf("%s: sender = %s, want %s", name, got, tc.want)
		}
	}
}

func TestRecipient(t *testing.T) {
	t.Parallel()
	named := func(name, addr string) []mail.Address { return []mail.Address{{Name: name, Address: addr}} }
	for name, tc := range map[string]struct {
		m    mime.Message
		want string
	}{
		"blind copy":               {m: mime.Message{To: named("Other", "other@acme.test")}, want: "null support@acme.test"},
		"named in To":              {m: mime.Message{To: named("Desk", "support@acme.test")}, want: "Desk support@acme.test"},
		"named in Cc":              {m: mime.Message{Cc: named("Desk", "support@acme.test")}, want: "Desk support@acme.test"},
		"To before Cc":             {m: mime.Message{To: named("To", "support@acme.test"), Cc: named("Cc", "support@acme.test")}, want: "To support@acme.test"},
		"nameless in To, named Cc": {m: mime.Message{To: named("", "support@acme.test"), Cc: named("Cc", "support@acme.test")}, want: "Cc support@acme.test"},
		"letter case":              {m: mime.Message{To: named("Desk", "SUPPORT@Acme.Test")}, want: "Desk support@acme.test"},
		"Reply-To says nothing":    {m: mime.Message{ReplyTo: named("Desk", "support@acme.test")}, want: "null support@acme.test"},
	} {
		r := message(t, &tc.m, facts(nil)).Recipient
		if got := text(r.Name) + " " + text(r.Email); got != tc.want {
			t.Errorf("%s: recipient = %s, want %s", name, got, tc.want)
		}
	}
}

// TestDate holds that dates always have the one form that every language reads,
// whatever the mail says.
func TestDate(t *testing.T) {
	t.Parallel()
	const received = "2026-02-12T10:30:02.345Z"
	for field, want := range map[string]string{
		"":                                received,
		"not a date":                      received,
		"Thu, 12 Feb 2026 11:30:00 +0100": "2026-02-12T10:30:00.000Z",
		"1 Jan 1970 00:00:00 +0000":       "1970-01-01T00:00:00.000Z",
		"31 Dec 9999 23:59:59 +0000":      "9999-12-31T23:59:59.000Z",
		"31 Dec 9999 23:59:59 -0800":      received, // the year 10000 in UTC
		"1 Jan 0001 00:00:00 +0800":       received, // the year 0 in UTC
	} {
		raw := []byte("Date: " + field + "\r\n\r\n")
		m, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if got := message(t, m, facts(raw)).Date; got != want {
			t.Errorf("date of %q = %s, want %s", field, got, want)
		}
	}
}

// TestTimesAreUTC holds that the place of the gateway does not show.
func TestTimesAreUTC(t *testing.T) {
	t.Parallel()
	raw := []byte("Subject: x\r\n\r\n")
	f := facts(raw)
	want := render(t, build(t, raw, f), raw)
	f.ReceivedAt = f.ReceivedAt.In(time.FixedZone("", 5*3600))
	if diff := cmp.Diff(string(want), string(render(t, build(t, raw, f), raw))); diff != "" {
		t.Error(diff)
	}
}

// TestExcludedAttachmentStaysExcluded has a plugin give an excluded attachment its place
// again: there is nothing in it.
func TestExcludedAttachmentStaysExcluded(t *testing.T) {
	t.Parallel()
	raw := attachmentMail(1000)
	f := facts(raw)
	f.Virus = &payload.VirusScan{Scanned: true, Engine: "clamav", Attachments: []payload.AttachmentScan{payload.Infected}}
	doc := build(t, raw, f)
	e := doc.Edit(document.Scope{Write: []document.Pointer{{}}}, 1<<20)
	if err := e.Set("/message/attachments/0", []byte(`{"filename":"a.bin","$part":0}`)); err != nil {
		t.Fatal(err)
	}
	if got := string(render(t, e.Document(), raw)); !strings.Contains(got, `"attachments":[{"filename":"a.bin","content":""}]`) {
		t.Errorf("payload = %s", got)
	}
}
