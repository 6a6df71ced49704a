package admit_test

import (
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// compiles reports whether wazero takes a module.
func compiles(t *testing.T, r wazero.Runtime, wasm []byte) bool {
	t.Helper()
	m, err := r.CompileModule(t.Context(), wasm)
	if err != nil {
		return false
	}
	_ = m.Close(t.Context())
	return true
}

// interpreter compiles quickly and runs slowly.
func interpreter(t testing.TB) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter().WithDebugInfoEnabled(false).
		WithCoreFeatures(api.CoreFeaturesV2))
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

// specification lists the modules of the WebAssembly specification's tests, which
// come with wazero.
func specification(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(strings.TrimSpace(string(out)), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".wasm" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 7800 {
		t.Fatalf("%d modules, %v", len(files), err)
	}
	return files
}

// TestSpecification holds that what is admitted compiles if, and only if, it did
// before; and that what is not admitted would either not compile or is over a bound.
func TestSpecification(t *testing.T) {
	t.Parallel()
	r := interpreter(t)
	admitted, bounded, later, refused := 0, 0, 0, 0
	for _, file := range specification(t) {
		wasm, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := admit.Module(wasm, 65536)
		if err != nil {
			switch {
			// Subopcodes that are longer than they have to be, and that no compiler writes.
			case strings.Contains(err.Error(), "subopcode") || strings.Contains(err.Error(), "at most") || strings.Contains(err.Error(), "it is to have its own") || strings.Contains(err.Error(), "functions of its own"), strings.Contains(err.Error(), "references in element segments"),
				strings.Contains(err.Error(), "start section: it is a function that the module imports"):
				bounded++
			// References with types of their own are of a later version, and the compiler
			// takes most of them.
			case strings.Contains(file, "typed-function-references"):
				later++
			case compiles(t, r, wasm):
				t.Errorf("%s is not admitted and compiles: %v", filepath.Base(file), err)
			default:
				refused++
			}
			continue
		}
		admitted++
		// What is wrong with custom sections alone is left out with them.
		if before, after := compiles(t, r, wasm), compiles(t, r, got); before && !after {
			t.Errorf("%s compiles, and does not when it is admitted", filepath.Base(file))
		}
	}
	t.Logf("%d modules were admitted, %d are over a bound or import what they are to have, %d are of a later version, %d are malformed", admitted, bounded, later, refused)
	if admitted < 3000 || refused < 100 {
		t.Errorf("%d modules were admitted, %d refused", admitted, refused)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	head := "\x00asm\x01\x00\x00\x00"
	for name, tc := range map[string]struct{ wasm, want string }{
		"empty":           {"", "it is no WebAssembly module of version 1"},
		"version 2":       {"\x00asm\x02\x00\x00\x00", "it is no WebAssembly module of version 1"},
		"cut":             {head + "\x01\x05\x01", "type section: it ends too early"},
		"imports":         {head + "\x02\x05\xff\xff\xff\xff\x0f", "import section: 4294967295 entries, at most 10000 are allowed"},
		"types not there": {head + "\x01\x02\xff\x01", "type section: it ends too early"},
		"parameters":      {head + "\x01\x07\x01\x60\xff\xff\xff\xff\x0f", "type section: function of 4294967295 parameters or results, at most 64 are allowed"},
		"locals":          {head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x0a\x01\x08\x01\xff\xff\xff\xff\x0f\x7f\x0b", "code section: function 0: it has 4294967295 locals or more, at most 2000 are allowed"},
		// What the compiler reads as another instruction than the specification says.
		"subopcode":      {head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x08\x01\x06\x00\xfd\x8c\x00\x1a\x0b", "code section: function 0: instruction with the subopcode 0x8c 0x0"},
		"bulk subopcode": {head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x08\x01\x06\x00\xfc\x8b\x00\x00\x0b", "code section: function 0: instruction with the subopcode 0x8b 0x0"},
		// A type of two octets, of which the second would be taken for an instruction.
		"block type":        {head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x09\x01\x07\x00\x02\x63\x41\x03\x0b\x0b", "code section: function 0: value of type 0x63"},
		"type of a select":  {head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x09\x01\x07\x00\x1c\x01\x64\x41\x03\x0b", "code section: function 0: value of type 0x64"},
		"type of a segment": {head + "\x01\x04\x01\x60\x00\x00\x04\x04\x01\x70\x00\x01\x09\x07\x01\x05\x63\x00\x01\xd2\x00", "element section: segment of type 0x63"},
		"type not there":    {head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x07\x01\x05\x00\x02\x01\x0b\x0b", "code section: function 0: it refers to type 1, and there are 1"},
		"exported import":   {head + "\x01\x04\x01\x60\x00\x00\x02\x06\x01\x00\x01f\x00\x00\x07\x05\x01\x01g\x00\x00", "export section: module exports \"g\", which is a function that it imports; it is to export functions of its own"},
		"table":             {head + "\x04\x08\x01\x70\x00\xff\xff\xff\xff\x0f", "table section: table of 4294967295 elements, at most 65536 are allowed"},
		"memory":            {head + "\x05\x03\x01\x00\x18", "memory section: it needs at least 1.5 MiB, at most 1 MiB are allowed"},
		"memories":          {head + "\x05\x05\x02\x00\x01\x00\x01", "memory section: 2 entries, at most 1 are allowed"},
		"tables":            {head + "\x04\x10\x05\x70\x00\x00\x70\x00\x00\x70\x00\x00\x70\x00\x00\x70\x00\x00", "table section: 5 entries, at most 4 are allowed"},
	} {
		if _, _, err := admit.Module([]byte(tc.wasm), 16); err == nil || err.Error() != tc.want {
			t.Errorf("%s: error = %v, want %s", name, err, tc.want)
		}
	}
}

// FuzzModule holds that nothing makes it panic, and that what is admitted compiles
// where it did before.
func FuzzModule(f *testing.F) {
	head := "\x00asm\x01\x00\x00\x00"
	f.Add([]byte(head))
	f.Add([]byte(head + "\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x0a\x06\x01\x04\x00\x41\x07\x0b"))
	f.Add([]byte(head + "\x04\x04\x01\x70\x00\x01\x00\x03\x01x1"))
	f.Add([]byte(head + "\x05\x03\x01\x00\x01\x0b\x07\x01\x00\x41\x00\x0b\x01a"))
	f.Add([]byte(head + "\x04\x04\x01\x70\x00\x01\x09\x06\x01\x00\x41\x00\x0b\x00"))
	r := interpreter(f)
	f.Fuzz(func(t *testing.T, wasm []byte) {
		got, _, err := admit.Module(wasm, 65536)
		if err != nil {
			return
		}
		// A loop is of three octets, and asks for its fuel in thirty; a reference to an import
		// of 64 parameters is of two, and the function that pays for it of 140.
		if len(got) > 40*len(wasm)+512 {
			t.Errorf("%d octets became %d", len(wasm), len(got))
		}
		// Custom sections are left out; of such a module as it is wazero is not asked, for
		// what names there it may take all memory.
		if plain := !hasCustom(wasm); !compiles(t, r, got) && plain && compiles(t, r, wasm) {
			t.Error("it compiles, and does not when it is admitted")
		}
	})
}

// hasCustom reports whether a module that is admitted has a custom section.
func hasCustom(wasm []byte) bool {
	for rest := wasm[8:]; len(rest) > 0; {
		if rest[0] == 0 {
			return true
		}
		n, size := binary.Uvarint(rest[1:])
		rest = rest[1+size+int(n):]
	}
	return false
}
