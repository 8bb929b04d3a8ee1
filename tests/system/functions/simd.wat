;; Uses what the translator lacks.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (v128.store (i32.const 0) (v128.const i32x4 1 2 3 4))))
