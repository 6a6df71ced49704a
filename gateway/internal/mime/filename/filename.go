// Package filename makes names that files can be stored under out of the names
// that senders choose.
//
// A sender's name is data: it may be a path, the name of a device, or text that
// looks like another name on a screen. What goes out is one name for one file of
// the folder that the reader chooses:
//
//   - valid UTF-8 in normal form C, between 1 and 200 octets, the extension kept;
//   - without separators of paths or streams, quotes, wildcards, and whatever
//     some system reads as one of them;
//   - without control and format characters, among them those that turn the
//     direction of text ("gpj.exe" behind a right-to-left override shows as
//     "exe.jpg");
//   - beginning with neither a dot nor a dash, ending in neither a dot nor a
//     space, and no device of Windows.
//
// It says nothing about what a file does when it is opened: "invoice.exe" is a
// safe name. Work is linear in the names.
package filename

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a name, in octets. Most file systems have 255; what is left is for
// whoever puts a prefix before it.
const (
	maxName      = 200
	maxExtension = 20
	maxSent      = 4 << 10 // of the sender's name; what is before is not read
	maxMarks     = 10      // accents on one letter: not octets, and few more than any language has
)

// Set gives out the safe names of one mail, each only once. The zero value is
// ready to use. It is not safe for use by several goroutines.
type Set struct {
	count int
	used  map[string]bool
	next  map[string]int // the number to try next for a name that was taken
}

// Add returns the safe name of the next attachment. sent is the sender's name,
// empty where there is none; what is left without one is called "attachment-N"
// with N the place in the mail, counted from 1, and an extension after
// contentType. Names that differ in the case of letters only count as equal,
// since they are the same file on some systems: the later ones get a number.
func (s *Set) Add(sent, contentType string) string {
	if s.used == nil {
		s.used, s.next = make(map[string]bool), make(map[string]int)
	}
	s.count++
	name := Safe(sent)
	if name == "" {
		name = "attachment-" + strconv.Itoa(s.count) + extension(contentType)
	}
	key := fold(name)
	if !s.used[key] {
		s.used[key] = true
		return name
	}
	stem, ext := split(name)
	for n := max(s.next[key], 2); ; n++ {
		suffix := "-" + strconv.Itoa(n) + ext
		numbered := cut(stem, maxName-len(suffix)) + suffix
		if k := fold(numbered); !s.used[k] {
			s.used[k], s.next[key] = true, n+1
			return numbered
		}
	}
}

// Safe returns the safe form of a name, or "" where nothing is left of it. Of a
// path it is the last element.
func Safe(sent string) string {
	if len(sent) > maxSent { // the end is what names the file
		sent = strings.ToValidUTF8(sent[len(sent)-maxSent:], "")
	}
	sent = strings.TrimRight(sent, `/\ `)
	sent = sent[strings.LastIndexAny(sent, `/\`)+1:]
	var b strings.Builder
	gap, marks := false, 0
	for _, r := range strings.ToValidUTF8(sent, "_") {
		switch {
		case unicode.IsSpace(r):
			gap = true
			continue
		case dropped(r):
			continue
		case dangerous(r):
			r = '_'
		}
		if !unicode.Is(unicode.M, r) {
			marks = 0
		} else if marks++; marks > maxMarks {
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(r)
	}
	// The normal form comes last, since what was dropped may have kept characters
	// apart. It makes none that are dropped or dangerous.
	name := strings.Trim(norm.NFC.String(b.String()), ". ")
	if strings.HasPrefix(name, "-") || isDevice(name) {
		name = "_" + name
	}
	stem, ext := split(name)
	return strings.TrimRight(cut(stem, maxName-len(ext)), ". ") + ext
}

// dropped reports whether a character shows nothing or changes how others show:
// control and format characters, separators of lines, and what Unicode has
// assigned to nobody or to privacy.
func dropped(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) ||
		unicode.In(r, unicode.Noncharacter_Code_Point, unicode.Other_Default_Ignorable_Code_Point)
}

// dangerous reports whether some system or program reads a character as more
// than a letter of a name: separators, wildcards, quotes, and the look-alikes
// that old code pages of Windows turn into them.
func dangerous(r rune) bool {
	return strings.ContainsRune(`/\:*?"<>|`, r) ||
		strings.ContainsRune("\u2044\u2215\u29f8\uff0f\u2216\u29f5\u29f9\uff3c\uff1a\u2236\ufe68\u2024\ufe52\uff0e", r)
}

// isDevice reports whether Windows opens a device under that name, whatever the
// extension is.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if number, ok := strings.CutPrefix(stem, port); ok && utf8.RuneCountInString(number) == 1 {
			return strings.Contains("0123456789¹²³", number)
		}
	}
	return false
}

// split takes the extension off, its dot included. What is long is none.
func split(name string) (stem, ext string) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || len(name)-i > maxExtension {
		return name, ""
	}
	return name[:i], name[i:]
}

// cut shortens s to at most limit octets without cutting a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// fold gives the form in which names are compared.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// extension returns what the name of a file of that type ends in. The tables of
// the operating system are not asked: they differ.
func extension(contentType string) string {
	switch contentType {
	case "application/pdf", "application/zip", "application/rtf", "image/png", "image/gif", "image/webp",
		"image/bmp", "audio/ogg", "video/mp4", "application/json", "text/csv", "text/html":
		_, minor, _ := strings.Cut(contentType, "/")
		return "." + minor
	case "application/msword":
		return ".doc"
	case "application/vnd.ms-excel":
		return ".xls"
	case "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
		return ".docx"
	case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
		return ".xlsx"
	case "application/vnd.openxmlformats-officedocument.presentationml.presentation":
		return ".pptx"
	case "application/ms-tnef":
		return ".dat"
	case "application/pgp-signature":
		return ".asc"
	case "application/pkcs7-signature", "application/x-pkcs7-signature":
		return ".p7s"
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return ".p7m"
	case "application/gzip", "application/x-gzip":
		return ".gz"
	case "application/xml", "text/xml":
		return ".xml"
	case "audio/mpeg":
		return ".mp3"
	case "image/jpeg", "image/jpg":
		return ".jpg"
	case "image/svg+xml":
		return ".svg"
	case "image/tiff":
		return ".tif"
	case "message/rfc822", "message/global":
		return ".eml"
	case "text/calendar", "application/ics":
		return ".ics"
	case "text/markdown":
		return ".md"
	case "text/vcard", "text/x-vcard", "text/directory":
		return ".vcf"
	}
	if strings.HasPrefix(contentType, "text/") || strings.HasPrefix(contentType, "message/") {
		return ".txt"
	}
	return ".bin"
}
