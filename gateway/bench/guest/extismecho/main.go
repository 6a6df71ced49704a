//go:build wasip1

// Command extismecho is the plugin echo for Extism: it gives back its input. The loops are
// those of Extism's kit for Go, which takes and gives eight octets at a time.
package main

import "unsafe"

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env input_load_u8
func inputLoadU8(offset uint64) uint32

//go:wasmimport extism:host/env input_load_u64
func inputLoadU64(offset uint64) uint64

//go:wasmimport extism:host/env alloc
func alloc(n uint64) uint64

//go:wasmimport extism:host/env store_u8
func storeU8(offset uint64, v uint32)

//go:wasmimport extism:host/env store_u64
func storeU64(offset uint64, v uint64)

//go:wasmimport extism:host/env output_set
func outputSet(offset, n uint64)

func input() []byte {
	n := inputLength()
	b := make([]byte, n)
	i := uint64(0)
	for ; i+8 <= n; i += 8 {
		*(*uint64)(unsafe.Pointer(&b[i])) = inputLoadU64(i)
	}
	for ; i < n; i++ {
		b[i] = byte(inputLoadU8(i))
	}
	return b
}

func output(b []byte) {
	n := uint64(len(b))
	offset := alloc(n)
	i := uint64(0)
	for ; i+8 <= n; i += 8 {
		storeU64(offset+i, *(*uint64)(unsafe.Pointer(&b[i])))
	}
	for ; i < n; i++ {
		storeU8(offset+i, uint32(b[i]))
	}
	outputSet(offset, n)
}

//go:wasmexport transform
func transform() uint32 {
	output(input())
	return 0
}

func main() {}
