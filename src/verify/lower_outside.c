/*
 * Calls that have an effect outside, or an answer from there: output, input, numbers that nobody
 * knows before, the program's end. Each is what the C library does with memory, and any answer.
 */
#include <string.h>

#include "verify/lower_call.h"

void call_give_any(const struct call *call, unsigned bits)
{
    struct lowering *low = call->low;

    if (call->result_count == 0)
        return;
    const struct scalar *scalar = &call->result[0];
    if (call->result_count > 1 || scalar->kind == KIND_POINTER)
        program_refuse(low->program, lower_place(low), "write it in another way",
                       "a call of '%s' with this type", call->name);
    vid any = lower_emit(low, OP_UNKNOWN, scalar->kind, scalar->width, 0, NULL, 0, 0);
    value_at(low->program, any)->imm2 =
        width_mask(bits && bits < scalar->width ? bits : scalar->width);
    call_give(call, any, 0);
}

/* A text of 4 bytes a character as one of bytes; what is not ASCII is none of a conversion's. */
static const char *narrowed(struct program *program, const uint8_t *bytes, size_t count)
{
    char *text = program_alloc(program, (uint32_t)count + 1, 1);

    for (size_t i = 0; i < count; i++) {
        uint32_t c;
        memcpy(&c, bytes + 4 * i, sizeof c);
        if (c == 0)
            return text;
        text[i] = c < 128 ? (char)c : '.';
    }
    return NULL;
}

const char *call_constant_text(const struct call *call, vid pointer, unsigned wide)
{
    struct program *program = call->low->program;
    uint64_t offset = 0;

    while (value_at(program, pointer)->op == OP_PTRADD ||
           value_at(program, pointer)->op == OP_NARROW) {
        const struct value *value = value_at(program, pointer);
        if (value->op == OP_PTRADD) {
            if (!value_is_const(program, value->operands[1]))
                return NULL;
            offset += value_at(program, value->operands[1])->imm;
        }
        pointer = value->operands[0];
    }
    if (value_at(program, pointer)->op != OP_OBJECT)
        return NULL;
    const struct object *object = &program->objects[value_at(program, pointer)->imm];
    if (!object->readonly || !object->bytes || offset >= object->size)
        return NULL;
    if (wide)
        return narrowed(program, object->bytes + offset, (object->size - offset) / 4);
    bool ends = memchr(object->bytes + offset, 0, object->size - offset);
    return ends ? (const char *)object->bytes + offset : NULL;
}

void call_response(const struct call *call, unsigned texts)
{
    for (unsigned i = 0; i < texts; i++)
        if (!call_constant_text(call, call_argument(call, i), 0))
            program_refuse(call->low->program, lower_place(call->low),
                           "give it texts that are constants",
                           "a call of '%s' with a text that is computed", call->name);
    call_give_any(call, 0);
}

void call_number(const struct call *call, unsigned bits)
{
    call_give_any(call, bits);
}

void call_read_text(const struct call *call, vid text, unsigned wide)
{
    unsigned width = wide ? 32 : 8;
    struct lowering *low = call->low;
    struct byte_loop loop = loop_begin(low);

    vid address = loop_address(low, &loop, text);
    vid byte = lower_emit(low, OP_LOAD, KIND_INT, width, 1, &address, 0, 0);
    vid zero = program_const(low->program, width, 0);
    loop_body(low, &loop,
              lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){byte, zero}, ICMP_NE, 0));
    loop_end(low, &loop, width / 8);
}

void call_puts(const struct call *call, unsigned op)
{
    call_read_text(call, call_argument(call, 0), op);
    call_give_any(call, 0);
}

/* Nothing comes behind: what stands there is reached by nobody. */
static void end_program(struct lowering *low)
{
    struct block *block = &low->program->blocks[low->block];

    block->exit = EXIT_RETURN;
    block->place = lower_place(low);
    low->block = program_add_block(low->program);
}

void call_exit(const struct call *call, unsigned op)
{
    if (call->low->program->repeated)
        call_stop(call, op);
    else
        end_program(call->low);
}

void call_end_unless(const struct call *call, unsigned op)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    vid condition = call_argument(call, 0);

    (void)op;
    if (program->repeated || value_at(program, condition)->kind != KIND_INT)
        program_refuse(program, lower_place(low), "use if", "a call of '%s' here", call->name);
    vid zero = program_const(program, value_at(program, condition)->width, 0);
    vid good = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){condition, zero}, ICMP_NE, 0);
    uint32_t end = program_add_block(program), after = program_add_block(program);
    block_branch(program, low->block, good, after, end, lower_place(low));
    low->block = end;
    end_program(low);
    low->block = after;
}
