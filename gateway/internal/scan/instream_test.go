package scan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

func TestReadReply(t *testing.T) {
	t.Parallel()
	for in, tc := range map[string]struct {
		want string
		err  error
	}{
		"stream: OK\x00":                         {want: "stream: OK"},
		"\x00":                                   {want: ""},
		"":                                       {err: io.EOF},
		"stream: OK":                             {err: io.ErrUnexpectedEOF},
		"stream: OK\n":                           {err: io.ErrUnexpectedEOF},
		"stream: OK\x00\x00":                     {err: errReply},
		strings.Repeat("x", maxReply-1) + "\x00": {want: strings.Repeat("x", maxReply-1)},
		strings.Repeat("x", maxReply) + "\x00":   {err: errReply},
		strings.Repeat("x", 1<<20):               {err: errReply},
	} {
		got, err := readReply(strings.NewReader(in))
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%.50q: %q, %v", in, got, err)
		}
		if errors.Is(tc.err, errReply) {
			continue // what follows a reply in another packet is not read
		}
		got, err = readReply(iotest.DataErrReader(iotest.OneByteReader(strings.NewReader(in))))
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%.50q, octet by octet: %q, %v", in, got, err)
		}
	}
	got, err := readReply(io.MultiReader(strings.NewReader("stream: "), iotest.ErrReader(errDisk)))
	if got != "" || !errors.Is(err, errDisk) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReadVerdict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]VirusReport{
		"stream: OK": {Status: Clean},
		"stream: Eicar-Test-Signature.UNOFFICIAL FOUND": {Status: Infected, Signature: "Eicar-Test-Signature.UNOFFICIAL"},
		"stream: OK FOUND":                                      {Status: Infected, Signature: "OK"},
		"stream:  FOUND FOUND":                                  {Status: Infected, Signature: " FOUND"},
		"stream: a\x1b[31m\r\nü FOUND":                          {Status: Infected, Signature: "a?[31m???"},
		"stream: " + strings.Repeat("x", 900) + " FOUND":        {Status: Infected, Signature: strings.Repeat("x", maxSignature)},
		"stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND": {Status: TooLarge, Reason: "over a limit of the scanner MaxRecursion"},
		"stream: Heuristics.Limits.Exceeded FOUND":              {Status: TooLarge, Reason: "over a limit of the scanner"},
		"stream: Heuristics.Encrypted.Zip FOUND":                {Status: Infected, Signature: "Heuristics.Encrypted.Zip"},
		"INSTREAM size limit exceeded. ERROR":                   {Status: TooLarge, Reason: "larger than the scanner's limit"},
	} {
		var got VirusReport
		if err := (reply{text: text}).readVerdict(&got); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
		early := reply{text: text, early: true}
		if err := early.readVerdict(&VirusReport{}); (err == nil) != (want.Status != Clean) {
			t.Errorf("early %q: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"":                             "not to be understood",
		"OK":                           "not to be understood",
		"stream: ":                     "not to be understood",
		"stream: ok":                   "not to be understood",
		"stream: OK ":                  "not to be understood",
		"stream: OK\n":                 "not to be understood",
		"1: stream: OK":                "not to be understood",
		"stream: FOUND":                "not to be understood",
		"stream:  FOUND":               "not to be understood",
		"FOUND":                        "not to be understood",
		"other: Eicar FOUND":           "not to be understood",
		"PONG":                         "not to be understood",
		"UNKNOWN COMMAND":              "not to be understood",
		"HTTP/1.1 400 Bad Request":     "not to be understood",
		"stream: Can't open\x1b ERROR": `it says "stream: Can't open? ERROR"`,
		"COMMAND READ TIMED OUT ERROR": `it says "COMMAND READ`,
	} {
		report := VirusReport{Part: 3}
		err := reply{text: text}.readVerdict(&report)
		if err == nil || !strings.Contains(err.Error(), want) || report != (VirusReport{Part: 3}) {
			t.Errorf("%q: %v, report %+v", text, err, report)
		}
	}
}

// readCommand reads a command up to its NUL.
func readCommand(r io.Reader) string {
	var command []byte
	for octet := make([]byte, 1); ; command = append(command, octet...) {
		if _, err := io.ReadFull(r, octet); err != nil || octet[0] == 0 {
			return string(command)
		}
	}
}

// readStream reads what a client of INSTREAM sends, as clamd does.
func readStream(r io.Reader) ([]byte, error) {
	if command := readCommand(r); command != "zINSTREAM" {
		return nil, fmt.Errorf("command %q", command)
	}
	return readChunks(r)
}

func readChunks(r io.Reader) ([]byte, error) {
	var content bytes.Buffer
	for {
		var length uint32
		if err := binary.Read(r, binary.BigEndian, &length); err != nil || length == 0 {
			return content.Bytes(), err
		}
		if _, err := io.CopyN(&content, r, int64(length)); err != nil {
			return nil, err
		}
	}
}

func TestWriteStream(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 5*chunkSize + 7} {
		want := bytes.Repeat([]byte("0123456789\x00"), size/11+1)[:size]
		for name, r := range map[string]io.Reader{
			"whole":       bytes.NewReader(want),
			"in halves":   iotest.HalfReader(bytes.NewReader(want)),
			"end at once": iotest.DataErrReader(bytes.NewReader(want)),
		} {
			var wire bytes.Buffer
			var ended atomic.Bool
			src := &source{r: r, size: int64(size), limit: int64(size)}
			if err := writeStream(&wire, src, &ended); err != nil || !ended.Load() {
				t.Errorf("%d %s: %v", size, name, err)
			}
			got, err := readStream(&wire)
			if err != nil || !bytes.Equal(got, want) || wire.Len() != 0 {
				t.Errorf("%d %s: %d octets, %v, %d more", size, name, len(got), err, wire.Len())
			}
		}
	}
}

// TestWriteStreamOfBadSource holds that what could not be read is not sent as if it
// were all.
func TestWriteStreamOfBadSource(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", chunkSize+10)
	for name, tc := range map[string]struct {
		src  *source
		want error
	}{
		"an error":     {&source{r: io.MultiReader(strings.NewReader(text), iotest.ErrReader(errDisk)), size: -1, limit: 1 << 20}, errDisk},
		"cut off":      {&source{r: io.MultiReader(strings.NewReader(text), iotest.ErrReader(io.ErrUnexpectedEOF)), size: -1, limit: 1 << 20}, io.ErrUnexpectedEOF},
		"over a limit": {&source{r: strings.NewReader(text), size: -1, limit: chunkSize + 9}, errTooLarge},
	} {
		var wire bytes.Buffer
		var ended atomic.Bool
		if err := writeStream(&wire, tc.src, &ended); !errors.Is(err, tc.want) || sourceError(err) == nil || ended.Load() {
			t.Errorf("%s: %v, ended %v", name, err, ended.Load())
		}
		if _, err := readStream(&wire); err == nil {
			t.Errorf("%s: the stream has an end", name)
		}
	}
}

// FuzzReadReply holds that only clamd's own words are a verdict, in whatever pieces
// they come.
func FuzzReadReply(f *testing.F) {
	for _, s := range []string{
		"stream: OK\x00", "stream: Eicar FOUND\x00", "INSTREAM size limit exceeded. ERROR\x00", "stream: OK\x00stream: x FOUND\x00",
		"stream: Heuristics.Limits.Exceeded.MaxFiles FOUND\x00", "UNKNOWN COMMAND\x00", "stream: \xff\x1b FOUND\x00", "x ERROR\x00",
	} {
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, wire []byte, early bool) {
		text, err := readReply(iotest.OneByteReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		if !bytes.HasPrefix(wire, []byte(text+"\x00")) || len(text) >= maxReply {
			t.Fatalf("reply %q of %q", text, wire)
		}
		var report VirusReport
		if err := (reply{text: text, early: early}).readVerdict(&report); err != nil {
			if report != (VirusReport{}) || printable(err.Error(), 300) != err.Error() {
				t.Fatalf("%q: %v, %+v", text, err, report)
			}
			return
		}
		switch report.Status {
		case Clean:
			if text != "stream: OK" || early {
				t.Fatalf("%q is clean", text)
			}
		case Infected:
			if report.Signature == "" || printable(report.Signature, maxSignature) != report.Signature || !strings.HasSuffix(text, " FOUND") {
				t.Fatalf("%q: %+v", text, report)
			}
		case TooLarge:
			if report.Reason == "" || report.Signature != "" || printable(report.Reason, 300) != report.Reason {
				t.Fatalf("%q: %+v", text, report)
			}
		default:
			t.Fatalf("%q: %+v", text, report)
		}
	})
}
