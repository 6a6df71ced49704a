package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
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

// sealName is the file of an entry that says what its compiled code is and what it runs on.
// wazero's own checksum covers a part of what it reads, and for another processor it would
// compile anew, here.
const sealName = "seal"

// seal is what a seal says: for which processor the code is, and the SHA-256 of each file.
func seal(entry string) (string, error) {
	files, err := filepath.Glob(filepath.Join(entry, "*", "*"))
	if err != nil || len(files) == 0 {
		return "", errors.Join(err, errors.New("there is no compiled code"))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%+v %+v\n", cpu.X86, cpu.ARM64)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(entry, file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(content), name)
	}
	return text.String(), nil
}

// isCompiled reports whether an entry of a cache holds compiled code for this processor, as it
// was when it was compiled.
func isCompiled(entry string) bool {
	said, err := os.ReadFile(filepath.Join(entry, sealName))
	if err != nil {
		return false
	}
	is, err := seal(entry)
	return err == nil && is == string(said)
}

// compileEntry makes an entry of a cache anew, unless another process has done so meanwhile.
func compileEntry(entry string, compile func() error) error {
	lock, err := os.OpenFile(filepath.Join(entry, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open compilation cache: %w", err)
	}
	defer lock.Close() // which unlocks it
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock compilation cache: %w", err)
	}
	if isCompiled(entry) {
		return nil
	}
	old, err := filepath.Glob(filepath.Join(entry, "wazero-*"))
	for _, dir := range old {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		return fmt.Errorf("remove damaged cache entry: %w", err)
	}
	if err := compile(); err != nil {
		return err
	}
	text, err := seal(entry)
	if err == nil {
		err = writeWhole(filepath.Join(entry, sealName), text)
	}
	if err != nil {
		return fmt.Errorf("seal cache entry: %w", err)
	}
	return nil
}

// writeWhole writes a file so that it is never there by half.
func writeWhole(file, text string) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), sealName+".*.tmp")
	if err != nil {
		return err
	}
	_, err = temporary.WriteString(text)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
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
	for _, dir := range dirs {
		// What is not there yet is made in what was found right.
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("open compilation cache: %w", err)
		}
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
