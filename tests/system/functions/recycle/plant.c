/*
 * Native code that keeps its request's body wherever a process can keep something: static data, the
 * heap, mappings, the break, the stack, the registers of vectors and of x87, a segment's base, its
 * signal mask and a signal's handler. With the body "look" it says what it finds of all that;
 * behind it is the secret with each bit turned, so that only the one who planted it has it in its
 * memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNAL 10             /* SIGUSR1 */
#define MXCSR_PLANTED 0x5f80u /* rounds up */
#define SEGMENT_PLANTED 0x5ec1e7000ul

static char kept[4096];
static char *heap;

static long call4(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void fill(char *to, size_t size, const uint8_t *secret, size_t length)
{
    for (size_t at = 0; at + length <= size; at += length)
        memcpy(to + at, secret, length);
}

/* XCR0: which registers the kernel keeps for each process. */
static unsigned enabled(void)
{
    unsigned low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int has_segment_bases(void)
{
    unsigned a = 7, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b & 1;
}

#define EACH_OF_16(one)                                                                           \
    one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) one(11) one(12) \
        one(13) one(14) one(15)
#define LOAD_XMM(n) "movups (%0), %%xmm" #n "\n"
#define LOAD_YMM(n) "vmovups (%0), %%ymm" #n "\n"
#define LOAD_ZMM(n) "vmovups (%0), %%zmm" #n "\n"

/* In all vector registers, those of x87, and the modes of the first. */
static void in_vectors(const char *secret)
{
    const unsigned mxcsr = MXCSR_PLANTED;

    __asm__ volatile("fninit\n fldt (%0)\n fldt 8(%0)\n fldt 16(%0)\n fldt (%0)\n fldt (%0)\n"
                     "ldmxcsr (%1)\n" EACH_OF_16(LOAD_XMM)
                     :
                     : "r"(secret), "r"(&mxcsr)
                     : "memory");
    if (enabled() & 4)
        __asm__ volatile(EACH_OF_16(LOAD_YMM) : : "r"(secret) : "memory");
    if ((enabled() & 0xe0) == 0xe0)
        __asm__ volatile(EACH_OF_16(LOAD_ZMM) "vmovups (%0), %%zmm16\n vmovups (%0), %%zmm17\n"
                                              "vmovups (%0), %%zmm30\n vmovups (%0), %%zmm31\n"
                         :
                         : "r"(secret)
                         : "memory");
}

static void deep(const uint8_t *secret, size_t length, int depth)
{
    volatile char frame[4096];

    fill((char *)frame, sizeof frame, secret, length);
    if (depth > 0)
        deep(secret, length, depth - 1);
    in_vectors((const char *)frame);
}

/* What xsave writes of all that the kernel has switched on: x87, MXCSR, vectors of each width. */
static unsigned char found[16384] __attribute__((aligned(64)));
#define MXCSR_AT 24
#define MXCSR_INITIAL 0x1f80u

static int in_registers(const uint8_t *turned, size_t length)
{
    int count = 0;

    /* Eight bytes: a mantissa of x87, a quarter of what AVX keeps apart. */
    for (size_t i = 0; i + 8 <= sizeof found; i++)
        for (size_t at = 0; at + 8 <= length; at++) {
            int same = 0;
            for (int k = 0; k < 8; k++)
                same += found[i + (size_t)k] == (unsigned char)~turned[at + (size_t)k];
            count += same == 8;
        }
    return count;
}

static int is_rounding_changed(void)
{
    unsigned mxcsr;

    memcpy(&mxcsr, found + MXCSR_AT, sizeof mxcsr);
    return (mxcsr & 0xffc0u) != MXCSR_INITIAL;
}

/* Of the segment that translated code has its memory by; 0 where no program may ask. */
static unsigned long segment_base(void)
{
    unsigned long base = 0;

    if (has_segment_bases())
        __asm__ volatile("rdgsbase %0" : "=r"(base));
    return base;
}

struct action {
    uintptr_t handler;
    unsigned long flags, restorer, mask;
};

static int64_t look(int registers, uint8_t *out, size_t out_cap)
{
    struct action action = {0};
    unsigned long mask = 0;

    call4(13, SIGNAL, 0, (long)&action, 8); /* rt_sigaction */
    call4(14, 0, 0, (long)&mask, 8);        /* rt_sigprocmask */
    return snprintf((char *)out, out_cap,
                    "kept %d heap %d handler %d mask %d registers %d rounding %d segment %d\n",
                    kept[0] != 0, heap != NULL, action.handler != 0,
                    (mask >> (SIGNAL - 1) & 1) != 0, registers, is_rounding_changed(),
                    segment_base() == SEGMENT_PLANTED);
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    __asm__ volatile("xsave (%0)" : : "r"(found), "a"(-1), "d"(-1) : "memory");
    if (in_len >= 4 && memcmp(in, "look", 4) == 0)
        return look(in_registers(in + 4, in_len - 4), out, out_cap);
    if (in_len < 16 || in_len > 256)
        return -1;
    fill(kept, sizeof kept, in, in_len);
    heap = malloc(1 << 20);
    if (!heap)
        return -2;
    fill(heap, 1 << 20, in, in_len);
    long end = call4(12, 0, 0, 0, 0); /* brk */
    if (call4(12, end + 65536, 0, 0, 0) == end + 65536)
        fill((char *)end, 65536, in, in_len);
    /* mmap: of its own, readable and writable, of nothing. */
    char *mapped = (char *)call6(9, 0, 1 << 16, 3, 0x22, -1, 0);
    if ((long)mapped > 0)
        fill(mapped, 1 << 16, in, in_len);
    deep(in, in_len, 16);
    struct action action = {.handler = (uintptr_t)handler, .mask = ~0ul};
    unsigned long mask = 1ul << (SIGNAL - 1);
    if (call4(13, SIGNAL, (long)&action, 0, 8) != 0 || call4(14, 0, (long)&mask, 0, 8) != 0)
        return -3;
    uint8_t turned[256];
    for (size_t i = 0; i < in_len; i++)
        turned[i] = (uint8_t)~in[i];
    if (has_segment_bases())
        __asm__ volatile("wrgsbase %0" : : "r"(SEGMENT_PLANTED));
    /* That what is planted is found where it was planted. */
    in_vectors(kept);
    __asm__ volatile("xsave (%0)" : : "r"(found), "a"(-1), "d"(-1) : "memory");
    const unsigned initial = MXCSR_INITIAL;
    __asm__ volatile("fninit\n ldmxcsr (%0)" : : "r"(&initial) : "memory");
    int64_t n = look(in_registers(turned, in_len), out, out_cap);
    /* They are left so. */
    in_vectors(kept);
    return n;
}
