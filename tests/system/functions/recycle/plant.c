/*
 * Native code that keeps its request's body wherever a process can keep something: static data, the
 * heap, mappings, the break, the stack, vector registers, its signal mask and a signal's handler.
 * With the body "look" it says what it finds of all that; behind it is the secret with each bit
 * turned, so that only the one who planted it has it in its memory.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNAL 10 /* SIGUSR1 */

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

static void deep(const uint8_t *secret, size_t length, int depth)
{
    volatile char frame[4096];

    fill((char *)frame, sizeof frame, secret, length);
    if (depth > 0)
        deep(secret, length, depth - 1);
    __asm__ volatile("movups (%0), %%xmm0\n movups (%0), %%xmm1\n movups (%0), %%xmm2\n"
                     "movups (%0), %%xmm3\n movups (%0), %%xmm4\n movups (%0), %%xmm5\n"
                     "movups (%0), %%xmm6\n movups (%0), %%xmm7\n movups (%0), %%xmm8\n"
                     "movups (%0), %%xmm9\n movups (%0), %%xmm10\n movups (%0), %%xmm11\n"
                     "movups (%0), %%xmm12\n movups (%0), %%xmm13\n movups (%0), %%xmm14\n"
                     "movups (%0), %%xmm15\n"
                     :
                     : "r"(frame)
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
}

/* What a call finds in them, before it has used any. */
static unsigned char found[16][16];

static int in_registers(const uint8_t *turned, size_t length)
{
    int count = 0;

    for (int i = 0; i < 16; i++)
        for (size_t at = 0; at + 16 <= length; at++) {
            int same = 0;
            for (int k = 0; k < 16; k++)
                same += found[i][k] == (unsigned char)~turned[at + k];
            count += same == 16;
        }
    return count;
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
    return snprintf((char *)out, out_cap, "kept %d heap %d handler %d mask %d registers %d\n",
                    kept[0] != 0, heap != NULL, action.handler != 0,
                    (mask >> (SIGNAL - 1) & 1) != 0, registers);
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    __asm__ volatile("movups %%xmm0, (%0)\n movups %%xmm1, 16(%0)\n movups %%xmm2, 32(%0)\n"
                     "movups %%xmm3, 48(%0)\n movups %%xmm4, 64(%0)\n movups %%xmm5, 80(%0)\n"
                     "movups %%xmm6, 96(%0)\n movups %%xmm7, 112(%0)\n movups %%xmm8, 128(%0)\n"
                     "movups %%xmm9, 144(%0)\n movups %%xmm10, 160(%0)\n movups %%xmm11, 176(%0)\n"
                     "movups %%xmm12, 192(%0)\n movups %%xmm13, 208(%0)\n"
                     "movups %%xmm14, 224(%0)\n movups %%xmm15, 240(%0)\n"
                     :
                     : "r"(found)
                     : "memory");
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
    return look(0, out, out_cap);
}
