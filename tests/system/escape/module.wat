;; A module made by hand: each byte of standard input is an attack on what lies around its memory,
;; its table and its stack. What is allowed answers "in bounds".
(module
  (type $word (func (result i32)))
  (type $two (func (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 4)
  (table 4 8 funcref)
  (elem (i32.const 0) $one $both)
  (data $passive "0123456789")
  (data (i32.const 16) "in bounds")
  (func $one (type $word) (i32.const 1))
  (func $both (type $two) (i32.add (local.get 0) (local.get 1)))
  (func $deep (param i64)
    (i64.store (i32.const 256) (local.get 0))
    (call $deep (i64.add (local.get 0) (i64.const 1)))
    (i64.store (i32.const 264) (local.get 0)))
  (func $is (param i32) (result i32) (i32.eq (i32.load8_u (i32.const 64)) (local.get 0)))
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 1))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    ;; a: the last word in bounds, the first function, its right type
    (if (call $is (i32.const 97)) (then
      (drop (i32.load offset=65532 (i32.const 0)))
      (drop (call_indirect (type $word) (i32.const 0)))))
    ;; b..g: loads and stores behind the memory, up to 8 GiB from its start
    (if (call $is (i32.const 98)) (then (drop (i32.load offset=65533 (i32.const 0)))))
    (if (call $is (i32.const 99)) (then (drop (i32.load offset=0xffffffff (i32.const -1)))))
    (if (call $is (i32.const 100)) (then (i64.store offset=0xfffffff8 (i32.const -1) (i64.const -1))))
    (if (call $is (i32.const 101)) (then (i32.store8 offset=0xffffffff (i32.const -1) (i32.const 1))))
    (if (call $is (i32.const 102)) (then (drop (f64.load offset=0x7fffffff (i32.const 0x7fffffff)))))
    (if (call $is (i32.const 103)) (then (i32.store (i32.const 65536) (i32.const 1))))
    ;; h..l: bulk operations
    (if (call $is (i32.const 104)) (then (memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))))
    (if (call $is (i32.const 105)) (then (memory.copy (i32.const 0) (i32.const -1) (i32.const -1))))
    (if (call $is (i32.const 106)) (then (memory.copy (i32.const -1) (i32.const 0) (i32.const -1))))
    (if (call $is (i32.const 107)) (then
      (memory.init $passive (i32.const 0) (i32.const 8) (i32.const 8))))
    (if (call $is (i32.const 108)) (then
      (data.drop $passive) (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1))))
    ;; m..r: the table
    (if (call $is (i32.const 109)) (then (drop (call_indirect (type $word) (i32.const 1)))))
    (if (call $is (i32.const 110)) (then (drop (call_indirect (type $word) (i32.const 2)))))
    (if (call $is (i32.const 111)) (then (drop (call_indirect (type $word) (i32.const 4)))))
    (if (call $is (i32.const 112)) (then (drop (call_indirect (type $word) (i32.const -1)))))
    (if (call $is (i32.const 113)) (then (drop (table.get 0 (i32.const 4)))))
    (if (call $is (i32.const 114)) (then (table.set 0 (i32.const -1) (ref.null func))))
    ;; s: the stack; t: memory that was refused; u: a write behind what was grown
    (if (call $is (i32.const 115)) (then (call $deep (i64.const 0))))
    (if (call $is (i32.const 116)) (then
      (if (i32.eq (memory.grow (i32.const 100)) (i32.const -1))
        (then (i32.store offset=65536 (i32.const 0) (i32.const 1))))))
    (if (call $is (i32.const 117)) (then
      (drop (memory.grow (i32.const 1)))
      (i32.store (i32.const 131069) (i32.const 1))))
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
