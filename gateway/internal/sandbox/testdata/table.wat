;; A guest that changes a table, which cannot be set back.
(module
  (memory (export "memory") 1)
  (table $t 2 funcref)
  (func $f)
  (elem (i32.const 1) $f)
  (func (export "count") (result i32)
    (local $was i32)
    (local.set $was (i32.eqz (ref.is_null (table.get $t (i32.const 0)))))
    (table.set $t (i32.const 0) (table.get $t (i32.const 1)))
    (local.get $was)))
