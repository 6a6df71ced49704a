// Package page reads the words, links and pictures of a mail's bodies. It is no
// parser: it takes whatever markup it is given, in one pass.
package page

// MaxLinks is how many links a page keeps, the last ones: the way out of a
// mailing stands at its foot.
const MaxLinks = 500

// Page is the readable text of a body, with what is in it.
type Page struct {
	Text      []byte
	Links     []Link
	LinkCount int // of all links, kept or not
	Images    int
	Tables    int
	// Preheader is true where hidden text stands at the top, which mail programs
	// show beside the subject.
	Preheader bool
	// Quotes is true where another mail is quoted. What is quoted is left out.
	Quotes bool
}

// Link is a link of a page; Start and End are where its words stand in the text.
type Link struct {
	URL        string
	Start, End int
}

func (p *Page) addLink(l Link) {
	p.LinkCount++
	if len(p.Links) == 2*MaxLinks {
		// Only every MaxLinks-th time, so that it stays linear.
		p.Links = append(p.Links[:0], p.Links[MaxLinks:]...)
	}
	p.Links = append(p.Links, l)
}
