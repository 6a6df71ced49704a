;; Guests that trap, in each place where the host lets a guest run.

;;; attack: unreachable
;;; error: transform: wasm error: unreachable
(func $transform (result i32) unreachable)

;;; attack: division by zero
;;; error: transform: wasm error: integer divide by zero
(func $transform (result i32) (i32.div_u (i32.const 1) (i32.load (i32.const 0))))

;;; attack: division that overflows
;;; error: transform: wasm error: integer overflow
(func $transform (result i32) (i32.div_s (i32.const 0x80000000) (i32.sub (i32.load (i32.const 0)) (i32.const 1))))

;;; attack: conversion of what is no number
;;; error: transform: wasm error: invalid conversion to integer
(func $transform (result i32) (i32.trunc_f32_u (f32.const nan)))

;;; attack: indirect call through null
;;; error: transform: wasm error: invalid table access
(table $other 2 funcref)
(func $transform (result i32) (call_indirect $other (result i32) (i32.const 1)))

;;; attack: indirect call outside the table
;;; error: transform: wasm error: invalid table access
(func $transform (result i32) (call_indirect $table (result i32) (i32.const 0xffffffff)))

;;; attack: indirect call of another type
;;; error: transform: wasm error: indirect call type mismatch
(func $transform (result i32) (call_indirect $table (param i64) (result i32) (i64.const 0) (i32.const 0)))

;;; attack: load outside memory
;;; error: transform: wasm error: out of bounds memory access
;;; for ADDRESS: 65536 | 65533 | 0x7ffffffd | 0xffffffff
(func $transform (result i32) (i32.load (i32.const ADDRESS)))

;;; attack: load whose offset overflows
;;; error: transform: wasm error: out of bounds memory access
(func $transform (result i32) (i32.load offset=0xffffffff (i32.const 0xffffffff)))

;;; attack: store outside memory
;;; error: transform: wasm error: out of bounds memory access
(func $transform (result i32) (i64.store (i32.const 65529) (i64.const -1)) (i32.const 0x10))

;;; attack: bulk copy outside memory
;;; error: transform: wasm error: out of bounds memory access
(func $transform (result i32) (memory.copy (i32.const 0xffffff00) (i32.const 0) (i32.const 0x200)) (i32.const 0x10))

;;; attack: recursion without end
;;; error: transform: stack overflow
(func $transform (result i32) (i32.add (call $transform) (i32.const 1)))

;;; attack: recursion of two with wide frames
;;; error: transform: stack overflow
(func $wide (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
  (i64.add (local.get 0) (call $wider
    (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7) (local.get 0))))
(func $wider (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
  (i64.mul (local.get 7) (call $wide
    (local.get 7) (local.get 6) (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))))
(func $transform (result i32)
  (drop (call $wide (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8)))
  (i32.const 0x10))

;;; attack: trap in a start function
;;; load: wasm error: unreachable
(func $start unreachable)
(start $start)

;;; attack: trap in _initialize
;;; load: wasm error: unreachable
(func (export "_initialize") unreachable)

;;; attack: data outside memory
;;; load: data segment 0: 10 octets at 65530: address is outside
(data (i32.const 65530) "0123456789")

;;; attack: trap in configure
;;; load: configure: wasm error: unreachable
(func $configure (param i32 i32) (result i32) unreachable)

;;; attack: trap in the clean-up of configure
;;; load: configure: wasm error: unreachable
(func (export "cabi_post_postern:plugin/transformer@0.1.0#configure") (param i32) unreachable)

;;; attack: trap in cabi_realloc for the options
;;; load: cabi_realloc: wasm error: unreachable
;;; options: {}
(func $realloc (param i32 i32 i32 i32) (result i32) unreachable)

;;; attack: trap in cabi_realloc for an answer
;;; error: cabi_realloc: wasm error: unreachable
(func $realloc (param i32 i32 i32 i32) (result i32) unreachable)
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: trap in the fifth cabi_realloc of an answer
;;; error: cabi_realloc: wasm error: unreachable
(global $calls (mut i32) (i32.const 0))
(func $realloc (param i32 i32 i32 i32) (result i32)
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (if (i32.eq (global.get $calls) (i32.const 5)) (then unreachable))
  (i32.const 0x1000))
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: stack overflow in cabi_realloc
;;; error: cabi_realloc: stack overflow
(func $realloc (param i32 i32 i32 i32) (result i32)
  (i32.add (call $realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3)) (i32.const 1)))
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: trap in the clean-up of transform
;;; error: transform: wasm error: unreachable
(func (export "cabi_post_postern:plugin/transformer@0.1.0#transform") (param i32)
  (if (i32.eqz (global.get $tame)) (then unreachable)))

;;; attack: trap, with a line table (DWARF 5) that claims 2^62 folders
;;; error: transform: wasm error: unreachable
;;; custom: .debug_abbrev 011100101711011206000000
;;; custom: .debug_info 1400000004000000000004010000000001000000f0ffff7f
;;; custom: .debug_line 180000000500040010000000010101ff010100808080808080808040
;;; custom: .debug_str 00
(func $transform (result i32) unreachable)

;;; attack: error in configure
;;; load: "wrong"
(data (i32.const 0x400) "\"wrong\"")
(func $configure (param i32 i32) (result i32) (call $fail (i32.const 0x400)))

;;; attack: error in transform
;;; error: "wrong"
(data (i32.const 0x400) "\"wrong\"")
(func $transform (result i32) (call $fail (i32.const 0x400)))
