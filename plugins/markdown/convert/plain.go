package convert

import (
	"strings"

	"github.com/postern-mail/postern/plugins/markdown/commonmark"
)

// Text returns a plain text body as Markdown: paragraphs and quotes, with what
// could be read as a mark escaped.
func Text(body string, o Options) string {
	w := commonmark.New(commonmark.Options{HardBreaks: o.HardBreaks}, len(body))
	outside := w.Now.Box
	quotes := []commonmark.Box{outside} // the box of each depth of the quote that is open
	for line := range strings.Lines(body) {
		depth := 0
		for {
			line = strings.TrimLeft(line, " \t")
			if line == "" || line[0] != '>' {
				break
			}
			line = line[1:]
			depth++
		}
		depth = min(depth, commonmark.MaxBoxes)
		if depth != len(quotes)-1 {
			w.EndBlock()
			quotes = quotes[:min(depth+1, len(quotes))]
			for len(quotes) <= depth {
				w.Now.Box = quotes[len(quotes)-1]
				w.Quote()
				quotes = append(quotes, w.Now.Box)
			}
			w.Now.Box = quotes[depth]
		}
		if strings.TrimSpace(line) == "" {
			w.EndBlock()
			continue
		}
		w.Text(line)
		w.LineBreak()
	}
	return w.Markdown(len(body))
}
