/*
 * Calls that have an effect outside, or an answer from there: output, input, numbers that nobody
 * knows before, the program's end. Each is what the C library does with memory, and any answer.
 */
#include <string.h>

#include "verify/lower_call.h"

/* In place of a character that no conversion may have. */
#define NOT_ASCII '\1'

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

/* A text of 4 bytes a character as one of bytes. */
static const char *narrowed(struct program *program, const uint8_t *bytes, uint64_t length)
{
    char *text = program_alloc(program, length, 1);

    for (uint64_t i = 0; i < length; i++) {
        uint32_t c;
        memcpy(&c, bytes + 4 * i, sizeof c);
        text[i] = c < 128 ? (char)c : NOT_ASCII;
    }
    return text;
}

/* How far it is to the text's end, with its zero, in characters; 0: it has none there. */
static uint64_t text_length(const uint8_t *bytes, uint64_t room, unsigned width)
{
    static const uint8_t zero[4];

    for (uint64_t i = 0; i < room / width; i++)
        if (memcmp(bytes + i * width, zero, width) == 0)
            return i + 1;
    return 0;
}

const char *call_constant_text(const struct call *call, vid pointer, unsigned wide)
{
    struct program *program = call->low->program;
    uint64_t offset = 0, room = UINT64_MAX, width = wide ? 4 : 1;

    while (value_at(program, pointer)->op == OP_PTRADD ||
           value_at(program, pointer)->op == OP_NARROW) {
        const struct value *value = value_at(program, pointer);
        if (value->op == OP_NARROW) { /* it ends in the field where it begins */
            uint64_t here = offset < value->imm ? value->imm - offset : 0;
            room = here < room ? here : room;
        } else if (value_is_const(program, value->operands[1])) {
            offset += value_at(program, value->operands[1])->imm;
        } else {
            return NULL;
        }
        pointer = value->operands[0];
    }
    if (value_at(program, pointer)->op != OP_OBJECT)
        return NULL;
    const struct object *object = &program->objects[value_at(program, pointer)->imm];
    if (!object->readonly || !object->bytes || offset >= object->size)
        return NULL;
    const uint8_t *bytes = object->bytes + offset;
    room = object->size - offset < room ? object->size - offset : room;
    uint64_t length = text_length(bytes, room, (unsigned)width);
    for (uint32_t i = 0; i < object->cell_count; i++) /* an address is no part of it */
        if (object->cells[i].offset < offset + length * width &&
            offset < object->cells[i].offset + sizeof(void *))
            return NULL;
    if (length == 0)
        return NULL;
    return wide ? narrowed(program, bytes, length) : (const char *)bytes;
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

/* One that is given an address writes there: __VERIFIER_nondet_memory(). */
void call_nondet(const struct call *call, unsigned op)
{
    (void)op;
    if (LLVMGetNumArgOperands(call->instruction) > 0)
        program_refuse(call->low->program, lower_place(call->low), "use one without arguments",
                       "a call of '%s' with arguments", call->name);
    call_give_any(call, 0);
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
