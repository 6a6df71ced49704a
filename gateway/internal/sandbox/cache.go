package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
)

// cacheEntry is the folder of a module in a cache: its hash, so that who has it can tell
// what is not needed any more, and in there the hash of what is compiled and of what compiles
// it, so that what an older version left is not taken for compiled.
func cacheEntry(cacheDir string, wasm, admitted []byte) string {
	sum := sha256.Sum256(wasm)
	h := sha256.New()
	_, _ = h.Write(admitted) // it never fails
	_, _ = io.WriteString(h, engineVersion()+" "+runtime.GOARCH)
	return filepath.Join(cacheDir, hex.EncodeToString(sum[:]), hex.EncodeToString(h.Sum(nil)[:16]))
}

// engineVersion is that of wazero in this program.
func engineVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/tetratelabs/wazero" {
			return m.Version
		}
	}
	return ""
}

// isCompiled reports whether an entry of a cache holds compiled code. Whether it is whole is
// found out when it is loaded.
func isCompiled(entry string) bool {
	files, _ := filepath.Glob(filepath.Join(entry, "*", "*")) // the pattern is right
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() > 0 && !strings.HasSuffix(file, ".tmp") {
			return true
		}
	}
	return false
}

// Prune removes from a cache what is not of the modules with these SHA-256 sums. What
// is in there by other names is left alone.
func Prune(cacheDir string, keep map[string]bool) error {
	entries, err := os.ReadDir(cacheDir)
	if err != nil {
		return fmt.Errorf("prune compilation cache: %w", err)
	}
	for _, e := range entries {
		if sum, err := hex.DecodeString(e.Name()); err != nil || len(sum) != sha256.Size || keep[e.Name()] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(cacheDir, e.Name())); err != nil {
			return fmt.Errorf("prune compilation cache: %w", err)
		}
	}
	return nil
}

// openCacheDir makes folders of the cache, of which each holds the next one. What is in
// there is run as it is, so nobody else may be able to write it.
func openCacheDir(dirs ...string) error {
	if err := os.MkdirAll(dirs[len(dirs)-1], 0o700); err != nil {
		return fmt.Errorf("open compilation cache: %w", err)
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("open compilation cache: %w", err)
		}
		if info.Mode().Perm()&0o022 != 0 {
			return fmt.Errorf("compilation cache %s is writable by others, who may have written into it: remove it, or choose another", dir)
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
			return fmt.Errorf("compilation cache %s belongs to another user: choose another", dir)
		}
	}
	return nil
}
