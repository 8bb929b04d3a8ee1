/*
 * The first tier of a module: wasm2c's m.c, shim.c and the note in one, for tcc, which compiles it
 * in a hundredth of the time that gcc needs, to code that is several times slower. Everything that
 * makes it safe is the same: the C, the reservation of 8 GiB that memory lies in, the checks of the
 * library, the wall. What tcc lacks, or does otherwise than WebAssembly says, is here:
 *
 * - Its helpers for loads and stores, which tcc would call, are put in the place: a fault then lies
 *   in the function that made it. So that they can be, m.c comes as two, head.c with the helpers
 * and body.c with what uses them.
 * - Of a NaN, tcc's unary minus keeps the sign. The stage has written "= -(" of body.c as "=N_(".
 * - glibc's NAN, INFINITY, isnan() and signbit() are calls, or quotients, outside of gcc.
 */
#include <alloca.h>
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "m.h"

#undef __attribute__ /* glibc's headers take it away from all but gcc */

union quick_float {
    u32 bits;
    f32 value;
};

union quick_double {
    u64 bits;
    f64 value;
};

static f32 quick_float(u32 bits)
{
    union quick_float number;

    number.bits = bits;
    return number.value;
}

static u32 quick_float_bits(f32 value)
{
    union quick_float number;

    number.value = value;
    return number.bits;
}

static f64 quick_double(u64 bits)
{
    union quick_double number;

    number.bits = bits;
    return number.value;
}

static u64 quick_double_bits(f64 value)
{
    union quick_double number;

    number.value = value;
    return number.bits;
}

static f32 quick_negate_float(f32 value)
{
    return quick_float(quick_float_bits(value) ^ 0x80000000u);
}

static f64 quick_negate_double(f64 value)
{
    return quick_double(quick_double_bits(value) ^ 0x8000000000000000ull);
}

#define QUICK_IS_FLOAT(x) __builtin_types_compatible_p(__typeof__(x), f32)
#define N_(x) \
    __builtin_choose_expr(QUICK_IS_FLOAT(x), quick_negate_float(x), quick_negate_double(x))

#undef isnan
#undef signbit
#undef NAN
#undef INFINITY
#define isnan(x) ((x) != (x))
#define signbit(x)                                                      \
    __builtin_choose_expr(QUICK_IS_FLOAT(x), quick_float_bits(x) >> 31, \
                          (u32)(quick_double_bits(x) >> 63))
#define NAN quick_float(0x7fc00000u)
#define INFINITY quick_float(0x7f800000u)

/* tcc has __builtin_expect() only. */
static u32 quick_leading(u64 value)
{
    u32 count = 0;

    for (u32 half = 32; half > 0; half >>= 1)
        if (value >> half) {
            value >>= half;
            count += half;
        }
    return 63 - count;
}

static u32 quick_trailing(u64 value)
{
    return 63 - quick_leading(value & -value);
}

static u32 quick_ones(u64 value)
{
    value -= (value >> 1) & 0x5555555555555555ull;
    value = (value & 0x3333333333333333ull) + ((value >> 2) & 0x3333333333333333ull);
    value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (u32)(value * 0x0101010101010101ull >> 56);
}

#define __builtin_clz(x) (quick_leading((u32)(x)) - 32)
#define __builtin_clzll(x) quick_leading(x)
#define __builtin_ctz(x) quick_trailing((u32)(x))
#define __builtin_ctzll(x) quick_trailing(x)
#define __builtin_popcount(x) quick_ones((u32)(x))
#define __builtin_popcountll(x) quick_ones(x)

#include "head.c"

/* As it is in memory, by way of the signed or unsigned type that it is extended by. */
#define QUICK_LOAD(type, mem, addr) (*(type *)((mem)->data + (addr)))
#define QUICK_STORE(type, mem, addr, value) (*(type *)((mem)->data + (addr)) = (type)(value))
#define i32_load(mem, addr) QUICK_LOAD(u32, mem, addr)
#define i64_load(mem, addr) QUICK_LOAD(u64, mem, addr)
#define f32_load(mem, addr) QUICK_LOAD(f32, mem, addr)
#define f64_load(mem, addr) QUICK_LOAD(f64, mem, addr)
#define i32_load8_s(mem, addr) (u32)(s32) QUICK_LOAD(s8, mem, addr)
#define i64_load8_s(mem, addr) (u64)(s64) QUICK_LOAD(s8, mem, addr)
#define i32_load8_u(mem, addr) (u32) QUICK_LOAD(u8, mem, addr)
#define i64_load8_u(mem, addr) (u64) QUICK_LOAD(u8, mem, addr)
#define i32_load16_s(mem, addr) (u32)(s32) QUICK_LOAD(s16, mem, addr)
#define i64_load16_s(mem, addr) (u64)(s64) QUICK_LOAD(s16, mem, addr)
#define i32_load16_u(mem, addr) (u32) QUICK_LOAD(u16, mem, addr)
#define i64_load16_u(mem, addr) (u64) QUICK_LOAD(u16, mem, addr)
#define i64_load32_s(mem, addr) (u64)(s64) QUICK_LOAD(s32, mem, addr)
#define i64_load32_u(mem, addr) (u64) QUICK_LOAD(u32, mem, addr)
#define i32_store(mem, addr, value) QUICK_STORE(u32, mem, addr, value)
#define i64_store(mem, addr, value) QUICK_STORE(u64, mem, addr, value)
#define f32_store(mem, addr, value) QUICK_STORE(f32, mem, addr, value)
#define f64_store(mem, addr, value) QUICK_STORE(f64, mem, addr, value)
#define i32_store8(mem, addr, value) QUICK_STORE(u8, mem, addr, value)
#define i32_store16(mem, addr, value) QUICK_STORE(u16, mem, addr, value)
#define i64_store8(mem, addr, value) QUICK_STORE(u8, mem, addr, value)
#define i64_store16(mem, addr, value) QUICK_STORE(u16, mem, addr, value)
#define i64_store32(mem, addr, value) QUICK_STORE(u32, mem, addr, value)

#include "body.c"
#include "note.c"
#include "shim.c"
