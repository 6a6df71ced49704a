package abi

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// image is linear memory of a test's making. Its allocator is that of wit/vectors,
// but that what is the guest's own stands at multiples of 8.
type image struct {
	b    []byte
	next uint32
}

// trap is what an access outside of an image panics with.
type trap struct {
	address uint32
	n       uint64
}

func (m *image) text(address, n uint32) string { return string(m.octets(address, uint64(n))) }

func (m *image) octets(address uint32, n uint64) []byte {
	if n == 0 {
		return nil
	}
	if uint64(address)+n > uint64(len(m.b)) {
		panic(trap{address, n})
	}
	return m.b[address:][:n]
}

func (m *image) allocate(size uint32) ([]byte, uint32) {
	if size == 0 {
		return nil, 8
	}
	address := (m.next + 7) &^ 7
	m.next = address + size
	return m.octets(address, uint64(size)), address
}

func (m *image) lend(s string) (uint32, uint32) {
	if s == "" {
		return 1, 0
	}
	address := m.next
	m.next += uint32(len(s))
	copy(m.octets(address, uint64(len(s))), s)
	return address, uint32(len(s))
}

const vectorFolder = "../../../../wit/vectors"

// vectorFile is a file of it; wit/README.md says what is in there.
type vectorFile struct {
	Function string
	Heap     uint32
	Cases    []vector
}

// name is that of the function, as in "headers.get".
func (f vectorFile) name() string {
	_, name, _ := strings.Cut(f.Function, "/")
	return strings.Replace(name, "@0.1.0#", ".", 1)
}

type vector struct {
	Name      string
	Arguments []json.RawMessage
	Result    json.RawMessage
	Call      []uint64
	Returns   uint64
	Ret       uint32
	Guest     []vectorBlock
	Host      []vectorBlock
}

type vectorBlock struct {
	At  uint32
	Is  string
	Hex string
}

// vectorRun is the test of one vector.
type vectorRun struct {
	*testing.T
	vector
	image  *image
	called bool
}

// host is what every import does: it holds that what the guest has lowered is
// there, and writes the answer.
func (r *vectorRun) host(args ...uint64) {
	r.called = true
	if !slices.Equal(args, r.Call) {
		r.Errorf("called with %d, want %d", args, r.Call)
	}
	r.check(r.Guest)
	r.write(r.Host)
}

func (r *vectorRun) write(blocks []vectorBlock) {
	for _, b := range blocks {
		copy(r.image.b[b.At:], r.unhex(b.Hex))
	}
}

func (r *vectorRun) unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		r.Fatal(err)
	}
	return b
}

// check holds that memory has the blocks, and is zero everywhere else.
func (r *vectorRun) check(blocks []vectorBlock) {
	want := make([]byte, len(r.image.b))
	for _, b := range blocks {
		octets := r.unhex(b.Hex)
		copy(want[b.At:], octets)
		if got := r.image.b[b.At:][:len(octets)]; !bytes.Equal(got, octets) {
			r.Errorf("%s at %d = %x, want %x", b.Is, b.At, got, octets)
		}
	}
	if !bytes.Equal(r.image.b, want) {
		r.Error("memory holds more than that")
	}
}

func argument[T any](r *vectorRun, i int) (v T) {
	if err := json.Unmarshal(r.Arguments[i], &v); err != nil {
		r.Fatal(err)
	}
	return v
}

// These stand for imports, by their types.

func (r *vectorRun) call1(a uint32)       { r.host(uint64(a)) }
func (r *vectorRun) call2(a, b uint32)    { r.host(uint64(a), uint64(b)) }
func (r *vectorRun) call3(a, b, c uint32) { r.host(uint64(a), uint64(b), uint64(c)) }
func (r *vectorRun) call5(a, b, c, d, e uint32) {
	r.host(uint64(a), uint64(b), uint64(c), uint64(d), uint64(e))
}

// vectorCalls make the call of each function by the SDK's own code, and give the
// result as the vectors write it.
var vectorCalls = map[string]func(r *vectorRun) any{
	"envelope.get": func(r *vectorRun) any { return plainSession(envelope(r.image, r.call1)) },
	"headers.all":  func(r *vectorRun) any { return plainList(headers(r.image, r.call1), plainField) },
	"headers.get": func(r *vectorRun) any {
		return plainList(header(r.image, r.call3, argument[string](r, 0)), func(s string) any { return s })
	},
	"body.text":       func(r *vectorRun) any { return plainContent(body(r.image, r.call1)) },
	"body.html":       func(r *vectorRun) any { return plainContent(body(r.image, r.call1)) },
	"attachments.all": func(r *vectorRun) any { return plainList(attachments(r.image, r.call1), plainPart) },
	"attachments.read": func(r *vectorRun) any {
		call := func(index uint32, offset uint64, length, ret uint32) {
			r.host(uint64(index), offset, uint64(length), uint64(ret))
		}
		return plainSlice(readAttachment(r.image, call, argument[uint32](r, 0), argument[uint64](r, 1), argument[uint32](r, 2)))
	},
	"raw.size": func(r *vectorRun) any { // the SDK passes it through
		r.host()
		return r.Returns
	},
	"raw.read": func(r *vectorRun) any {
		call := func(offset uint64, length, ret uint32) { r.host(offset, uint64(length), uint64(ret)) }
		return plainSlice(readRaw(r.image, call, argument[uint64](r, 0), argument[uint32](r, 1)))
	},
	"scans.all": func(r *vectorRun) any { return plainList(scans(r.image, r.call1), plainReport) },
	"payload.get": func(r *vectorRun) any {
		value, found, e := payloadGet(r.image, r.call3, argument[string](r, 0))
		return plainEdited(e, optional(value, found))
	},
	"payload.set": func(r *vectorRun) any {
		return plainEdited(payloadSet(r.image, r.call5, argument[string](r, 0), argument[string](r, 1)))
	},
	"payload.remove": func(r *vectorRun) any { return plainEdited(payloadRemove(r.image, r.call3, argument[string](r, 0))) },
	"disposition.drop": func(r *vectorRun) any {
		dispose(r.image, r.call2, argument[string](r, 0))
		return nil
	},
	"disposition.quarantine": func(r *vectorRun) any {
		dispose(r.image, r.call2, argument[string](r, 0))
		return nil
	},
	"log.write": func(r *vectorRun) any {
		var fields []Field
		for _, f := range argument[[][2]string](r, 2) {
			fields = append(fields, Field{f[0], f[1]})
		}
		level := slices.Index([]string{"debug", "info", "warn", "error"}, argument[string](r, 0))
		logWrite(r.image, r.call5, uint32(level), argument[string](r, 1), fields)
		return nil
	},
	"transformer.configure": func(r *vectorRun) any {
		r.write(r.Host)
		if got, want := r.image.text(uint32(r.Call[0]), uint32(r.Call[1])), argument[string](r, 0); got != want {
			r.Errorf("options = %q, want %q", got, want)
		}
		return r.lowered()
	},
	"transformer.transform": func(r *vectorRun) any { return r.lowered() },
}

// lowered lowers the result of an export, and gives it as it was where it is right.
func (r *vectorRun) lowered() any {
	r.called = true
	var result struct{ Tag, Val string }
	if err := json.Unmarshal(r.Result, &result); err != nil {
		r.Fatal(err)
	}
	// What the host allocates for it stands before.
	for _, b := range r.Host {
		r.image.next = max(r.image.next, b.At+uint32(len(b.Hex)/2))
	}
	var err error
	if result.Tag == "err" {
		err = errors.New(result.Val)
	}
	if got := lowerResult(r.image, err); got != r.Ret || r.Returns != uint64(r.Ret) {
		r.Errorf("result is at %d, want %d", got, r.Ret)
	}
	r.check(append(r.Host, r.Guest...))
	return r.Result
}

// TestVectors holds the SDK to wit/vectors, which the host is held to as well.
func TestVectors(t *testing.T) {
	t.Parallel()
	files := readVectors(t)
	if len(files) == 0 {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: " + vectorFolder)
		}
		t.Skip("missing: " + vectorFolder)
	}
	if len(files) != len(vectorCalls) {
		t.Errorf("there are vectors of %d functions, want %d", len(files), len(vectorCalls))
	}
	for _, f := range files {
		name := f.name()
		call, ok := vectorCalls[name]
		if !ok || len(f.Cases) == 0 {
			t.Errorf("%s has %d cases, is known: %v", f.Function, len(f.Cases), ok)
			continue
		}
		for _, v := range f.Cases {
			t.Run(name+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				r := &vectorRun{T: t, vector: v, image: &image{b: make([]byte, 4<<10), next: f.Heap}}
				result := call(r)
				if got, want := plain(t, result), plain(t, v.Result); got != want || !r.called {
					t.Errorf("result = %s, want %s", got, want)
				}
			})
		}
	}
}

// readVectors reads wit/vectors. There are none beside a released SDK.
func readVectors(t testing.TB) []vectorFile {
	t.Helper()
	files, err := filepath.Glob(vectorFolder + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	list := make([]vectorFile, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &list[i]); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return list
}

// plain writes a value as JSON with its names sorted.
func plain(t *testing.T, v any) string {
	t.Helper()
	if raw, ok := v.(json.RawMessage); ok {
		v = nil
		if raw != nil {
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
