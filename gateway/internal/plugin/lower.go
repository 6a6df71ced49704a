package plugin

import (
	"context"
	"encoding/binary"
	"fmt"
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
	elements := newRecord(r.ctx, r.guest, n*size)
	for i := range n {
		fill(i, i*size, elements)
	}
	address := align // not null, aligned, never followed
	err := elements.err
	if n > 0 && err == nil {
		address, err = elements.place(align)
	}
	r.u32(0, address)
	r.u32(4, uint32(n))
	r.err = err
}

// place allocates room for the record in the guest and writes it there.
func (r *record) place(align uint32) (uint32, error) {
	return lowerOctets(r.ctx, r.guest, align, r.b)
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
	address, err = lowerOctets(ctx, g, 1, []byte(s))
	return address, uint32(len(s)), err
}

// lowerOctets gives the guest octets, in memory that it allocates.
func lowerOctets(ctx context.Context, g *sandbox.Guest, align uint32, b []byte) (address uint32, err error) {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		defer r.stay(exportRealloc)()
	}
	if address, err = g.Allocate(ctx, align, uint32(len(b))); err != nil {
		return 0, err
	}
	return address, g.Write(address, b)
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
