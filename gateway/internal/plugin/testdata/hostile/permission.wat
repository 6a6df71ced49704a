;; Guests that use what they were not granted, or use it when they may not.

;;; attack: envelope without a grant
;;; load: asks for envelope, which it is not granted; where you trust it, write grant = ["envelope"]
;;; grant:
;;; for CALL: (call $envelope.get (i32.const 0x40))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: headers without a grant
;;; load: asks for headers, which it is not granted; where you trust it, write grant = ["headers"]
;;; grant:
;;; for CALL: (call $headers.all (i32.const 0x40))
;;;   | (call $headers.get (i32.const 0x110) (i32.const 9) (i32.const 0x40))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: body without a grant
;;; load: asks for body, which it is not granted; where you trust it, write grant = ["body"]
;;; grant:
;;; for CALL: (call $body.text (i32.const 0x40)) | (call $body.html (i32.const 0x40))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: attachments without a grant
;;; load: asks for attachments, which it is not granted; where you trust it, write grant = ["attachments"]
;;; grant:
;;; for CALL: (call $attachments.all (i32.const 0x40))
;;;   | (call $attachments.read (i32.const 0) (i64.const 0) (i32.const 9) (i32.const 0x40))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: raw without a grant
;;; load: asks for raw, which it is not granted; where you trust it, write grant = ["raw"]
;;; grant:
;;; for CALL: (drop (call $raw.size)) | (call $raw.read (i64.const 0) (i32.const 9) (i32.const 0x40))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: scans without a grant
;;; load: asks for scans, which it is not granted; where you trust it, write grant = ["scans"]
;;; grant:
;;; for CALL: (call $scans.all (i32.const 0x40))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: payload without a grant
;;; load: asks for payload, which it is not granted; where you trust it, write grant = ["payload"]
;;; grant:
;;; for CALL: (call $payload.get (i32.const 0x108) (i32.const 4) (i32.const 0x40))
;;;   | (call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0x110) (i32.const 9) (i32.const 0x40))
;;;   | (call $payload.remove (i32.const 0x108) (i32.const 4) (i32.const 0x40))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: disposition without a grant
;;; load: asks for disposition, which it is not granted; where you trust it, write grant = ["disposition"]
;;; grant:
;;; for CALL: (call $disposition.drop (i32.const 0x110) (i32.const 9))
;;;   | (call $disposition.quarantine (i32.const 0x110) (i32.const 9))
(func $enter (result i32) (if (i32.const 0) (then CALL)) (i32.const 0x10))

;;; attack: an import that is never called
;;; load: asks for headers, which it is not granted; where you trust it, write grant = ["payload", "disposition", "headers"]
;;; grant: payload disposition
(import "postern:plugin/headers@0.1.0" "all" (func $never (param i32)))

;;; attack: all there is, with a grant of nothing
;;; load: asks for attachments, body, disposition, envelope, headers, payload, raw, scans
;;; grant:
(func $transform (result i32)
  (call $envelope.get (i32.const 0x40)) (call $headers.all (i32.const 0x40)) (call $body.text (i32.const 0x40))
  (call $attachments.all (i32.const 0x40)) (drop (call $raw.size)) (call $scans.all (i32.const 0x40))
  (i32.const 0x10))

;;; attack: the mail, before there is one
;;; load: called while the plugin is being configured
;;; for PLACE: (func $configure (param i32 i32) (result i32) CALL (i32.const 0x10))
;;;   | (func (export "_initialize") CALL) | (func $start CALL) (start $start)
;;; for CALL: (call $envelope.get (i32.const 0x40)) | (call $headers.all (i32.const 0x40))
;;;   | (call $headers.get (i32.const 0x110) (i32.const 9) (i32.const 0x40)) | (call $body.text (i32.const 0x40))
;;;   | (call $body.html (i32.const 0x40)) | (call $attachments.all (i32.const 0x40))
;;;   | (call $attachments.read (i32.const 0) (i64.const 0) (i32.const 9) (i32.const 0x40)) | (drop (call $raw.size))
;;;   | (call $raw.read (i64.const 0) (i32.const 9) (i32.const 0x40)) | (call $scans.all (i32.const 0x40))
;;;   | (call $payload.get (i32.const 0x108) (i32.const 4) (i32.const 0x40))
;;;   | (call $payload.set (i32.const 0x108) (i32.const 4) (i32.const 0x110) (i32.const 9) (i32.const 0x40))
;;;   | (call $payload.remove (i32.const 0x108) (i32.const 4) (i32.const 0x40))
;;;   | (call $disposition.drop (i32.const 0x110) (i32.const 9))
;;;   | (call $disposition.quarantine (i32.const 0x110) (i32.const 9))
PLACE

;;; attack: the mail, in the clean-up of configure
;;; load: cabi_post_
(func (export "cabi_post_postern:plugin/transformer@0.1.0#configure") (param i32) (call $headers.all (i32.const 0x40)))

;;; attack: the mail, in cabi_realloc for the options
;;; load: cabi_realloc
;;; options: {}
(func $realloc (param i32 i32 i32 i32) (result i32) (call $headers.all (i32.const 0x40)) (i32.const 0x1000))

;;; attack: files, sockets and the environment
;;; ok:
(import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
(data (i32.const 0x400) "etc/passwd")
(func $transform (result i32)
  (call $expect (call $path_open (i32.const FD) (i32.const 0) (i32.const 0x400) (i32.const 10) (i32.const 0)
    (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 0x40)) (i32.const 8))
  (call $expect (call $fd_prestat_get (i32.const FD) (i32.const 0x40)) (i32.const 8))
  (call $expect (call $sock_accept (i32.const FD) (i32.const 0) (i32.const 0x40)) (i32.const 8))
  (call $expect (call $environ_sizes_get (i32.const 0x40) (i32.const 0x44)) (i32.const 0))
  (call $expect (i32.load (i32.const 0x40)) (i32.const 0))
  (call $expect (call $args_sizes_get (i32.const 0x40) (i32.const 0x44)) (i32.const 0))
  (call $expect (i32.load (i32.const 0x40)) (i32.const 0))
  (i32.const 0x10))
;;; for FD: 3 | 4 | 0x7fffffff
