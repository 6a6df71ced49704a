package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may stand in each other.
const MaxDepth = 100

// Parse reads one JSON text (RFC 8259). It is strict where readers of JSON
// differ: names within an object are unique, text is UTF-8 and holds no lone
// surrogate. The caller bounds the length of b.
func Parse(b []byte) (*Value, error) { return parse(b, math.MaxInt) }

// parse is Parse with a bound on the values: a text of two octets for each makes a
// tree of fifty times its length.
func parse(b []byte, maxValues int) (*Value, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("JSON is not UTF-8")
	}
	if err := checkSurrogates(b); err != nil {
		return nil, err
	}
	// The decoder's tokens alone would not say that a text is whole.
	if !json.Valid(b) {
		var v any
		return nil, fmt.Errorf("not one JSON text: %w", json.Unmarshal(b, &v))
	}
	p := parser{Decoder: json.NewDecoder(bytes.NewReader(b)), left: maxValues}
	p.UseNumber()
	return p.value(MaxDepth)
}

type parser struct {
	*json.Decoder
	left int // values that may still come
}

func (p *parser) value(depth int) (*Value, error) {
	if p.left--; p.left < 0 {
		return nil, errors.New("JSON has too many values")
	}
	tok, err := p.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case nil:
		return Null(), nil
	case bool:
		return Bool(tok), nil
	case json.Number:
		return &Value{kind: kindNumber, text: tok.String()}, nil
	case string:
		return String(tok), nil
	case json.Delim:
		if depth == 0 {
			return nil, fmt.Errorf("JSON is nested deeper than %d", MaxDepth)
		}
		if tok == '[' {
			return p.array(depth - 1)
		}
		return p.object(depth - 1)
	default:
		return nil, fmt.Errorf("JSON token %v", tok)
	}
}

func (p *parser) array(depth int) (*Value, error) {
	v := Array()
	for p.More() {
		item, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	_, err := p.Token()
	return v, err
}

func (p *parser) object(depth int) (*Value, error) {
	v := Object()
	seen := make(map[string]struct{})
	for p.More() {
		tok, err := p.Token()
		if err != nil {
			return nil, err
		}
		name, ok := tok.(string)
		if !ok {
			return nil, fmt.Errorf("JSON name %v", tok)
		}
		if _, dup := seen[name]; dup {
			return nil, fmt.Errorf("JSON name %.80q stands twice in one object", name)
		}
		seen[name] = struct{}{}
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		v.members = append(v.members, Member{Name: name, Value: value})
	}
	_, err := p.Token()
	return v, err
}

// checkSurrogates refuses \uD800 to \uDFFF that are not a pair: encoding/json
// would replace them without a word.
func checkSurrogates(b []byte) error {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if b[i+1] != 'u' {
			i++
			continue
		}
		unit, ok := escapedUnit(b[i:])
		if !ok {
			return nil // not JSON: the decoder says so better
		}
		i += 5
		switch {
		case unit < 0xd800 || unit > 0xdfff:
		case unit >= 0xdc00:
			return fmt.Errorf("JSON holds the lone surrogate \\u%04x", unit)
		default:
			low, ok := escapedUnit(b[i+1:])
			if !ok || low < 0xdc00 || low > 0xdfff {
				return fmt.Errorf("JSON holds the lone surrogate \\u%04x", unit)
			}
			i += 6
		}
	}
	return nil
}

// escapedUnit reads the \uXXXX that b begins with.
func escapedUnit(b []byte) (unit uint64, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return unit, err == nil
}
