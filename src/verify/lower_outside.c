/*
 * Calls that have an effect outside, or an answer from there: output, input, numbers that nobody
 * knows before, the program's end. Each is what the C library does with memory, and any answer.
 */
#include <string.h>

#include "verify/lower_call.h"

/* Any answer, of `bits` bits (0: all). */
static void give_any(const struct call *call, unsigned bits)
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

/* A text that ends inside its constant; NULL: it is not one. */
static const char *constant_text(const struct call *call, vid pointer)
{
    const struct program *program = call->low->program;
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
    bool ends = object->readonly && object->bytes && offset < object->size &&
                memchr(object->bytes + offset, 0, object->size - offset);
    return ends ? (const char *)object->bytes + offset : NULL;
}

void call_response(const struct call *call, unsigned texts)
{
    for (unsigned i = 0; i < texts; i++)
        if (!constant_text(call, call_argument(call, i)))
            program_refuse(call->low->program, lower_place(call->low),
                           "give it texts that are constants",
                           "a call of '%s' with a text that is computed", call->name);
    give_any(call, 0);
}

void call_number(const struct call *call, unsigned bits)
{
    give_any(call, bits);
}

/* A text is read to its end, as the library does it: a loop over its bytes. */
static void read_text(const struct call *call, vid text)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    uint32_t before = low->block, head = program_add_block(program);
    uint32_t body = program_add_block(program), after = program_add_block(program);

    block_jump(program, before, head, lower_place(low));
    low->block = head;
    struct pending_phi *pending;
    vid at = lower_phi(low, KIND_INT, 64, 2, &pending);
    vid address = lower_emit(low, OP_PTRADD, KIND_POINTER, 64, 2, (vid[]){text, at}, 0, 0);
    vid byte = lower_emit(low, OP_LOAD, KIND_INT, 8, 1, &address, 0, 0);
    vid end = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){byte, program_const(program, 8, 0)},
                         ICMP_EQ, 0);
    block_branch(program, head, end, after, body, lower_place(low));
    low->block = body;
    vid next =
        lower_emit(low, OP_ADD, KIND_INT, 64, 2, (vid[]){at, program_const(program, 64, 1)}, 0, 0);
    block_jump(program, body, head, lower_place(low));
    pending->blocks[0] = before;
    pending->values[0] = program_const(program, 64, 0);
    pending->blocks[1] = body;
    pending->values[1] = next;
    low->block = after;
}

void call_puts(const struct call *call, unsigned op)
{
    (void)op;
    read_text(call, call_argument(call, 0));
    give_any(call, 0);
}

struct format {
    const struct call *call;
    const char *at;
    unsigned next, count; /* arguments */
};

_Noreturn static void refuse_format(const struct format *f, const char *why)
{
    const struct call *call = f->call;

    program_refuse(call->low->program, lower_place(call->low), "write the format as it has to be",
                   "a call of '%s' with %s", call->name, why);
}

/* The next argument, which must be of this type as C passes it. */
static vid next_argument(struct format *f, enum value_kind kind, unsigned width)
{
    struct lowering *low = f->call->low;
    struct scalar scalars[PARTS_MAX];

    if (f->next >= f->count)
        refuse_format(f, "fewer arguments than its format names");
    LLVMValueRef argument = LLVMGetOperand(f->call->instruction, f->next);
    if (lower_type(low, LLVMTypeOf(argument), scalars) != 1 || scalars[0].kind != kind ||
        scalars[0].width != width)
        refuse_format(f, "an argument of another type than its format names");
    return call_argument(f->call, f->next++);
}

/* A number in the format, or one that is given as an argument. */
static void skip_number(struct format *f)
{
    if (*f->at == '*') {
        next_argument(f, KIND_INT, 32);
        f->at++;
        return;
    }
    while (*f->at >= '0' && *f->at <= '9')
        f->at++;
}

/* hh, h: passed as int; l, ll, z, j, t: of 64 bits. */
static unsigned integer_width(struct format *f)
{
    unsigned width = 32;

    for (; *f->at && strchr("hlzjt", *f->at); f->at++)
        if (*f->at != 'h')
            width = 64;
    return width;
}

static void one_conversion(struct format *f)
{
    while (*f->at && strchr("-+ #0'", *f->at))
        f->at++;
    skip_number(f);
    if (*f->at == '.') {
        f->at++;
        skip_number(f);
    }
    const char *length = f->at;
    unsigned width = integer_width(f);
    char conversion = *f->at;
    if (!conversion)
        refuse_format(f, "a format that ends too early");
    f->at++;
    if (strchr("diouxX", conversion))
        next_argument(f, KIND_INT, width);
    else if (conversion == 'c' && *length == 'c')
        next_argument(f, KIND_INT, 32);
    else if (strchr("aAeEfFgG", conversion) && *length != 'h')
        next_argument(f, KIND_FLOAT, 64);
    else if (conversion == 's' && *length == 's')
        read_text(f->call, next_argument(f, KIND_POINTER, 64));
    else if (conversion == 'p' && *length == 'p')
        next_argument(f, KIND_POINTER, 64);
    else
        refuse_format(f, "a conversion that is not on the list");
}

void call_format(const struct call *call, unsigned at)
{
    struct format f = {
        .call = call, .next = at + 1, .count = LLVMGetNumArgOperands(call->instruction)};

    f.at = at < f.count ? constant_text(call, call_argument(call, at)) : NULL;
    if (!f.at)
        refuse_format(&f, "a format that is computed");
    for (f.at = strchr(f.at, '%'); f.at; f.at = strchr(f.at, '%')) {
        f.at++;
        if (*f.at == '%')
            f.at++;
        else
            one_conversion(&f);
    }
    give_any(call, 0);
}

/*
 * A line into a buffer: at most all of it, of any content. What was not set before may be not set
 * afterwards: so all of it must be.
 */
void call_fgets(const struct call *call, unsigned op)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    vid buffer = call_argument(call, 0), room = call_argument(call, 1);

    (void)op;
    if (call->result_count != 1 || call->result[0].kind != KIND_POINTER ||
        value_at(program, room)->width != 32)
        program_refuse(program, lower_place(low), "include <stdio.h>",
                       "a call of 'fgets' with other arguments than it has");
    vid one = program_const(program, 32, 1);
    lower_require(low, lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){room, one}, ICMP_SGE, 0),
                  PLACE_CONTRACT);
    vid length = lower_emit(low, OP_SEXT, KIND_INT, 64, 1, &room, 0, 0);
    lower_emit(low, OP_MEMCPY, KIND_VOID, 0, 3, (vid[]){buffer, buffer, length}, 1, 0);
    vid byte = lower_emit(low, OP_UNKNOWN, KIND_INT, 8, 0, NULL, 0, 0);
    value_at(program, byte)->imm2 = width_mask(8);
    lower_emit(low, OP_MEMSET, KIND_VOID, 0, 3, (vid[]){buffer, byte, length}, 0, 0);
    vid got = lower_emit(low, OP_UNKNOWN, KIND_INT, 1, 0, NULL, 0, 0);
    value_at(program, got)->imm2 = 1;
    vid none = program_add_value(program, OP_NULL, KIND_POINTER, 64, NULL, 0);
    call_give(call,
              lower_emit(low, OP_SELECT, KIND_POINTER, 64, 3, (vid[]){got, buffer, none}, 0, 0), 0);
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
