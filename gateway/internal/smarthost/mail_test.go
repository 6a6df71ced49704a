package smarthost

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

func TestEnvelope(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from, to, sender, recipient string // of the mail, and of the configuration
		mail, rcpt                  string
	}{
		"original":        {"a@b.example", "c@d.example", Original, Original, "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"},
		"fixed":           {"a@b.example", "c@d.example", "gw@acme.test", "archive@acme.test", "MAIL FROM:<gw@acme.test>", "RCPT TO:<archive@acme.test>"},
		"null":            {"a@b.example", "c@d.example", "", Original, "MAIL FROM:<>", "RCPT TO:<c@d.example>"},
		"bounce":          {"", "c@d.example", Original, Original, "MAIL FROM:<>", "RCPT TO:<c@d.example>"},
		"bounce, fixed":   {"", "c@d.example", "gw@acme.test", Original, "MAIL FROM:<>", "RCPT TO:<c@d.example>"},
		"a hostile one":   {"a@b>\r\nRCPT TO:<x@y", "c@d.example", Original, Original, "", ""},
		"hostile, to":     {"a@b.example", "c@d> X<", Original, Original, "", ""},
		"nobody":          {"a@b.example", "", Original, Original, "", ""},
		"nobody's bounce": {"", "", Original, Original, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{}
			m := letter("Subject: x\r\n\r\nx\r\n")
			m.Envelope.ReversePath, m.Recipient = tc.from, tc.to
			res := host(s.serve(t), func(c *Config) { c.Sender, c.Recipient = tc.sender, tc.recipient }).Send(t.Context(), m)
			heard := strings.Join(s.heard(), "\n")
			if tc.mail == "" {
				if !res.Permanent || res.Delivered || !strings.HasPrefix(res.Reason, "envelope: ") || heard != "" {
					t.Errorf("result = %+v\n%s", res, heard)
				}
				return
			}
			if !res.Delivered || !strings.Contains(heard, tc.mail+" ") || !strings.Contains(heard, tc.rcpt+"\n") {
				t.Errorf("result = %+v\n%s", res, heard)
			}
		})
	}
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	const (
		all   = "250-here\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 0"
		none  = "250 here"
		eight = "250-here\r\n250 8BITMIME"
		small = "250-here\r\n250-8BITMIME\r\n250 SIZE 300"
	)
	ascii, body, header := "Subject: x\r\n\r\nx\r\n", "Subject: x\r\n\r\n\xff\r\n", "Subject: \xc3\xbc\r\n\r\nx\r\n"
	for name, tc := range map[string]struct {
		ehlo, mail, to string
		utf8           bool
		command, why   string
	}{
		"nothing":                  {none, ascii, "c@d.example", false, "MAIL FROM:<juergen@example.org>", ""},
		"asked for without need":   {none, ascii, "c@d.example", true, "MAIL FROM:<juergen@example.org>", ""},
		"8 bit":                    {eight, body, "c@d.example", false, "MAIL FROM:<juergen@example.org> BODY=8BITMIME", ""},
		"8 bit, not offered":       {none, body, "c@d.example", false, "", "8bit: the mail has octets above 127, and the smarthost does not offer 8BITMIME (RFC 6152)"},
		"a raw header":             {eight, header, "c@d.example", false, "MAIL FROM:<juergen@example.org> BODY=8BITMIME", ""},
		"UTF-8":                    {all, header, "ü@d.example", true, "MAIL FROM:<juergen@example.org> BODY=8BITMIME SIZE=176 SMTPUTF8", ""},
		"UTF-8 address":            {eight, ascii, "ü@d.example", true, "", "utf8: the mail needs SMTPUTF8 (RFC 6531), which the smarthost does not offer"},
		"UTF-8 header":             {eight, header, "c@d.example", true, "", "utf8: the mail needs SMTPUTF8 (RFC 6531), which the smarthost does not offer"},
		"too large":                {small, ascii + strings.Repeat("x", 200), "c@d.example", false, "", "size: the mail has 375 octets, and the smarthost takes at most 300"},
		"small enough":             {small, ascii, "c@d.example", false, "MAIL FROM:<juergen@example.org> BODY=8BITMIME SIZE=175", ""},
		"a UTF-8 domain, too":      {all, ascii, "c@ü.example", false, "MAIL FROM:<juergen@example.org> BODY=8BITMIME SIZE=175 SMTPUTF8", ""},
		"a size that is no number": {"250-here\r\n250 SIZE x", ascii, "c@d.example", false, "MAIL FROM:<juergen@example.org> SIZE=175", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{says: map[string]string{"EHLO": tc.ehlo}}
			m := letter(tc.mail)
			m.Recipient, m.Envelope.SMTPUTF8 = tc.to, tc.utf8
			res := host(s.serve(t), nil).Send(t.Context(), m)
			heard := s.heard()
			if tc.why != "" {
				if res.Reason != tc.why || !res.Permanent || res.Delivered || res.Failure != nil || !res.LoggedIn || len(heard) != 2 {
					t.Errorf("result = %+v\n%q", res, heard)
				}
				return
			}
			if !res.Delivered || len(heard) < 2 || heard[1] != tc.command {
				t.Errorf("result = %+v\n%q", res, heard)
			}
		})
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	own := mail.LoopField + ": mx.acme.test\r\n"
	for text, want := range map[string]bool{
		strings.Repeat(own, 3) + "\r\n":                             true,
		strings.Repeat(own, 4) + "\r\n":                             false,
		strings.Repeat(own, 4):                                      false, // without a body
		strings.Repeat("Received: from x by y; z\r\n", 51) + "\r\n": false,
		"Subject: x\r\n\r\n" + strings.Repeat(own, 60):              true,
	} {
		s := &script{}
		res := host(s.serve(t), nil).Send(t.Context(), letter(text))
		if res.Delivered != want || res.Permanent == want || !want && (res.Reason != "loop: the mail has passed by here too often (5.4.6)" || len(s.heard()) > 0) {
			t.Errorf("%.60q: result = %+v", text, res)
		}
	}
}

// TestLineEnds holds that bare CR and LF become line ends, and nothing else changes.
func TestLineEnds(t *testing.T) {
	t.Parallel()
	s := &script{}
	if res := host(s.serve(t), nil).Send(t.Context(), letter("Subject: x\n\nbare \r and\n.\nthe end")); !res.Delivered {
		t.Fatalf("result = %+v", res)
	}
	want := mail.LoopField + ": mx.acme.test\r\n" + trace + "Subject: x\r\n\r\nbare \r\n and\r\n.\r\nthe end\r\n"
	if got := s.took(); got != want {
		t.Errorf("the mail is %q, want %q", got, want)
	}
}

func keys(t *testing.T) (*rsa.PrivateKey, ed25519.PrivateKey) {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, e, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return r, e
}

// record is what DNS says of a key.
func record(t *testing.T, kind string, public crypto.PublicKey) string {
	t.Helper()
	if e, ok := public.(ed25519.PublicKey); ok {
		return "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(e)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=" + kind + "; p=" + base64.StdEncoding.EncodeToString(der)
}

// TestDKIM holds that what arrives has a signature that verifies, whatever the mail is.
func TestDKIM(t *testing.T) {
	t.Parallel()
	r, e := keys(t)
	for name, text := range map[string]string{
		"plain":               raw,
		"bare line ends":      "From: a@b.example\nSubject: x\n\nbare \r and\n.\n\n\n",
		"no body":             "From: a@b.example\r\nSubject: x\r\n\r\n",
		"no end of header":    "From: a@b.example\r\nSubject: x\r\n",
		"many folds":          "From: a@b.example\r\nTo: a@b.example" + strings.Repeat(",\r\n \t a@b.example ", 9000) + "\r\n\r\nx\r\n",
		"a fold of nothing":   "From: a@b.example\r\nSubject: x\r\n \r\n\t\r\n\r\nx\r\n",
		"repeated fields":     "From: a@b.example\r\nSubject: x\r\nSubject: y\r\nTo: a@b.example\r\nTo: c@d.example\r\n\r\nx\r\n",
		"no field at all":     "\r\nFrom: x\r\n",
		"what is not a field": "From: a@b.example\r\nwhat is this\r\n: and this\r\n\r\nx\r\n",
	} {
		for kind, key := range map[string]crypto.Signer{"rsa": r, "ed25519": e} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				d := &DKIM{"acme.test", "s1", key}
				s := &script{}
				if res := host(s.serve(t), func(c *Config) { c.DKIM = d }).Send(t.Context(), letter(text)); !res.Delivered {
					t.Fatalf("result = %+v", res)
				}
				got := s.took()
				if !strings.HasPrefix(got, "DKIM-Signature: ") || !strings.Contains(got, trace) {
					t.Errorf("the mail begins with %.80q", got)
				}
				asked := func(name string) ([]string, error) {
					if name != "s1._domainkey.acme.test" {
						t.Errorf("asked for %s", name)
					}
					return []string{record(t, kind, key.Public())}, nil
				}
				if !strings.Contains(got, "\r\n\r\n") {
					got += "\r\n" // where the verifier wants the header to end
				}
				list, err := dkim.VerifyWithOptions(strings.NewReader(got), &dkim.VerifyOptions{LookupTXT: asked})
				if err != nil || len(list) != 1 {
					t.Fatalf("%d signatures, %v", len(list), err)
				}
				// A mail without From cannot have a signature that holds (RFC 6376 section 5.4).
				if list[0].Err != nil && name != "no field at all" {
					t.Errorf("the signature does not hold: %v\n%.2000s", list[0].Err, got)
				}
			})
		}
	}
}

// FuzzUnfold holds that unfolding takes nothing of a mail but the breaks of its header's folds.
func FuzzUnfold(f *testing.F) {
	f.Add(raw)
	f.Add("From: x\r\n y\r\n\r\n body\r\n of lines")
	f.Add("\r\n x")
	f.Add(" \r\n\t")
	f.Fuzz(func(t *testing.T, text string) {
		canonical, err := io.ReadAll(smtpclient.Canonical(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		header, body, ended := strings.Cut("\r\n"+string(canonical), "\r\n\r\n")
		header = strings.NewReplacer("\r\n ", " ", "\r\n\t", "\t").Replace(strings.TrimPrefix(header, "\r\n"))
		want := header + "\r\n\r\n" + body
		switch {
		case !ended:
			want = header + "\r\n"
		case header == "":
			want = "\r\n" + body
		}
		var got strings.Builder
		if err := unfold(&got, bytes.NewReader(canonical)); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("unfolded %q to %q, want %q", canonical, got.String(), want)
		}
	})
}

func TestDKIMIsBounded(t *testing.T) {
	t.Parallel()
	_, e := keys(t)
	d := &DKIM{"acme.test", "s1", e}
	s := &script{says: map[string]string{"EHLO": "250 here"}}
	res := host(s.serve(t), func(c *Config) { c.DKIM = d }).Send(t.Context(), letter(strings.Repeat("X: y\r\n", 1<<18)))
	if !res.Permanent || res.Reason != "dkim: the header is larger than 1048576 octets, too large to be signed" {
		t.Errorf("result = %+v", res)
	}
	text := "From: a@b.example\r\n\r\n" + strings.Repeat("all lines are alike\r\n", 10000)
	m := letter(text)
	m.Body = brokenBody{strings.NewReader(text), 100000}
	res = host(s.serve(t), func(c *Config) { c.DKIM = d }).Send(t.Context(), m)
	if res.Delivered || res.Permanent || res.Reason != "body: the mail could not be read: disk is on strike" {
		t.Errorf("result = %+v", res)
	}
}
