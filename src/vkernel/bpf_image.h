/* A program in the kernel, as the build made it: NAME[] to NAME_end[]. */
#pragma once

#define IMAGE(name, path)                           \
    __asm__(".section .rodata\n"                    \
            ".balign 16\n"                          \
            ".globl " name "\n"                     \
            ".hidden " name "\n" name ":\n"         \
            ".incbin \"" path "\"\n"                \
            ".globl " name "_end\n"                 \
            ".hidden " name "_end\n" name "_end:\n" \
            ".previous\n")
