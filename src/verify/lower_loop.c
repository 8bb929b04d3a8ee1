/* The loop over bytes that a call stands for: what the library does one by one. */
#include "verify/lower_call.h"

struct byte_loop loop_begin(struct lowering *low)
{
    struct program *program = low->program;
    struct byte_loop loop = {.before = low->block,
                             .head = program_add_block(program),
                             .body = program_add_block(program),
                             .after = program_add_block(program)};

    block_jump(program, loop.before, loop.head, lower_place(low));
    low->block = loop.head;
    loop.at = lower_phi(low, KIND_INT, 64, 2, &loop.pending);
    return loop;
}

vid loop_address(struct lowering *low, const struct byte_loop *loop, vid pointer)
{
    return lower_emit(low, OP_PTRADD, KIND_POINTER, 64, 2, (vid[]){pointer, loop->at}, 0, 0);
}

void loop_body(struct lowering *low, const struct byte_loop *loop, vid goes_on)
{
    block_branch(low->program, loop->head, goes_on, loop->body, loop->after, lower_place(low));
    low->block = loop->body;
}

void loop_end(struct lowering *low, const struct byte_loop *loop, unsigned step)
{
    struct program *program = low->program;
    vid next = lower_emit(low, OP_ADD, KIND_INT, 64, 2,
                          (vid[]){loop->at, program_const(program, 64, step)}, 0, 0);

    block_jump(program, loop->body, loop->head, lower_place(low));
    loop->pending->blocks[0] = loop->before;
    loop->pending->values[0] = program_const(program, 64, 0);
    loop->pending->blocks[1] = loop->body;
    loop->pending->values[1] = next;
    low->block = loop->after;
}
