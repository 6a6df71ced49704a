package payload_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/payload"
)

// published returns the first fenced block of a language in what the architecture's
// README says of the content hash.
func published(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## The content hash\n")
	_, rest, begun := strings.Cut(section, "```"+language+"\n")
	block, _, ended := strings.Cut(rest, "```\n")
	if !found || !begun || !ended {
		t.Fatalf("the README has no block of %s", language)
	}
	return block
}

// TestPublishedExample holds the worked example to what the gateway makes of its mail.
func TestPublishedExample(t *testing.T) {
	t.Parallel()
	raw := []byte(strings.ReplaceAll(published(t, "eml"), "\n", "\r\n"))
	var want struct {
		Integrity struct{ ContentHash, RawEmailHash string }
	}
	if err := json.Unmarshal([]byte(published(t, "json")), &want.Integrity); err != nil {
		t.Fatal(err)
	}
	var got rendered
	if err := json.Unmarshal(render(t, build(t, raw, facts(raw)), raw), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Integrity, got.Integrity); diff != "" {
		t.Errorf("integrity (-published +payload):\n%s", diff)
	}
	form := sha256.Sum256([]byte(strings.TrimSuffix(published(t, "text"), "\n")))
	if hex.EncodeToString(form[:]) != want.Integrity.ContentHash {
		t.Errorf("the canonical form that is published has the hash %x", form)
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

// TestPythonComputesTheContentHash runs the published function on payloads: what a
// receiver does to check one.
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
	cmd := exec.CommandContext(t.Context(), python, "-c", published(t, "python")+`
import json, sys
for line in sys.stdin.buffer:
    print(content_hash(json.loads(line)))
`)
	cmd.Stdin = &in
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(want, slices.Collect(strings.FieldsSeq(string(out)))); diff != "" {
		t.Errorf("hashes differ (-payload +python):\n%s", diff)
	}
}
