package scan

import "strings"

// Tag is a kind of element: what its name means for readable text.
type Tag uint8

// The kinds of elements.
const (
	Other     Tag = iota // inline, without a meaning here
	Raw                  // its content is no markup
	Plaintext            // all that follows is text
	Dropped              // neither it nor its content shows
	Enclosed             // as Dropped; no end tag within it closes what is outside
	Foreign              // as Dropped; may close itself
	BR
	HR
	Img
	Void // without content or meaning
	A
	Bold
	Em
	Strike
	Code
	Sup
	Sub
	// From here on, elements that are blocks.
	Block // without another meaning
	Div
	P
	H1
	H2
	H3
	H4
	H5
	H6
	Pre
	Quote
	UL
	OL
	LI
	Table
	Thead
	Section // another part of a table
	TR
	TD
	TH
)

// IsBlock reports whether the element begins and ends a block.
func (t Tag) IsBlock() bool { return t >= Block || t == HR }

// IsVoid reports whether the element has neither content nor end tag.
func (t Tag) IsVoid() bool { return t >= BR && t <= Void }

// IsDropped reports whether the content of the element does not show.
func (t Tag) IsDropped() bool { return t >= Dropped && t <= Foreign }

// IsHeading reports whether the element is a heading.
func (t Tag) IsHeading() bool { return t >= H1 && t <= H6 }

// IsTablePart reports whether the element is a table or a part of one.
func (t Tag) IsTablePart() bool { return t >= Table }

// key is the first eight bytes of the name of an element, in small letters.
type key uint64

func (k key) with(b byte, i int) key { return k | key(b)<<(8*i) }

func keyOf(name string) (k key) {
	for i := range len(name) {
		k = k.with(name[i], i)
	}
	return k
}

// element is what is known of a name.
type element struct {
	key  key
	name string
	tag  Tag
	id   uint8
}

const tableBits = 9

// elements finds names by their keys: a name stands at its key's slot, or in the
// first free one after it.
var elements = func() (table [1 << tableBits]element) { //nolint:gochecknoglobals // a constant table of the guest
	id := uint8(0)
	for _, kind := range []struct {
		tag   Tag
		names string
	}{
		{Raw, "script style title textarea iframe noembed noframes xmp"},
		{Plaintext, "plaintext"},
		{Dropped, "xml audio video canvas datalist math"},
		{Enclosed, "template select object applet"},
		{Foreign, "svg"},
		{BR, "br"},
		{HR, "hr"},
		{Img, "img image amp-img"},
		{Void, "meta link base input col wbr area embed param source track basefont bgsound frame keygen"},
		{A, "a"},
		{Bold, "b strong"},
		{Em, "i em cite var dfn"},
		{Strike, "s strike del"},
		{Code, "code tt kbd samp"},
		{Sup, "sup"},
		{Sub, "sub"},
		{Block, "html head body address article aside center dd details dialog dl dt fieldset figcaption figure footer form " +
			"header hgroup legend main nav option optgroup search section summary"},
		{Div, "div"},
		{P, "p"},
		{H1, "h1"},
		{H2, "h2"},
		{H3, "h3"},
		{H4, "h4"},
		{H5, "h5"},
		{H6, "h6"},
		{Pre, "pre listing"},
		{Quote, "blockquote"},
		{UL, "ul menu dir"},
		{OL, "ol"},
		{LI, "li"},
		{Table, "table"},
		{Thead, "thead"},
		{Section, "tbody tfoot caption colgroup"},
		{TR, "tr"},
		{TD, "td"},
		{TH, "th"},
		{Other, "span font u o:p small big label ins mark time abbr bdi bdo"},
	} {
		for name := range strings.FieldsSeq(kind.names) {
			id++
			k := keyOf(name)
			slot := k.slot()
			for table[slot].id != 0 {
				slot = (slot + 1) % uint(len(table))
			}
			table[slot] = element{k, name, kind.tag, id}
		}
	}
	return table
}()

func (k key) slot() uint { return uint(uint64(k) * 0x9e3779b97f4a7c15 >> (64 - tableBits)) }

// lookUp returns the kind of an element, and the number of its name.
func lookUp(k key, name string) (Tag, uint8) {
	for slot := k.slot(); ; slot = (slot + 1) % uint(len(elements)) {
		switch e := &elements[slot]; {
		case e.key == k && len(name) == len(e.name) && (len(name) <= 8 || SameFold(name, e.name)):
			return e.tag, e.id
		case e.id == 0:
			return Other, 0
		}
	}
}
