package sandbox

import (
	"context"
	"io"
	"testing"
)

// grower is a module with a memory of one page, and at most three, whose export grows it
// by a page and writes into its last octet what it has found there, and one.
//
//	(module (memory (export "memory") 1 3)
//	  (func (export "grow") (result i32)
//	    (drop (memory.grow (i32.const 1)))
//	    (i32.store8 (i32.const 131071) (i32.add (i32.load8_u (i32.const 131071)) (i32.const 1)))
//	    (i32.load8_u (i32.const 131071))))
const grower = "\x00asm\x01\x00\x00\x00\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x05\x04\x01\x01\x01\x03" +
	"\x07\x11\x02\x06memory\x02\x00\x04grow\x00\x00" +
	"\x0a\x21\x01\x1f\x00\x41\x01\x40\x00\x1a\x41\xff\xff\x07\x41\xff\xff\x07\x2d\x00\x00\x41\x01\x6a\x3a\x00\x00\x41\xff\xff\x07\x2d\x00\x00\x0b"

// TestMemoryShrinks holds what wazero does where its memory is grown by what is shorter:
// the instance is used again, its memory is as long as it was, for the host and for the
// guest, and what comes when it grows again is zero.
func TestMemoryShrinks(t *testing.T) {
	t.Parallel()
	m, err := Compile(t.Context(), []byte(grower), Config{Memory: 3 * pageSize})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	p := m.NewPool(1, func(context.Context, *Guest) error { return nil })
	var first *instance
	for range 5 {
		_, err := p.Run(t.Context(), io.Discard, func(ctx context.Context, g *Guest) error {
			if n := g.MemorySize(); n != pageSize {
				t.Errorf("memory of %d octets", n)
			}
			if err := g.Write(2*pageSize-1, []byte{1}); err == nil {
				t.Error("the host can write behind the end")
			}
			results, err := g.Call(ctx, "grow")
			if err == nil && results[0] != 1 {
				t.Errorf("the last octet became %d", results[0])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case in := <-p.idle:
			if first == nil {
				first = in
			}
			if in != first {
				t.Error("the instance was not used again")
			}
			p.idle <- in
		default:
			t.Fatal("the instance was not kept")
		}
	}
}
