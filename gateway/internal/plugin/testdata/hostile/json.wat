;; Guests that set what is no JSON, or JSON that readers would not agree on. The host's
;; words on it come back as the guest's own error.

;;; attack: no JSON
;;; error: not one JSON text
;;; for VALUE: { | {} {} | [1,] | {\"a\":1,} | {a:1} | 'x' | NaN | Infinity | -Infinity | 01 | .5 | 1. | 0x1 | +1
;;;   | tru | \" | \"\t\" | \"\\x\" | // x | \ef\bb\bf{} | {}x
(data (i32.const 0x400) "VALUE\00")
(func $transform (result i32) (call $told (call $set (i32.const 0x108) (i32.const 0x400))))

;;; attack: nothing at all
;;; error: not one JSON text
(func $transform (result i32) (call $told (call $set (i32.const 0x108) (i32.const 0))))

;;; attack: NUL after a value
;;; error: not one JSON text
(data (i32.const 0x400) "{}\00")
(func $transform (result i32)
  (call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0x400) (i32.const 3) (i32.const 0x40))
  (call $told (call $answer)))

;;; attack: names that stand twice
;;; error: stands twice
;;; for VALUE: {\"a\":1,\"a\":2} | {\"a\":1,\"\\u0061\":2} | [{\"\":1,\"\":1}]
(data (i32.const 0x400) "VALUE\00")
(func $transform (result i32) (call $told (call $set (i32.const 0x108) (i32.const 0x400))))

;;; attack: lone surrogates
;;; error: lone surrogate
;;; for VALUE: \"\\ud800\" | \"\\udc00\\ud800\" | \"\\ud800\\u0041\" | {\"\\udfff\":1}
(data (i32.const 0x400) "VALUE\00")
(func $transform (result i32) (call $told (call $set (i32.const 0x108) (i32.const 0x400))))

;;; attack: octets that are not UTF-8
;;; error: is not UTF-8
;;; for VALUE: \ff | \c0\80 | \ed\a0\80 | \f4\90\80\80 | \e2\82
(data (i32.const 0x400) "\"VALUE\"\00")
(func $transform (result i32) (call $told (call $set (i32.const 0x108) (i32.const 0x400))))

;;; attack: a pointer that is not UTF-8
;;; error: is not UTF-8
(data (i32.const 0x400) "/crm/\ff\00")
(func $transform (result i32) (call $told (call $set (i32.const 0x400) (i32.const 0x110))))

;;; attack: nested too deep
;;; error: nested deeper than 100
;;; for DEPTH: 100 | 101 | 10000
(func $transform (result i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x5b) (i32.const DEPTH))
  (memory.fill (i32.add (i32.const 0x1000) (i32.const DEPTH)) (i32.const 0x5d) (i32.const DEPTH))
  (call $told (call $set (i32.const 0x108) (i32.const 0x1000))))

;;; attack: nested too deep for any reader
;;; error: not one JSON text
(func $transform (result i32)
  (drop (memory.grow (i32.const 15)))
  (memory.fill (i32.const 0x1000) (i32.const 0x5b) (i32.const 1000000))
  (call $told (call $set (i32.const 0x108) (i32.const 0x1000))))

;;; attack: numbers that no reader holds
;;; ok: VALUE
;;; for VALUE: 1e400 | -1e400 | 1e-400 | 123456789012345678901234567890 | -0.0
(data (i32.const 0x400) "VALUE\00")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x108) (i32.const 0x400)) (i32.const 0))
  (i32.const 0x10))

;;; attack: names and strings that are dangerous elsewhere
;;; ok: {"__proto__":{"x":1},"\u2028":"\u0000"}
(data (i32.const 0x400) "{\"__proto__\":{\"x\":1},\"\e2\80\a8\":\"\\u0000\"}\00")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x108) (i32.const 0x400)) (i32.const 0))
  (i32.const 0x10))

;;; attack: more values than a payload may have
;;; error: too many values
(func $transform (result i32)
  (local $at i32)
  (drop (memory.grow (i32.const 15)))
  (local.set $at (i32.const 0x1000))
  (loop ;; [0,0,0,0, …
    (i64.store (local.get $at) (i64.const 0x2c302c302c302c30))
    (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 0xff000))))
  (i32.store8 (i32.const 0x1000) (i32.const 0x5b))
  (i32.store8 (i32.const 0x1001) (i32.const 0x30))
  (i32.store8 (i32.const 0x1002) (i32.const 0x2c))
  (i32.store8 (i32.const 0x1003) (i32.const 0x20))
  (i32.store8 (i32.const 0xfefff) (i32.const 0x5d))
  (call $told (call $set (i32.const 0x108) (i32.const 0x1000))))

;;; attack: over the budget in one edit
;;; error: a run may set
;;; memory: 0x2000000
(memory $memory 300)
(func $transform (result i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x20) (i32.const 0x1000001))
  (call $told (call $set (i32.const 0x108) (i32.const 0x1000))))

;;; attack: over the budget in many edits
;;; error: budget
;;; memory: 0x2000000
(memory $memory 100)
(func $transform (result i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x20) (i32.const 0x500000))
  (i32.store8 (i32.const 0x1000) (i32.const 0x30))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x1000)) (i32.const 0))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x1000)) (i32.const 0))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x1000)) (i32.const 0))
  (call $told (call $set (i32.const 0x108) (i32.const 0x1000))))

;;; attack: over the budget in edits that are refused
;;; error: budget
;;; memory: 0x2000000
(memory $memory 100)
(func $transform (result i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x78) (i32.const 0x500000))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x1000)) (i32.const 3))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x1000)) (i32.const 3))
  (call $expect (call $set (i32.const 0x108) (i32.const 0x1000)) (i32.const 3))
  (call $told (call $set (i32.const 0x108) (i32.const 0x1000))))
