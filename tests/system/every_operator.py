#!/usr/bin/python3
"""A module, as text, that applies each numeric operator of WebAssembly (1.0, sign extension, saturating
conversion) to edges of its types, and writes the bits of all results to standard output. What a NaN's sign and
payload are is left open where the specification leaves it open. usage: every_operator.py >every_operator.wat"""

I32 = [0, 1, 2, 7, 31, 32, 33, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x12345678]
I64 = I32 + [63, 64, 65, 0xffffffff00000000, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0x123456789abcdef0, 0xffffffffffffffff,
             0x7fffffffffffffff - 511, 0xfffffffffffffbff, 0xfffffffffffffc00, 0x8000000000000400, 0x8000000000000401, 0x8000008000000001, 0x20000000000001]
F32 = ["0", "-0", "1", "-1", "0.5", "-0.5", "1.5", "2.5", "-2.5", "3.7", "nan", "-nan", "nan:0x200001", "inf", "-inf", "0x1p-149", "-0x1p-149", "0x1p-126",
       "0x1.fffffep127", "2147483520", "-2147483648", "4294967040", "9223371487098961920", "-9223372036854775808", "18446742974197923840", "16777217", "1e-30", "0.1"]
F64 = F32[:12] + ["nan:0x4000000000001", "inf", "-inf", "0x1p-1074", "-0x1p-1074", "0x1p-1022", "0x1.fffffffffffffp1023", "2147483647", "-2147483648", "2147483647.9",
                  "4294967295", "4294967295.9", "-0.9", "9223372036854774784", "-9223372036854775808", "18446744073709549568", "9007199254740993", "0x1.fffffefp127", "1e-300", "0.1"]
EDGES = {"i32": I32, "i64": I64, "f32": F32, "f64": F64}

INTEGER_TWO = "add sub mul and or xor shl shr_s shr_u rotl rotr eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
DIVISIONS = "div_s div_u rem_s rem_u".split()
FLOAT_TWO = "add sub mul div min max copysign eq ne lt gt le ge".split()
FLOAT_ONE = "abs neg ceil floor trunc nearest sqrt".split()
RELATIONS = set("eq ne lt gt le ge lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u eqz".split())
EXACT = set("abs neg copysign".split())


def operators():
    """(operator, operands' type, count of operands, result's type)"""
    for t in ("i32", "i64"):
        for name in INTEGER_TWO + DIVISIONS:
            yield f"{t}.{name}", t, 2, "i32" if name in RELATIONS else t
        for name in "clz ctz popcnt eqz extend8_s extend16_s".split() + (["extend32_s"] if t == "i64" else []):
            yield f"{t}.{name}", t, 1, "i32" if name in RELATIONS else t
    for t in ("f32", "f64"):
        for name in FLOAT_TWO:
            yield f"{t}.{name}", t, 2, "i32" if name in RELATIONS else t
        for name in FLOAT_ONE:
            yield f"{t}.{name}", t, 1, t
        for i in ("i32", "i64"):
            for sign in "su":
                yield f"{i}.trunc_sat_{t}_{sign}", t, 1, i
                yield f"{i}.trunc_{t}_{sign}", t, 1, i
                yield f"{t}.convert_{i}_{sign}", i, 1, t
    yield from [("i32.wrap_i64", "i64", 1, "i32"), ("i64.extend_i32_s", "i32", 1, "i64"), ("i64.extend_i32_u", "i32", 1, "i64"),
                ("f32.demote_f64", "f64", 1, "f32"), ("f64.promote_f32", "f32", 1, "f64"), ("i32.reinterpret_f32", "f32", 1, "i32"),
                ("i64.reinterpret_f64", "f64", 1, "i64"), ("f32.reinterpret_i32", "i32", 1, "f32"), ("f64.reinterpret_i64", "i64", 1, "f64")]


def as_number(text):
    if "nan" in text or "inf" in text:
        return None
    return float.fromhex(text) if "0x" in text else float(text)


def takes(operator, operand, second):
    """Whether it is an operand that the operator does not trap of, beside any other."""
    name = operator.split(".")[1]
    if name in DIVISIONS:
        return not second or operand not in (0, (1 << 32 if operator.startswith("i32") else 1 << 64) - 1)
    if name.startswith("trunc_f"):
        number, bits = as_number(operand), 32 if operator.startswith("i32") else 64
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if name.endswith("_s") else (0, 2**bits)
        return number is not None and abs(number) != float("inf") and low <= int(number) < high
    return True


class Tables:
    """Of operands, in the module's memory: made of stores, so that each is what its text says."""

    def __init__(self):
        self.at, self.known, self.stores = 1 << 19, {}, []

    def place(self, t, operands):
        key = (t, tuple(operands))
        if key not in self.known:
            self.known[key] = self.at
            for operand in operands:
                self.stores.append(f"({t}.store (i32.const {self.at}) ({t}.const {operand}))")
                self.at += 8
        return self.known[key]


def result_bits(operator, result, operands):
    value = f"({operator} {operands})"
    name = operator.split(".")[1]
    if result in ("f32", "f64") and name not in EXACT and "reinterpret" not in name:
        value = f"(call $open_{result} {value})"
    return {"i64": value, "i32": f"(i64.extend_i32_u {value})", "f32": f"(i64.extend_i32_u (i32.reinterpret_f32 {value}))",
            "f64": f"(i64.reinterpret_f64 {value})"}[result]


def function(tables, operator, t, count, result):
    """Its operator for every operand, or every two."""
    first = [x for x in EDGES[t] if takes(operator, x, False)]
    second = [x for x in EDGES[t] if takes(operator, x, True)] if count == 2 else [first[0]]
    a, b = tables.place(t, first), tables.place(t, second)
    operands = f"({t}.load (local.get 0))" + (f" ({t}.load (local.get 1))" if count == 2 else "")
    return f"""(func ${operator} (local i32 i32) (local.set 0 (i32.const {a}))
  (loop $outer (local.set 1 (i32.const {b}))
    (loop $inner (call $put {result_bits(operator, result, operands)})
      (br_if $inner (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 8))) (i32.const {b + 8 * len(second)}))))
    (br_if $outer (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 8))) (i32.const {a + 8 * len(first)})))))"""


def main():
    tables = Tables()
    functions = [function(tables, *which) for which in operators()]
    print('(module (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))')
    print('(memory (export "memory") 16) (global $at (mut i32) (i32.const 16))')
    print("(func $put (param i64) (i64.store (global.get $at) (local.get 0)) (global.set $at (i32.add (global.get $at) (i32.const 8))))")
    for t in ("f32", "f64"):
        print(f"(func $open_{t} (param {t}) (result {t}) (select (local.get 0) ({t}.const nan) ({t}.eq (local.get 0) (local.get 0))))")
    print("\n".join(functions))
    print('(func (export "_start")\n  ' + "\n  ".join(tables.stores))
    print("  " + "\n  ".join(f"(call ${which[0]})" for which in operators()))
    print("  (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.sub (global.get $at) (i32.const 16)))")
    print("  (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))")


main()
