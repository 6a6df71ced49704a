package plugin

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// What one run may hand over, in octets and numbers.
const (
	editBudget   = 16 << 20 // JSON that is set
	maxPointer   = 4 << 10
	maxName      = 1 << 10 // of a header field
	maxText      = 8 << 10 // of a reason, an error, a message or field of the log; what is more is cut off
	maxSlice     = 1 << 20 // of one read
	maxFields    = 32      // of a line of the log
	maxHostCalls = 100_000
)

// run is the state of one run. It travels in the context of its calls.
type run struct {
	mail    Mail
	behind  bool // as Config has it; what proves a plugin is not, since somebody waits for that
	editor  *document.Editor
	verdict Verdict
	reason  string
	log     runLog
	calls   int
	// duration and memory are what the run took, when it has ended.
	duration time.Duration
	memory   uint64
	fuel     int64
	// staying is what the guest runs that may not call the host, if it does: within
	// its allocator or its clean-up a call would come back into the middle of one.
	staying string
	// reading is where the last slice of an attachment ended, so that who reads on
	// does not have it decoded from its beginning again.
	reading struct {
		content io.Reader
		index   uint32
		offset  uint64
	}
	// ready is true once the instance is set up; before, every import but log is out of
	// reach.
	ready bool
}

type runKey struct{}

// runOf is the run that a context is of; every call of a guest has one.
func runOf(ctx context.Context) *run {
	r, _ := ctx.Value(runKey{}).(*run)
	return r
}

// stay keeps the guest from calling the host until the function that it returns is
// called.
func (r *run) stay(where string) (release func()) {
	before := r.staying
	r.staying = where
	return func() { r.staying = before }
}

// hostCall is a function of the contract. Arguments of type I32 are in args as
// they are, those of type I64 are in stack.
type hostCall func(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, stack []uint64) error

// function makes a host function of an interface's function. Types are written by
// a letter each: i for I32, l for I64.
func function(iface, name, params, results string, call hostCall) sandbox.Function {
	f := sandbox.Function{Module: packageName + iface + "@" + version, Name: name, Params: types(params), Results: types(results)}
	f.Call = func(ctx context.Context, g *sandbox.Guest, stack []uint64) error {
		r, ok := ctx.Value(runKey{}).(*run)
		if !ok {
			return errors.New("called outside a run")
		}
		// Time that is spent in here is the guest's too.
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if r.calls++; r.calls > maxHostCalls {
			return fmt.Errorf("more than %d calls of the host in one run", maxHostCalls)
		}
		if r.staying != "" {
			return fmt.Errorf("called from within %s", r.staying)
		}
		if !r.ready && iface != logPermission {
			return errors.New("called while the plugin is being configured, when there is no mail")
		}
		args := make([]uint32, len(params))
		for i := range args {
			args[i] = uint32(stack[i])
		}
		return call(ctx, g, r, args, stack)
	}
	return f
}

func types(letters string) []sandbox.Type {
	var list []sandbox.Type
	for _, c := range letters {
		if c == 'l' {
			list = append(list, sandbox.I64)
		} else {
			list = append(list, sandbox.I32)
		}
	}
	return list
}

// functions are the imports of the contract.
func functions() []sandbox.Function {
	return []sandbox.Function{
		function("envelope", "get", "i", "", envelopeGet),
		function("headers", "all", "i", "", headersAll),
		function("headers", "get", "iii", "", headersGet),
		function("body", "text", "i", "", func(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
			return answerBody(ctx, g, r.mail.View.Text, args[0])
		}),
		function("body", "html", "i", "", func(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
			return answerBody(ctx, g, r.mail.View.HTML, args[0])
		}),
		function("attachments", "all", "i", "", attachmentsAll),
		function("attachments", "read", "ilii", "", attachmentsRead),
		function("raw", "size", "", "l", rawSize),
		function("raw", "read", "lii", "", rawRead),
		function("scans", "all", "i", "", scansAll),
		function("payload", "get", "iii", "", payloadGet),
		function("payload", "set", "iiiii", "", payloadSet),
		function("payload", "remove", "iii", "", payloadRemove),
		function("disposition", "drop", "ii", "", dispose(Drop)),
		function("disposition", "quarantine", "ii", "", dispose(Quarantine)),
		function("log", "write", "iiiii", "", logWrite),
	}
}

func envelopeGet(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	m, s := r.mail, r.mail.Envelope.Session
	ip := ""
	if s.RemoteIP.IsValid() {
		ip = s.RemoteIP.String()
	}
	out := newRecord(ctx, g, 72)
	out.str(0, string(m.ID))
	out.str(8, m.Tenant)
	out.str(16, m.Alias)
	out.option(24, m.Envelope.ReversePath, m.Envelope.ReversePath != "")
	out.str(36, m.Recipient)
	out.str(44, strings.ToValidUTF8(s.HELO, "\uFFFD"))
	out.str(52, ip)
	out.u8(60, s.TLS != "")
	out.u64(64, uint64(m.ReceivedAt.UnixMilli()))
	return out.answer(args[0], 8)
}

func headersAll(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	fields := r.mail.View.Fields
	out := newRecord(ctx, g, 8)
	out.list(len(fields), 16, 4, func(i, at int, e *record) {
		e.str(at, fields[i].Name)
		e.str(at+8, fields[i].Value)
	})
	return out.answer(args[0], 4)
}

func headersGet(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	if args[1] > maxName { // which no field has
		if err := g.Check(args[0], args[1]); err != nil {
			return err
		}
		out := newRecord(ctx, g, 8)
		out.list(0, 8, 4, nil)
		return out.answer(args[2], 4)
	}
	name, err := liftString(g, args[0], args[1], maxName)
	if err != nil {
		return err
	}
	var values []string
	for _, f := range r.mail.View.Fields {
		if strings.EqualFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	out := newRecord(ctx, g, 8)
	out.list(len(values), 8, 4, func(i, at int, e *record) { e.str(at, values[i]) })
	return out.answer(args[2], 4)
}

func answerBody(ctx context.Context, g *sandbox.Guest, b *mime.Body, ret uint32) error {
	out := newRecord(ctx, g, 16)
	if b != nil {
		out.u8(0, true)
		out.str(4, b.Content)
		out.u8(12, b.Truncated)
	}
	return out.answer(ret, 4)
}

func attachmentsAll(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	list := r.mail.View.Attachments
	out := newRecord(ctx, g, 8)
	out.list(len(list), 56, 8, func(i, at int, e *record) {
		a := list[i]
		e.option(at, a.Filename, a.Filename != "")
		e.str(at+12, a.ContentType)
		e.u64(at+24, uint64(a.Size))
		e.option(at+32, a.ContentID, a.ContentID != "")
		e.u8(at+44, a.Inline)
		e.str(at+48, a.SHA256)
	})
	return out.answer(args[0], 4)
}

func attachmentsRead(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, stack []uint64) error {
	list := r.mail.View.Attachments
	if uint64(args[0]) >= uint64(len(list)) {
		return answerSlice(ctx, g, nil, "no such attachment", args[3])
	}
	index, offset := args[0], stack[1]
	if offset > uint64(list[index].Size) {
		return answerSlice(ctx, g, nil, "offset is past the end", args[3])
	}
	at := &r.reading
	if at.content == nil || at.index != index || at.offset != offset {
		at.content, at.index, at.offset = mime.Open(r.mail.Raw, list[index].Part), index, offset
		if _, err := io.CopyN(io.Discard, at.content, int64(offset)); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read attachment: %w", err)
		}
	}
	b, err := readSlice(at.content, args[2])
	if err != nil {
		return err
	}
	at.offset += uint64(len(b))
	return answerSlice(ctx, g, b, "", args[3])
}

func rawSize(_ context.Context, _ *sandbox.Guest, r *run, _ []uint32, stack []uint64) error {
	stack[0] = uint64(r.mail.Raw.Size())
	return nil
}

func rawRead(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, stack []uint64) error {
	size := uint64(r.mail.Raw.Size())
	offset := stack[0]
	if offset > size {
		return answerSlice(ctx, g, nil, "offset is past the end", args[2])
	}
	b, err := readSlice(io.NewSectionReader(r.mail.Raw, int64(offset), int64(size-offset)), args[1])
	if err != nil {
		return err
	}
	return answerSlice(ctx, g, b, "", args[2])
}

// readSlice reads at most length octets, and no more than one slice has.
func readSlice(from io.Reader, length uint32) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(from, int64(min(length, maxSlice))))
	if err != nil {
		return nil, fmt.Errorf("read mail: %w", err)
	}
	return b, nil
}

// answerSlice answers a result<list<u8>, string>.
func answerSlice(ctx context.Context, g *sandbox.Guest, b []byte, failed string, ret uint32) error {
	out := newRecord(ctx, g, 12)
	if failed != "" {
		out.u8(0, true)
		out.str(4, failed)
	} else {
		out.str(4, string(b))
	}
	return out.answer(ret, 4)
}

func scansAll(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	list := r.mail.Scans
	out := newRecord(ctx, g, 8)
	out.list(len(list), 24, 4, func(i, at int, e *record) {
		e.str(at, list[i].Engine)
		if list[i].Part >= 0 {
			e.u8(at+8, true)
			e.u32(at+12, uint32(list[i].Part))
		}
		e.str(at+16, string(list[i].Answer))
	})
	return out.answer(args[0], 4)
}

// liftPointer takes a JSON Pointer. One that is too long is no pointer to anything.
func liftPointer(g *sandbox.Guest, address, length uint32) (string, error) {
	if length > maxPointer {
		return "", cmp.Or(g.Check(address, length), document.ErrBadPointer)
	}
	return liftString(g, address, length, maxPointer)
}

func payloadGet(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	pointer, err := liftPointer(g, args[0], args[1])
	if errors.Is(err, document.ErrBadPointer) {
		return answerEdit(ctx, g, err, args[2])
	}
	if err != nil {
		return err
	}
	value, found, err := r.editor.Get(pointer)
	if err != nil {
		return answerEdit(ctx, g, err, args[2])
	}
	out := newRecord(ctx, g, 16)
	out.option(4, value, found)
	return out.answer(args[2], 4)
}

func payloadSet(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	pointer, err := liftPointer(g, args[0], args[1])
	if errors.Is(err, document.ErrBadPointer) {
		return answerEdit(ctx, g, err, args[4])
	}
	if err != nil {
		return err
	}
	if args[3] > editBudget {
		if err := g.Check(args[2], args[3]); err != nil {
			return err
		}
		return answerEdit(ctx, g, fmt.Errorf("it is larger than the %d MiB that a run may set", editBudget>>20), args[4])
	}
	value, err := liftString(g, args[2], args[3], editBudget)
	if err != nil {
		return err
	}
	return answerEdit(ctx, g, r.editor.Set(pointer, []byte(value)), args[4])
}

func payloadRemove(ctx context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	pointer, err := liftPointer(g, args[0], args[1])
	if errors.Is(err, document.ErrBadPointer) {
		return answerEdit(ctx, g, err, args[2])
	}
	if err != nil {
		return err
	}
	return answerEdit(ctx, g, r.editor.Remove(pointer), args[2])
}

// answerEdit answers a result<_, edit-error>, or the error of payload.get.
func answerEdit(ctx context.Context, g *sandbox.Guest, err error, ret uint32) error {
	out := newRecord(ctx, g, 16)
	if err != nil {
		out.u8(0, true)
		switch {
		case errors.Is(err, document.ErrForbidden):
			out.b[4] = 0
		case errors.Is(err, document.ErrBadPointer):
			out.b[4] = 1
		default:
			out.b[4] = 2
			// The case says already that it is a bad value.
			out.str(8, strings.TrimPrefix(err.Error(), document.ErrBadValue.Error()+": "))
		}
	}
	return out.answer(ret, 4)
}

// dispose ends the chain. The first word counts.
func dispose(v Verdict) hostCall {
	return func(_ context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
		reason, err := liftText(g, args[0], args[1])
		if err != nil {
			return err
		}
		if r.verdict == Continue {
			r.verdict, r.reason = v, reason
		}
		return nil
	}
}

func logWrite(_ context.Context, g *sandbox.Guest, r *run, args []uint32, _ []uint64) error {
	levels := []string{"debug", "info", "warn", "error"}
	if int(args[0]) >= len(levels) {
		return fmt.Errorf("%d is no level", args[0])
	}
	message, err := liftText(g, args[1], args[2])
	if err != nil {
		return err
	}
	line := Line{Level: levels[args[0]], Message: message}
	if args[4] > maxFields {
		return fmt.Errorf("line of the log has %d fields, at most %d are taken", args[4], maxFields)
	}
	if args[3]%4 != 0 {
		return fmt.Errorf("address %d of the fields is not aligned to 4", args[3])
	}
	list, err := g.Read(args[3], args[4]*16)
	if err != nil {
		return err
	}
	for ; len(list) > 0; list = list[16:] {
		var field [2]string
		for i := range field {
			if field[i], err = liftText(g, binary.LittleEndian.Uint32(list[8*i:]), binary.LittleEndian.Uint32(list[8*i+4:])); err != nil {
				return err
			}
		}
		line.Fields = append(line.Fields, field)
	}
	r.log.note(line)
	return nil
}
