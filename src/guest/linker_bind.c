/*
 * Binding at the first call. The procedure linkage table of a library (System V ABI, x86-64
 * supplement, 5.2) jumps through slots of its global offset table. Each slot first leads back to
 * the table, which pushes the number of the slot's relocation and the second word of the offset
 * table, where the linker put the library, and jumps to the third: linker_bind_first.
 */
#include <stdatomic.h>
#include <string.h>

#include "guest/linker_internal.h"
#include "guest/linker_tree.h"

/*
 * All that may hold an argument is kept: the callee must not see that somebody was here. Vectors
 * of 256 bits and more are not: libraries are compiled for x86-64-v2, which has none.
 */
__asm__(".text\n"
        ".p2align 4\n"
        ".hidden linker_bind_first\n"
        ".globl linker_bind_first\n"
        ".type linker_bind_first, @function\n"
        "linker_bind_first:\n"
        "    push %rax\n"
        "    push %rcx\n"
        "    push %rdx\n"
        "    push %rsi\n"
        "    push %rdi\n"
        "    push %r8\n"
        "    push %r9\n"
        "    sub $144, %rsp\n"
        "    movaps %xmm0, (%rsp)\n"
        "    movaps %xmm1, 16(%rsp)\n"
        "    movaps %xmm2, 32(%rsp)\n"
        "    movaps %xmm3, 48(%rsp)\n"
        "    movaps %xmm4, 64(%rsp)\n"
        "    movaps %xmm5, 80(%rsp)\n"
        "    movaps %xmm6, 96(%rsp)\n"
        "    movaps %xmm7, 112(%rsp)\n"
        "    mov %r10, 128(%rsp)\n"
        "    mov 200(%rsp), %rdi\n" /* the library */
        "    mov 208(%rsp), %rsi\n" /* the relocation's number */
        "    mov 216(%rsp), %rdx\n" /* where the call returns to */
        "    call linker_bind_slot\n"
        "    mov %rax, %r11\n"
        "    mov 128(%rsp), %r10\n"
        "    movaps (%rsp), %xmm0\n"
        "    movaps 16(%rsp), %xmm1\n"
        "    movaps 32(%rsp), %xmm2\n"
        "    movaps 48(%rsp), %xmm3\n"
        "    movaps 64(%rsp), %xmm4\n"
        "    movaps 80(%rsp), %xmm5\n"
        "    movaps 96(%rsp), %xmm6\n"
        "    movaps 112(%rsp), %xmm7\n"
        "    add $144, %rsp\n"
        "    pop %r9\n"
        "    pop %r8\n"
        "    pop %rdi\n"
        "    pop %rsi\n"
        "    pop %rdx\n"
        "    pop %rcx\n"
        "    pop %rax\n"
        "    add $16, %rsp\n"
        "    jmp *%r11\n"
        ".size linker_bind_first, . - linker_bind_first\n");

extern void linker_bind_first(void);

/* Called by linker_bind_first alone. */
uintptr_t linker_bind_slot(const struct library *library, uint64_t number, uintptr_t return_address)
    __attribute__((used, visibility("hidden")));

uintptr_t linker_bind_slot(const struct library *library, uint64_t number, uintptr_t return_address)
{
    const struct elf_image *image = &library->image;
    Elf64_Rela relocation;
    Elf64_Sym symbol;

    /* The library may have written over its own table; everything it names is looked at again. */
    if (number >= image->relocation_count[1])
        library->tree->options.missing("?", return_address);
    memcpy(&relocation, &image->relocations[1][number], sizeof relocation);
    memcpy(&symbol, &image->dynamic_symbols[ELF64_R_SYM(relocation.r_info)], sizeof symbol);
    const char *name =
        elf_string(image->dynamic_strings, image->dynamic_string_bytes, symbol.st_name);
    uintptr_t value = name ? link_tree_symbol(library->tree, name) : 0;
    if (!value)
        library->tree->options.missing(name ? name : "?", return_address);
    memcpy(library->base + relocation.r_offset, &value, sizeof value);
    library->tree->bound++;
    return value;
}

void library_bind_lazily(struct library *library)
{
    uintptr_t words[2] = {(uintptr_t)library, (uintptr_t)linker_bind_first};

    memcpy(library->base + library->image.plt_got + 8, words, sizeof words);
}
