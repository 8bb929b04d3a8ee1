/*
 * Where vireo-guest begins: it is a position-independent static program (each template has its code
 * at another address), and Debian's musl has no start file for those. The program relocates itself,
 * as rcrt1.o elsewhere does, before any other instruction of C that needs it, and goes on to musl.
 *
 * The OCI runtime and a container's init begin here too; they are never forked as a template is,
 * and keep the kernel's stack (START_KERNEL_STACK).
 */
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

int main(void);
_Noreturn void guest_start(uintptr_t *stack);

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

int __libc_start_main(int (*main)(void), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader_fini)(void));

/* Of the program's own code; tenant code has a call stack of its own (wasm_stack.c). */
#define STACK_BYTES (256ul << 10)
#define STACK_GUARD_BYTES (64ul << 10)
/* Of the kernel's vector: arguments, environment, auxiliary vector. The host passes one argument.
 */
#define VECTOR_WORDS_MAX 256
/* The kernel's stack is one mapping below its last string; it has not grown beyond this yet. */
#define KERNEL_STACK_BYTES (1ul << 20)

/* No libc yet. */
static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long d_in __asm__("r10") = d;
    register long e_in __asm__("r8") = e;
    register long f_in __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(d_in), "r"(e_in), "r"(f_in)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long call3(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* There is no stack protector yet. */
#define EARLY __attribute__((noreturn, used, optimize("no-stack-protector")))

/* On the stack that stays. */
EARLY static void go_on(uintptr_t *vector)
{
    __libc_start_main((int (*)(void))main, (int)*vector, (char **)(vector + 1), NULL, NULL, NULL);
    __builtin_unreachable();
}

#ifndef START_KERNEL_STACK
/* Words of the kernel's vector; 0: more than are to be copied. */
static inline size_t vector_words(const uintptr_t *vector, size_t *ret_auxiliary)
{
    size_t at = 1 + vector[0] + 1; /* the environment */

    while (at < VECTOR_WORDS_MAX && vector[at])
        at++;
    *ret_auxiliary = ++at;
    while (at < VECTOR_WORDS_MAX && vector[at] != AT_NULL)
        at += 2;
    return at < VECTOR_WORDS_MAX ? at + 2 : 0;
}

/*
 * A stack among the other mappings. The kernel's lies alone at the other end of the address space:
 * each instance would have two page tables for it, a copy of the pages that were written, and one
 * mapping more to fork. The template keeps it, for the name that it shows. NULL: it could not be
 * made, and the kernel's is as good.
 */
static inline uintptr_t *own_stack(const uintptr_t *vector)
{
    size_t auxiliary, words = vector_words(vector, &auxiliary);
    uintptr_t last = 0;

    long place = words == 0 ? -1
                            : call6(__NR_mmap, 0, STACK_GUARD_BYTES + STACK_BYTES, PROT_NONE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (place < 0 && place > -4096)
        return NULL;
    if (call3(__NR_mprotect, place + (long)STACK_GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) <
        0)
        return NULL;
    /* Its random bytes, then the vector. */
    uintptr_t *random = (uintptr_t *)(place + (long)(STACK_GUARD_BYTES + STACK_BYTES)) - 2;
    uintptr_t *copy = random - ((words + 1) & ~(size_t)1);
    for (size_t i = 0; i < words; i++)
        copy[i] = vector[i];
    for (size_t i = auxiliary; copy[i] != AT_NULL; i += 2) {
        if (copy[i] == AT_EXECFN)
            last = copy[i + 1];
        if (copy[i] != AT_RANDOM)
            continue;
        const uintptr_t *bytes = (const uintptr_t *)copy[i + 1];
        random[0] = bytes[0];
        random[1] = bytes[1];
        copy[i + 1] = (uintptr_t)random;
    }
    /* Also where nothing is mapped: that is said, and no harm. */
    last = (last + 4096) & -4096ul;
    if (last > KERNEL_STACK_BYTES)
        call3(__NR_madvise, (long)(last - KERNEL_STACK_BYTES), KERNEL_STACK_BYTES, MADV_DONTFORK);
    return copy;
}

#endif

/* Runs before relocation: no global pointer may be read. */
EARLY __attribute__((visibility("hidden"))) void guest_start(uintptr_t *stack)
{
    uintptr_t base = (uintptr_t)&__ehdr_start;
    const Elf64_Rela *relocations = NULL;
    size_t bytes = 0;

    for (const Elf64_Dyn *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_RELA)
            relocations = (const Elf64_Rela *)(base + entry->d_un.d_ptr);
        else if (entry->d_tag == DT_RELASZ)
            bytes = entry->d_un.d_val;
    }
    for (size_t i = 0; i < bytes / sizeof *relocations; i++) {
        if (ELF64_R_TYPE(relocations[i].r_info) == R_X86_64_RELATIVE)
            *(uintptr_t *)(base + relocations[i].r_offset) =
                base + (uintptr_t)relocations[i].r_addend;
    }
    __asm__ volatile("" ::: "memory");
    /* What was only written to relocate it is read-only from now. */
    const Elf64_Phdr *header = (const Elf64_Phdr *)(base + __ehdr_start.e_phoff);
    for (int i = 0; i < __ehdr_start.e_phnum; i++) {
        if (header[i].p_type == PT_GNU_RELRO) {
            uintptr_t from = (base + header[i].p_vaddr) & -4096ul;
            uintptr_t to = (base + header[i].p_vaddr + header[i].p_memsz) & -4096ul;
            call3(__NR_mprotect, (long)from, (long)(to - from), PROT_READ);
        }
    }
#ifndef START_KERNEL_STACK
    uintptr_t *own = own_stack(stack);
    if (own)
        __asm__ volatile("mov %0, %%rsp\n"
                         "    xor %%ebp, %%ebp\n"
                         "    call go_on\n"
                         :
                         : "r"(own), "D"(own)
                         : "memory");
#endif
    go_on(stack);
}

__asm__(".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call guest_start\n");
