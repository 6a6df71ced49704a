package mail

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of RFC 5321 section 4.5.3.1, in octets.
const (
	maxLocalPart = 64
	maxDomain    = 255
)

// SplitAddress takes the address of a MAIL or RCPT command apart. It refuses
// what could not be a mailbox: control characters, a missing part, a second @
// outside quotes, parts over the limits of RFC 5321, and ends of labels that
// DNS has not. What the local part means is the receiving system's own affair:
// "../x" and "b%x" are opaque strings here.
func SplitAddress(addr string) (local, domain string, err error) {
	if !utf8.ValidString(addr) {
		return "", "", errors.New("address is not UTF-8")
	}
	for _, r := range addr {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return "", "", fmt.Errorf("address holds the control character %U", r)
		}
	}
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return "", "", errors.New("address has no @")
	}
	local, domain = addr[:at], addr[at+1:]
	switch {
	case local == "":
		return "", "", errors.New("address has nothing before the @")
	case domain == "":
		return "", "", errors.New("address has no domain")
	case len(local) > maxLocalPart:
		return "", "", fmt.Errorf("local part has %d octets, at most %d are allowed", len(local), maxLocalPart)
	case len(domain) > maxDomain:
		return "", "", fmt.Errorf("domain has %d octets, at most %d are allowed", len(domain), maxDomain)
	case strings.ContainsAny(domain, " <>()\",;\\/"):
		return "", "", errors.New("domain holds a character that no domain has")
	}
	quoted := len(local) >= 2 && local[0] == '"' && local[len(local)-1] == '"'
	if !quoted && strings.ContainsAny(local, "@ <>()\",;\\") {
		return "", "", errors.New("local part holds a character that wants quotes")
	}
	return local, domain, nil
}

// FoldLocal gives the one form that local parts are compared in here: ASCII
// letters in lower case. Other letters stay, for how they fold is the affair of
// whoever owns the mailbox.
func FoldLocal(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
