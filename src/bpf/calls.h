/* How far the calls between a program's functions go. */
#pragma once

#include <stdint.h>

struct bpf_insn;

/*
 * The instructions on all ways through the calls of any of the program's functions, loops left out:
 * a function that is called twice counts twice. The kernel goes all these ways when it adds up
 * stacks (check_max_stack_depth()), and does nothing else meanwhile, not even end: ten functions of
 * a hundred calls each are a processor for good. UINT64_MAX: more than that, a function that calls
 * itself, or more functions than the kernel takes.
 */
uint64_t calls_length(const struct bpf_insn *code, uint32_t count);
