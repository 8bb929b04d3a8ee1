(module (memory (export "memory") 1) (table 2000000 funcref) (func (export "_start")))
