package hostilemail

import "strings"

// Series is a kind of mail in several sizes, to see how work grows with size.
type Series struct {
	// Name says what grows.
	Name string
	// Most is up to which size it grows, in octets: what the gateway reads of a larger
	// one is no more.
	Most int
	make func(octets int) string
}

// Raw makes the mail of about that size, in octets, of Most at the most.
func (s Series) Raw(octets int) []byte { return []byte(s.make(min(octets, s.Most))) }

// AllSeries lists the series.
func AllSeries() []Series {
	rep := strings.Repeat
	words := "all work and no play makes Jack a dull boy "
	return []Series{
		{"text", 2 << 20, func(n int) string {
			line := words + "\r\n"
			return typed("text/plain; charset=utf-8", rep(line, n/len(line)))
		}},
		{"one line of text", 2 << 20, func(n int) string { return typed("text/plain; charset=utf-8", rep(words, n/len(words))) }},
		{"HTML", 2 << 20, func(n int) string {
			paragraph := "<p>" + words + "<b>and</b> <a href=\"https://shop.example/\">more</a></p>\r\n"
			return typed("text/html; charset=utf-8", rep(paragraph, n/len(paragraph)))
		}},
		{"nested HTML", 512 << 10, func(n int) string {
			// Half of it opens, the rest is within.
			open := "<blockquote>"
			return typed("text/html; charset=utf-8", rep(open, n/2/len(open))+rep(words, n/2/len(words)))
		}},
		{"fields of the header", 400 << 10, func(n int) string {
			field := "X-Field: " + rep("value ", 40) + "\r\n"
			return header(rep(field, n/len(field)))
		}},
		{"recipients", 12 << 10, func(n int) string {
			one := "u@acme.test, "
			return header("Cc: " + rep(one, n/len(one)) + "last@acme.test\r\n")
		}},
		{"attachments", 128 << 10, func(n int) string {
			one := attached("a.bin", "application/octet-stream", rep("x", 100))
			parts := make([]string, max(1, n/len(one)))
			for i := range parts {
				parts[i] = one
			}
			return mixed(parts...)
		}},
		{"links", 40 << 10, func(n int) string {
			one := `<a href="https://shop.example/track">x</a> `
			return typed("text/html; charset=utf-8", rep(one, n/len(one)))
		}},
	}
}
