/* The script of attacks.h, without a libc. */
#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "attacks.h"

#define STEPS_MAX 64
#define BUFFER_BYTES 65536
#define PAGE 4096ul
#define STACK_BYTES (256ul << 10) /* of vireo-guest's own stack */
#define MIB (1ul << 20)
#define DESCRIPTORS 1024
#define AGAIN_MAX 100000

/* mov $43, %eax; ret */
#define OTHER_CODE 0xc30000002bb8

static char buffer[BUFFER_BYTES] __attribute__((aligned(4096)));

/* mov $42, %eax; ret, alone on its page. */
__asm__(".text\n"
        ".balign 4096\n"
        "code_page:\n"
        "    mov $42, %eax\n"
        "    ret\n"
        ".balign 4096\n");
extern char code_page[] __attribute__((visibility("hidden")));

struct writer {
    char *at, *end;
};

static long call(long number, const long *a)
{
    register long d __asm__("r10") = a[3];
    register long e __asm__("r8") = a[4];
    register long f __asm__("r9") = a[5];
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(d), "r"(e), "r"(f)
                     : "rcx", "r11", "memory");
    return result;
}

static long call32(long number, const long *a)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2])
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}

static void write_text(struct writer *writer, const char *text, size_t length)
{
    for (size_t i = 0; i < length && writer->at < writer->end; i++)
        *writer->at++ = text[i];
}

static void write_number(struct writer *writer, long number)
{
    unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
    char digits[24];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        digits[--at] = '-';
    write_text(writer, digits + at, sizeof digits - at);
}

static char *write_hex(char *to, unsigned long word)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[word >> shift & 15];
    return to;
}

/* ---- reading a script ---- */

static long number_of(const char *text)
{
    unsigned long value = 0;
    int negative = *text == '-';

    text += negative;
    unsigned base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
    if (base == 16)
        text += 2;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text >= 'a' ? *text - 'a' + 10 : *text - '0');
        if (digit >= base)
            break;
        value = value * base + digit;
    }
    return negative ? -(long)value : (long)value;
}

static int is(const char *word, const char *other)
{
    while (*word && *word == *other)
        word++, other++;
    return *word == *other;
}

static long value_of(char *word, const long *results)
{
    switch (*word) {
    case '$':
        return results[(number_of(word + 1) - 1) & (STEPS_MAX - 1)];
    case 's':
        for (char *c = word; *c; c++)
            if (*c == '_')
                *c = ' ';
        return (long)(word + 2);
    case 'b':
        return (long)buffer + (word[1] == '+' ? number_of(word + 2) : 0);
    case 'c':
        return (long)code_page + (word[1] == '+' ? number_of(word + 2) : 0);
    case 'w':
        return OTHER_CODE;
    default:
        return number_of(word);
    }
}

/* The next word of a step, ended inside the script (a byte behind it is ours); NULL behind the
 * last.
 */
static char *next_word(char **script, char *end)
{
    char *at = *script;

    while (at < end && (*at == ' ' || *at == '\n'))
        at++;
    char *word = at;
    while (at < end && *at != ' ' && *at != '\n')
        at++;
    *at = '\0';
    *script = at < end ? at + 1 : end;
    return word == at || is(word, ";") ? NULL : word;
}

/* ---- steps that are more than a call ---- */

static long touch(char *from, unsigned long bytes, unsigned long step)
{
    for (unsigned long at = 0; at < bytes; at += step)
        ((volatile char *)from)[at] = 1;
    return (long)bytes;
}

static int failed(long result)
{
    return result < 0 && result > -4096;
}

static long map(unsigned long bytes, long flags)
{
    return call(__NR_mmap, (long[]){0, (long)bytes, PROT_READ | PROT_WRITE, flags, -1, 0});
}

static long take_memory(unsigned long mib, const char *how)
{
    const long private = MAP_PRIVATE | MAP_ANONYMOUS;
    long at = 0;

    if (is(how, "brk")) {
        at = call(__NR_brk, (long[6]){0});
        for (unsigned long i = 0; i < mib; i++) {
            long end = at + (long)((i + 1) * MIB);
            if (call(__NR_brk, (long[6]){end}) != end)
                return (long)i;
            touch((char *)end - MIB, MIB, PAGE);
        }
        return (long)mib;
    }
    if (is(how, "remap")) {
        at = map(MIB, private);
        for (unsigned long i = 1; i < mib; i++) {
            at = call(__NR_mremap,
                      (long[6]){at, (long)(i * MIB), (long)((i + 1) * MIB), MREMAP_MAYMOVE});
            if (failed(at))
                return (long)i;
            touch((char *)at + i * MIB, MIB, PAGE);
        }
        return (long)mib;
    }
    if (is(how, "tables")) { /* a page table for each page that is read: the zero page is free */
        at = map(mib << 30, private | MAP_NORESERVE);
        for (unsigned long i = 0; !failed(at) && i < mib << 30; i += 2 * MIB)
            (void)*(volatile char *)(at + (long)i);
        return failed(at) ? at : (long)mib;
    }
    if (is(how, "pieces")) { /* the kernel's notes about mappings; every second page another */
        at = map(mib * MIB, private | MAP_NORESERVE);
        for (unsigned long i = 0; i < mib * MIB; i += 2 * PAGE) {
            long r = call(__NR_mprotect, (long[6]){at + (long)i, PAGE, PROT_NONE});
            if (failed(r))
                return r;
        }
        return (long)mib;
    }
    for (unsigned long i = 0; i < mib; i++) {
        at = map(MIB, is(how, "shared") ? MAP_SHARED | MAP_ANONYMOUS : private);
        if (failed(at))
            return at;
        touch((char *)at, MIB, PAGE);
    }
    return (long)mib;
}

static long each_descriptor(long number, const long *arguments)
{
    long a[6], count = 0;

    for (int i = 1; i < 6; i++)
        a[i] = arguments[i];
    for (a[0] = 0; a[0] < DESCRIPTORS; a[0]++)
        count += !failed(call(number, a));
    return count;
}

/* Whether the kernel could read a word there: it does so before it finds that 99 is no way. */
static int is_readable(unsigned long at)
{
    return call(__NR_rt_sigprocmask, (long[6]){99, (long)at, 0, 8}) == -EINVAL;
}

/* AT_PAGESZ and AT_CLKTCK, one behind the other, not far above an address; NULL. */
static const unsigned long *vector_above(unsigned long from)
{
    for (unsigned long at = from; at < from + STACK_BYTES; at += 8) {
        const unsigned long *word = (void *)at; /* NOLINT(performance-no-int-to-ptr) */
        if ((at == from || at % PAGE == 0) && !is_readable(at))
            return NULL;
        if (word[0] == 6 && at % PAGE <= PAGE - 32 && word[1] == PAGE && word[2] == 17)
            return word;
    }
    return NULL;
}

/*
 * The auxiliary vector lies behind the stack that the process began with. A library does not run on
 * that one; but who called it left pointers to it on this one.
 */
static const unsigned long *auxiliary(void)
{
    const unsigned long *at = __builtin_frame_address(0), *found = NULL;

    for (; !found; at++)
        if (*at % 8 == 0 && *at > PAGE && *at < 0x7ffffffff000ul)
            found = vector_above(*at);
    return found;
}

static long secrets(void)
{
    const unsigned long *at = auxiliary();
    unsigned long canary;

    while (*at != 25) /* AT_RANDOM */
        at += 2;
    at = (const unsigned long *)at[1];
    __asm__("mov %%fs:0x28, %0" : "=r"(canary));
    char *to = write_hex(buffer, canary);
    *to++ = ' ';
    to = write_hex(write_hex(to, at[0]), at[1]);
    return to - buffer;
}

static long layout(void)
{
    long heap = map(PAGE, MAP_PRIVATE | MAP_ANONYMOUS);
    char *to = write_hex(buffer, (unsigned long)code_page);

    *to++ = ' ';
    to = write_hex(to, (unsigned long)heap);
    *to++ = ' ';
    to = write_hex(to, (unsigned long)auxiliary());
    return to - buffer;
}

/* ---- the script ---- */

struct said {
    const char *text;
    size_t length;
};

static long step(const char *verb, char **words, long *a, struct said *said)
{
    if (*verb >= '0' && *verb <= '9')
        return call(number_of(verb), a);
    if (is(verb, "int80"))
        return call32(a[0], a + 1);
    if (is(verb, "put"))
        return *(volatile long *)a[0] = a[1];
    if (is(verb, "get"))
        return *(volatile long *)a[0];
    if (is(verb, "run"))
        return ((long (*)(long, long, long))a[0])(0, 0, 0);
    if (is(verb, "each"))
        return each_descriptor(a[0], a);
    if (is(verb, "again")) {
        long count = 0;
        while (count < AGAIN_MAX && !failed(call(a[0], a + 1)))
            count++;
        return count;
    }
    if (is(verb, "memory"))
        return take_memory((unsigned long)a[0], words[1]);
    if (is(verb, "secrets"))
        return secrets();
    if (is(verb, "layout"))
        return layout();
    if (is(verb, "say")) {
        *said = (struct said){(const char *)a[0], (size_t)a[1]};
        return 0;
    }
    if (is(verb, "spin"))
        for (;;)
            __asm__ volatile("pause");
    return -38;
}

size_t attack(char *script, size_t length, char *out, size_t capacity)
{
    struct writer writer = {out, out + capacity};
    struct said said = {0};
    long results[STEPS_MAX] = {0};
    char *end = script + length;

    for (int count = 0; script < end && count < STEPS_MAX; count++) {
        char *words[8] = {0};
        long a[8] = {0};
        char *verb = next_word(&script, end);
        if (!verb)
            continue;
        char *word;
        for (int i = 0; (word = next_word(&script, end));) {
            if (i < 7) {
                words[i] = word;
                a[i] = value_of(word, results);
                i++;
            }
        }
        results[count] = step(verb, words, a, &said);
        if (count)
            write_text(&writer, " ", 1);
        write_number(&writer, results[count]);
    }
    if (said.length) {
        write_text(&writer, "\n", 1);
        write_text(&writer, said.text, said.length);
    }
    return (size_t)(writer.at - out);
}
