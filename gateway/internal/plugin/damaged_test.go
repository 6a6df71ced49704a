package plugin_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// TestDamagedPlugins cuts a plugin off after each of its octets, and loads what is
// no plugin at all.
func TestDamagedPlugins(t *testing.T) {
	t.Parallel()
	wasm := wat2wasm(t, `(module
		(memory (export "memory") 1)
		(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x1000))
		(func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0x10))
		(func (export "postern:plugin/transformer@0.1.0#transform") (result i32) (i32.const 0x10)))`)
	load(t, hostileConfig(wasm))
	bad := map[string]string{
		"(module)": "it is no WebAssembly module", "<!doctype html>": "it is no WebAssembly module", "\x7fELF": "it is no WebAssembly module",
		"\x00asm\x0d\x00\x01\x00": "component: there is no core module in it", "\x00asm\x02\x00\x00\x00": "module cannot be compiled",
	}
	for n := range wasm {
		bad[string(wasm[:n])] = "" // it depends on where
	}
	for wasm, want := range bad {
		_, err := plugin.Load(t.Context(), hostileConfig([]byte(wasm)))
		if err == nil || !strings.HasPrefix(err.Error(), `plugin "hostile": `+want) {
			t.Errorf("%q: error = %v, want %s", wasm, err, want)
		}
	}
}

// claim is the variable by which TestClaims runs itself for one module.
const claim = "POSTERN_TEST_CLAIM"

// TestClaims loads modules that claim to hold more than memory has room for. What a
// decoder that believes them does is the end of its process, so that each is loaded
// in one of its own.
func TestClaims(t *testing.T) {
	if module := os.Getenv(claim); module != "" {
		loadClaim(module)
	}
	t.Parallel()
	const (
		all       = "ffffffff0f"                                   // 2^32-1
		functions = "010401600000" + "03020100"                    // a type and a function
		memory    = "0503010001" + "070a01066d656d6f7279" + "0200" // exported
	)
	for name, sections := range map[string]string{
		"types":                       "0105" + all,
		"parameters of a type":        "01070160" + all,
		"imports":                     "0205" + all,
		"functions":                   "010401600000" + "0305" + all,
		"tables":                      "0405" + all,
		"globals":                     "0605" + all,
		"exports":                     "0705" + all,
		"element segments":            "0905" + all,
		"elements":                    "040401700001" + "090a01004100" + "0b" + all,
		"expressions of elements":     "040401700001" + "090a01044100" + "0b" + all,
		"function bodies":             "0a05" + all,
		"octets of a function body":   functions + "0a0601" + all,
		"groups of locals":            functions + "0a0801" + "06" + all + "0b",
		"locals of one group":         functions + "0a0a01" + "0801" + all + "7f0b",
		"locals, a hundred million":   functions + "0a0901" + "070180c2d72f7f0b",
		"locals of many groups":       functions + "0a1001" + "0e02" + all + "7f" + all + "7e0b",
		"data segments":               "0b05" + all,
		"octets of a data segment":    "0503010001" + "0b0a01004100" + "0b" + all,
		"data segments, counted":      "0c05" + all,
		"names of functions":          memory + "000c046e616d6501" + "05" + all,
		"names of functions' locals":  memory + "000c046e616d6502" + "05" + all,
		"names of a function's local": memory + "000e046e616d6502" + "070100" + all,
		"octets of a name":            "020701" + all + "61",
		"octets of a section":         "02" + all + "01",
		"octets of a custom section":  "00" + all + "0161",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := hex.DecodeString(sections); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestClaims$")
			cmd.Env = append(os.Environ(), claim+"="+sections)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasPrefix(string(out), `plugin "hostile": `) {
				t.Errorf("%v: %.200s", err, out)
			}
		})
	}
}

// loadClaim loads a module, whose sections are given in hexadecimal, and ends the
// process.
func loadClaim(sections string) {
	octets, err := hex.DecodeString("0061736d01000000" + sections)
	if err != nil {
		panic(err)
	}
	if err := boundMemory(); err != nil {
		panic(err)
	}
	_, err = plugin.Load(context.Background(), hostileConfig(octets))
	fmt.Println(err)
	os.Exit(0)
}

// boundMemory lets the process have 2 GiB more than it has, where the system says
// how much that is.
func boundMemory() error {
	status, err := os.ReadFile("/proc/self/statm")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(status), &pages); err != nil {
		return err
	}
	most := pages*uint64(os.Getpagesize()) + 2<<30
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most})
}
