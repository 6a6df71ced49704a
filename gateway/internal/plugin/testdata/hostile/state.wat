;; Guests that keep something for the next delivery: nothing is there any more. $hide
;; keeps it in a global, in memory and in a table; $good looks. Guests that end with an
;; error have hidden it already.

;;; attack: a secret, and a good end
;;; ok: "leaked"
(func $transform (result i32) (call $hide) (call $good))

;;; attack: a secret, and a trap
;;; error: unreachable
(func $transform (result i32) (call $hide) unreachable)

;;; attack: a secret, and an exit
;;; error: it exited with code 0
(func $transform (result i32) (call $hide) (call $proc_exit (i32.const 0)) unreachable)

;;; attack: a secret, and its time is over
;;; error: its time was over
;;; deadline:
(func $transform (result i32) (call $hide) (loop (br 0)) unreachable)

;;; attack: a secret, and an error
;;; error: "spoiled"
(func $transform (result i32) (call $hide) (call $fail (i32.const 0x110)))

;;; attack: the subject of a mail
;;; ok: 14
(global $seen (mut i32) (i32.const 0))
(data (i32.const 0x400) "subject") (data (i32.const 0x410) "14")
(func $transform (result i32)
  (call $headers.get (i32.const 0x400) (i32.const 7) (i32.const 0x40))
  (global.set $seen (i32.load offset=4 (i32.load (i32.const 0x40))))
  (memory.copy (i32.const 0xff0) (i32.load (i32.load (i32.const 0x40))) (i32.const 4))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x410)) (i32.const 0))
  (i32.const 0x10))
(func $leaked (result i32) (i32.or (global.get $seen) (i32.load (i32.const 0xff0))))

;;; attack: memory that was grown
;;; ok:
(func $transform (result i32)
  (call $expect (memory.grow (i32.const 5)) (i32.const 1))
  (i32.store (i32.const 0x50000) (i32.const 1))
  (i32.const 0x10))
(func $leaked (result i32) (i32.sub (memory.size) (i32.const 1)))

;;; attack: a table that was grown
;;; ok:
(table $grows 1 9 funcref)
(func $transform (result i32)
  (call $expect (table.grow $grows (ref.null func) (i32.const 5)) (i32.const 1))
  (i32.const 0x10))
(func $leaked (result i32) (i32.sub (table.size $grows) (i32.const 1)))

;;; attack: segments that were dropped
;;; ok:
(data $passive "x")
(func $transform (result i32) (data.drop $passive) (i32.const 0x10))
(func $leaked (result i32) (memory.init $passive (i32.const 0x800) (i32.const 0) (i32.const 1)) (i32.const 0))

;;; attack: what start, _initialize and configure count
;;; ok:
(global $count (mut i32) (i32.const 0))
(func $start (global.set $count (i32.add (global.get $count) (i32.const 1))))
(start $start)
(func (export "_initialize") (global.set $count (i32.add (global.get $count) (i32.const 1))))
(func $configure (param i32 i32) (result i32)
  (global.set $count (i32.add (global.get $count) (i32.const 1)))
  (i32.const 0x10))
(func $transform (result i32) (call $expect (global.get $count) (i32.const 3)) (i32.const 0x10))
(func $leaked (result i32) (i32.sub (global.get $count) (i32.const 3)))

;;; attack: standard output that is to be closed
;;; ok:
(func $transform (result i32)
  (call $expect (call $fd_close (i32.const 1)) (i32.const 8))
  (call $expect (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0x40)) (i32.const 0))
  (i32.const 0x10))
(func $leaked (result i32) (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0x40)))

;;; attack: edits that were made
;;; error: "spoiled"
(func $transform (result i32) (call $fail (i32.const 0x110)))
(func $leaked (result i32) (call $expect (call $get (i32.const 0x108)) (i32.const 0)) (i32.load8_u (i32.const 0x44)))
