package bench

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const testdata = "../../plugins/markdown/testdata"

// mails returns the pieces of HTML and the mails that the plugin has golden files
// for, by their file names.
func mails(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.html", "mails/*.html"} {
		files, err := filepath.Glob(filepath.Join(testdata, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files: %v", pattern, err)
		}
		for _, file := range files {
			html, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(file)] = string(html)
		}
	}
	return found
}

// newsletter returns a newsletter of at least a size, as the tools of the trade
// make them: the one of testdata with its story repeated.
func newsletter(t testing.TB, size int) string {
	t.Helper()
	head, rest, ok := strings.Cut(mails(t)["newsletter_mjml.html"], "<!-- story -->")
	story, tail, ok2 := strings.Cut(rest, "<!-- /story -->")
	if !ok || !ok2 {
		t.Fatal("the newsletter has no story")
	}
	var b strings.Builder
	b.WriteString(head)
	for i := 1; b.Len()+len(tail) < size; i++ {
		b.WriteString(strings.Replace(story, "Why queues", strconv.Itoa(i)+". Why queues", 1))
	}
	b.WriteString(tail)
	return b.String()
}
