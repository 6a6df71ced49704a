;; Guests that exit.

;;; attack: exit in transform
;;; error: transform: it exited with code CODE
;;; for CODE: 0 | 3 | 4294967295
(func $transform (result i32) (call $proc_exit (i32.const CODE)) (i32.const 0x10))

;;; attack: exit with the code of a deadline
;;; error: transform: it exited
(func $transform (result i32) (call $proc_exit (i32.const 0xefffffff)) (i32.const 0x10))

;;; attack: exit with the code of a canceled call
;;; error: transform: it exited
(func $transform (result i32) (call $proc_exit (i32.const 0xeffffffe)) (i32.const 0x10))

;;; attack: exit in a start function
;;; load: it exited with code CODE
;;; for CODE: 0 | 3
(func $start (call $proc_exit (i32.const CODE)))
(start $start)

;;; attack: exit in _initialize
;;; load: it exited with code CODE
;;; for CODE: 0 | 3
(func (export "_initialize") (call $proc_exit (i32.const CODE)))

;;; attack: exit in configure
;;; load: configure: it exited with code CODE
;;; for CODE: 0 | 3
(func $configure (param i32 i32) (result i32) (call $proc_exit (i32.const CODE)) (i32.const 0x10))

;;; attack: exit in the clean-up of configure
;;; load: configure: it exited with code 0
(func (export "cabi_post_postern:plugin/transformer@0.1.0#configure") (param i32) (call $proc_exit (i32.const 0)))

;;; attack: exit in cabi_realloc for the options
;;; load: cabi_realloc: it exited with code 3
;;; options: {}
(func $realloc (param i32 i32 i32 i32) (result i32) (call $proc_exit (i32.const 3)) (i32.const 0x1000))

;;; attack: exit in cabi_realloc for an answer
;;; error: cabi_realloc: it exited with code CODE
;;; for CODE: 0 | 3
(func $realloc (param i32 i32 i32 i32) (result i32) (call $proc_exit (i32.const CODE)) (i32.const 0x1000))
(func $transform (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x10))

;;; attack: exit in the clean-up of transform
;;; error: transform: it exited with code 0
(func (export "cabi_post_postern:plugin/transformer@0.1.0#transform") (param i32)
  (if (i32.eqz (global.get $tame)) (then (call $proc_exit (i32.const 0)))))
