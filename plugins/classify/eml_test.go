package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// readEML makes of a mail what the gateway gives the plugin: decoded fields, the
// bodies, and the number of attachments that are not inline. It reads the well
// formed mails of the labelled set; the gateway reads all others.
func readEML(t testing.TB, file string) Input {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var in Input
	words := mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		octets, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		text, err := toUTF8(charset, octets)
		return strings.NewReader(text), err
	}}
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		for _, value := range m.Header[name] {
			if value, err = words.DecodeHeader(value); err != nil {
				t.Fatalf("%s: field %s: %v", file, name, err)
			}
			in.Headers = append(in.Headers, plugin.Field{Name: name, Value: value})
		}
	}
	if err := in.addPart(textproto.MIMEHeader(m.Header), m.Body); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return in
}

// addPart adds a part with all that is in it.
func (in *Input) addPart(header textproto.MIMEHeader, body io.Reader) error {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type %q: %w", header.Get("Content-Type"), err)
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			// Raw, so that the transfer encoding is treated in one place.
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			if err := in.addPart(part.Header, part); err != nil {
				return err
			}
		}
	}
	disposition, _, _ := strings.Cut(header.Get("Content-Disposition"), ";")
	if kind != "text/plain" && kind != "text/html" || disposition == "attachment" {
		if disposition != "inline" && header.Get("Content-Id") == "" {
			in.Attachments++
		}
		in.Calendar = in.Calendar || kind == "text/calendar"
		return nil
	}
	switch encoding := strings.ToLower(header.Get("Content-Transfer-Encoding")); encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "", "7bit", "8bit":
	default:
		return fmt.Errorf("unknown transfer encoding %q", encoding)
	}
	octets, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	text, err := toUTF8(params["charset"], octets)
	if err != nil {
		return err
	}
	if kind == "text/html" {
		in.HTML += text
	} else {
		in.Text += text
	}
	return nil
}

// toUTF8 knows the charsets of the labelled set. Of the Windows ones it reads the
// letters and the usual punctuation.
func toUTF8(charset string, octets []byte) (string, error) {
	special := map[byte]rune{}
	switch strings.ToLower(charset) {
	case "", "utf-8", "us-ascii":
		if !utf8.Valid(octets) {
			return "", fmt.Errorf("this is no %q", charset)
		}
		return string(octets), nil
	case "iso-8859-1":
	case "iso-8859-15":
		special = map[byte]rune{0xa4: '€', 0xa6: 'Š', 0xa8: 'š', 0xb4: 'Ž', 0xb8: 'ž', 0xbc: 'Œ', 0xbd: 'œ', 0xbe: 'Ÿ'}
	case "windows-1252":
		special = map[byte]rune{
			0x80: '€', 0x84: '„', 0x85: '…', 0x8c: 'Œ', 0x91: '‘', 0x92: '’', 0x93: '“', 0x94: '”', 0x95: '•', 0x96: '–', 0x97: '—', 0x9c: 'œ',
		}
	case "iso-8859-2", "windows-1250":
		special = map[byte]rune{
			0x80: '€', 0x84: '„', 0x8c: 'Ś', 0x8f: 'Ź', 0x93: '“', 0x94: '”', 0x96: '–', 0x97: '—', 0x9c: 'ś', 0x9f: 'ź', 0xb9: 'ą',
			0xa1: 'Ą', 0xa3: 'Ł', 0xa5: 'Ą', 0xa6: 'Ś', 0xac: 'Ź', 0xaf: 'Ż', 0xb1: 'ą', 0xb3: 'ł', 0xb6: 'ś', 0xbc: 'ź', 0xbf: 'ż',
			0xc6: 'Ć', 0xca: 'Ę', 0xd1: 'Ń', 0xe6: 'ć', 0xea: 'ę', 0xf1: 'ń',
		}
	default:
		return "", fmt.Errorf("unknown charset %q", charset)
	}
	var b strings.Builder
	for _, c := range octets {
		if r, ok := special[c]; ok {
			b.WriteRune(r)
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String(), nil
}
