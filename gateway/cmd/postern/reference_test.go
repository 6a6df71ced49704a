package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/scan/scantest"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// reference returns the full payload of the product's payload reference. Where the
// reference itself stands beside the repository, it holds that both are the same.
func reference(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	values := takenApart(t, text)
	seeds, err := filepath.Glob(filepath.Join(repository, "..", "shared", "seeds", "003_*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range seeds {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(document), "Full payload with all options")
		if !found {
			t.Fatalf("%s has no full payload", file)
		}
		var own json.RawMessage
		if err := json.NewDecoder(strings.NewReader(rest)).Decode(&own); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(takenApart(t, own), values); diff != "" {
			t.Errorf("%s and testdata/reference.json differ:\n%s", file, diff)
		}
	}
	return values
}

// takenApart maps the JSON Pointer of every value in a JSON text to the value.
func takenApart(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	values := make(map[string]any)
	var take func(at string, v any)
	take = func(at string, v any) {
		values[at] = v
		switch v := v.(type) {
		case map[string]any:
			for name, child := range v {
				take(at+"/"+name, child)
			}
		case []any:
			for i, child := range v {
				take(at+"/"+strconv.Itoa(i), child)
			}
		}
	}
	take("", root)
	return values
}

// TestReferencePayload takes the reference's full payload apart and finds each of its
// paths, with its type, in what the gateway delivers of such a mail: with real
// scanners and the default chain. What the mail and the configuration decide has the
// reference's very value.
func TestReferencePayload(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	want := reference(t)
	got := takenApart(t, deliverReference(t, want))

	// What others decide: rspamd and its resolver, clamd, and octets that the reference cuts.
	varies := func(path string) bool {
		if symbol := strings.HasPrefix(path, "/spam/symbols/"); symbol || strings.HasSuffix(path, "/result") {
			return true
		}
		return slices.Contains([]string{
			"/spam/score", "/security/virusScan/engineVersion", "/message/attachments/0/size", "/message/attachments/0/content",
			"/integrity/contentHash", "/integrity/rawEmailHash",
		}, path)
	}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		value, found := got[path]
		if !found {
			t.Errorf("%s is missing", path)
			continue
		}
		if have, want := fmt.Sprintf("%T", value), fmt.Sprintf("%T", want[path]); have != want {
			t.Errorf("%s is %v of type %s, want %s", path, value, have, want)
		}
		switch reference := want[path].(type) {
		case map[string]any, []any: // compared by what is in them
		case string:
			// The reference lists a link that its HTML does not have; ours has it at its end.
			linked := path == "/message/content/html" || path == "/message/content/markdown"
			have, _ := value.(string)
			same := have == reference || linked && strings.HasPrefix(have, reference)
			if !varies(path) && !same {
				t.Errorf("%s = %q, want %q", path, have, reference)
			}
		default:
			if !varies(path) && value != want[path] {
				t.Errorf("%s = %v, want %v", path, value, want[path])
			}
		}
	}
}

// deliverReference sends the mail of the reference's full payload, and returns the
// payload that comes.
func deliverReference(t *testing.T, reference map[string]any) []byte {
	t.Helper()
	text := func(path string) string {
		return strings.ReplaceAll(reference["/message/"+path].(string), "\n", "\r\n")
	}
	rspamd, clamd := scantest.Rspamd(t, "127.0.0.1:9"), scantest.ClamAV(t)
	rcv := newReceiver(t)
	rcv.keep = true
	g := serveIn(t, configuration(t, rcv.URL, "", fourPlugins, fmt.Sprintf(`
scanner "rspamd" { url = "http://%s" }
scanner "clamav" { address = %q }
tenant "yours" {
  domains    = ["yourdomain.com"]
  virus_scan = true
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
`, rspamd.Address(), clamd.Address(), rcv.URL)))
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	recipient := text("recipient/email")
	mail := "From: " + text("sender/name") + " <" + text("sender/email") + ">\r\nTo: " + recipient + "\r\nSubject: " + text("subject") +
		"\r\nDate: Thu, 12 Feb 2026 11:30:00 +0100\r\nMessage-ID: <0042@example.com>\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=mix\r\n\r\n--mix\r\nContent-Type: multipart/alternative; boundary=alt\r\n\r\n" +
		"--alt\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text("content/text") + "\r\n" +
		"--alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + text("content/html") +
		`<p><a href="` + text("content/links/0/url") + `">` + text("content/links/0/text") + "</a></p>\r\n--alt--\r\n" +
		"--mix\r\nContent-Type: " + text("attachments/0/contentType") + "\r\nContent-Disposition: attachment; filename=" + text("attachments/0/filename") +
		"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte("%PDF-1.4\n%%EOF\n")) + "\r\n--mix--\r\n"
	if _, err := client.Send(smtpclient.Mail{From: text("sender/email"), To: []string{recipient}, Body: strings.NewReader(mail)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the webhook", func() bool { return rcv.count() == 1 })
	rcv.check(t)
	g.stop(t)
	for _, r := range rcv.byID {
		return r.payload
	}
	return nil
}
