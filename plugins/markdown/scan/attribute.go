package scan

// Attribute is an attribute that is kept.
type Attribute uint8

// The attributes.
const (
	Align Attribute = iota
	Alt
	Class
	Colspan
	Height
	Hidden
	Href
	Role
	Rowspan
	Src
	Start
	Style
	Width
	attributes // their number
)

const minAttribute, maxAttribute = len("src"), len("colspan")

// attributeOf finds an attribute by its name; attributes is for one that is not
// kept. Length and first letter leave one to compare with.
func attributeOf(name string) Attribute {
	a, want := attributes, ""
	first := name[0] | 0x20
	switch len(name) {
	case 3:
		switch first {
		case 's':
			a, want = Src, "src"
		case 'a':
			a, want = Alt, "alt"
		}
	case 4:
		switch first {
		case 'h':
			a, want = Href, "href"
		case 'r':
			a, want = Role, "role"
		}
	case 5:
		switch first {
		case 's':
			a, want = Style, "style"
			if name[2]|0x20 == 'a' {
				a, want = Start, "start"
			}
		case 'w':
			a, want = Width, "width"
		case 'c':
			a, want = Class, "class"
		case 'a':
			a, want = Align, "align"
		}
	case 6:
		if first == 'h' {
			a, want = Height, "height"
			if name[1]|0x20 == 'i' {
				a, want = Hidden, "hidden"
			}
		}
	case 7:
		switch first {
		case 'c':
			a, want = Colspan, "colspan"
		case 'r':
			a, want = Rowspan, "rowspan"
		}
	}
	if want == "" || !SameFold(name, want) {
		return attributes
	}
	return a
}
