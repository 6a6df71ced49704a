package scan

import (
	"net/http"
	"strings"

	"golang.org/x/net/idna"
)

const (
	maxName    = 255 // octets of a host's name or a HELO
	maxAddress = 512 // octets of an address
	// maxRecipients is what all recipients may take. rspamd reads 80 KiB of headers
	// and hangs up over more.
	maxRecipients = 64 << 10
)

// envelopeHeader says to rspamd what the SMTP client said. There is no User
// field: rspamd would take the client for one of ours, and skip SPF and DMARC.
func envelopeHeader(m Mail) http.Header {
	h := make(http.Header)
	h.Set("Pass", "all") // run every rule, also where the first ones are enough to reject
	h.Set("From", smtpPath(m.Envelope.ReversePath))
	room := maxRecipients
	for _, addr := range m.Recipients {
		path := smtpPath(addr)
		if room -= len("Rcpt: \r\n") + len(path); room < 0 {
			break
		}
		h.Add("Rcpt", path)
	}
	if ip := m.Envelope.Session.RemoteIP; ip.IsValid() {
		h.Set("IP", ip.Unmap().WithZone("").String())
	}
	for name, value := range map[string]string{
		"Helo": m.Envelope.Session.HELO,
		// The client's name, not ours: rspamd takes it for verified.
		"Hostname": m.ClientName,
		"MTA-Name": m.Hostname,
		"Queue-Id": string(m.ID),
	} {
		if value != "" {
			h.Set(name, printable(value, maxName))
		}
	}
	return h
}

// smtpPath writes an address as RFC 5321 has it, in ASCII. rspamd takes what is
// not (RFC 6531), and a local part that wants quotes and has none, for a broken
// header, and counts eight points against the mail. The domain keeps its meaning,
// for that is what SPF is asked about.
func smtpPath(addr string) string {
	if addr == "" {
		return "<>"
	}
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return "<" + printable(localPart(addr), maxAddress) + ">"
	}
	local, domain := localPart(addr[:at]), addr[at+1:]
	if !isASCII(domain) && len(domain) <= maxName {
		if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
			domain = ascii
		}
	}
	return "<" + printable(local, maxAddress) + "@" + printable(domain, maxName) + ">"
}

// localPart puts quotes around a local part that wants them.
func localPart(local string) string {
	if isDotAtom(local) || len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"' {
		return local
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
}

// isDotAtom reports whether s is a Dot-string of RFC 5321 section 4.1.2.
func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			c := atom[i]
			letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
			if !letter && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
				return false
			}
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > '~' {
			return false
		}
	}
	return true
}
