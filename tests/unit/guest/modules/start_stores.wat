;; Its start section writes and reads, before anything else of it runs.
(module
  (memory (export "memory") 1)
  (func $at_start
    (i32.store (i32.const 16) (i32.const 5))
    (i32.store (i32.const 20) (i32.add (i32.load (i32.const 16)) (i32.const 1))))
  (start $at_start)
  (func (export "_start")))
