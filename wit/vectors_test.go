package wit_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the derived members of the vectors anew")

// heap is where the allocator of the vectors begins.
const heap = 1024

// guestAlign is what the addresses of the guest's blocks are multiples of, but for
// strings: the largest alignment of the contract, as the Go SDK has it.
const guestAlign = 8

// vectors is one file. Name, arguments and result of a case are written by hand, the
// rest follows.
type vectors struct {
	Function string       `json:"function"`
	Heap     uint32       `json:"heap"`
	Cases    []vectorCase `json:"cases"`
}

type vectorCase struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Result    json.RawMessage `json:"result"`
	Call      []uint64        `json:"call"`
	Returns   *uint64         `json:"returns"`
	Ret       uint32          `json:"ret"`
	Guest     []block         `json:"guest"`
	Host      []block         `json:"host"`
}

type block struct {
	At  uint32 `json:"at"`
	Is  string `json:"is"`
	Hex string `json:"hex"`
}

// lowering is one side's half of a call: what it allocates and writes. It follows
// "Storing" of the Canonical ABI with one freedom that the ABI's guests cannot tell
// from the rule: what is empty is not allocated.
type lowering struct {
	t      *testing.T
	next   *uint32 // of the allocator
	host   bool
	blocks []*lowered
}

// lowered is a block of memory.
type lowered struct {
	at uint32
	is string
	b  []byte
}

func (l *lowering) allocate(is string, to uint32, size int) *lowered {
	if !l.host && to > 1 {
		to = guestAlign
	}
	if size == 0 {
		return &lowered{at: to} // not null, aligned, never followed
	}
	b := &lowered{at: align(*l.next, to), is: is, b: make([]byte, size)}
	*l.next = b.at + uint32(size)
	l.blocks = append(l.blocks, b)
	return b
}

// store writes a value of a type into b.
func (l *lowering) store(is string, ty *typ, v any, b []byte) {
	switch ty.kind {
	case scalar:
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], l.integer(is, v))
		copy(b[:ty.size], n[:])
	case str, list:
		flat := l.flat(is, ty, v)
		binary.LittleEndian.PutUint32(b, uint32(flat[0]))
		binary.LittleEndian.PutUint32(b[4:], uint32(flat[1]))
	case record:
		for i, f := range ty.fields {
			var value any
			if tuple, ok := v.([]any); ok {
				value = tuple[i]
			} else {
				value, ok = l.object(is, v)[f.name]
				if !ok {
					l.t.Fatalf("%s: no field %s", is, f.name)
				}
			}
			l.store(is+"."+f.name, f.typ, value, b[ty.offset(i):])
		}
	default:
		i, value := l.match(is, ty, v)
		b[0] = byte(i)
		if f := ty.fields[i]; f.typ != nil {
			l.store(is, f.typ, value, b[ty.payload():])
		}
	}
}

// match finds the case of a variant that a value is of.
func (l *lowering) match(is string, ty *typ, v any) (int, any) {
	name := ""
	switch {
	case strings.HasPrefix(ty.name, "option<"):
		name = "none"
		if v != nil {
			name = "some"
		}
	default:
		if tag, ok := v.(string); ok {
			name, v = tag, nil
			break
		}
		o := l.object(is, v)
		name, _ = o["tag"].(string)
		v = o["val"]
	}
	for i, f := range ty.fields {
		if f.name == name {
			return i, v
		}
	}
	l.t.Fatalf("%s: %s has no case %q", is, ty.name, name)
	return 0, nil
}

func (l *lowering) object(is string, v any) map[string]any {
	o, ok := v.(map[string]any)
	if !ok {
		l.t.Fatalf("%s: %v is no object", is, v)
	}
	return o
}

func (l *lowering) integer(is string, v any) uint64 {
	switch v := v.(type) {
	case bool:
		if v {
			return 1
		}
		return 0
	case json.Number:
		n, err := strconv.ParseUint(v.String(), 10, 53) // what every reader of JSON reads exactly
		if err == nil {
			return n
		}
	}
	l.t.Fatalf("%s: %v is no integer", is, v)
	return 0
}

// flat lowers a parameter or a string or list.
func (l *lowering) flat(is string, ty *typ, v any) []uint64 {
	switch ty.kind {
	case scalar:
		return []uint64{l.integer(is, v)}
	case str:
		s, ok := v.(string)
		if !ok {
			l.t.Fatalf("%s: %v is no string", is, v)
		}
		b := l.allocate(is, 1, len(s))
		copy(b.b, s)
		return []uint64{uint64(b.at), uint64(len(s))}
	case list:
		elements, ok := v.([]any)
		if !ok {
			l.t.Fatalf("%s: %v is no list", is, v)
		}
		content := make([]byte, len(elements)*int(ty.elem.byteSize()))
		b := l.allocate(is, ty.elem.align(), len(content))
		b.b = content
		for i, e := range elements {
			l.store(fmt.Sprintf("%s[%d]", is, i), ty.elem, e, content[i*int(ty.elem.byteSize()):])
		}
		return []uint64{uint64(b.at), uint64(len(elements))}
	default: // an enum
		i, _ := l.match(is, ty, v)
		return []uint64{uint64(i)}
	}
}

func (l *lowering) result() []block {
	list := []block{}
	for _, b := range l.blocks {
		list = append(list, block{b.at, b.is, hex.EncodeToString(b.b)})
	}
	return list
}

// derive fills in what follows from name, arguments and result.
func derive(t *testing.T, f function, c *vectorCase) {
	t.Helper()
	next := uint32(heap)
	caller, callee := &lowering{t: t, next: &next, host: f.export}, &lowering{t: t, next: &next, host: !f.export}
	arguments, ok := decode(t, c.Arguments).([]any)
	if !ok || len(arguments) != len(f.params) {
		t.Fatalf("%s takes %d arguments", f.name, len(f.params))
	}
	c.Call, c.Ret, c.Returns = []uint64{}, 0, nil
	for i, p := range f.params {
		c.Call = append(c.Call, caller.flat(p.name, p.typ, arguments[i])...)
	}
	switch result := decode(t, c.Result); {
	case f.result == nil:
	case f.result.kind == scalar:
		n := callee.integer("result", result)
		c.Returns = &n
	default:
		// The area is the guest's in either direction.
		area := callee
		if !f.export {
			area = caller
		}
		b := area.allocate("ret", f.result.align(), int(f.result.byteSize()))
		if f.result.kind == str || f.result.kind == list {
			flat := callee.flat("result", f.result, result)
			binary.LittleEndian.PutUint32(b.b, uint32(flat[0]))
			binary.LittleEndian.PutUint32(b.b[4:], uint32(flat[1]))
		} else {
			callee.store("result", f.result, result, b.b)
		}
		c.Ret = b.at
		if f.export {
			address := uint64(b.at)
			c.Returns = &address
			break
		}
		// What is in it is written by the host, at last.
		c.Call = append(c.Call, uint64(b.at))
		caller.blocks = caller.blocks[:len(caller.blocks)-1]
		callee.blocks = append(callee.blocks, b)
	}
	guest, host := caller, callee
	if f.export {
		guest, host = callee, caller
	}
	c.Guest, c.Host = guest.result(), host.result()
}

func decode(t *testing.T, text []byte) (v any) {
	t.Helper()
	if text == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestVectors derives the vectors of each function from plugin.wit and the plain
// values, and holds the files to it.
func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("vectors/*")
	if err != nil {
		t.Fatal(err)
	}
	rest := make(map[string]bool)
	for _, file := range files {
		rest[file] = true
	}
	for _, f := range parse(t).functions {
		_, short, _ := strings.Cut(f.name, "/")
		iface, _, _ := strings.Cut(short, "@")
		_, name, _ := strings.Cut(short, "#")
		file := filepath.Join("vectors", iface+"."+name+".json")
		delete(rest, file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		var v vectors
		if err := json.Unmarshal(text, &v); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		v.Function, v.Heap = f.name, heap
		for i := range v.Cases {
			derive(t, f, &v.Cases[i])
		}
		want := v.encode(t)
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		} else if !bytes.Equal(text, want) {
			t.Errorf("%s does not follow from plugin.wit and its values; go test ./wit -update writes\n%s", file, want)
		}
	}
	for file := range rest {
		t.Errorf("%s is of no function of plugin.wit", file)
	}
}

// encode writes a file as people read it: a line for each value and block.
func (v vectors) encode(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	line := func(v any) string {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out.String())
	}
	fmt.Fprintf(&b, "{\n  \"function\": %s,\n  \"heap\": %d,\n  \"cases\": [", line(v.Function), v.Heap)
	for i, c := range v.Cases {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    {\n      \"name\": %s,\n      \"arguments\": %s,\n", line(c.Name), line(c.Arguments))
		if c.Result != nil {
			fmt.Fprintf(&b, "      \"result\": %s,\n", line(c.Result))
		}
		fmt.Fprintf(&b, "      \"call\": %s,\n", line(c.Call))
		if c.Returns != nil {
			fmt.Fprintf(&b, "      \"returns\": %d,\n", *c.Returns)
		}
		if c.Ret != 0 {
			fmt.Fprintf(&b, "      \"ret\": %d,\n", c.Ret)
		}
		for _, side := range []struct {
			name   string
			blocks []block
		}{{"guest", c.Guest}, {"host", c.Host}} {
			fmt.Fprintf(&b, "      %s: [", line(side.name))
			for i, bl := range side.blocks {
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, "\n        {\"at\": %d, \"is\": %s, \"hex\": %s}", bl.At, line(bl.Is), line(bl.Hex))
			}
			if len(side.blocks) > 0 {
				b.WriteString("\n      ")
			}
			b.WriteString("]")
			if side.name == "guest" {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteString("    }")
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes()
}
