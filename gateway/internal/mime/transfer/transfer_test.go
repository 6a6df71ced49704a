package transfer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, encoding, in, want string
		damaged                  bool
	}{
		{"as is", "8bit", "a=41\r\n", "a=41\r\n", false},
		{"unknown", "x-rot13", "a", "a", false},
		{"base64", "base64", "aGVs\r\nbG8=\r\n", "hello", false},
		{"base64 two pads", "base64", "aGVsbG8gIQ==", "hello !", false},
		{"base64 without padding", "base64", "aGVsbG8", "hello", true},
		{"base64 cut to one digit", "base64", "aGVsb", "hel", true},
		{"base64 foreign", "base64", "a*G\x80V-sbG8=", "hello", true},
		{"base64 padding too early", "base64", "=aGVs=bG8=", "hello", true},
		{"base64 footer", "base64", "aGVsbG8=\r\n-- \r\nfooter", "hello", true},
		{"base64 empty", "base64", "\r\n", "", false},
		{"quoted", "quoted-printable", "a=3Db =c3=A4\r\n", "a=b \xc3\xa4\r\n", false},
		{"quoted soft break", "quoted-printable", "a=\r\nb= \t\r\nc=\nd", "abcd", false},
		{"quoted padding", "quoted-printable", "a \t\r\nb =20\r\n", "a\r\nb  \r\n", false},
		{"quoted text", "quoted-printable", "1=2 =ZZ =4\r\n==41", "1=2 =ZZ =4\r\n=A", true},
		{"quoted cut", "quoted-printable", "a=4", "a=4", true},
		{"quoted ends soft", "quoted-printable", "a=", "a", false},
	} {
		for name, src := range map[string]io.Reader{
			"whole": strings.NewReader(tc.in),
			"bytes": iotest.OneByteReader(strings.NewReader(tc.in)),
			"eof":   iotest.DataErrReader(strings.NewReader(tc.in)),
		} {
			r := NewReader(tc.encoding, src)
			got, err := io.ReadAll(r)
			if err != nil || string(got) != tc.want || r.Damaged() != tc.damaged {
				t.Errorf("%s, %s: %q, damaged %v, %v; want %q, %v", tc.name, name, got, r.Damaged(), err, tc.want, tc.damaged)
			}
		}
		var b strings.Builder
		r := NewReader(tc.encoding, iotest.HalfReader(strings.NewReader(tc.in)))
		if n, err := io.CopyN(&b, r, 2); err != nil && n != int64(len(tc.want)) {
			t.Errorf("%s: %d octets, %v", tc.name, n, err)
		}
		// What was decoded and not read yet goes first.
		if n, err := r.WriteTo(&b); err != nil || b.String() != tc.want || n != int64(max(0, len(tc.want)-2)) || r.Damaged() != tc.damaged {
			t.Errorf("%s: WriteTo made %q, damaged %v, of %d octets, %v; want %q, %v", tc.name, b.String(), r.Damaged(), n, err, tc.want, tc.damaged)
		}
	}
}

// TestLongLines holds that no chunk border shows: an escape may lie across it.
func TestLongLines(t *testing.T) {
	t.Parallel()
	for shift := range 4 {
		prefix := strings.Repeat("x", shift)
		got, err := io.ReadAll(NewReader("quoted-printable", strings.NewReader(prefix+strings.Repeat("=C3=A4", 10_000))))
		if want := prefix + strings.Repeat("ä", 10_000); err != nil || string(got) != want {
			t.Errorf("shift %d: %d octets, %v; want %d", shift, len(got), err, len(want))
		}
	}
}

func TestReaderPassesErrors(t *testing.T) {
	t.Parallel()
	errDisk := errors.New("disk on fire")
	for _, encoding := range []string{"base64", "quoted-printable", ""} {
		_, err := io.ReadAll(NewReader(encoding, io.MultiReader(strings.NewReader("aGVs"), iotest.ErrReader(errDisk))))
		if !errors.Is(err, errDisk) {
			t.Errorf("%q: error %v", encoding, err)
		}
		_, err = NewReader(encoding, iotest.ErrReader(errDisk)).WriteTo(io.Discard)
		if !errors.Is(err, errDisk) {
			t.Errorf("%q: WriteTo: error %v", encoding, err)
		}
		_, err = NewReader(encoding, strings.NewReader("aGVs\n")).WriteTo(brokenWriter{errDisk})
		if !errors.Is(err, errDisk) {
			t.Errorf("%q: WriteTo with a broken writer: error %v", encoding, err)
		}
	}
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

// TestWords holds what is told of encoded words: the octets, and whether all of
// them were of the encoding.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		decode   func([]byte, string) ([]byte, bool)
		in, want string
		clean    bool
	}{
		{DecodeQ, "a_b=20c", "x a b c", true},
		{DecodeQ, "a=2", "x a=2", false},
		{DecodeB, "aGk=", "x hi", true},
		{DecodeB, "aGk", "x hi", false},
		{DecodeB, "aG-k=", "x hi", false},
	} {
		if got, clean := tc.decode([]byte("x "), tc.in); string(got) != tc.want || clean != tc.clean {
			t.Errorf("%q decodes to %q, clean %v; want %q, %v", tc.in, got, clean, tc.want, tc.clean)
		}
	}
}

// FuzzReader holds that what the standard library decodes is decoded alike, and
// that the size of reads does not matter.
func FuzzReader(f *testing.F) {
	f.Add([]byte("a=3Db=\r\nc \r\n"))
	f.Add([]byte("aGVs\r\nbG8="))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, encoding := range []string{"base64", "quoted-printable"} {
			whole, err := io.ReadAll(NewReader(encoding, bytes.NewReader(in)))
			if err != nil {
				t.Fatal(err)
			}
			if len(whole) > len(in) {
				t.Errorf("%s: %d octets of %d", encoding, len(whole), len(in))
			}
			single, err := io.ReadAll(NewReader(encoding, iotest.OneByteReader(bytes.NewReader(in))))
			if err != nil || !bytes.Equal(whole, single) {
				t.Errorf("%s: %q by octet, %q at once, %v", encoding, single, whole, err)
			}
			var written bytes.Buffer
			if _, err := io.Copy(&written, NewReader(encoding, bytes.NewReader(in))); err != nil || !bytes.Equal(whole, written.Bytes()) {
				t.Errorf("%s: %q written, %q read, %v", encoding, written.Bytes(), whole, err)
			}
		}
		got, err := io.ReadAll(NewReader("base64", strings.NewReader(base64.StdEncoding.EncodeToString(in))))
		if err != nil || !bytes.Equal(got, in) {
			t.Errorf("base64: %q, %v; want %q", got, err, in)
		}
		var encoded bytes.Buffer
		w := quotedprintable.NewWriter(&encoded)
		w.Binary = true
		if _, err := w.Write(in); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err = io.ReadAll(NewReader("quoted-printable", &encoded))
		if err != nil || !bytes.Equal(got, in) {
			t.Errorf("quoted-printable: %q, %v; want %q", got, err, in)
		}
	})
}
