package smtpd_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestDialogs plays every file of testdata/dialogs against a server of its own.
// A line of a dialog is one of
//
//	# text       a comment
//	-> text      the client says text and CRLF
//	=> "text"    the client says a Go string, as it is
//	<- prefix    the server's next reply begins so
//	= N          N deliveries are stored
func TestDialogs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/dialogs/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogs: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			play(t, file)
		})
	}
}

func play(t *testing.T, file string) {
	script, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	f := start(t, defaults())
	c := f.dial(t)
	lines := bufio.NewScanner(script)
	for n := 1; lines.Scan(); n++ {
		verb, text, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "#", "":
		case "->":
			c.send(t, text+"\r\n")
		case "=>":
			raw, err := strconv.Unquote(text)
			if err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			c.send(t, raw)
		case "<-":
			got, err := c.reply()
			if err != nil || !strings.HasPrefix(got, text) {
				t.Fatalf("%s:%d: reply = %q, %v; want %q", file, n, got, err, text)
			}
		case "=":
			if got := len(f.stored(t)); strconv.Itoa(got) != text {
				t.Fatalf("%s:%d: %d deliveries are stored, want %s", file, n, got, text)
			}
		default:
			t.Fatalf("%s:%d: %q is no verb", file, n, verb)
		}
	}
}
