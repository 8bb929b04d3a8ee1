;; Its data does not fit its memory.
(module (memory (export "memory") 1) (data (i32.const 65534) "abc") (func (export "_start")))
