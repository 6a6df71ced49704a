package mime

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// countingReader counts the octets that are read from a mail.
type countingReader struct {
	r *bytes.Reader
	n int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// nested makes multiparts within each other, closed or not.
func nested(depth int, closed bool) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	b.WriteString("\r\nthe core\r\n")
	for i := depth - 1; closed && i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\r\n", i)
	}
	return b.String()
}

func multipart(body string) string {
	return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body
}

func html(body string) string {
	return "Content-Type: text/html\r\n\r\n" + body
}

// reported makes a report of one part, without the text for people.
func reported(kind, fields string) string {
	return "Content-Type: multipart/report; boundary=r\r\n\r\n--r\r\nContent-Type: message/" + kind + "\r\n\r\n" + fields + "\r\n--r--\r\n"
}

// bombs are mails that are made to cost time or memory.
func bombs() map[string]string {
	rep := strings.Repeat
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return map[string]string{
		"depth 3000":             nested(3000, true),
		"depth 3000 open":        nested(3000, false),
		"100k parts":             multipart(rep("--b\r\n\r\nx\r\n", 100_000) + "--b--\r\n"),
		"100k empty parts":       multipart(rep("--b\r\n", 100_000)),
		"parts with long header": multipart(rep("--b\r\nContent-Type: text/plain; x="+rep("y", 60_000)+"\r\n\r\nx\r\n", 100)),
		"1M delimiters of none":  multipart(rep("--c\r\n", 1_000_000)),
		"200k header lines":      numbered(200_000, "X-%d: y\r\n") + "\r\nbody",
		"5 MB header":            "Subject: " + rep("x", 5<<20) + "\r\n\r\nbody",
		"5 MB folded header":     "Subject: x" + rep("\r\n y", 5<<18) + "\r\n\r\nbody",
		"5 MB of no header":      rep("no field here\r\n", 5<<16),
		"1 MB boundary":          "Content-Type: multipart/mixed; boundary=" + rep("b", 1<<20) + "\r\n\r\n--" + rep("b", 1<<20) + "\r\n\r\nx",
		"60k encoded words":      "Subject: " + rep("=?utf-8?q?x?= ", 60_000) + "\r\n\r\n",
		"60k charsets":           "Subject: " + rep("=?gbk?q?x?= =?big5?q?x?= ", 30_000) + "\r\n\r\n",
		"broken encoded words":   "Subject: " + rep("=?a?q?", 150_000) + "\r\n\r\n",
		"unended encoded words":  "Subject: " + rep("=?utf-8?b?!?x", 70_000) + "?=\r\n\r\n",
		"20k RFC 2231 pieces":    "Content-Type: application/x" + numbered(20_000, "; name*%d*=x") + "\r\n\r\nx",
		"parameters":             "Content-Type: text/plain; " + rep("a=b ", 200_000) + "\r\n\r\nx",
		"100k addresses":         "To: " + rep("a@b.example, ", 79_000) + "\r\n\r\n",
		"brackets in To":         "To: " + rep("<", 1<<20) + "\r\n\r\n",
		"routes in To":           "To: " + rep("<@,", 300_000) + "\r\n\r\n",
		"comments in To":         "To: " + rep("(", 1<<20) + "\r\n\r\n",
		"quotes in To":           "To: " + rep(`"`, 1<<20) + "\r\n\r\n",
		"colons in To":           "To: " + rep("x", 500_000) + "@" + rep(":", 500_000) + "\r\n\r\n",
		"groups in To":           "To: " + rep("x:", 500_000) + "\r\n\r\n",
		"ids":                    "References: " + rep("<a@b> ", 150_000) + "\r\n\r\n",
		"comments in Date":       "Date: Mon, 1 Jan 2024 00:00:00 +0000 " + rep("(", 1<<20) + "\r\n\r\n",
		"1M < in HTML":           html(rep("<", 1<<20)),
		"unended tags":           html(rep("<a href=x ", 100_000)),
		"comments in HTML":       html(rep("<!--", 250_000)),
		"deep HTML":              html(rep("<div>", 200_000)),
		"100k links in HTML":     html(numbered(100_000, `<a href="https://example.com/%d">x</a>`)),
		"one link around all":    html(`<a href="https://example.com/">` + rep("word ", 500_000)),
		"attributes":             html(`<a ` + rep("x=y ", 250_000) + `href="https://example.com/">`),
		"100k links in text":     "\r\n" + numbered(100_000, "https://example.com/%d "),
		"colons in text":         "\r\n" + rep("http:", 500_000),
		"brackets in URL":        "\r\nhttps://example.com/" + rep("(", 500_000) + rep(")", 500_000),
		"base64 of nothing":      "Content-Transfer-Encoding: base64\r\n\r\n" + rep("====\r\n", 500_000),
		"equals signs":           "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + rep("=", 3<<20),
		"spaces":                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + rep(" ", 3<<20),
		"20 MB body":             "\r\n" + rep("line of text\r\n", 20<<20/14),
		"warnings":               multipart(rep("--b\r\nno field\r\nContent-Transfer-Encoding: x\r\n\r\nx\r\n", 900)),
		"NUL":                    rep("\x00", 1<<20),
		"one name for all":       multipart(rep("--b\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n", 900)),
		"long names":             multipart(rep("--b\r\nContent-Disposition: attachment; filename="+rep("ä\u0301", 250)+"\r\n\r\nx\r\n", 900)),
		"report of recipients":   reported("delivery-status", numbered(100_000, "Final-Recipient: rfc822; %d@x.example\r\n\r\n")),
		"report of empty lines":  reported("delivery-status", rep("\r\n", 1<<20)),
		"report of blocks":       reported("delivery-status", rep("x\r\n\r\n", 1<<18)),
		"report of domains":      reported("feedback-report", rep("Reported-Domain: x.example\r\n", 100_000)),
		"report of escapes":      reported("delivery-status", "Final-Recipient: utf-8; "+rep("\\x{", 100_000)),
		"100 reports":            multipart(rep("--b\r\n"+reported("delivery-status", "Action: failed\r\n")+"\r\n", 100)),
		"calendar folded":        "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nX:" + rep("\r\n x", 1<<20),
		"calendar of beginnings": "Content-Type: text/calendar\r\n\r\n" + rep("BEGIN:X\r\n", 1<<18),
		"500 calendars":          multipart(rep("--b\r\nContent-Type: text/calendar\r\n\r\n"+rep("X:y\r\n", 1000), 500)),
		"500 enclosed mails":     multipart(rep("--b\r\nContent-Type: message/rfc822\r\n\r\n"+rep("X: y\r\n", 1000)+"Subject: z\r\n\r\n", 500)),
		"hosts beyond ASCII":     html(rep(`<a href="https://x.example/">`+rep("ü", 60)+"."+rep("ö", 60)+"."+rep("ä", 60)+`.example.com</a>`, 8000)),
		"hosts in text":          html(numbered(10_000, `<a href="https://x.example/%d">`+rep("a.example.com ", 30)+`</a>`)),
		"hosts in mailto":        html(rep(`<a href="mailto:`+rep("a@b.example,", 20)+`c@d.example">`+rep("a.b.example ", 30)+`c.example</a>`, 7000)),
		"long mailto":            html(numbered(500, `<a href="mailto:`+rep("a@b,", 2000)+`%d">`+rep("a@b.example ", 30)+`</a>`)),
		"quotes in HTML":         html(`<a href="https://x.example/"` + rep(` x='"' y="'"`, 100_000)),
		"unended raw text":       html(rep("<title></titl", 100_000)),
		"slashes in tags":        html(rep("<a/////", 100_000) + ">"),
		"signs of automation":    rep("Precedence: bulk\r\n", 2000) + numbered(1000, "List-Id: %d\r\n") + "\r\n",
		"1000 charsets":          multipart(numbered(990, "--b\r\nContent-Type: text/plain; charset=x-%d\r\n\r\n\xe4\r\n")),
		"U+FFFD":                 "Content-Type: text/plain; charset=utf-8\r\n\r\n" + rep("ä\xff", 3<<20),
	}
}

// TestBombs asserts that work is linear by its structure, not by a clock: every
// octet is read twice at most, and results stay within their bounds.
func TestBombs(t *testing.T) {
	t.Parallel()
	for name, raw := range bombs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &countingReader{r: bytes.NewReader([]byte(raw))}
			m, err := Parse(r, int64(len(raw)))
			if err != nil {
				t.Fatal(err)
			}
			if r.n > 2*int64(len(raw)) {
				t.Errorf("%d octets were read of a mail of %d", r.n, len(raw))
			}
			checkMessage(t, m)
			if len(m.Attachments) > structure.MaxParts+1 || len(m.Links) > 1000 || len(m.References) > maxIDs {
				t.Errorf("%d attachments, %d links, %d references", len(m.Attachments), len(m.Links), len(m.References))
			}
		})
	}
}

func TestBoundsAreTold(t *testing.T) {
	t.Parallel()
	all := bombs()
	for name, code := range map[string]string{
		"depth 3000":             structure.WarnTooDeep,
		"100k parts":             structure.WarnTooManyParts,
		"parts with long header": structure.WarnTooManyParts,
		"200k header lines":      structure.WarnHeaderTooLong,
		"5 MB header":            structure.WarnHeaderTooLong,
		"5 MB folded header":     structure.WarnHeaderTooLong,
		"100k addresses":         structure.WarnTooManyEntries,
		"ids":                    structure.WarnTooManyEntries,
		"100k links in HTML":     structure.WarnTooManyEntries,
		"100k links in text":     structure.WarnTooManyEntries,
		"20 MB body":             structure.WarnBodyTooLong,
		"report of recipients":   structure.WarnTooManyEntries,
		"report of domains":      structure.WarnTooManyEntries,
	} {
		m := parseBytes(t, []byte(all[name]))
		if !m.Truncated || !hasWarning(m, code) {
			t.Errorf("%s: truncated %v, warnings %+v; want %s", name, m.Truncated, m.Warnings, code)
		}
	}
}

func hasWarning(m *Message, code string) bool {
	for _, w := range m.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}
