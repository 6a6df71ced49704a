;; An allocator that lies: the size that is asked for is the address that it gives.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local.get 3)))
