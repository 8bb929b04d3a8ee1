/* The control-flow graph: order, dominators (Cooper, Harvey, Kennedy: A Simple, Fast Dominance
 * Algorithm), natural loops. */
#include <string.h>

#include "verify/program.h"

void program_link(struct program *program)
{
    uint32_t *counts = program_alloc(program, program->block_count + 1, sizeof *counts);

    for (uint32_t b = 0; b < program->block_count; b++)
        for (uint32_t i = 0; i < program->blocks[b].target_count; i++)
            counts[program->blocks[b].targets[i]]++;
    for (uint32_t b = 0; b < program->block_count; b++) {
        program->blocks[b].predecessors = program_alloc(program, counts[b] + 1, sizeof(uint32_t));
        program->blocks[b].predecessor_count = 0;
    }
    for (uint32_t b = 0; b < program->block_count; b++)
        for (uint32_t i = 0; i < program->blocks[b].target_count; i++) {
            struct block *target = &program->blocks[program->blocks[b].targets[i]];
            target->predecessors[target->predecessor_count++] = b;
        }
}

/* Of several edges between the same two blocks the phis have the same operand for each: whichever
 * is taken, the others still match. */
static void forget_predecessor(struct program *program, uint32_t target, uint32_t from)
{
    struct block *block = &program->blocks[target];

    for (uint32_t i = 0; i < block->predecessor_count; i++) {
        if (block->predecessors[i] != from)
            continue;
        uint32_t behind = block->predecessor_count - i - 1;
        memmove(block->predecessors + i, block->predecessors + i + 1,
                behind * sizeof *block->predecessors);
        for (uint32_t k = 0; k < block->count; k++) {
            struct value *phi = value_at(program, block->values[k]);
            if (phi->op != OP_PHI)
                continue;
            memmove(phi->operands + i, phi->operands + i + 1, behind * sizeof *phi->operands);
            phi->count--;
        }
        block->predecessor_count--;
        return;
    }
}

void block_remove_edge(struct program *program, uint32_t block, uint32_t index)
{
    struct block *from = &program->blocks[block];
    uint32_t target = from->targets[index];

    memmove(from->targets + index, from->targets + index + 1,
            (from->target_count - index - 1) * sizeof *from->targets);
    if (from->exit == EXIT_SWITCH && index > 0)
        memmove(from->cases + index - 1, from->cases + index,
                (from->target_count - index - 1) * sizeof *from->cases);
    from->target_count--;
    forget_predecessor(program, target, block);
}

static void number_blocks(struct program *program)
{
    uint32_t count = program->block_count, stack_size = 0, place = count;
    uint32_t *stack = program_alloc(program, count + 1, sizeof *stack);
    uint32_t *next = program_alloc(program, count + 1, sizeof *next);

    program->order = program_alloc(program, count + 1, sizeof *program->order);
    for (uint32_t b = 0; b < count; b++)
        program->blocks[b].order = UINT32_MAX;
    stack[stack_size++] = program->entry;
    program->blocks[program->entry].order = 0; /* seen */
    while (stack_size > 0) {
        uint32_t b = stack[stack_size - 1];
        const struct block *block = &program->blocks[b];
        if (next[b] < block->target_count) {
            uint32_t target = block->targets[next[b]++];
            if (program->blocks[target].order == UINT32_MAX) {
                program->blocks[target].order = 0;
                stack[stack_size++] = target;
            }
        } else {
            program->order[--place] = b;
            stack_size--;
        }
    }
    program->order_count = count - place;
    memmove(program->order, program->order + place, program->order_count * sizeof(uint32_t));
    for (uint32_t i = 0; i < program->order_count; i++)
        program->blocks[program->order[i]].order = i;
}

static void cut_unreachable(struct program *program)
{
    for (uint32_t b = 0; b < program->block_count; b++) {
        struct block *block = &program->blocks[b];
        if (block->order != UINT32_MAX)
            continue;
        while (block->target_count > 0)
            block_remove_edge(program, b, block->target_count - 1);
        block->exit = EXIT_NONE;
        block->count = 0;
        block->predecessor_count = 0;
    }
}

static uint32_t common_dominator(const struct program *program, uint32_t a, uint32_t b)
{
    while (a != b) {
        while (program->blocks[a].order > program->blocks[b].order)
            a = program->blocks[a].dominator;
        while (program->blocks[b].order > program->blocks[a].order)
            b = program->blocks[b].dominator;
    }
    return a;
}

static void find_dominators(struct program *program)
{
    for (uint32_t i = 0; i < program->order_count; i++)
        program->blocks[program->order[i]].dominator = UINT32_MAX;
    program->blocks[program->entry].dominator = program->entry;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 1; i < program->order_count; i++) {
            struct block *block = &program->blocks[program->order[i]];
            uint32_t found = UINT32_MAX;
            for (uint32_t k = 0; k < block->predecessor_count; k++) {
                uint32_t from = block->predecessors[k];
                if (program->blocks[from].dominator == UINT32_MAX)
                    continue;
                found = found == UINT32_MAX ? from : common_dominator(program, found, from);
            }
            if (block->dominator != found) {
                block->dominator = found;
                changed = true;
            }
        }
    }
}

bool block_dominates(const struct program *program, uint32_t a, uint32_t b)
{
    while (program->blocks[b].order > program->blocks[a].order)
        b = program->blocks[b].dominator;
    return a == b;
}

/* Marks the body of the loop of `header`, from its latches backwards. What an inner loop has marked
 * already is stepped over by its header. Loops are found innermost first. */
static void mark_loop(struct program *program, uint32_t header, uint32_t *stack)
{
    struct block *head = &program->blocks[header];
    uint32_t stack_size = 0;

    for (uint32_t k = 0; k < head->predecessor_count; k++)
        if (block_dominates(program, header, head->predecessors[k]))
            stack[stack_size++] = head->predecessors[k];
    if (stack_size == 0)
        return;
    head->header = true;
    head->loop = header;
    while (stack_size > 0) {
        uint32_t b = stack[--stack_size];
        /* The outermost loop found so far that it is in. */
        uint32_t top = b;
        while (program->blocks[top].loop != UINT32_MAX) {
            uint32_t inner = program->blocks[top].loop;
            if (inner == header)
                break;
            if (program->blocks[inner].outer == UINT32_MAX) {
                program->blocks[inner].outer = header;
                top = inner;
                break;
            }
            top = program->blocks[inner].outer;
            if (top == header)
                break;
        }
        if (top == header || program->blocks[top].loop == header)
            continue;
        if (program->blocks[top].loop == UINT32_MAX)
            program->blocks[top].loop = header;
        for (uint32_t k = 0; k < program->blocks[top].predecessor_count; k++)
            stack[stack_size++] = program->blocks[top].predecessors[k];
    }
}

void program_refuse_all_but_run(struct program *program)
{
    program_refuse(program, program->only_run_place, program->only_run_change, "%s",
                   program->only_run);
}

static void find_loops(struct program *program)
{
    size_t edges = program->block_count;

    for (uint32_t i = 0; i < program->order_count; i++) {
        struct block *block = &program->blocks[program->order[i]];
        block->loop = block->outer = UINT32_MAX;
        block->header = false;
        block->depth = 0;
        edges += block->predecessor_count;
    }
    for (uint32_t i = 0; i < program->order_count; i++) {
        const struct block *block = &program->blocks[program->order[i]];
        for (uint32_t k = 0; k < block->target_count; k++) {
            uint32_t target = block->targets[k];
            if (program->blocks[target].order <= block->order &&
                !block_dominates(program, target, program->order[i])) {
                program->only_run = "a loop that is entered in two places";
                program->only_run_change = "write it as a loop with one entry";
                program->only_run_place = block->place;
            }
        }
    }
    uint32_t *stack = program_alloc(program, edges * 2 + 16, sizeof *stack);
    for (uint32_t i = program->order_count; i-- > 0;)
        mark_loop(program, program->order[i], stack);
    for (uint32_t i = 0; i < program->order_count; i++) {
        struct block *block = &program->blocks[program->order[i]];
        for (uint32_t h = block->loop; h != UINT32_MAX; h = program->blocks[h].outer)
            block->depth++;
    }
}

bool loop_contains(const struct program *program, uint32_t header, uint32_t block)
{
    for (uint32_t h = program->blocks[block].loop; h != UINT32_MAX; h = program->blocks[h].outer)
        if (h == header)
            return true;
    return false;
}

void program_analyse(struct program *program)
{
    number_blocks(program);
    cut_unreachable(program);
    find_dominators(program);
    find_loops(program);
}
