package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
)

// begin does what a call does that is about to be made. None of it is safe.
func (d *Disk) begin(c *call) error {
	if len(c.args) < least(c.name) {
		return fmt.Errorf("%w: %d arguments", errSyntax, len(c.args))
	}
	switch c.name {
	case "open", "openat", "creat":
		return d.beginOpen(c)
	case "close":
		// Before its end: by then, another thread may have the number for its own.
		delete(d.open, c.args[0].fd)
		return nil
	case "write", "pwrite64", "pwritev":
		return d.beginWrite(c)
	case "ftruncate", "fallocate":
		return d.beginResize(c)
	case "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2":
		return d.beginEntry(c)
	case "mmap":
		return d.beginMap(c)
	case "clone", "clone3", "fork", "vfork":
		return beginClone(c)
	case "execve", "execveat":
		if d.next > 0 {
			return fmt.Errorf("%w: another program", ErrUnknown)
		}
		return nil
	case "chdir", "fchdir", "chroot", "io_uring_setup", "mount", "umount2":
		return ErrUnknown
	case "fsync", "fdatasync", "lseek", "fcntl", "dup", // at their end
		"flock", "fchown", "fchmod", "fchmodat", "chmod", "fadvise64", "fstatfs", "statfs": // nothing that is modelled
		return nil
	default:
		return d.unknown(c)
	}
}

// least is how many arguments a call has that the model looks at.
func least(name string) int {
	switch name {
	case "close", "mkdir", "unlink", "rmdir", "fsync", "fdatasync", "clone", "clone3", "dup", "creat":
		return 1
	case "open", "rename", "mkdirat", "unlinkat", "ftruncate", "fcntl":
		return 2
	case "openat", "write", "lseek":
		return 3
	case "pwrite64", "pwritev", "fallocate", "renameat", "renameat2":
		return 4
	case "mmap":
		return 5
	}
	return 0
}

// beginClone lets threads be: they have the descriptors of the one that began.
func beginClone(c *call) error {
	for _, a := range c.args {
		if strings.Contains(a.word, "CLONE_FILES") {
			return nil
		}
	}
	return fmt.Errorf("%w: a second process", ErrUnknown)
}

// ended does what was done once a call has returned.
func (d *Disk) ended(c *call) error {
	switch c.name {
	case "open", "openat", "creat":
		return d.endOpen(c)
	case "lseek":
		if o := d.open[c.args[0].fd]; o != nil {
			o.offset = c.result
		}
	case "dup":
		d.duplicate(c)
	case "fcntl":
		if strings.HasPrefix(c.args[1].word, "F_DUPFD") {
			d.duplicate(c)
		}
	case "fsync", "fdatasync":
		o, err := d.described(c.args[0])
		if o == nil || err != nil || d.Deaf != nil && d.Deaf(c.args[0].path, o.node.folder) {
			return err
		}
		d.sync(o.node, c.begin)
	}
	return nil
}

func (d *Disk) duplicate(c *call) {
	delete(d.open, int(c.result))
	if o := d.open[c.args[0].fd]; o != nil {
		d.open[int(c.result)] = o
	}
}

// described returns the open file of a descriptor, or nil where it is none in the folder.
func (d *Disk) described(a arg) (*description, error) {
	if o := d.open[a.fd]; o != nil {
		return o, nil
	}
	if d.inside(a.path) {
		return nil, fmt.Errorf("%w: descriptor %d of %s, which nothing has opened", ErrUnknown, a.fd, a.path)
	}
	return nil, nil
}

// inside reports whether an absolute path is in the folder.
func (d *Disk) inside(name string) bool {
	return name == d.recording.folder || strings.HasPrefix(name, d.recording.folder+"/")
}

// absolute is a name that was given relative to a folder.
func (d *Disk) absolute(at arg, name string) string {
	from := at.path
	if from == "" {
		from = d.recording.cwd
	}
	if path.IsAbs(name) {
		from = ""
	}
	return path.Join("/", from, name)
}

// locate finds a name relative to a folder. It returns the folder that has it, what it is
// called in there, and what it is, if it is anything; the folder is nil where the name leads
// elsewhere.
func (d *Disk) locate(at, name arg) (in *node, base string, n *node, err error) {
	if !name.quoted {
		return nil, "", nil, fmt.Errorf("%w: a name that is %s", errSyntax, name.word)
	}
	full := d.absolute(at, string(name.text))
	if !d.inside(full) {
		return nil, "", nil, nil
	}
	n = d.root
	base = "."
	in = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(full, d.recording.folder), "/") {
		if part == "" {
			continue
		}
		if n == nil || !n.folder {
			return nil, "", nil, fmt.Errorf("%w: %s, which is in no folder", ErrUnknown, full)
		}
		in, base, n = n, part, n.now[part]
	}
	return in, base, n, nil
}

// opening takes apart a call that opens a file.
func opening(c *call) (at, name, flags arg) {
	switch c.name {
	case "creat":
		return arg{fd: cwd}, c.args[0], arg{word: "O_CREAT|O_TRUNC"}
	case "open":
		return arg{fd: cwd}, c.args[0], c.args[1]
	}
	return c.args[0], c.args[1], c.args[2]
}

func (d *Disk) beginOpen(c *call) error {
	at, name, flags := opening(c)
	in, base, n, err := d.locate(at, name)
	if in == nil || err != nil {
		return err
	}
	for _, flag := range []string{"O_SYNC", "O_DSYNC", "O_TMPFILE", "O_PATH"} {
		if flags.has(flag) {
			return fmt.Errorf("%w: %s", ErrUnknown, flag)
		}
	}
	if n == nil && flags.has("O_CREAT") {
		n = &node{scratch: isScratch(base, d.recording.scratch)}
		d.change(c, step{in, base, n})
	} else if n != nil && flags.has("O_TRUNC") {
		return d.write(c, n, write{resize: true})
	}
	return nil
}

func isScratch(name string, scratch []string) bool {
	for _, suffix := range scratch {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func (d *Disk) endOpen(c *call) error {
	at, name, flags := opening(c)
	delete(d.open, int(c.result))
	in, _, n, err := d.locate(at, name)
	if in == nil || err != nil {
		return err
	}
	if n == nil {
		return fmt.Errorf("%w: %s was opened and is not there", ErrUnknown, name.text)
	}
	d.open[int(c.result)] = &description{node: n, appended: flags.has("O_APPEND")}
	return nil
}

func (d *Disk) beginWrite(c *call) error {
	o, err := d.described(c.args[0])
	if err != nil {
		return err
	}
	length, err := c.args[2].number()
	if err != nil {
		return err
	}
	data := c.args[1].text
	if c.name == "pwritev" {
		pieces, err := c.args[1].vector()
		if err != nil {
			return err
		}
		if int64(len(pieces)) != length {
			return fmt.Errorf("%w: %d pieces of %d", errSyntax, len(pieces), length)
		}
		data = bytes.Join(pieces, nil)
		length = int64(len(data))
	}
	if int64(len(data)) != length {
		return fmt.Errorf("%w: %d octets of %d", errSyntax, len(data), length)
	}
	if c.end != never {
		if c.result < 0 {
			return fmt.Errorf("%w: %d octets were written", errSyntax, c.result)
		}
		data = data[:min(c.result, length)]
	}
	if o == nil {
		d.said = append(d.said, data)
		return nil
	}
	at := o.offset
	switch {
	case c.name == "pwrite64", c.name == "pwritev":
		if at, err = c.args[3].number(); err != nil {
			return err
		}
	case o.appended:
		at = o.node.size
		fallthrough
	default:
		o.offset = at + int64(len(data))
	}
	return d.write(c, o.node, write{at: at, data: data})
}

// write notes a change to a file.
func (d *Disk) write(c *call, n *node, w write) error {
	after := w.at + int64(len(w.data))
	if w.at < 0 || after > maxFile || n.folder {
		return fmt.Errorf("%w: a write at %d", ErrUnknown, w.at)
	}
	w.begin, w.end = c.begin, c.end
	n.pending = append(n.pending, w)
	if !w.resize {
		after = max(after, n.size)
	}
	n.size = after
	return nil
}

func (d *Disk) beginResize(c *call) error {
	o, err := d.described(c.args[0])
	if o == nil || err != nil {
		return err
	}
	at, err := c.args[1].number()
	if c.name == "ftruncate" {
		return errors.Join(err, d.write(c, o.node, write{at: at, resize: true}))
	}
	at, atErr := c.args[2].number()
	length, lengthErr := c.args[3].number()
	if err := errors.Join(atErr, lengthErr); err != nil {
		return err
	}
	if at < 0 || length < 0 || at > maxFile || length > maxFile {
		return fmt.Errorf("%w: %d octets at %d", ErrUnknown, length, at)
	}
	switch mode := c.args[1]; {
	case mode.word == "0":
		return d.write(c, o.node, write{at: max(o.node.size, at+length), resize: true})
	case mode.word == "FALLOC_FL_KEEP_SIZE":
		return nil
	case mode.has("FALLOC_FL_PUNCH_HOLE") && mode.has("FALLOC_FL_KEEP_SIZE"):
		return d.write(c, o.node, write{at: at, data: make([]byte, max(0, min(length, o.node.size-at)))})
	default:
		return fmt.Errorf("%w: mode %s", ErrUnknown, mode.word)
	}
}

// change notes that folders change.
func (d *Disk) change(c *call, steps ...step) {
	for _, s := range steps {
		if s.node == nil {
			delete(s.in.now, s.name)
		} else {
			s.in.now[s.name] = s.node
		}
	}
	d.entries = append(d.entries, &entryChange{begin: c.begin, end: c.end, steps: steps})
}

func (d *Disk) beginEntry(c *call) error {
	here := arg{fd: cwd}
	switch c.name {
	case "mkdir":
		return d.entry(c, here, c.args[0], newFolder())
	case "mkdirat":
		return d.entry(c, c.args[0], c.args[1], newFolder())
	case "unlink", "rmdir":
		return d.entry(c, here, c.args[0], nil)
	case "unlinkat":
		return d.entry(c, c.args[0], c.args[1], nil)
	case "rename":
		return d.rename(c, here, c.args[0], here, c.args[1])
	}
	if len(c.args) > 4 && c.args[4].word != "0" && c.args[4].word != "RENAME_NOREPLACE" {
		return fmt.Errorf("%w: %s", ErrUnknown, c.args[4].word)
	}
	return d.rename(c, c.args[0], c.args[1], c.args[2], c.args[3])
}

// entry makes a name stand for a node, or for none.
func (d *Disk) entry(c *call, at, name arg, n *node) error {
	in, base, _, err := d.locate(at, name)
	if in == nil || err != nil {
		return err
	}
	if base == "." {
		return fmt.Errorf("%w: the folder itself", ErrUnknown)
	}
	d.change(c, step{in, base, n})
	return nil
}

func (d *Disk) rename(c *call, fromAt, from, toAt, to arg) error {
	in, base, n, err := d.locate(fromAt, from)
	if err != nil {
		return err
	}
	newIn, newBase, _, err := d.locate(toAt, to)
	switch {
	case err != nil:
		return err
	case in == nil && newIn == nil:
		return nil
	case in == nil || newIn == nil || n == nil || n == d.root:
		return fmt.Errorf("%w: a rename in or out", ErrUnknown)
	case n.holds(newIn):
		return fmt.Errorf("%w: a folder that is moved into itself", ErrUnknown)
	}
	d.change(c, step{in, base, nil}, step{newIn, newBase, n})
	return nil
}

// holds reports whether a folder is another or has it somewhere within.
func (n *node) holds(other *node) bool {
	if n == other {
		return true
	}
	for _, child := range n.now {
		if child.holds(other) {
			return true
		}
	}
	return false
}

// beginMap refuses to be blind: what a program writes to its memory is not in the recording.
func (d *Disk) beginMap(c *call) error {
	o, err := d.described(c.args[4])
	if o == nil || err != nil {
		return err
	}
	if strings.Contains(c.args[3].word, "MAP_SHARED") && !o.node.scratch {
		return fmt.Errorf("%w: %s is mapped into memory, where it can be written to", ErrUnknown, c.args[4].path)
	}
	return nil
}

// unknown refuses a call that the model has no notion of, unless it is about something else.
func (d *Disk) unknown(c *call) error {
	for _, a := range c.args {
		if o, err := d.described(a); o != nil || err != nil {
			return errors.Join(ErrUnknown, err)
		}
		if !a.quoted {
			continue
		}
		// Where it is a name, it may be relative to any folder that is named beside it.
		for _, at := range append(c.args, arg{fd: cwd}) {
			if name := d.absolute(at, string(a.text)); d.inside(name) {
				return fmt.Errorf("%w: %s", ErrUnknown, name)
			}
		}
	}
	return nil
}
