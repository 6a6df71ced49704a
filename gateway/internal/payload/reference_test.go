package payload_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The payloads of the product's reference, which tenants have written their
// receivers for.
const (
	basicPayload = `{
  "message": {
    "date": "2026-02-12T10:30:00.000Z",
    "sender": {"name": "Alice Martin", "email": "alice@example.com"},
    "content": {
      "text": "Hi there!\n\nJust wanted to follow up on our conversation.\n\nBest regards,\nAlice",
      "html": "<p>Hi there!</p><p>Just wanted to follow up on our conversation.</p><p>Best regards,<br>Alice</p>",
      "links": []
    },
    "subject": "Following up",
    "recipient": {"name": null, "email": "support@yourdomain.com"},
    "attachments": []
  },
  "classification": {"type": "normal"}
}`

	fullPayload = `{
  "spam": {
    "score": -0.99,
    "action": "default",
    "engine": "rspamd",
    "isSpam": false,
    "symbols": [{"name": "DMARC_POLICY_ALLOW", "weight": -0.5, "description": "example.com,none"}],
    "threshold": 0,
    "authentication": {
      "spf": {"result": "pass"},
      "dkim": {"result": "pass"},
      "dmarc": {"result": "pass"}
    }
  },
  "message": {
    "date": "2026-02-12T10:30:00.000Z",
    "sender": {"name": "Alice Martin", "email": "alice@example.com"},
    "content": {
      "text": "Hi team,\n\nPlease find invoice #2026-0042 attached.\n\nBest,\nAlice",
      "html": "<p>Hi team,</p><p>Please find invoice #2026-0042 attached.</p><p>Best,<br>Alice</p>",
      "markdown": "Hi team,\n\nPlease find invoice #2026-0042 attached.\n\nBest,\nAlice",
      "links": [{"url": "https://billing.example.com/inv/2026-0042", "text": "View it online"}]
    },
    "subject": "Invoice #2026-0042 attached",
    "recipient": {"name": null, "email": "invoices@yourdomain.com"},
    "attachments": [{
      "filename": "invoice-2026-0042.pdf",
      "contentType": "application/pdf",
      "size": 245680,
      "content": "JVBERi0xLjQK...",
      "virusScan": {"status": "clean"}
    }]
  },
  "integrity": {
    "contentHash": "a3f2b8c1d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1",
    "rawEmailHash": "9f8e7d6c5b4a3f2e1d0c9b8a7f6e5d4c3b2a1f0e9d8c7b6a5f4e3d2c1b0a9f8e"
  },
  "classification": {
    "type": "normal",
    "signals": ["has_attachment", "single_recipient"],
    "confidence": "definite"
  },
  "security": {
    "virusScan": {
      "scanned": true,
      "engine": "clamav",
      "engineVersion": "1.5.1",
      "attachmentsScanned": 1,
      "attachmentsSkipped": 0,
      "threatsFound": 0
    }
  }
}`
)

// elsewhere names what the reference has and Build does not make, with all that
// is below it, and says who is to make it. A row goes when its path is built:
// the test fails as long as it stands.
var elsewhere = map[string]string{
	"/classification":                  "plugin chain",
	"/spam":                            "plugin chain",
	"/message/content/markdown":        "plugin chain",
	"/message/attachments/0/virusScan": "scanners",
	"/security":                        "scanners",
}

// excepted reports which row of elsewhere a path belongs to.
func excepted(path string) (row string, ok bool) {
	for row := range elsewhere {
		if path == row || strings.HasPrefix(path, row+"/") {
			return row, true
		}
	}
	return "", false
}

// flatten maps the JSON Pointer (RFC 6901) of every value below v to the value.
func flatten(v any, at string, into map[string]any) {
	into[at] = v
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			flatten(child, at+"/"+name, into)
		}
	case []any:
		for i, child := range v {
			flatten(child, at+"/"+strconv.Itoa(i), into)
		}
	}
}

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	flat := make(map[string]any)
	flatten(v, "", flat)
	return flat
}

// kind names a value's type in JSON.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	default:
		return "object"
	}
}

// referenceMail is a mail as the one that an example of the reference shows,
// apart from octets that the reference abbreviates.
func referenceMail(subject, text, html, attachment string) string {
	crlf := strings.NewReplacer("\n", "\r\n").Replace
	alternative := "Content-Type: multipart/alternative; boundary=alt\r\n\r\n" +
		"--alt\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + crlf(text) + "\r\n" +
		"--alt\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + crlf(html) + "\r\n--alt--\r\n"
	head := "From: Alice Martin <alice@example.com>\r\nSubject: " + subject + "\r\nDate: Thu, 12 Feb 2026 11:30:00 +0100\r\nMIME-Version: 1.0\r\n"
	if attachment == "" {
		return head + alternative
	}
	return head + "Content-Type: multipart/mixed; boundary=mix\r\n\r\n--mix\r\n" + alternative +
		"--mix\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=invoice-2026-0042.pdf\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(attachment)) + "\r\n--mix--\r\n"
}

// TestReference holds that a payload has every field of the reference, each with
// its type, and the basic example with its very values.
func TestReference(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for _, tc := range []struct {
		name, reference, recipient, mail string
		sameValues                       bool
	}{
		{
			name: "basic", reference: basicPayload, recipient: "support@yourdomain.com", sameValues: true,
			mail: referenceMail("Following up", "Hi there!\n\nJust wanted to follow up on our conversation.\n\nBest regards,\nAlice",
				"<p>Hi there!</p><p>Just wanted to follow up on our conversation.</p><p>Best regards,<br>Alice</p>", ""),
		},
		{
			name: "full", reference: fullPayload, recipient: "invoices@yourdomain.com",
			mail: referenceMail("Invoice #2026-0042 attached", "Hi team,\n\nPlease find invoice #2026-0042 attached.\n\nBest,\nAlice",
				`<p>Hi team,</p><p><a href="https://billing.example.com/inv/2026-0042">View it online</a></p>`, "%PDF-1.4\n"),
		},
	} {
		raw := []byte(tc.mail)
		f := facts(raw)
		f.Recipient = tc.recipient
		got, want := decode(t, render(t, build(t, raw, f), raw)), decode(t, []byte(tc.reference))
		for _, path := range slices.Sorted(maps.Keys(want)) {
			if row, ok := excepted(path); ok {
				used[row] = true
				if _, built := got[row]; built {
					t.Errorf("%s: %s is built now: take it out of the exceptions (%s)", tc.name, row, elsewhere[row])
				}
				continue
			}
			value, ok := got[path]
			if !ok {
				t.Errorf("%s: %s is missing", tc.name, path)
				continue
			}
			// A null of the reference stands for a string that this mail has not.
			if k, w := kind(value), kind(want[path]); k != w && (w != "null" || k != "string") {
				t.Errorf("%s: %s is %s %v, want %s", tc.name, path, k, value, w)
			}
			if leaf := kind(value) != "object"; tc.sameValues && leaf {
				if diff := cmp.Diff(want[path], value); diff != "" {
					t.Errorf("%s: %s differs (-reference +payload):\n%s", tc.name, path, diff)
				}
			}
		}
	}
	for row, reason := range elsewhere {
		if !used[row] {
			t.Errorf("%s (%s) is no path of the reference", row, reason)
		}
	}
}

// TestReferenceForms holds the forms of values that a type does not say.
func TestReferenceForms(t *testing.T) {
	t.Parallel()
	raw := []byte(referenceMail("x", "y", "z", "%PDF-1.4\n"))
	got := decode(t, render(t, build(t, raw, facts(raw)), raw))
	for path, want := range map[string]string{
		"/message/attachments/0/content": "JVBERi0xLjQK",
		"/message/attachments/0/size":    "9",
		"/integrity/rawEmailHash":        facts(raw).SHA256,
		"/message/date":                  "2026-02-12T10:30:00.000Z",
	} {
		if have := fmt.Sprint(got[path]); have != want {
			t.Errorf("%s = %s, want %s", path, have, want)
		}
	}
}
