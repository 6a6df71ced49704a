package document

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// TestLongStrings holds that a string which is written piece by piece is the same as one
// that is written at once, whatever stands at its cuts.
func TestLongStrings(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"x", "é", "€", "😀", "\n", "\x01", "\u2028", "a\"b", `\`} {
		for before := range 9 {
			s := strings.Repeat("a", before) + strings.Repeat(unit, 2*flushSize)
			var pieces bytes.Buffer
			if err := (&Document{Root: String(s)}).Encode(&pieces, nil); err != nil {
				t.Fatal(err)
			}
			if want := appendString(nil, s); !bytes.Equal(pieces.Bytes(), want) {
				t.Errorf("%d and %q: the pieces are not the whole", before, unit)
			}
			var read string
			if err := json.Unmarshal(pieces.Bytes(), &read); err != nil || read != s {
				t.Errorf("%d and %q: read back as another, error %v", before, unit, err)
			}
		}
	}
}

// TestPlain holds every octet, at every place of a word, to be told as what it is.
func TestPlain(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		isPlain := c >= ' ' && c < 0x7f && c != '"' && c != '\\'
		for at := range 8 {
			word := []byte("abcdefgh")
			word[at] = byte(c)
			if got := plain(string(word)) == 8; got != isPlain {
				t.Errorf("%#02x at %d: plain is %t", c, at, got)
			}
		}
	}
}

// mailDocument is about the document of a mail with so much text.
func mailDocument(text int) *Document {
	var headers []*Value
	for range 12 {
		headers = append(headers, Object(Member{"name", String("Received")}, Member{"value", String("from mx.example.org (mx.example.org [192.0.2.10])")}))
	}
	line := strings.Repeat("x", 72) + "\r\n"
	return &Document{Root: Object(
		Member{"id", String("msg_01ARYZ6S410000000000000000_1")},
		Member{"message", Object(
			Member{"content", Object(Member{"text", String(strings.Repeat(line, text/len(line)))}, Member{"html", Null()})},
			Member{"headers", Array(headers...)},
		)},
	)}
}

func BenchmarkEncode(b *testing.B) {
	for name, size := range map[string]int{"4KiB": 4 << 10, "1MiB": 1 << 20} {
		d := mailDocument(size)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Encode(io.Discard, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("Marshal/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Marshal(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
