package wit_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// kind is what remains of a type when the specialised ones are taken apart, as
// "despecialize" of the Canonical ABI does: a tuple is a record, and an enum, an
// option or a result is a variant.
type kind int

const (
	scalar kind = iota // bool and the integers
	str
	list
	record
	variant
)

// typ is a type of plugin.wit.
type typ struct {
	kind   kind
	name   string // as it is written
	size   uint32 // of a scalar
	elem   *typ   // of a list
	fields []field
}

// field is a field of a record, or a case of a variant, which may have no type.
type field struct {
	name string
	typ  *typ
}

// function is a function of an interface.
type function struct {
	name   string // "postern:plugin/headers@0.1.0#get"
	params []field
	result *typ // nil for none
	export bool
}

// contract is what plugin.wit says.
type contract struct {
	types     map[string]*typ
	functions []function
}

// parser reads as much of the WIT grammar as plugin.wit uses. What it does not know
// is an error.
type parser struct {
	t      *testing.T
	tokens []string
	types  map[string]*typ
}

func parse(t *testing.T) contract {
	t.Helper()
	text, err := os.ReadFile("plugin.wit")
	if err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`(?m)//.*$`).ReplaceAll(text, nil)
	p := &parser{t: t, tokens: regexp.MustCompile(`->|[\w-]+|[^\s\w]`).FindAllString(string(plain), -1), types: make(map[string]*typ)}
	for _, s := range []struct {
		name string
		size uint32
	}{{"bool", 1}, {"u8", 1}, {"u32", 4}, {"u64", 8}} {
		p.types[s.name] = &typ{kind: scalar, name: s.name, size: s.size}
	}
	p.types["string"] = &typ{kind: str, name: "string"}
	c := contract{types: p.types}
	head, _, _ := strings.Cut(string(plain), ";")
	pkg, version, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(head), "package "), "@")
	p.skip() // the package
	for len(p.tokens) > 0 {
		switch p.next() {
		case "interface":
			name := p.next()
			c.functions = append(c.functions, p.iface(pkg+"/"+name+"@"+version+"#")...)
		case "world":
			c.functions = p.world(c.functions)
		default:
			t.Fatalf("plugin.wit: neither interface nor world before %q", p.tokens)
		}
	}
	return c
}

func (p *parser) next() string {
	if len(p.tokens) == 0 {
		p.t.Fatal("plugin.wit ends too early")
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

// skip passes over what is left of a line.
func (p *parser) skip() {
	token := p.next()
	for token != ";" {
		token = p.next()
	}
}

func (p *parser) expect(tokens ...string) {
	for _, want := range tokens {
		if got := p.next(); got != want {
			p.t.Fatalf("plugin.wit: %q, want %q before %.10q", got, want, p.tokens)
		}
	}
}

// iface reads what stands in the braces of an interface.
func (p *parser) iface(prefix string) (functions []function) {
	p.expect("{")
	for {
		switch token := p.next(); token {
		case "}":
			return functions
		case "use":
			p.skip() // names are the same everywhere
		case "type":
			name := p.next()
			p.expect("=")
			p.types[name] = p.typ()
			p.expect(";")
		case "record", "variant", "enum":
			t := &typ{kind: variant, name: p.next()}
			if token == "record" {
				t.kind = record
			}
			p.expect("{")
			t.fields = p.fields("}")
			p.types[t.name] = t
		default:
			f := function{name: prefix + token}
			p.expect(":", "func", "(")
			f.params = p.fields(")")
			if p.next() == "->" {
				f.result = p.typ()
				p.expect(";")
			}
			functions = append(functions, f)
		}
	}
}

// fields reads fields, cases or parameters up to the closing token.
func (p *parser) fields(closing string) (list []field) {
	for token := p.next(); token != closing; token = p.next() {
		f := field{name: token}
		switch token = p.next(); token {
		case ":":
			f.typ = p.typ()
			token = p.next()
		case "(":
			f.typ = p.typ()
			p.expect(")")
			token = p.next()
		}
		list = append(list, f)
		if token == closing {
			return list
		}
		if token != "," {
			p.t.Fatalf("plugin.wit: %q after %s", token, f.name)
		}
	}
	return list
}

func (p *parser) typ() *typ {
	name := p.next()
	if t, ok := p.types[name]; ok {
		return t
	}
	p.expect("<")
	var args []*typ
	for separator := ","; separator == ","; separator = p.next() {
		if p.tokens[0] == "_" {
			p.next()
			args = append(args, nil)
		} else {
			args = append(args, p.typ())
		}
	}
	t := &typ{name: name + "<" + names(args) + ">"}
	switch name {
	case "list":
		t.kind, t.elem = list, args[0]
	case "tuple":
		t.kind = record
		for i, a := range args {
			t.fields = append(t.fields, field{fmt.Sprint(i), a})
		}
	case "option":
		t.kind, t.fields = variant, []field{{"none", nil}, {"some", args[0]}}
	case "result":
		t.kind, t.fields = variant, []field{{"ok", args[0]}, {"err", args[1]}}
	default:
		p.t.Fatalf("plugin.wit: type %s is not known", name)
	}
	return t
}

func names(types []*typ) string {
	list := make([]string, len(types))
	for i, t := range types {
		list[i] = "_"
		if t != nil {
			list[i] = t.name
		}
	}
	return strings.Join(list, ", ")
}

// world says which functions are exports, and drops what is neither.
func (p *parser) world(all []function) (list []function) {
	p.next()
	p.expect("{")
	for token := p.next(); token != "}"; token = p.next() {
		iface := p.next()
		for _, f := range all {
			if strings.Contains(f.name, "/"+iface+"@") {
				f.export = token == "export"
				list = append(list, f)
			}
		}
		p.expect(";")
	}
	return list
}

// The rules of the Canonical ABI, "Alignment", "Element Size" and "Flattening",
// for what plugin.wit uses. A variant here has few cases: its discriminant is a u8.

func align(n, to uint32) uint32 { return (n + to - 1) / to * to }

func (t *typ) align() uint32 {
	switch t.kind {
	case scalar:
		return t.size
	case str, list:
		return 4
	default:
		return maxOf(t.fields, (*typ).align, 1)
	}
}

func (t *typ) byteSize() uint32 {
	switch t.kind {
	case scalar:
		return t.size
	case str, list:
		return 8
	case record:
		last := len(t.fields) - 1
		return align(t.offset(last)+t.fields[last].typ.byteSize(), t.align())
	default:
		return align(t.payload()+maxOf(t.fields, (*typ).byteSize, 0), t.align())
	}
}

// offset is that of a record's field.
func (t *typ) offset(i int) uint32 {
	var end uint32
	for _, f := range t.fields[:i] {
		end = align(end, f.typ.align()) + f.typ.byteSize()
	}
	return align(end, t.fields[i].typ.align())
}

// payload is the offset of what a variant's cases hold.
func (t *typ) payload() uint32 { return align(1, maxOf(t.fields, (*typ).align, 1)) }

func maxOf(fields []field, of func(*typ) uint32, least uint32) uint32 {
	for _, f := range fields {
		if f.typ != nil {
			least = max(least, of(f.typ))
		}
	}
	return least
}

// flat is what a parameter's type is in a core function. Variants with a payload are
// no parameters of this contract.
func (t *typ) flat() []string {
	switch {
	case t.kind == str || t.kind == list:
		return []string{"i32", "i32"}
	case t.kind == scalar && t.size == 8:
		return []string{"i64"}
	default:
		return []string{"i32"}
	}
}

// core gives the core function's parameters and result. A result of more than one
// flat value goes by an address: an import is given it last, an export returns it.
func (f function) core() (params []string, result string) {
	for _, p := range f.params {
		params = append(params, p.typ.flat()...)
	}
	switch {
	case f.result == nil:
	case f.result.kind == scalar:
		result = f.result.flat()[0]
	case f.export:
		result = "i32"
	default:
		params = append(params, "i32")
	}
	return params, result
}
