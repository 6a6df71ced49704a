package abi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

type fuzzLift struct {
	name string
	lift func(m *image, call func(ret uint32)) any
}

// fuzzLifts lift the result of each function that has one in memory.
var fuzzLifts = []fuzzLift{
	{"envelope.get", func(m *image, call func(uint32)) any { return envelope(m, call) }},
	{"headers.all", func(m *image, call func(uint32)) any { return headers(m, call) }},
	{"headers.get", func(m *image, call func(uint32)) any {
		return header(m, func(_, _, ret uint32) { call(ret) }, "subject")
	}},
	{"body.text", func(m *image, call func(uint32)) any {
		c, ok := body(m, call)
		return []any{c, ok}
	}},
	{"attachments.all", func(m *image, call func(uint32)) any { return attachments(m, call) }},
	{"raw.read", func(m *image, call func(uint32)) any {
		b, failed := readRaw(m, func(_ uint64, _, ret uint32) { call(ret) }, 0, 1)
		return []any{b, failed}
	}},
	{"scans.all", func(m *image, call func(uint32)) any { return scans(m, call) }},
	{"payload.get", func(m *image, call func(uint32)) any {
		value, found, e := payloadGet(m, func(_, _, ret uint32) { call(ret) }, "/crm")
		if e.Case != EditDone && (value != "" || found) {
			panic("a value and an error")
		}
		return []any{value, found, e}
	}},
	{"payload.set", func(m *image, call func(uint32)) any {
		return payloadSet(m, func(_, _, _, _, ret uint32) { call(ret) }, "/crm", "1")
	}},
}

// FuzzLift lifts results out of memory that says anything. What it refers to is
// copied or traps; an error is never taken for success.
func FuzzLift(f *testing.F) {
	const size, half = 2 << 10, 1 << 10 // what the guest has allocated is in the first half
	for _, file := range readVectors(f) {
		which := slices.IndexFunc(fuzzLifts, func(l fuzzLift) bool { return l.name == file.name() })
		for _, v := range file.Cases {
			r := &vectorRun{vector: v, image: &image{b: make([]byte, size)}}
			r.write(v.Host)
			if which >= 0 {
				f.Add(uint8(which), r.image.b[v.Ret:][:72], r.image.b[half:])
			}
		}
	}
	for i := range fuzzLifts {
		f.Add(uint8(i), []byte{2, 0, 0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, []byte("x"))
		f.Add(uint8(i), []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, []byte("x"))
		f.Add(uint8(i), []byte{0xff, 0x0f, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, []byte{})
		f.Add(uint8(i), []byte(strings.Repeat("\x01\x00\x00\x00", 18)), []byte(strings.Repeat("\x00\x04\x00\x00\x10\x00\x00\x00", 64)))
	}
	f.Fuzz(func(t *testing.T, which uint8, area, memory []byte) {
		l := fuzzLifts[int(which)%len(fuzzLifts)]
		m := &image{b: make([]byte, size), next: 8}
		copy(m.b[half:], memory)
		result, trapped := lifted(func() any {
			return l.lift(m, func(ret uint32) { copy(m.b[ret:], area) })
		})
		if trapped {
			return
		}
		before := fmt.Sprint(result)
		clear(m.b)
		if after := fmt.Sprint(result); after != before {
			t.Errorf("%s: what was lifted is still the host's: %s, %s", l.name, before, after)
		}
		failed := len(area) > 0 && area[0] != 0
		switch result := result.(type) {
		case EditError:
			if failed != (result.Case != EditDone) {
				t.Errorf("%s: %x = %+v", l.name, area, result)
			}
		case []Part:
			checkBounded(t, len(result), 56, size)
		case []Field:
			checkBounded(t, len(result), 16, size)
		}
	})
}

func checkBounded(t *testing.T, n, each, size int) {
	t.Helper()
	if n*each > size {
		t.Errorf("%d elements of %d octets are more than memory has", n, each)
	}
}

// lifted calls lift, and reports whether it reached outside of memory. Any other
// panic is one.
func lifted(lift func() any) (result any, trapped bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, trapped = r.(trap); !trapped {
				panic(r)
			}
		}
	}()
	return lift(), false
}
