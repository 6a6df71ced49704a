;; Guests that hand over addresses and lengths which do not hold.

;;; attack: result address
;;; error: address
;;; for CALL: (call $envelope.get RET) | (call $headers.all RET) | (call $body.text RET) | (call $body.html RET)
;;;   | (call $attachments.all RET) | (call $scans.all RET) | (call $headers.get (i32.const 0x110) (i32.const 9) RET)
;;;   | (call $attachments.read (i32.const 0) (i64.const 0) (i32.const 9) RET)
;;;   | (call $attachments.read (i32.const 99) (i64.const 0) (i32.const 9) RET)
;;;   | (call $raw.read (i64.const 0) (i32.const 9) RET) | (call $raw.read (i64.const -1) (i32.const 9) RET)
;;;   | (call $payload.get (i32.const 0x108) (i32.const 4) RET) | (call $payload.get (i32.const 0) (i32.const 0) RET)
;;;   | (call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0x110) (i32.const 9) RET)
;;;   | (call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0) (i32.const 0) RET)
;;;   | (call $payload.remove (i32.const 0x108) (i32.const 4) RET)
;;; for RET: (i32.const 0xffffffff) | (i32.const 0xfffffff8) | (i32.const 65536) | (i32.const 65532)
;;;   | (i32.const 1025) | (i32.const 1026)
(func $transform (result i32) CALL (i32.const 0x10))

;;; attack: result address in the last octets
;;; ok:
(func $transform (result i32)
  (call $envelope.get (i32.const 65464))
  (call $headers.all (i32.const 65528))
  (call $body.text (i32.const 65520))
  (call $raw.read (i64.const 0) (i32.const 0) (i32.const 65524))
  (i64.store (i32.const 65524) (i64.const 0))
  (i32.store (i32.const 65532) (i32.const 0))
  (i32.const 65524))

;;; attack: string outside memory
;;; error: address is outside the guest's memory
;;; for CALL: (call $headers.get TEXT (i32.const 0x40)) | (call $payload.get TEXT (i32.const 0x40))
;;;   | (call $payload.set TEXT (i32.const 0x110) (i32.const 9) (i32.const 0x40))
;;;   | (call $payload.set (i32.const 0x108) (i32.const 4) TEXT (i32.const 0x40))
;;;   | (call $payload.remove TEXT (i32.const 0x40)) | (call $disposition.drop TEXT)
;;;   | (call $disposition.quarantine TEXT) | (call $log.write (i32.const 0) TEXT (i32.const 4) (i32.const 0))
;;; for TEXT: (i32.const 65536) (i32.const 1) | (i32.const 65535) (i32.const 2) | (i32.const 0xffffffff) (i32.const 1)
;;;   | (i32.const 0xffffffff) (i32.const 2) | (i32.const 0x80000000) (i32.const 8)
;;;   | (i32.const 0xfffffff0) (i32.const 0x20) | (i32.const 65537) (i32.const 0)
(func $transform (result i32) CALL (i32.const 0x10))

;;; attack: string longer than memory
;;; error: octets
;;; for CALL: (call $headers.get TEXT (i32.const 0x40)) | (call $payload.get TEXT (i32.const 0x40))
;;;   | (call $payload.set TEXT (i32.const 0x110) (i32.const 9) (i32.const 0x40))
;;;   | (call $payload.remove TEXT (i32.const 0x40)) | (call $disposition.drop TEXT)
;;;   | (call $disposition.quarantine TEXT) | (call $log.write (i32.const 0) TEXT (i32.const 4) (i32.const 0))
;;; for TEXT: (i32.const 0xffffffff) (i32.const 0xffffffff) | (i32.const 0) (i32.const 0xffffffff)
;;;   | (i32.const 1) (i32.const 0xffffffff) | (i32.const 0x80000000) (i32.const 0x80000000)
(func $transform (result i32) CALL (i32.const 0x10))

;;; attack: value longer than memory
;;; error: address is outside the guest's memory
;;; for LENGTH: 65537 | 0x1000000
(func $transform (result i32)
  (call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0) (i32.const LENGTH) (i32.const 0x40))
  (i32.const 0x10))

;;; attack: value longer than any
;;; error: address is outside
;;; for TEXT: (i32.const 0xffffffff) (i32.const 0xffffffff) | (i32.const 0) (i32.const 0xffffffff)
;;;   | (i32.const 0x80000000) (i32.const 0x80000000)
(func $transform (result i32)
  (call $payload.set (i32.const 0x108) (i32.const 4) TEXT (i32.const 0x40))
  (call $told (call $answer)))

;;; attack: strings at the very end of memory
;;; ok:
(func $transform (result i32)
  (call $log.write (i32.const 0) (i32.const 65536) (i32.const 0) (i32.const 65536) (i32.const 0))
  (call $headers.get (i32.const 65535) (i32.const 1) (i32.const 0x40))
  (call $expect (i32.load (i32.const 0x44)) (i32.const 0))
  (i32.const 0x10))

;;; attack: list outside memory
;;; error: address is outside the guest's memory
;;; for LIST: (i32.const 65536) (i32.const 1) | (i32.const 65532) (i32.const 1) | (i32.const 0xfffffffc) (i32.const 1)
;;;   | (i32.const 65040) (i32.const 32) | (i32.const 0x80000000) (i32.const 16)
(func $transform (result i32)
  (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) LIST)
  (i32.const 0x10))

;;; attack: list whose size overflows
;;; error: at most 32 are taken
;;; for COUNT: 33 | 4097 | 0x08000001 | 0x10000000 | 0x10000001 | 0x80000000 | 0xffffffff
(func $transform (result i32)
  (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const 0x400) (i32.const COUNT))
  (i32.const 0x10))

;;; attack: list that is not aligned
;;; error: not aligned
;;; for ADDRESS: 0x401 | 0x402
(func $transform (result i32)
  (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const ADDRESS) (i32.const 1))
  (i32.const 0x10))

;;; attack: string of a list outside memory
;;; error: address is outside the guest's memory
;;; for FIELD: \00\00\01\00\01\00\00\00\10\01\00\00\01\00\00\00 | \10\01\00\00\01\00\00\00\ff\ff\00\00\02\00\00\00
;;;   | \10\01\00\00\01\00\00\00\ff\ff\ff\ff\01\00\00\00
(data (i32.const 0x400) "\10\01\00\00\01\00\00\00\10\01\00\00\01\00\00\00FIELD")
(func $transform (result i32)
  (call $log.write (i32.const 0) (i32.const 0x110) (i32.const 9) (i32.const 0x400) (i32.const 2))
  (i32.const 0x10))

;;; attack: address of transform's result
;;; error: address
;;; for ADDRESS: 0xffffffff | 0xfffffff8 | 65536 | 65525 | 65528 | 0x80000000 | 0x11 | 0x12
(func $transform (result i32) (i32.const ADDRESS))

;;; attack: address of configure's result
;;; load: address
;;; for ADDRESS: 0xffffffff | 0xfffffff8 | 65536 | 65525 | 65528 | 0x80000000 | 0x11 | 0x12
(func $configure (param i32 i32) (result i32) (i32.const ADDRESS))

;;; attack: case of transform's result
;;; error: no case of a result
;;; for CASE: 2 | 3 | 128 | 255
(func $transform (result i32) (i32.store8 (i32.const 0x20) (i32.const CASE)) (i32.const 0x20))

;;; attack: case of configure's result
;;; load: no case of a result
;;; for CASE: 2 | 255
(func $configure (param i32 i32) (result i32) (i32.store8 (i32.const 0x20) (i32.const CASE)) (i32.const 0x20))

;;; attack: text of transform's error
;;; error: address is outside the guest's memory
;;; for TEXT: (i32.const 65536) (i32.const 1) | (i32.const 0xffffffff) (i32.const 1) | (i32.const 65535) (i32.const 2)
(func $store (param i32 i32)
  (i32.store8 (i32.const 0x20) (i32.const 1))
  (i32.store (i32.const 0x24) (local.get 0))
  (i32.store (i32.const 0x28) (local.get 1)))
(func $transform (result i32) (call $store TEXT) (i32.const 0x20))

;;; attack: text of transform's error, too long
;;; error: address is outside
;;; for LENGTH: 0x10001 | 0x7fffffff | 0xffffffff
(func $transform (result i32)
  (i32.store8 (i32.const 0x20) (i32.const 1))
  (i32.store (i32.const 0x28) (i32.const LENGTH))
  (i32.const 0x20))

;;; attack: text of transform's error that is not UTF-8
;;; error: is not UTF-8
(data (i32.const 0x400) "\ff\fe\00")
(func $transform (result i32) (call $fail (i32.const 0x400)))

;;; attack: text of transform's error, the case padded with rubbish
;;; error: "spoiled"
(func $transform (result i32)
  (i32.store (i32.const 0x20) (i32.const -1))
  (call $fail (i32.const 0x110)))

;;; attack: reading where there is nothing
;;; ok:
;;; for CALL: (call $attachments.read (i32.const 2) (i64.const 0) (i32.const 1) (i32.const 0x40))
;;;   | (call $attachments.read (i32.const -1) (i64.const 0) (i32.const 1) (i32.const 0x40))
;;;   | (call $attachments.read (i32.const 0) (i64.const 0x8000000000000000) (i32.const 1) (i32.const 0x40))
;;;   | (call $attachments.read (i32.const 1) (i64.const 4) (i32.const 1) (i32.const 0x40))
;;;   | (call $raw.read (i64.const -1) (i32.const 1) (i32.const 0x40))
;;;   | (call $raw.read (i64.add (call $raw.size) (i64.const 1)) (i32.const 1) (i32.const 0x40))
(func $transform (result i32)
  CALL
  (call $expect (i32.load8_u (i32.const 0x40)) (i32.const 1))
  (i32.const 0x10))

;;; attack: reading more than there is
;;; ok:
;;; memory: 0x800000
(memory $memory 100)
(func $transform (result i32)
  (call $raw.read (i64.sub (call $raw.size) (i64.const 3)) (i32.const -1) (i32.const 0x40))
  (call $expect (i32.load (i32.const 0x48)) (i32.const 3))
  (call $raw.read (call $raw.size) (i32.const -1) (i32.const 0x40))
  (call $expect (i32.load (i32.const 0x48)) (i32.const 0))
  (call $raw.read (i64.const 0) (i32.const -1) (i32.const 0x40))
  (call $expect (i32.load (i32.const 0x48)) (i32.const 0x100000))
  (call $attachments.read (i32.const 0) (i64.const 1) (i32.const -1) (i32.const 0x40))
  (call $expect (i32.load (i32.const 0x48)) (i32.const 0x100000))
  (i32.const 0x10))

;;; attack: cabi_realloc that gives an address outside memory
;;; error: cabi_realloc: address
;;; for ADDRESS: 65536 | 0xffffffff | 0xfffffff8 | 0x80000000
(func $realloc (param i32 i32 i32 i32) (result i32) (i32.const ADDRESS))
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: cabi_realloc that gives an address too near to the end
;;; error: cabi_realloc: address
(func $realloc (param i32 i32 i32 i32) (result i32) (i32.sub (i32.const 65537) (local.get 3)))
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: cabi_realloc that gives an address which is not aligned
;;; error: not aligned
(func $realloc (param i32 i32 i32 i32) (result i32) (i32.const 0x1001))
(func $transform (result i32) (call $attachments.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: cabi_realloc that gives an address outside memory for the options
;;; load: cabi_realloc: address
;;; options: {}
(func $realloc (param i32 i32 i32 i32) (result i32) (i32.const 65535))

;;; attack: cabi_realloc that always gives the same address
;;; ok:
;;; options: {"a":1}
;;; for ADDRESS: 0 | 0x40 | 0x1000
(func $realloc (param i32 i32 i32 i32) (result i32) (i32.const ADDRESS))
(func $configure (param i32 i32) (result i32) (i32.const 0x9000))
(func $transform (result i32)
  (call $headers.all (i32.const 0x40))
  (call $attachments.all (i32.const 0x40))
  (call $envelope.get (i32.const 0x40))
  (memory.copy (i32.const 0x108) (i32.const 0x8000) (i32.const 0x40))
  (i32.const 0x9000))
