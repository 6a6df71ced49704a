package secret

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPassword bounds a Password, in octets.
const maxPassword = 4096

// Password is a credential that somebody else gave out and that is handed over as it
// is: the address of a database with the password in it, or a key of S3. It prints as
// a [Key] does. The zero Password is none.
//
// Two are compared by [Password.Equal]: for reflect.DeepEqual no two are equal.
type Password struct {
	mute
	reveal func() string // a function for the reason that Key has one
}

// ParsePassword reads a credential: one line of at most 4096 octets of UTF-8, which
// is not empty. Its error is the second half of a sentence, as that of [Parse].
func ParsePassword(text string) (Password, error) {
	switch {
	case text == "":
		return Password{}, errors.New("is empty")
	case len(text) > maxPassword:
		return Password{}, fmt.Errorf("is longer than %d octets", maxPassword)
	case !utf8.ValidString(text):
		return Password{}, errors.New("is not valid UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return Password{}, errors.New("holds a line break or another control character")
	}
	return Password{reveal: func() string { return text }}, nil
}

// IsZero reports whether this is the zero Password.
func (p Password) IsZero() bool { return p.reveal == nil }

// Text reveals the credential. That of the zero Password is empty.
func (p Password) Text() string {
	if p.IsZero() {
		return ""
	}
	return p.reveal()
}

// Equal reports whether two have the same text, in time that does not tell where they
// differ.
func (p Password) Equal(other Password) bool { return equal(p.Text(), other.Text()) }

// suspect has the forms of credentials that can be told from other text: a signing
// secret, a URL with a user, and the addresses of PostgreSQL, in which the password
// may hold what does not belong into a URL.
var suspect = regexp.MustCompile(`(?is)` + Prefix + `|://[^/]*@|postgres(ql)?://.*@|password\s*=`)

// Suspect reports whether a text looks as if a credential stood in it, so that it is
// better not shown.
func Suspect(text string) bool { return suspect.MatchString(text) }
