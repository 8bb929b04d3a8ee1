(module (memory (export "memory") 1) (func (export "_start") (try (do) (catch_all))))
