;; Guests that write too much, or what is no line. The suite holds that the log of
;; each of its runs is bounded.

;;; attack: flood of standard output
;;; ok:
;;; for DESCRIPTOR: 1 | 2
(func $transform (result i32)
  (local $n i32)
  (memory.fill (i32.const 0x1000) (i32.const LETTER) (i32.const 0x8000))
  (i32.store (i32.const 0x400) (i32.const 0x1000))
  (i32.store (i32.const 0x404) (i32.const 0x8000))
  (loop
    (call $expect (call $fd_write (i32.const DESCRIPTOR) (i32.const 0x400) (i32.const 1) (i32.const 0x40)) (i32.const 0))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))
  (i32.const 0x10))
;;; for LETTER: 0x41 | 0x0a | 0x0d | 0xff | 0x00

;;; attack: standard output of many pieces in one call
;;; ok:
(func $transform (result i32)
  (local $p i32)
  (local.set $p (i32.const 0x1000))
  (loop
    (i32.store offset=4 (local.get $p) (i32.const 0x10000))
    (br_if 0 (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 8))) (i32.const 0xf000))))
  (call $expect (call $fd_write (i32.const 1) (i32.const 0x1000) (i32.const 0x1c00) (i32.const 0x40)) (i32.const 0))
  (i32.const 0x10))

;;; attack: standard output from outside memory
;;; ok:
;;; for PIECES: (i32.const 65536) (i32.const 1) | (i32.const 0xfffffff8) (i32.const 1)
;;;   | (i32.const 0x400) (i32.const 0x4000) | (i32.const 0x400) (i32.const 1)
(data (i32.const 0x400) "\ff\ff\00\00\02\00\00\00")
(func $transform (result i32)
  (call $expect (call $fd_write (i32.const 1) PIECES (i32.const 0x40)) (i32.const 21)) ;; EFAULT
  (i32.const 0x10))

;;; attack: flood of lines
;;; ok:
(func $transform (result i32)
  (local $n i32)
  (loop
    (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))
  (i32.const 0x10))

;;; attack: flood of empty lines
;;; ok:
(func $transform (result i32)
  (local $n i32)
  (loop
    (call $log.write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))
  (i32.const 0x10))

;;; attack: flood of octets
;;; ok:
(func $transform (result i32)
  (local $n i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x41) (i32.const 8192))
  (loop
    (call $log.write (i32.const 0) (i32.const 0x1000) (i32.const 8192) (i32.const 4) (i32.const 0))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 199))))
  (i32.const 0x10))

;;; attack: flood of fields
;;; ok:
(func $transform (result i32)
  (local $n i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x41) (i32.const 8192))
  (loop ;; 32 fields, each of two strings of 8 KiB
    (i32.store offset=0x400 (local.get $n) (i32.const 0x1000))
    (i32.store offset=0x404 (local.get $n) (i32.const 8192))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 8))) (i32.const 512))))
  (local.set $n (i32.const 0))
  (loop
    (call $log.write (i32.const 0) (i32.const 0x1000) (i32.const 8192) (i32.const 0x400) (i32.const 32))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 199))))
  (i32.const 0x10))

;;; attack: flood of both
;;; error: unreachable
(func $transform (result i32)
  (local $n i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x41) (i32.const 8191))
  (i32.store8 (i32.const 0x2fff) (i32.const 0x0a))
  (i32.store (i32.const 0x400) (i32.const 0x1000))
  (i32.store (i32.const 0x404) (i32.const 0x2000))
  (loop
    (call $log.write (i32.const 0) (i32.const 0x1000) (i32.const 8191) (i32.const 4) (i32.const 0))
    (call $expect (call $fd_write (i32.const 2) (i32.const 0x400) (i32.const 1) (i32.const 0x40)) (i32.const 0))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))
  unreachable)

;;; attack: line of a level that there is not
;;; error: is no level
;;; for LEVEL: 4 | 255 | 0x80000000 | 0xffffffff
(func $transform (result i32)
  (call $log.write (i32.const LEVEL) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0))
  (i32.const 0x10))

;;; attack: line of a level that there is not, after a flood
;;; error: is no level
(func $transform (result i32)
  (local $n i32)
  (loop
    (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 300))))
  (call $log.write (i32.const 4) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0))
  (i32.const 0x10))

;;; attack: line that is too long, of which the beginning is kept
;;; ok: 
(func $transform (result i32)
  (call $log.write (i32.const 0) (i32.const 0x1000) (i32.const 8193) (i32.const 4) (i32.const 0))
  (i32.const 0x10))

;;; attack: line that is not UTF-8
;;; error: is not UTF-8
(data (i32.const 0x400) "\c3\28")
(func $transform (result i32)
  (call $log.write (i32.const 0) (i32.const 0x400) (i32.const 2) (i32.const 4) (i32.const 0))
  (i32.const 0x10))

;;; attack: flood of the log while it is configured
;;; load: unreachable
(func $configure (param i32 i32) (result i32)
  (local $n i32)
  (loop
    (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const 4) (i32.const 0))
    (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))
  unreachable)
