;; Guests that want more memory than they may have. Each is configured with 1 MiB, 16
;; pages, where it does not say otherwise.

;;; attack: growing until it is refused, and going on
;;; ok: 16
(data (i32.const 0x400) "16")
(func $transform (result i32)
  (loop (br_if 0 (i32.ne (i32.const -1) (memory.grow (i32.const 1)))))
  (call $expect (memory.size) (i32.const 16))
  (i32.store8 (i32.const 0xfffff) (i32.const 1))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x400)) (i32.const 0))
  (i32.const 0x10))

;;; attack: growing by a lot at once
;;; ok:
;;; for PAGES: 16 | 65535 | 65536 | 0x7fffffff | 0xffffffff
(func $transform (result i32)
  (call $expect (memory.grow (i32.const PAGES)) (i32.const -1))
  (call $expect (memory.size) (i32.const 1))
  (i32.const 0x10))

;;; attack: growing, and a trap
;;; error: wasm error: unreachable
(func $transform (result i32) (drop (memory.grow (i32.const 15))) unreachable)

;;; attack: an answer that has no room
;;; error: cabi_realloc: wasm error: unreachable
(func $transform (result i32)
  (drop (memory.grow (i32.const 15)))
  (global.set $top (i32.const 0xfffff))
  (call $headers.all (i32.const 0x40))
  (i32.const 0x10))

;;; attack: a minimum of one page too many
;;; load: at most 1 MiB are allowed
(memory $memory 17)

;;; attack: a minimum of all there can be
;;; load: at most 1 MiB are allowed
(memory $memory 65536)

;;; attack: a maximum of all there can be
;;; ok:
(memory $memory 1 65536)
(func $transform (result i32)
  (loop (br_if 0 (i32.ne (i32.const -1) (memory.grow (i32.const 1)))))
  (call $expect (memory.size) (i32.const 16))
  (i32.const 0x10))

;;; attack: a table that grows without a maximum
;;; ok:
(table $grows 1 funcref)
(func $transform (result i32)
  (call $expect (table.grow $grows (ref.null func) (i32.const 10000000)) (i32.const -1))
  (i32.const 0x10))

;;; attack: a table that grows in small steps
;;; ok:
(table $grows 1 externref)
(func $transform (result i32)
  (local $steps i32)
  (block $refused
    (loop $next
      (br_if $refused (i32.eq (i32.const -1) (table.grow $grows (ref.null extern) (i32.const 1000))))
      (local.set $steps (i32.add (local.get $steps) (i32.const 1)))
      (call $expect (i32.gt_u (local.get $steps) (i32.const 1000)) (i32.const 0))
      (br $next)))
  (i32.const 0x10))

;;; attack: a table that grows to its maximum
;;; ok:
(table $grows 1 1000 funcref)
(func $transform (result i32)
  (call $expect (table.grow $grows (ref.null func) (i32.const 1000)) (i32.const -1))
  (call $expect (table.grow $grows (ref.null func) (i32.const 999)) (i32.const 1))
  (i32.const 0x10))

;;; attack: a table of ten million
;;; load: table
(table $huge 10000000 funcref)
(func $transform (result i32) (table.size $huge))
