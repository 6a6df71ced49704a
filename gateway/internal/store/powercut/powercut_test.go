package powercut

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// recorded reads lines of strace in which strings and paths are written plainly, of one
// thread where they name none, about a folder /f.
func recorded(t testing.TB, lines ...string) *Recording {
	t.Helper()
	plain := regexp.MustCompile(`"[^"]*"|<[^<> ]+>`)
	var text strings.Builder
	for _, line := range lines {
		if line[0] < '0' || line[0] > '9' {
			line = "1 " + line
		}
		text.WriteString(plain.ReplaceAllStringFunc(line, func(s string) string {
			var b strings.Builder
			for i := 1; i < len(s)-1; i++ {
				fmt.Fprintf(&b, `\x%02x`, s[i])
			}
			return s[:1] + b.String() + s[len(s)-1:]
		}) + "\n")
	}
	r, err := parse(strings.NewReader(text.String()))
	if err != nil {
		t.Fatalf("parse: %v\n%s", err, text.String())
	}
	r.folder, r.cwd, r.before = "/f", "/", newFolder()
	r.scratch = []string{"-shm"}
	return r
}

// after plays all of a recording.
func after(t *testing.T, r *Recording) *Disk {
	t.Helper()
	d := r.Disk()
	if err := d.Play(r.Events()); err != nil {
		t.Fatal(err)
	}
	return d
}

// files are contents by name; those of folders are "folder".
type files map[string]string

// left is what is there after many cuts.
func left(t *testing.T, d *Disk) []files {
	t.Helper()
	var list []files
	base := t.TempDir()
	for seed := range uint64(150) {
		dir := filepath.Join(base, strconv.FormatUint(seed, 10))
		if err := d.Cut(rand.New(rand.NewPCG(seed, 0)), dir); err != nil {
			t.Fatal(err)
		}
		found := files{}
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			name, _ := filepath.Rel(dir, path)
			if err != nil || name == "." {
				return err
			}
			found[name] = "folder"
			if !entry.IsDir() {
				var b []byte
				b, err = os.ReadFile(path)
				found[name] = string(b)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found)
	}
	return list
}

const (
	createA = `openat(AT_FDCWD</>, "/f/a", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3</f/a>`
	writeA  = `write(3</f/a>, "one", 3) = 3`
	syncA   = `fsync(3</f/a>) = 0`
	openF   = `openat(AT_FDCWD</>, "/f", O_RDONLY|O_CLOEXEC) = 9</f>`
	syncF   = `fsync(9</f>) = 0`
)

func TestWhatACutLeaves(t *testing.T) {
	t.Parallel()
	safe := []string{openF, createA, writeA, syncA, syncF}
	with := func(lines ...string) []string { return append(slices.Clip(safe), lines...) }
	for name, c := range map[string]struct {
		lines []string
		// some are among what cuts leave, and always holds for all of it.
		some   []files
		always func(files) bool
	}{
		"pieces written at once": {
			lines:  with(`pwritev(3</f/a>, [{iov_base="tw", iov_len=2}, {iov_base="o", iov_len=1}], 2, 3) = 3`, syncA),
			some:   []files{{"a": "onetwo"}},
			always: func(f files) bool { return f["a"] == "onetwo" },
		},
		"synced": {
			lines:  safe,
			some:   []files{{"a": "one"}},
			always: func(f files) bool { return f["a"] == "one" && len(f) == 1 },
		},
		"write not synced": {
			lines:  []string{openF, createA, syncF, writeA},
			some:   []files{{"a": ""}, {"a": "one"}, {"a": "\x00\x00\x00"}},
			always: func(f files) bool { _, ok := f["a"]; return ok && len(f["a"]) <= 3 },
		},
		"entry not synced": {
			lines: []string{createA, writeA, syncA},
			some:  []files{{}, {"a": "one"}},
		},
		"overwritten, not synced": {
			lines:  with(`pwrite64(3</f/a>, "O", 1, 0) = 1`, `pwrite64(3</f/a>, "E", 1, 2) = 1`),
			some:   []files{{"a": "one"}, {"a": "One"}, {"a": "onE"}, {"a": "OnE"}},
			always: func(f files) bool { return strings.EqualFold(f["a"], "one") },
		},
		"synced by another descriptor": {
			lines:  with(`write(3</f/a>, "two", 3) = 3`, `open("/f/a", O_RDWR) = 4</f/a>`, `fdatasync(4</f/a>) = 0`),
			some:   []files{{"a": "onetwo"}},
			always: func(f files) bool { return f["a"] == "onetwo" },
		},
		"short write": {
			lines:  with(`write(3</f/a>, "two", 3) = 1`, `write(3</f/a>, "wo", 2) = 2`, syncA),
			some:   []files{{"a": "onetwo"}},
			always: func(f files) bool { return f["a"] == "onetwo" },
		},
		"failed": {
			lines: with(`write(3</f/a>, "two", 3) = -1 ENOSPC (No space left on device)`, `unlink("/f/a") = -1 EPERM (Operation not permitted)`,
				`write(3</f/a>, "two", 3) = ? ERESTARTSYS (To be restarted)`, syncA, syncF),
			some:   []files{{"a": "one"}},
			always: func(f files) bool { return f["a"] == "one" },
		},
		"sync failed": {
			lines: with(`write(3</f/a>, "two", 3) = 3`, `fsync(3</f/a>) = -1 EIO (Input/output error)`),
			some:  []files{{"a": "one"}, {"a": "onetwo"}},
		},
		"sync began before the write had ended": {
			lines: with(`1 write(3</f/a>, "two", 3 <unfinished ...>`, `2 fsync(3</f/a> <unfinished ...>`, `1 <... write resumed>) = 3`, `2 <... fsync resumed>) = 0`),
			some:  []files{{"a": "one"}, {"a": "onetwo"}},
		},
		"sync did not end": {
			lines: with(`1 write(3</f/a>, "two", 3) = 3`, `2 fsync(3</f/a> <unfinished ...>`),
			some:  []files{{"a": "one"}, {"a": "onetwo"}},
		},
		"killed in a write": {
			lines: with(`1 write(3</f/a>, "two", 3 <unfinished ...>`, `1 <... write resumed> <unfinished ...>) = ?`, `1 +++ killed by SIGKILL +++`),
			some:  []files{{"a": "one"}, {"a": "onetwo"}},
		},
		"two threads": {
			lines:  with(`1 write(3</f/a>, "two", 3 <unfinished ...>`, `2 --- SIGURG {si_signo=SIGURG} ---`, `1 <... write resumed>) = 3`, `2 fsync(3</f/a>) = 0`),
			some:   []files{{"a": "onetwo"}},
			always: func(f files) bool { return f["a"] == "onetwo" },
		},
		"appended": {
			lines:  with(`close(3</f/a>) = 0`, `openat(9</f>, "a", O_WRONLY|O_APPEND) = 3</f/a>`, `lseek(3</f/a>, 0, SEEK_SET) = 0`, writeA, syncA),
			some:   []files{{"a": "oneone"}},
			always: func(f files) bool { return f["a"] == "oneone" },
		},
		"moved to": {
			lines:  with(`lseek(3</f/a>, 0, SEEK_SET) = 0`, `write(3</f/a>, "two", 3) = 3`, syncA),
			some:   []files{{"a": "two"}},
			always: func(f files) bool { return f["a"] == "two" },
		},
		"duplicated": {
			lines:  with(`fcntl(3</f/a>, F_DUPFD_CLOEXEC, 0) = 5</f/a>`, `close(3</f/a>) = 0`, `write(5</f/a>, "two", 3) = 3`, `fsync(5</f/a>) = 0`),
			some:   []files{{"a": "onetwo"}},
			always: func(f files) bool { return f["a"] == "onetwo" },
		},
		"cut short, not synced": {
			lines: with(`ftruncate(3</f/a>, 1) = 0`),
			some:  []files{{"a": "o"}, {"a": "one"}},
		},
		"cut short when opened": {
			lines: with(`openat(AT_FDCWD</>, "/f/a", O_WRONLY|O_CREAT|O_TRUNC, 0600) = 4</f/a>`),
			some:  []files{{"a": ""}, {"a": "one"}},
		},
		"grown": {
			lines:  with(`fallocate(3</f/a>, 0, 0, 5) = 0`, `fallocate(3</f/a>, FALLOC_FL_KEEP_SIZE, 0, 50) = 0`, syncA),
			some:   []files{{"a": "one\x00\x00"}},
			always: func(f files) bool { return f["a"] == "one\x00\x00" },
		},
		"hole": {
			lines:  with(`fallocate(3</f/a>, FALLOC_FL_KEEP_SIZE|FALLOC_FL_PUNCH_HOLE, 1, 50) = 0`, syncA),
			some:   []files{{"a": "o\x00\x00"}},
			always: func(f files) bool { return f["a"] == "o\x00\x00" },
		},
		"removed, not synced": {
			lines: with(`unlinkat(9</f>, "a", 0) = 0`),
			some:  []files{{}, {"a": "one"}},
		},
		"removed": {
			lines: with(`unlink("/f/a") = 0`, syncF),
			some:  []files{{}},
		},
		"renamed, not synced": {
			lines:  with(`renameat(AT_FDCWD</>, "/f/a", 9</f>, "b") = 0`),
			some:   []files{{"a": "one"}, {"b": "one"}},
			always: func(f files) bool { return len(f) == 1 },
		},
		"renamed": {
			lines:  with(`rename("/f/a", "/f/b") = 0`, syncF),
			some:   []files{{"b": "one"}},
			always: func(f files) bool { return len(f) == 1 },
		},
		"folder not synced": {
			lines:  with(`mkdirat(9</f>, "d", 0700) = 0`, `openat(9</f>, "d/b", O_CREAT|O_WRONLY, 0600) = 5</f/d/b>`, `open("/f/d", O_RDONLY) = 6</f/d>`, `fsync(6</f/d>) = 0`),
			some:   []files{{"a": "one"}, {"a": "one", "d": "folder", "d/b": ""}},
			always: func(f files) bool { return (f["d"] == "") || len(f) == 3 },
		},
		"same number, two threads": { // the close of the first ends last
			lines: with(`1 close(3</f/a> <unfinished ...>`, `2 open("/f/b", O_CREAT|O_WRONLY, 0600) = 3</f/b>`, `1 <... close resumed>) = 0`,
				`2 write(3</f/b>, "two", 3) = 3`, `2 fsync(3</f/b>) = 0`, `2 fsync(9</f>) = 0`),
			some:   []files{{"a": "one", "b": "two"}},
			always: func(f files) bool { return f["a"] == "one" && f["b"] == "two" },
		},
		"elsewhere": {
			lines:  with(`open("/g/a", O_CREAT|O_WRONLY, 0600) = 5</g/a>`, `ftruncate(5</g/a>, 9) = 0`, `unlink("/fa") = 0`, `rename("/g/a", "/g/b") = 0`, `truncate("/g/a", 1) = 0`),
			some:   []files{{"a": "one"}},
			always: func(f files) bool { return len(f) == 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outcomes := left(t, after(t, recorded(t, c.lines...)))
			for _, want := range c.some {
				seen := false
				for _, f := range outcomes {
					seen = seen || maps.Equal(f, want)
				}
				if !seen {
					t.Errorf("no cut leaves %q", want)
				}
			}
			for _, f := range outcomes {
				if c.always != nil && !c.always(f) {
					t.Errorf("a cut leaves %q", f)
				}
			}
		})
	}
}

// TestTornWrite holds that a large write may be there in part, by sectors or blocks.
func TestTornWrite(t *testing.T) {
	t.Parallel()
	const size, from = 3 * 4096, 100
	r := recorded(t, openF, createA, fmt.Sprintf(`pwrite64(3</f/a>, "%s", %d, 0) = %[2]d`, strings.Repeat("o", size), size), syncA, syncF,
		fmt.Sprintf(`pwrite64(3</f/a>, "%s", %d, %d) = %[2]d`, strings.Repeat("n", size-from), size-from, from))
	kinds := map[int]bool{}
	for _, f := range left(t, after(t, r)) {
		content := f["a"]
		if len(content) != size || content[:from] != strings.Repeat("o", from) {
			t.Fatalf("%d octets are left", len(content))
		}
		unit := 0 // of the places where old octets border on new ones
		for i := from + 1; i < size; i++ {
			if content[i] == content[i-1] {
				continue
			}
			switch {
			case i%4096 == 0:
				unit = max(unit, 1)
			case i%512 == 0:
				unit = 2
			default:
				t.Fatalf("torn at %d", i)
			}
		}
		kinds[unit] = true
	}
	if len(kinds) != 3 {
		t.Errorf("kinds of tears: %v, want whole, by blocks and by sectors", kinds)
	}
}

// TestScratch holds that what a program may write through its memory is garbage.
func TestScratch(t *testing.T) {
	t.Parallel()
	d := after(t, recorded(t, openF, `open("/f/a-shm", O_RDWR|O_CREAT, 0600) = 3</f/a-shm>`, `ftruncate(3</f/a-shm>, 8) = 0`, syncA, syncF,
		`mmap(NULL, 8, PROT_READ|PROT_WRITE, MAP_SHARED, 3</f/a-shm>, 0) = 0x7f0000000000`))
	seen := map[string]bool{}
	for _, f := range left(t, d) {
		seen[f["a-shm"]] = true
	}
	if len(seen) < 100 || seen["\x00\x00\x00\x00\x00\x00\x00\x00"] {
		t.Errorf("%d contents were seen", len(seen))
	}
}

// TestSaid holds that a promise counts from when it begins to be written.
func TestSaid(t *testing.T) {
	t.Parallel()
	r := recorded(t, createA, `1 write(1<pipe:[1]>, "ok a", 4 <unfinished ...>`, `2 write(3</f/a>, "one", 3) = 3`, `1 <... write resumed>) = 4`, `1 write(1<pipe:[1]>, "other", 5) = 5`)
	points := r.Said(func(b []byte) bool { return strings.HasPrefix(string(b), "ok") })
	if len(points) != 1 || points[0] != 3 {
		t.Fatalf("points = %v", points)
	}
	for point, want := range map[int]int{2: 0, 3: 1} {
		d := r.Disk()
		if err := d.Play(point); err != nil || len(d.Said()) != want {
			t.Errorf("%d writes were said at %d, %v; want %d", len(d.Said()), point, err, want)
		}
	}
	if n := r.Writes("/a"); n != 1 {
		t.Errorf("%d writes to the file, want 1", n)
	}
}

// TestUnknownIsRefused holds that nothing that may change the folder is passed over.
func TestUnknownIsRefused(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"written by a call not known":   {createA, `pwritev2(3</f/a>, [{iov_base="x", iov_len=1}], 1, 0, 0) = 1`},
		"copied by the kernel":          {createA, `copy_file_range(4</g>, NULL, 3</f/a>, NULL, 5, 0) = 5`},
		"named by a call not known":     {`truncate("/f/a", 3) = 0`},
		"linked":                        {`linkat(AT_FDCWD</>, "/g", AT_FDCWD</>, "f/a", 0) = 0`},
		"relative to a folder":          {openF, `symlinkat("/g", 9</f>, "a") = 0`},
		"relative to where it runs":     {`truncate("f/a", 3) = 0`},
		"mapped":                        {createA, `mmap(NULL, 8, PROT_READ|PROT_WRITE, MAP_SHARED, 3</f/a>, 0) = 0x7f0000000000`},
		"descriptor from nowhere":       {`write(7</f/a>, "x", 1) = 1`},
		"opened, and not there":         {`open("/f/a", O_RDONLY) = 3</f/a>`},
		"in a folder that is not there": {`open("/f/d/a", O_RDWR|O_CREAT, 0600) = 3</f/d/a>`},
		"written through":               {`open("/f/a", O_RDWR|O_CREAT|O_SYNC, 0600) = 3</f/a>`},
		"moved in":                      {`rename("/g", "/f/a") = 0`},
		"exchanged":                     {createA, `renameat2(AT_FDCWD</>, "/f/a", AT_FDCWD</>, "/f/b", RENAME_EXCHANGE) = 0`},
		"collapsed":                     {createA, `fallocate(3</f/a>, FALLOC_FL_COLLAPSE_RANGE, 0, 4096) = 0`},
		"a second process":              {`clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 5`},
		"forked":                        {`vfork() = 5`},
		"another program":               {`execve("/bin/a", ["a"], 0x1) = 0`, `execve("/bin/b", ["b"], 0x1) = 0`},
		"another ring":                  {`io_uring_setup(8, {flags=0}) = 3<anon_inode:[io_uring]>`},
		"elsewhere":                     {`chdir("/f") = 0`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := recorded(t, lines...)
			if err := r.Disk().Play(r.Events()); !errors.Is(err, ErrUnknown) {
				t.Errorf("error = %v, want ErrUnknown", err)
			}
		})
	}
}

func TestThreadsAreNotRefused(t *testing.T) {
	t.Parallel()
	after(t, recorded(t, `execve("/bin/a", ["a"], 0x1) = 0`, `1 clone3({flags=CLONE_VM|CLONE_FILES, stack=0x1} <unfinished ...>`, `2 getuid() = 0`, `1 <... clone3 resumed> => {parent_tid=[2]}, 88) = 2`))
}

// TestDeaf holds that syncs can be left out.
func TestDeaf(t *testing.T) {
	t.Parallel()
	d := recorded(t, openF, createA, writeA, syncA, syncF).Disk()
	d.Deaf = func(name string, folder bool) bool { return name == "/f/a" && !folder }
	if err := d.Play(len(d.recording.events)); err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, f := range left(t, d) {
		seen = seen || maps.Equal(f, files{"a": ""})
	}
	if !seen {
		t.Error("what was not synced is always there")
	}
}

// TestDisksAreApart holds that a recording can be played again.
func TestDisksAreApart(t *testing.T) {
	t.Parallel()
	r := recorded(t, `open("/f/a", O_RDWR) = 3</f/a>`, `write(3</f/a>, "X", 1) = 1`, syncA)
	file := &node{content: []byte("one"), size: 3}
	r.before.now["a"], r.before.safe["a"] = file, file
	for range 2 {
		d := r.Disk()
		for _, f := range left(t, d) {
			if f["a"] != "one" {
				t.Fatalf("it begins with %q", f["a"])
			}
		}
		if err := d.Play(r.Events()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"no thread":       `write(3, "\x41", 1) = 1`,
		"no call":         `1 strace: something`,
		"no result":       `1 close(3)`,
		"no end":          `1 close(3 = 0`,
		"result":          `1 close(3) = zero`,
		"string cut off":  `1 write(3, "\x41"..., 10) = 10`,
		"string in clear": `1 write(3, "A", 1) = 1`,
		"no hex":          `1 write(3, "\xzz", 1) = 1`,
		"resumed":         `1 <... write resumed>) = 3`,
	} {
		if _, err := parse(strings.NewReader(line + "\n")); !errors.Is(err, errSyntax) {
			t.Errorf("%s: error = %v, want errSyntax", name, err)
		}
	}
}

// FuzzRecording holds that no recording makes the model fail in another way than by an error.
func FuzzRecording(f *testing.F) {
	f.Add("1 open(\"\\x2f\\x66\\x2f\\x61\", O_CREAT|O_RDWR, 0600) = 3<\\x2f\\x66\\x2f\\x61>\n1 pwrite64(3, \"\\x41\", 1, 4) = 1\n1 fsync(3) = 0\n")
	f.Add("1 write(3<\\x2f>, \"\\x41\", 1 <unfinished ...>\n2 close(3) = 0\n1 <... write resumed>) = 1\n")
	f.Add("1 mkdir(\"\\x2f\\x66\\x2f\\x61\", 0700) = 0\n1 rename(\"\\x2f\\x66\\x2f\\x61\", \"\\x2f\\x66\\x2f\\x62\") = 0\n")
	long := regexp.MustCompile(`[0-9]{7}`)
	f.Fuzz(func(t *testing.T, text string) {
		if long.MatchString(text) {
			return // files of many megabytes take time, and show nothing more
		}
		r, err := parse(strings.NewReader(text))
		if err != nil {
			return
		}
		r.folder, r.cwd, r.before = "/f", "/", newFolder()
		d := r.Disk()
		if err := d.Play(r.Events()); err != nil {
			return
		}
		if err := d.Cut(rand.New(rand.NewPCG(1, 1)), t.TempDir()); err != nil {
			t.Log(err) // a name that no file can have
		}
	})
}
