/*
 * Where vireo-guest begins: it is a position-independent static program (each template has its code
 * at another address), and Debian's musl has no start file for those. The program relocates itself,
 * as rcrt1.o elsewhere does, before any other instruction of C that needs it, and goes on to musl.
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

/* No libc yet. */
static inline long call3(long number, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* Runs before relocation: no global pointer may be read, and there is no stack protector yet. */
__attribute__((used, noreturn, visibility("hidden"), optimize("no-stack-protector"))) void
guest_start(uintptr_t *stack)
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
    __libc_start_main((int (*)(void))main, (int)*stack, (char **)(stack + 1), NULL, NULL, NULL);
    __builtin_unreachable();
}

__asm__(".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call guest_start\n");
