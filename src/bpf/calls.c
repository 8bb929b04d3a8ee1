/* The length of a program's calls, a function after the other. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bpf/calls.h"

#define FUNCTIONS_MAX 256 /* as the kernel has it: BPF_MAX_SUBPROGS */

enum state { UNSEEN, ENTERED, DONE };

struct graph {
    const struct bpf_insn *code;
    uint32_t count;
    uint32_t starts[FUNCTIONS_MAX + 1]; /* in order; behind the last is the program's end */
    uint32_t functions;
    enum state states[FUNCTIONS_MAX];
    uint64_t lengths[FUNCTIONS_MAX];
};

/* A function that the instruction calls, or whose address it takes. */
static bool names_function(const struct bpf_insn *insn)
{
    return insn->code == (BPF_JMP | BPF_CALL)
               ? insn->src_reg == BPF_PSEUDO_CALL
               : insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == BPF_PSEUDO_FUNC;
}

/* The index of the last function that begins at `at` or before. */
static uint32_t function_at(const struct graph *graph, uint32_t at)
{
    uint32_t low = 0, high = graph->functions;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (graph->starts[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool add_start(struct graph *graph, uint32_t start)
{
    uint32_t at = function_at(graph, start);

    if (graph->starts[at] == start)
        return true;
    if (graph->functions == FUNCTIONS_MAX)
        return false;
    for (uint32_t i = graph->functions++; i > at + 1; i--)
        graph->starts[i] = graph->starts[i - 1];
    graph->starts[at + 1] = start;
    return true;
}

/* Where a call leads; false: out of the program. */
static bool find_target(const struct graph *graph, uint32_t at, uint32_t *ret_target)
{
    int64_t target = (int64_t)at + graph->code[at].imm + 1;

    *ret_target = (uint32_t)target;
    return target >= 0 && target < graph->count;
}

static bool find_functions(struct graph *graph)
{
    uint32_t target;

    graph->functions = 1;
    for (uint32_t i = 0; i < graph->count; i++) {
        bool wide = graph->code[i].code == (BPF_LD | BPF_IMM | BPF_DW);
        if (names_function(&graph->code[i]) &&
            (!find_target(graph, i, &target) || !add_start(graph, target)))
            return false;
        i += wide; /* its second half is no instruction */
    }
    graph->starts[graph->functions] = graph->count;
    return true;
}

/* As deep as there are functions: one that is entered again has no length. */
static uint64_t length_of(struct graph *graph, uint32_t function)
{
    uint64_t length = graph->starts[function + 1] - graph->starts[function];

    if (graph->states[function] != UNSEEN)
        return graph->states[function] == DONE ? graph->lengths[function] : UINT64_MAX;
    graph->states[function] = ENTERED;
    for (uint32_t i = graph->starts[function]; i < graph->starts[function + 1]; i++) {
        bool wide = graph->code[i].code == (BPF_LD | BPF_IMM | BPF_DW);
        uint32_t target;
        if (names_function(&graph->code[i]) && find_target(graph, i, &target) &&
            __builtin_add_overflow(length, length_of(graph, function_at(graph, target)), &length))
            length = UINT64_MAX;
        i += wide;
    }
    graph->states[function] = DONE;
    return graph->lengths[function] = length;
}

uint64_t calls_length(const struct bpf_insn *code, uint32_t count)
{
    struct graph *graph = calloc(1, sizeof *graph);
    uint64_t most = UINT64_MAX;

    if (!graph)
        return UINT64_MAX;
    graph->code = code;
    graph->count = count;
    if (find_functions(graph)) {
        most = 0;
        /* The kernel begins at some that nobody calls, too. */
        for (uint32_t i = 0; i < graph->functions; i++) {
            uint64_t length = length_of(graph, i);
            most = length > most ? length : most;
        }
    }
    free(graph);
    return most;
}
