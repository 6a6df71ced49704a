package admit_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// realPlugin builds one of the gateway's own plugins.
func realPlugin(t *testing.T, name string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", file, ".")
	cmd.Dir = filepath.Join("..", "..", "..", "..", "plugins", name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// TestDamagedRealPlugins cuts a real plugin off at many places, and changes it at others:
// nothing panics, what is cut off is refused, and what is changed and admitted compiles if,
// and only if, it would without.
func TestDamagedRealPlugins(t *testing.T) {
	t.Parallel()
	wasm := realPlugin(t, "spam")
	if _, _, err := admit.Module(wasm, 65536); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	for range 300 {
		n := random.IntN(len(wasm))
		if _, _, err := admit.Module(wasm[:n], 65536); err == nil && !endsSection(wasm, n) {
			t.Errorf("the first %d octets are admitted", n)
		}
	}
	r := interpreter(t)
	const compiled = 8
	admitted, refused, invalid := 0, 0, 0
	for range 500 {
		damaged := append([]byte(nil), wasm...)
		for range 1 + random.IntN(3) {
			damaged[8+random.IntN(len(damaged)-8)] = byte(random.Uint32())
		}
		got, _, err := admit.Module(damaged, 65536)
		if err != nil {
			refused++
			continue
		}
		if admitted++; admitted > compiled {
			continue
		}
		before, after := compiles(t, r, damaged), compiles(t, r, got)
		if before != after {
			t.Errorf("it compiles: %v, when it is admitted: %v", before, after)
		}
		if !before {
			invalid++
		}
	}
	t.Logf("%d changed modules were refused, %d admitted; of the first %d of these the compiler refused %d", refused, admitted, compiled, invalid)
	if admitted < 10 || refused < 10 {
		t.Error("that is not what changes do")
	}
}

// endsSection reports whether a module ends with a section when it is cut off there.
func endsSection(wasm []byte, n int) bool {
	for rest := 8; rest < len(wasm); {
		if rest == n {
			return true
		}
		size, length := 0, 0
		for at := rest + 1; ; at++ {
			length |= int(wasm[at]&0x7f) << (7 * size)
			size++
			if wasm[at] < 0x80 {
				break
			}
		}
		rest += 1 + size + length
	}
	return n == 8
}
