;; Guests that edit what they may not. Answers: 0 good, 1 forbidden, 2 bad pointer,
;; 3 bad value.

;;; attack: set outside the scope
;;; ok:
;;; for POINTER: /message/subject | /message | /crmx | /cr | /list/0 | /list/- | /id | /new | /~0crm
(data (i32.const 0x400) "POINTER\00") (data (i32.const 0x480) "true")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x400) (i32.const 0x480)) (i32.const 1))
  (i32.const 0x10))

;;; attack: remove outside the scope
;;; ok:
;;; for POINTER: /message/subject | /message | /id | /list/0 | /none
(data (i32.const 0x400) "POINTER\00")
(func $transform (result i32)
  (call $expect (call $remove (i32.const 0x400)) (i32.const 1))
  (i32.const 0x10))

;;; attack: get outside the scope
;;; ok:
;;; for POINTER: /message/subject | /message | /id | /none
(data (i32.const 0x400) "POINTER\00")
(func $transform (result i32)
  (call $expect (call $get (i32.const 0x400)) (i32.const 1))
  (i32.const 0x10))

;;; attack: get of what may be written and not be read
;;; ok:
;;; read: /message/subject
(func $transform (result i32)
  (call $expect (call $get (i32.const 0x108)) (i32.const 1))
  (i32.const 0x10))

;;; attack: set of what may be read and not be written
;;; ok:
;;; read: /message
(data (i32.const 0x400) "/message/subject")
(func $transform (result i32)
  (call $expect (call $get (i32.const 0x400)) (i32.const 0))
  (call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 1))
  (i32.const 0x10))

;;; attack: the root by its empty pointer
;;; ok:
(func $transform (result i32)
  (call $expect (call $get (i32.const 0)) (i32.const 1))
  (call $expect (call $set (i32.const 0) (i32.const 0x110)) (i32.const 1))
  (call $expect (call $remove (i32.const 0)) (i32.const 1))
  (i32.const 0x10))

;;; attack: the root by its empty pointer, all being granted
;;; ok:
;;; write: root
(data (i32.const 0x480) "{}")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0) (i32.const 0x480)) (i32.const 1))
  (call $expect (call $remove (i32.const 0)) (i32.const 1))
  (i32.const 0x10))

;;; attack: what is the host's, all being granted
;;; ok:
;;; write: root
;;; for POINTER: /id | /schema | /timestamp | /tenant | /envelope | /integrity | /integrity/contentHash | /security
;;;   | /security/new
(data (i32.const 0x400) "POINTER\00") (data (i32.const 0x480) "\"forged\"")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x400) (i32.const 0x480)) (i32.const 1))
  (i32.const 0x10))

;;; attack: what is the host's, granted by name
;;; ok:
;;; write: /id /security/virusScan
(data (i32.const 0x400) "/id") (data (i32.const 0x420) "/security/virusScan") (data (i32.const 0x480) "\"forged\"")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x400) (i32.const 0x480)) (i32.const 1))
  (call $expect (call $set (i32.const 0x420) (i32.const 0x480)) (i32.const 1))
  (i32.const 0x10))

;;; attack: what is the host's, after it was left out
;;; error: id is gone
;;; write: root
(data (i32.const 0x400) "/id") (data (i32.const 0x420) "id is gone") (data (i32.const 0x480) "\"forged\"")
(func $transform (result i32)
  (call $expect (call $remove (i32.const 0x400)) (i32.const 0))
  (call $expect (call $set (i32.const 0x400) (i32.const 0x480)) (i32.const 1))
  (call $fail (i32.const 0x420)))

;;; attack: no pointers
;;; ok:
;;; for POINTER: crm | #/crm | /crm/~ | /crm/~2 | /crm~
(data (i32.const 0x400) "POINTER\00")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 2))
  (call $expect (call $remove (i32.const 0x400)) (i32.const 2))
  (call $expect (call $get (i32.const 0x400)) (i32.const 2))
  (i32.const 0x10))

;;; attack: places that are not there
;;; ok:
;;; write: /list /message
;;; for POINTER: /crm/x | /list/1 | /list/-1 | /list/00 | /list/+0 | /list/18446744073709551616 | /list/x
;;;   | /message/subject/0
(data (i32.const 0x400) "POINTER\00")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 2))
  (call $expect (call $remove (i32.const 0x400)) (i32.const 2))
  (i32.const 0x10))

;;; attack: a pointer of 5,000 octets
;;; ok:
(func $transform (result i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x2f) (i32.const 5000))
  (call $expect (call $set (i32.const 0x1000) (i32.const 0x110)) (i32.const 2))
  (i32.const 0x10))

;;; attack: a pointer of 4,000 tokens
;;; ok:
(func $transform (result i32)
  (memory.fill (i32.const 0x1000) (i32.const 0x2f) (i32.const 4000))
  (i64.store32 (i32.const 0x1000) (i64.const 0x6d72632f)) ;; "/crm"
  (call $expect (call $set (i32.const 0x1000) (i32.const 0x110)) (i32.const 2))
  (i32.const 0x10))

;;; attack: one good edit among bad ones, and an error
;;; error: "spoiled"
(data (i32.const 0x400) "/id")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x108) (i32.const 0x110)) (i32.const 0))
  (call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 1))
  (call $fail (i32.const 0x110)))

;;; attack: many edits of all kinds, and an error
;;; error: "spoiled"
;;; write: root
(data (i32.const 0x400) "/list/0") (data (i32.const 0x420) "/list/-") (data (i32.const 0x440) "/message/subject")
(data (i32.const 0x460) "/message/attachments/0") (data (i32.const 0x480) "/security") (data (i32.const 0x4a0) "/message/attachments")
(data (i32.const 0x4c0) "[{\"$part\":1},{\"$part\":0}]")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x420) (i32.const 0x110)) (i32.const 0))
  (call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 0))
  (call $expect (call $remove (i32.const 0x400)) (i32.const 0))
  (call $expect (call $set (i32.const 0x440) (i32.const 0x110)) (i32.const 0))
  (call $expect (call $remove (i32.const 0x460)) (i32.const 0))
  (call $expect (call $set (i32.const 0x4a0) (i32.const 0x4c0)) (i32.const 0))
  (call $expect (call $remove (i32.const 0x480)) (i32.const 0))
  (call $fail (i32.const 0x110)))

;;; attack: many edits of all kinds, and a trap
;;; error: unreachable
;;; write: root
(data (i32.const 0x400) "/message/attachments/0/filename") (data (i32.const 0x440) "/list/0") (data (i32.const 0x460) "/message")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x400) (i32.const 0x110)) (i32.const 0))
  (call $expect (call $set (i32.const 0x440) (i32.const 0x110)) (i32.const 0))
  (call $expect (call $remove (i32.const 0x460)) (i32.const 0))
  unreachable)

;;; attack: a verdict, and an exit
;;; error: it exited with code 0
(func $transform (result i32)
  (call $disposition.quarantine (i32.const 0x110) (i32.const 9))
  (call $proc_exit (i32.const 0))
  unreachable)

;;; attack: the place of an attachment's content
;;; ok:
;;; write: root
;;; for POINTER: /message/attachments/0/$part | /crm/$part | /$part | /list/$part
(data (i32.const 0x400) "POINTER\00") (data (i32.const 0x480) "1")
(func $transform (result i32)
  (call $expect (call $set (i32.const 0x400) (i32.const 0x480)) (i32.const 1))
  (call $expect (call $remove (i32.const 0x400)) (i32.const 1))
  (i32.const 0x10))

;;; attack: content of attachments outside the attachments
;;; error: $part
;;; for VALUE: {\"$part\":0} | [{\"$part\":0}] | {\"a\":{\"b\":[{\"$part\":1}]}}
(data (i32.const 0x400) "VALUE\00")
(func $transform (result i32) (call $told (call $set (i32.const 0x108) (i32.const 0x400))))

;;; attack: content of attachments where they are, but not theirs
;;; error: $part
;;; write: /message/attachments
;;; for VALUE: {\"$part\":0} | {\"$part\":2} | {\"$part\":-1} | {\"$part\":99999999999999999999} | {\"$part\":\"0\"}
;;;   | {\"$part\":null} | {\"x\":{\"$part\":0}}
(data (i32.const 0x400) "/message/attachments/-\00") (data (i32.const 0x480) "VALUE\00")
(func $transform (result i32) (call $told (call $set (i32.const 0x400) (i32.const 0x480))))

;;; attack: content of attachments twice
;;; error: stands twice
;;; write: /message/attachments
(data (i32.const 0x400) "/message/attachments") (data (i32.const 0x480) "[{\"$part\":1},{\"$part\":1}]")
(func $transform (result i32) (call $told (call $set (i32.const 0x400) (i32.const 0x480))))

;;; attack: content of an attachment beside a literal one
;;; error: both $part and content
;;; write: /message/attachments
(data (i32.const 0x400) "/message/attachments/0/content")
(func $transform (result i32) (call $told (call $set (i32.const 0x400) (i32.const 0x110))))

;;; attack: content of an attachment and a literal one in one value
;;; error: both $part and content
;;; write: /message/attachments
(data (i32.const 0x400) "/message/attachments/0") (data (i32.const 0x480) "{\"content\":\"\",\"$part\":0}")
(func $transform (result i32) (call $told (call $set (i32.const 0x400) (i32.const 0x480))))

;;; attack: reading another attachment's place into its own
;;; ok:
;;; read: root
(data (i32.const 0x400) "/message/attachments/0")
(func $transform (result i32)
  (call $expect (call $get (i32.const 0x400)) (i32.const 0))
  (call $payload.set (i32.const 0x108) (i32.const 4) (i32.load (i32.const 0x48)) (i32.load (i32.const 0x4c)) (i32.const 0x40))
  (call $expect (call $answer) (i32.const 3))
  (i32.const 0x10))
