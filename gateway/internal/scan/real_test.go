package scan

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/scan/scantest"
)

func eicar() []byte { return []byte(scantest.EICAR()) }

// symbolsOf lists the symbols of an answer with their options.
func symbolsOf(t *testing.T, report SpamReport) map[string]string {
	t.Helper()
	var answer struct{ Symbols map[string]symbol }
	if err := json.Unmarshal(report.Answer, &answer); err != nil {
		t.Fatal(err)
	}
	symbols := make(map[string]string)
	for name, s := range answer.Symbols {
		symbols[name] = strings.Join(s.Options, ",")
	}
	return symbols
}

var update = flag.Bool("update", false, "write the answers that the golden files of plugins/spam are made of")

// keepAnswer writes what the plugin spam is told of an answer.
func keepAnswer(t *testing.T, name string, report SpamReport) {
	t.Helper()
	told, ok := TellSpam(report.Answer, mail.SpamDefault)
	var text bytes.Buffer
	if err := json.Indent(&text, told.Answer, "", "  "); err != nil || !ok {
		t.Fatal(err)
	}
	file := filepath.Join("../../../plugins/spam/testdata/rspamd", strings.ReplaceAll(name, " ", "_")+".json")
	if err := os.WriteFile(file, append(text.Bytes(), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRealRspamd asks a real rspamd, whose name server is ours.
func TestRealRspamd(t *testing.T) {
	t.Parallel()
	signer, zones := scantest.Sender(t)
	zones["xn--bcher-kva.example."] = zones["example.org."]
	names, dns := scantest.Resolver(t, zones)
	d := scantest.Rspamd(t, dns)
	log, lines := newLog()
	const largest = 60 << 20 // above rspamd's own limit
	r, err := NewRspamd(RspamdConfig{
		URL:    "http://" + d.Address(),
		Limits: Limits{MaxSize: largest, Failures: 2, OpenFor: 100 * time.Millisecond},
	}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	header := []string{
		"From: a@example.org", "To: b@example.net, c@example.net", "Subject: hello",
		"Date: " + time.Now().Format(time.RFC1123Z), "Message-ID: <n1@example.org>", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
	}
	const text = "Hello, this is an ordinary note about the meeting on Tuesday.\r\n"
	signed := signer.Sign(t, header, text)
	ordinary := strings.Join(header, "\r\n") + "\r\n\r\n" + text
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, "user%d@host%d.example.com\r\n", i, i)
	}

	if err := r.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for _, tc := range []struct {
		name   string
		text   string
		change func(m *Mail)
		action Action // empty for any
		has    []string
		lacks  []string
		keep   string // under which name, with -update
	}{
		{
			name: "signed, from where it should be", text: signed, action: NoAction, keep: "signed",
			has:   []string{"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW", "TO_MATCH_ENVRCPT_ALL", "RCPT_COUNT_TWO", "FROM_EQ_ENVFROM"},
			lacks: []string{"HFILTER_HOSTNAME_UNKNOWN", "RDNS_NONE", "BROKEN_HEADERS", "DATE_IN_PAST"},
		},
		{
			name: "tampered, from elsewhere", text: signed + "Send money.\r\n", keep: "tampered",
			change: func(m *Mail) { m.Envelope.Session.RemoteIP = netip.MustParseAddr("198.51.100.99") },
			has:    []string{"R_SPF_FAIL", "R_DKIM_REJECT", "DMARC_POLICY_REJECT", "HFILTER_HOSTNAME_UNKNOWN"},
		},
		{name: "not signed", keep: "not signed", text: ordinary, action: NoAction, has: []string{"R_SPF_ALLOW", "R_DKIM_NA"}},
		{name: "spam", keep: "gtube", text: strings.Join(header, "\r\n") + "\r\n\r\n" + scantest.GTUBE + "\r\n", action: Reject, has: []string{"GTUBE"}},
		{name: "a bounce", keep: "bounce", text: ordinary, change: func(m *Mail) { m.Envelope.ReversePath = "" }, has: []string{"R_SPF_NA"}, lacks: []string{"BROKEN_HEADERS"}},
		{
			name: "addresses that are not ASCII", text: ordinary,
			change: func(m *Mail) {
				m.Envelope.ReversePath, m.Recipients = "düs@bücher.example", []string{"ünsal@example.net", "a..b@example.net"}
			},
			has:   []string{"R_SPF_ALLOW", "RCPT_COUNT_TWO"},
			lacks: []string{"BROKEN_HEADERS"},
		},
		{
			name: "a HELO that would be a user of ours", text: signed,
			change: func(m *Mail) { m.Envelope.Session.HELO = "mx.example.org\r\nUser: root\r\nIP: 127.0.0.1" },
			has:    []string{"R_SPF_ALLOW", "DMARC_POLICY_ALLOW"},
		},
		{
			name: "more recipients than it reads", text: signed,
			change: func(m *Mail) {
				for i := range 1000 {
					m.Recipients = append(m.Recipients, fmt.Sprintf("%s%d@example.net", strings.Repeat("x", 200), i))
				}
			},
			has: []string{"R_DKIM_ALLOW"},
		},
		{name: "an answer that is too long", text: ordinary + many.String(), has: []string{"R_SPF_ALLOW"}},
		{name: "not UTF-8", text: strings.Replace(ordinary, "<n1@", "<\xff\xfe\x01\"@", 1), has: []string{"R_SPF_ALLOW"}},
		{name: "garbage", text: "\x00\xff\x1f\x8b garbage", has: []string{"MISSING_FROM"}},
		{name: "nothing", text: "", action: NoAction},
	} {
		m := mailOf(tc.text)
		if tc.change != nil {
			tc.change(&m)
		}
		m.ClientName = ClientName(t.Context(), names, m.Envelope.Session.RemoteIP)
		got, err := r.Scan(t.Context(), m)
		if err != nil || got.Status != Done || tc.action != "" && got.Action != tc.action {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
			continue
		}
		if *update && tc.keep != "" {
			keepAnswer(t, tc.keep, got)
		}
		symbols := symbolsOf(t, got)
		for _, name := range tc.has {
			if _, ok := symbols[name]; !ok {
				t.Errorf("%s: no %s in %v", tc.name, name, symbols)
			}
		}
		for _, name := range tc.lacks {
			if _, ok := symbols[name]; ok {
				t.Errorf("%s: %s in %v", tc.name, name, symbols)
			}
		}
		if cut := bytes.Contains(got.Answer, []byte(truncatedMember)); cut != (tc.name == "an answer that is too long") || len(got.Answer) > maxAnswer {
			t.Errorf("%s: an answer of %d octets, truncated: %v", tc.name, len(got.Answer), cut)
		}
		if !strings.Contains(got.Version, ".") || got.RequiredScore != 15 {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
	wrong, err := NewClamAV(ClamAVConfig{Address: d.Address()}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if report, err := wrong.Scan(t.Context(), mailOf(ordinary)); err == nil || report.Status != Failed {
		t.Errorf("clamd's client: %+v, %v", report, err)
	}
	// Its own limit says nothing. Why MaxSize must not be above it.
	_, err = r.Scan(t.Context(), mailOf(strings.Repeat("x", 50<<20+1)))
	wantError(t, err, Interrupted)

	testRestart(t, d, lines, func() error { _, err := r.Scan(t.Context(), mailOf(ordinary)); return err })
}

// testRestart holds that a client gets on with a server that is stopped and comes
// back, and that its breaker has two lines for that at least.
func testRestart(t *testing.T, d *scantest.Daemon, log *logBuffer, scan func() error) {
	t.Helper()
	if err := scan(); err != nil {
		t.Fatal(err)
	}
	d.Stop(t)
	wantError(t, scan(), Connect)
	scantest.Eventually(t, "the breaker", func() bool { return errors.Is(scan(), ErrUnavailable) })
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	scantest.Eventually(t, "an answer after the restart", func() bool { return scan() == nil })
	var states []string
	for _, line := range log.lines() {
		_, state, _ := strings.Cut(line, " to=")
		state, _, _ = strings.Cut(state, " ")
		states = append(states, state)
	}
	if n := len(states); n < 3 || states[0] != "open" || states[n-2] != "half-open" || states[n-1] != "closed" {
		t.Errorf("log:\n%s", strings.Join(log.lines(), "\n"))
	}
	if err := scan(); err != nil {
		t.Error(err)
	}
}

// zipped puts a file into an archive, and that into another, n deep.
func zipped(t *testing.T, content []byte, n int) []byte {
	t.Helper()
	for range n {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		f, err := w.Create("file.zip")
		if err == nil {
			_, err = f.Write(content)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		content = buf.Bytes()
	}
	return content
}

// withAttachment is a mail with one attachment.
func withAttachment(content []byte) string {
	return "From: a@example.org\r\nTo: b@example.net\r\nSubject: invoice\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee attachment.\r\n" +
		"--b\r\nContent-Type: application/zip; name=invoice.zip\r\nContent-Disposition: attachment; filename=invoice.zip\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(content) + "\r\n--b--\r\n"
}

// TestRealClamAV asks a real clamd, over TCP and its Unix socket.
func TestRealClamAV(t *testing.T) {
	t.Parallel()
	d := scantest.ClamAV(t)
	const signature = "Eicar-Test-Signature.UNOFFICIAL"
	for _, address := range []string{d.Address(), d.Socket()} {
		log, lines := newLog()
		c, err := NewClamAV(ClamAVConfig{Address: address, Limits: Limits{Failures: 2, OpenFor: 100 * time.Millisecond}}, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		const overLimit, overStream = "over a limit of the scanner MaxRecursion", "larger than the scanner's limit"
		for _, tc := range []struct {
			name   string
			text   string
			status Status
			says   string // the signature or the reason
		}{
			{"an ordinary mail", simpleMail, Clean, ""},
			{"nothing", "", Clean, ""},
			{"an archive", withAttachment(zipped(t, []byte("harmless"), 1)), Clean, ""},
			{"malware", string(eicar()), Infected, signature},
			{"in a mail", withAttachment(eicar()), Infected, signature},
			{"in an archive in a mail", withAttachment(zipped(t, eicar(), 1)), Infected, signature},
			{"in an archive in an archive in a mail", withAttachment(zipped(t, eicar(), 2)), Infected, signature},
			{"too deep", withAttachment(zipped(t, eicar(), 20)), TooLarge, overLimit},
			{"25 MiB", strings.Repeat("\x00", 25<<20-len(preamble)), Clean, ""},
			{"one octet more", strings.Repeat("\x00", 25<<20-len(preamble)+1), TooLarge, overStream},
			{"30 MiB", strings.Repeat("\x00", 30<<20), TooLarge, overStream},
			{"80 MiB", strings.Repeat("\x00", 80<<20), TooLarge, overStream},
		} {
			got, err := c.Scan(t.Context(), mailOf(tc.text))
			if err != nil || got.Status != tc.status || got.Signature+got.Reason != tc.says || got.Part != mail.WholeMail {
				t.Errorf("%s: %+v, %v", tc.name, got, err)
			}
			if !strings.Contains(got.Version, ".") {
				t.Errorf("%s: version %q", tc.name, got.Version)
			}
		}
		// What a mail begins with is its sender's to choose.
		for _, first := range []string{
			"MZ: x", "PK\x03\x04: x", "%PDF-1.4: x", "GIF89a: x", "{\\rtf1: x", "BZh9: x", "Rar!: x", "RIFF: x", "ID3: x", "BM: x", "\x7fELF: x",
			"content-type: text/plain", "From x@y Thu Feb 12 10:30:00 2026", "", "x",
		} {
			got, err := c.Scan(t.Context(), mailOf(first+"\r\n"+withAttachment(eicar())))
			if err != nil || got.Status != Infected {
				t.Errorf("in a mail that begins with %q: %+v, %v", first, got, err)
			}
		}
		got, err := c.ScanPart(t.Context(), bytes.NewReader(zipped(t, eicar(), 2)), 3)
		if err != nil || got.Status != Infected || got.Signature != signature || got.Part != 3 {
			t.Errorf("part: %+v, %v", got, err)
		}
		wrong, err := NewRspamd(RspamdConfig{URL: "http://" + d.Address()}, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		if report, err := wrong.Scan(t.Context(), mailOf(simpleMail)); err == nil || report.Status != Failed {
			t.Errorf("rspamd's client: %+v, %v", report, err)
		}
		wrong.Close()
		testRestart(t, d, lines, func() error { _, err := c.Scan(t.Context(), mailOf(simpleMail)); return err })
	}
}
