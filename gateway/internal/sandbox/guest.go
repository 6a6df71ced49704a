package sandbox

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// Guest is an instance while it runs.
type Guest struct {
	mod api.Module
	// octets is how much of its memory the host has read and written.
	octets int
	// kept are functions that nobody calls at the time, by their names, for the instance's
	// next runs too: to make one takes some microseconds, most of it for the stack that
	// each has of its own. What is on a stack no guest can look at.
	kept   map[string]api.Function
	stacks *stackField
}

// maxKeptStack is how long the stack of a function that is kept may be, in octets. Each is of
// 10 KiB to begin with, and gets as long as its longest call needs it, up to tens of mebibytes.
const maxKeptStack = 64 << 10

// take returns an exported function; nil where there is none. One that is within a call is not
// given to another, which gets one of its own.
func (g *Guest) take(name string) api.Function {
	if f := g.kept[name]; f != nil {
		delete(g.kept, name)
		return f
	}
	return g.mod.ExportedFunction(name)
}

// keep has a function for the next who takes it, where its stack is none too long.
func (g *Guest) keep(name string, f api.Function) {
	if length, ok := g.stackOf(f); !ok || length > maxKeptStack {
		return
	}
	if g.kept == nil {
		g.kept = make(map[string]api.Function)
	}
	g.kept[name] = f
}

// stackOf is the length of a function's stack. wazero does not tell, so that it is looked up in
// what it has there; a test holds that it is found.
func (g *Guest) stackOf(f api.Function) (length int, ok bool) {
	v := reflect.Indirect(reflect.ValueOf(f))
	if v.Kind() != reflect.Struct {
		return 0, false
	}
	if g.stacks == nil || g.stacks.of != v.Type() { // it is the same for all functions
		field, _ := v.Type().FieldByName("stack")
		g.stacks = &stackField{v.Type(), field.Index}
	}
	if len(g.stacks.index) != 1 {
		return 0, false
	}
	stack := v.Field(g.stacks.index[0])
	if stack.Kind() != reflect.Slice {
		return 0, false
	}
	return stack.Cap(), true
}

// stackField is where the stack is in a type of functions.
type stackField struct {
	of    reflect.Type
	index []int // none where there is no stack
}

// ErrBadAddress means that a guest gave an address or length outside its memory.
var ErrBadAddress = errors.New("address is outside the guest's memory")

// Call calls an exported function. An error is a *Trap.
func (g *Guest) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	f := g.take(name)
	if f == nil {
		return nil, &Trap{Where: name, Text: "module exports no such function"}
	}
	if want := len(f.Definition().ParamTypes()); want != len(args) {
		return nil, &Trap{Where: name, Text: fmt.Sprintf("function takes %d values, and is to take %d", want, len(args))}
	}
	results, err := f.Call(ctx, args...)
	if err != nil {
		return nil, newTrap(ctx, name, err)
	}
	g.keep(name, f)
	return results, nil
}

// Has reports whether the module exports a function.
func (g *Guest) Has(name string) bool {
	f := g.take(name)
	if f != nil {
		g.keep(name, f)
	}
	return f != nil
}

// MemorySize is the length of linear memory in octets.
func (g *Guest) MemorySize() uint64 { return uint64(g.mod.Memory().Size()) }

// Check says whether octets are within linear memory, for who reads not all of them.
func (g *Guest) Check(address, length uint32) error {
	if uint64(address)+uint64(length) > g.MemorySize() {
		return fmt.Errorf("%d octets at %d: %w", length, address, ErrBadAddress)
	}
	return nil
}

// Read copies octets out of linear memory. The caller bounds length before, since
// the copy is the host's memory.
func (g *Guest) Read(address, length uint32) ([]byte, error) {
	view, ok := g.mod.Memory().Read(address, length)
	if !ok {
		return nil, fmt.Errorf("read %d octets at %d: %w", length, address, ErrBadAddress)
	}
	g.octets += len(view)
	return append([]byte(nil), view...), nil
}

// Write copies octets into linear memory.
func (g *Guest) Write(address uint32, b []byte) error {
	if !g.mod.Memory().Write(address, b) {
		return fmt.Errorf("write %d octets at %d: %w", len(b), address, ErrBadAddress)
	}
	g.octets += len(b)
	return nil
}

// reallocName is the guest's allocator (Canonical ABI).
const reallocName = "cabi_realloc"

// Allocate has the guest make room, and checks where it says that it is.
func (g *Guest) Allocate(ctx context.Context, align, size uint32) (uint32, error) {
	results, err := g.Call(ctx, reallocName, 0, 0, uint64(align), uint64(size))
	if err != nil {
		return 0, err
	}
	if len(results) != 1 {
		return 0, &Trap{Where: reallocName, Text: "function gives no address"}
	}
	address := uint32(results[0])
	if address%align != 0 {
		return 0, &Trap{Where: reallocName, Text: fmt.Sprintf("address %d is not aligned to %d", address, align)}
	}
	if end := uint64(address) + uint64(size); end > uint64(g.mod.Memory().Size()) {
		return 0, &Trap{Where: reallocName, Text: fmt.Sprintf("address %d and size %d: %v", address, size, ErrBadAddress)}
	}
	return address, nil
}

// Trap is the end of a run that the guest did not choose, or chose by exiting.
type Trap struct {
	// Where is the exported function that ran.
	Where string
	// Text says what happened, in one line.
	Text string
	// Deadline is true where the run's time was over.
	Deadline bool
	err      error
}

// Error implements error.
func (t *Trap) Error() string { return t.Where + ": " + t.Text }

// Unwrap returns the error of the host function that ended the run, if one did.
func (t *Trap) Unwrap() error { return t.err }

func newTrap(ctx context.Context, where string, err error) *Trap {
	// A guest can exit with the codes that wazero gives to a context that is over.
	exit, ok := errors.AsType[*sys.ExitError](err)
	if ok && ctx.Err() == nil {
		return &Trap{Where: where, Text: fmt.Sprintf("it exited with code %d", exit.ExitCode())}
	}
	// Also where it was over within the host, or within a call of the host to the guest.
	if inner := context.Cause(ctx); inner != nil && (ok || errors.Is(err, inner)) {
		text := "it was canceled"
		if errors.Is(inner, context.DeadlineExceeded) {
			text = "its time was over"
		}
		if within, nested := errors.AsType[*Trap](err); nested {
			where += ": " + within.Where
		}
		return &Trap{Where: where, Text: text, Deadline: errors.Is(inner, context.DeadlineExceeded), err: inner}
	}
	if used, ok := errors.AsType[*fuelError](err); ok {
		return &Trap{Where: where, Text: used.Error(), err: used}
	}
	// The lines that follow are the guest's stack.
	text, _, _ := strings.Cut(err.Error(), "\n")
	return &Trap{Where: where, Text: strings.TrimSuffix(text, " (recovered by wazero)"), err: err}
}
