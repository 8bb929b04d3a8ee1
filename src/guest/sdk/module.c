/*
 * The translated module: wasm2c's m.c as it is, but with loads and stores addressed from the base
 * of segment GS, where the run time keeps the instance's memory (guest/wasm_base.c). m.c itself
 * goes through mem->data, which each store might have changed for all that gcc knows: one more load
 * for most accesses, and a register.
 *
 * An address is a u32 plus an offset of u32, added in 64 bits: the reservation of 8 GiB and its
 * guard catch what is outside, as before. Should a segment prefix ever get lost, the access would
 * be to the lowest 8 GiB of the process, where nothing is: a position-independent program and mmap
 * are far above.
 *
 * m.c has the two macros changed here in its DEFINE_LOAD and DEFINE_STORE and nowhere else:
 *
 *     wasm_rt_memcpy(&result, &mem->data[addr], sizeof(t1));
 *     wasm_asm("" ::"r"(result));
 *     wasm_rt_memcpy(&mem->data[addr], &wrapped, sizeof(t1));
 *
 * and what another version of wasm2c writes there is an error at once, not another meaning. Memory
 * 0 is the only one, and the instance's own: the build refuses others.
 */

/* All that m.c includes, before __asm__ gets its other meaning. */
#include <alloca.h>
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <wasm-rt.h>

#define MODULE_IS(text, known) (__builtin_strcmp(text, known) == 0)
#define MODULE_MEMORY "&mem->data[addr]"
#define MODULE_VERSION "wasm2c is not of the version that this is made for"

/* Not aligned, and of whatever type was stored there. */
#define MODULE_AT(type, addr) \
    (*(__typeof__(type) __attribute__((aligned(1), may_alias)) __seg_gs *)(addr))

#undef wasm_rt_memcpy
#define wasm_rt_memcpy(to, from, bytes)                                                    \
    do {                                                                                   \
        _Static_assert((MODULE_IS(#to, MODULE_MEMORY) && MODULE_IS(#from, "&wrapped")) ||  \
                           (MODULE_IS(#to, "&result") && MODULE_IS(#from, MODULE_MEMORY)), \
                       MODULE_VERSION);                                                    \
        if (MODULE_IS(#to, MODULE_MEMORY))                                                 \
            MODULE_AT(*(from), addr) = *(from);                                            \
        else                                                                               \
            *(to) = MODULE_AT(*(to), addr);                                                \
    } while (0)

/*
 * A load whose value nobody wants may still trap: it must stay. m.c wants each value in a general
 * register for that; one of floating point stays where it is.
 */
#define __asm__(operands)                                                             \
    do {                                                                              \
        _Static_assert(MODULE_IS(#operands, "\"\" ::\"r\"(result)"), MODULE_VERSION); \
        if (__builtin_types_compatible_p(__typeof__(result), f32) ||                  \
            __builtin_types_compatible_p(__typeof__(result), f64))                    \
            asm("" ::"x"(result));                                                    \
        else                                                                          \
            asm("" ::"r"(result));                                                    \
    } while (0)

/*
 * gcc 12 forgets the segment in one instruction: a move between the accumulator and a constant
 * address beyond 32 bits (%P0 in *movabs<mode>_1 and _2 of its i386.md). All of that name get the
 * prefix here; moves of constants share the name, and do nothing with it. Before all functions.
 */
#define MODULE_MOVABS(suffix)                         \
    asm(".macro movabs" #suffix " from:req, to:req\n" \
        "    gs movabs" #suffix " \\from, \\to\n"     \
        ".endm\n")
MODULE_MOVABS();
MODULE_MOVABS(b);
MODULE_MOVABS(w);
MODULE_MOVABS(l);
MODULE_MOVABS(q);

#include "m.c"
