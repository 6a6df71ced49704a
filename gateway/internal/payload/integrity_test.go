package payload_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/payload"
)

// TestContentHashWorkedExample has a hash that was not computed by this code:
//
//	python3 -c 'import hashlib; f = ["postern-content-v1", "alice@example.com", "Grüße", "Hi there!\n", "", hashlib.sha256(b"hello").hexdigest()]; print(hashlib.sha256(b"".join(b"%d:%s," % (len(s), s) for s in map(str.encode, f))).hexdigest())'
func TestContentHashWorkedExample(t *testing.T) {
	t.Parallel()
	const want = "47a7948b2eb8bb1c942a8ea9c03525cfefe194e2a88ed5bf5bef046fcfd66ae7"
	got := payload.ContentHash(payload.Content{
		SenderEmail: "alice@example.com", Subject: "Grüße", Text: "Hi there!\n",
		Attachments: []string{"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
	})
	if got != want {
		t.Errorf("hash = %s, want %s", got, want)
	}
}

// TestContentHashTellsContentsApart holds that no two contents share a canonical
// form, and that none is left out of it.
func TestContentHashTellsContentsApart(t *testing.T) {
	t.Parallel()
	seen := make(map[string]payload.Content)
	for _, c := range []payload.Content{
		{},
		{SenderEmail: "a"},
		{Subject: "a"},
		{Text: "a"},
		{HTML: "a"},
		{Attachments: []string{"a"}},
		// What stands in one field cannot pass for two, or for another one.
		{SenderEmail: "ab", Subject: "c"},
		{SenderEmail: "a", Subject: "bc"},
		{Subject: "ab", Text: "c"},
		{Subject: "a", Text: "bc"},
		{Text: "ab", HTML: "c"},
		{Text: "a", HTML: "bc"},
		{HTML: "ab", Attachments: []string{"c"}},
		{HTML: "a", Attachments: []string{"bc"}},
		{HTML: "c", Attachments: []string{"ab"}},
		{Text: "a,1:b"},
		{Text: "a", HTML: "b"},
		{Text: "1:a,1:b,"},
		{HTML: "", Attachments: []string{"", ""}},
		{HTML: "", Attachments: []string{""}},
		{Attachments: []string{"a", "b"}},
		{Attachments: []string{"b", "a"}},
		{Attachments: []string{"ab"}},
		{Attachments: []string{"a,1:b"}},
		// Neither letter case, space nor line ends are evened out.
		{Text: "A"},
		{Text: "a "},
		{Text: "a\n"},
		{Text: "a\r\n"},
		{Text: "e\u0301"},
		{Text: "\u00e9"},
		{Text: "a\x00"},
	} {
		h := payload.ContentHash(c)
		if other, dup := seen[h]; dup {
			t.Errorf("%+v and %+v share a hash", other, c)
		}
		seen[h] = c
	}
	if payload.ContentHash(payload.Content{Attachments: []string{}}) != payload.ContentHash(payload.Content{}) {
		t.Error("an empty list of attachments is not as none")
	}
}

// TestContentHashIsOfTheContent holds that the same content gives the same hash
// by whatever way it came, and that the raw hash tells the ways apart.
func TestContentHashIsOfTheContent(t *testing.T) {
	t.Parallel()
	const base = "From: A <a@x.test>\r\nSubject: Hello\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ncaf\xc3\xa9\r\n"
	of := func(raw string, recipient string) rendered {
		f := facts([]byte(raw))
		f.Recipient = recipient
		var p rendered
		if err := json.Unmarshal(render(t, build(t, []byte(raw), f), []byte(raw)), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := of(base, "support@acme.test").Integrity
	for name, same := range map[string]string{
		"trace field":        "Received: by x.test; Thu, 12 Feb 2026 10:30:00 +0000\r\n" + base,
		"name of the sender": strings.Replace(base, "A <a@x.test>", "Someone <a@x.test>", 1),
		"recipients":         "To: somebody@x.test\r\n" + base,
		"line ends":          strings.ReplaceAll(base, "\r\n", "\n"),
		"transfer encoding": strings.NewReplacer("caf\xc3\xa9\r\n", "caf=C3=A9\r\n",
			"utf-8\r\n", "utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n").Replace(base),
		"charset": strings.NewReplacer("caf\xc3\xa9", "caf\xe9", "utf-8", "iso-8859-1").Replace(base),
	} {
		got := of(same, "other@acme.test").Integrity
		if got.ContentHash != want.ContentHash || got.RawEmailHash == want.RawEmailHash {
			t.Errorf("another %s: integrity = %+v, of the first mail %+v", name, got, want)
		}
	}
	for name, other := range map[string]string{
		"sender":     strings.Replace(base, "a@x.test", "b@x.test", 1),
		"subject":    strings.Replace(base, "Subject: ", "Subject: Re: ", 1),
		"text":       strings.Replace(base, "caf\xc3\xa9", "cafe", 1),
		"kind":       strings.Replace(base, "text/plain", "text/html", 1),
		"attachment": strings.Replace(base, "text/plain", "application/x", 1),
	} {
		if got := of(other, "support@acme.test").Integrity; got.ContentHash == want.ContentHash {
			t.Errorf("another %s has the same content hash", name)
		}
	}
}

// contentHashPython computes the content hash of payloads, one on a line, from
// nothing but themselves: what a receiver does to check one.
const contentHashPython = `
import hashlib, json, sys

for line in sys.stdin.buffer:
    m = json.loads(line)["message"]
    fields = ["postern-content-v1", m["sender"]["email"], m["subject"], m["content"]["text"], m["content"]["html"]]
    fields += [a["sha256"] for a in m["attachments"]]
    h = hashlib.sha256()
    for f in fields:
        octets = (f or "").encode()
        h.update(b"%d:%s," % (len(octets), octets))
    print(h.hexdigest())
`

func TestPythonComputesTheContentHash(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("python3 is missing")
		}
		t.Skip("python3 is missing")
	}
	var mails [][]byte
	for _, raw := range goldenMails(t) {
		mails = append(mails, raw)
	}
	for _, file := range corpusMails() {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, raw)
	}
	var in bytes.Buffer
	var want []string
	for _, raw := range mails {
		line := render(t, build(t, raw, facts(raw)), raw)
		var p rendered
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
		want = append(want, p.Integrity.ContentHash)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", contentHashPython)
	cmd.Stdin = &in
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(want, slices.Collect(strings.FieldsSeq(string(out)))); diff != "" {
		t.Errorf("hashes differ (-payload +python):\n%s", diff)
	}
}
