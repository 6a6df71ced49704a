package plugin

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// record is the memory of a record or list that is being lowered. The layouts are
// those of wit/README.md.
type record struct {
	ctx   context.Context //nolint:containedctx // lives for one host call
	guest *sandbox.Guest
	b     []byte
	err   error // the first
}

func newRecord(ctx context.Context, g *sandbox.Guest, size int) *record {
	return &record{ctx: ctx, guest: g, b: make([]byte, size)}
}

func (r *record) u8(offset int, v bool) {
	if v {
		r.b[offset] = 1
	}
}

func (r *record) u32(offset int, v uint32) { binary.LittleEndian.PutUint32(r.b[offset:], v) }

func (r *record) u64(offset int, v uint64) { binary.LittleEndian.PutUint64(r.b[offset:], v) }

func (r *record) str(offset int, s string) {
	if r.err != nil {
		return
	}
	address, length, err := lowerString(r.ctx, r.guest, s)
	r.u32(offset, address)
	r.u32(offset+4, length)
	r.err = err
}

// option lowers an option<string>.
func (r *record) option(offset int, s string, some bool) {
	r.u8(offset, some)
	if some {
		r.str(offset+4, s)
	}
}

// list lowers n elements of the given size, each by fill. A list is all that a
// record with one holds, so it stands at the beginning.
func (r *record) list(n, size int, align uint32, fill func(i, at int, elements *record)) {
	if r.err != nil {
		return
	}
	address := align // not null, aligned, never followed
	if n > 0 {
		// The list comes before what its elements hold, as the Canonical ABI has it.
		if address, r.err = allocate(r.ctx, r.guest, align, uint32(n*size)); r.err != nil {
			return
		}
	}
	elements := newRecord(r.ctx, r.guest, n*size)
	for i := range n {
		fill(i, i*size, elements)
	}
	if r.err = elements.err; r.err == nil && n > 0 {
		r.err = r.guest.Write(address, elements.b)
	}
	r.u32(0, address)
	r.u32(4, uint32(n))
}

// answer writes the record where the guest wants it.
func (r *record) answer(address, align uint32) error {
	if r.err != nil {
		return r.err
	}
	if address%align != 0 {
		return fmt.Errorf("result address %d is not aligned to %d", address, align)
	}
	return r.guest.Write(address, r.b)
}

// lowerString gives the guest a string, in memory that it allocates.
func lowerString(ctx context.Context, g *sandbox.Guest, s string) (address, length uint32, err error) {
	if s == "" {
		return 1, 0, nil
	}
	if address, err = allocate(ctx, g, 1, uint32(len(s))); err != nil {
		return 0, 0, err
	}
	return address, uint32(len(s)), g.Write(address, []byte(s))
}

// allocate has the guest make room. Within its allocator it may not call the host.
func allocate(ctx context.Context, g *sandbox.Guest, align, size uint32) (address uint32, err error) {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		defer r.stay(exportRealloc)()
	}
	return g.Allocate(ctx, align, size)
}

// liftText takes a text for people, of which it keeps what is within the bound: often
// it quotes a mail, and whoever wrote that is not to decide whether the run ends.
func liftText(g *sandbox.Guest, address, length uint32) (string, error) {
	if length <= maxText {
		return liftString(g, address, length, maxText)
	}
	if err := g.Check(address, length); err != nil {
		return "", err
	}
	const cut = "…"
	b, err := g.Read(address, maxText-uint32(len(cut)))
	return strings.ToValidUTF8(string(b), "") + cut, err
}

// liftString takes a string of at most limit octets from the guest.
func liftString(g *sandbox.Guest, address, length uint32, limit int) (string, error) {
	if uint64(length) > uint64(limit) {
		return "", fmt.Errorf("string has %d octets, at most %d are taken", length, limit)
	}
	b, err := g.Read(address, length)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("string at %d is not UTF-8", address)
	}
	return string(b), nil
}
