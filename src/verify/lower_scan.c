/*
 * Input: what a library function leaves in memory is any number, any text that ends in its buffer.
 */
#include <string.h>

#include "verify/lower_call.h"

static vid any_number(struct lowering *low, enum value_kind kind, unsigned width)
{
    vid any = lower_emit(low, OP_UNKNOWN, kind, width, 0, NULL, 0, 0);

    value_at(low->program, any)->imm2 = width_mask(width);
    return any;
}

static vid compare(struct lowering *low, enum predicate predicate, vid a, vid b)
{
    return lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){a, b}, predicate, 0);
}

/* So many characters in bytes. */
static vid bytes_of(struct lowering *low, vid characters, unsigned wide)
{
    vid operands[] = {characters, program_const(low->program, 64, 4)};

    return wide ? lower_emit(low, OP_MUL, KIND_INT, 64, 2, operands, 0, 0) : characters;
}

/*
 * A text into a buffer: at most all of it, of any content. What was not set before may be not set
 * afterwards: so all of it must be. A zero at its very end stays one: either the text reaches so
 * far, and ends there, or that byte is left as it was. (Of another byte there nothing is said.)
 */
void call_text_into(const struct call *call, vid buffer, vid room, unsigned wide)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    unsigned width = wide ? 32 : 8;
    vid bytes = bytes_of(low, room, wide);
    vid last = lower_emit(low, OP_SUB, KIND_INT, 64, 2,
                          (vid[]){bytes, program_const(program, 64, width / 8)}, 0, 0);
    lower_emit(low, OP_MEMCPY, KIND_VOID, 0, 3, (vid[]){buffer, buffer, bytes}, COPY_OF_SET, 0);
    vid end = lower_emit(low, OP_PTRADD, KIND_POINTER, 64, 2, (vid[]){buffer, last}, 0, 0);
    vid before = lower_emit(low, OP_LOAD, KIND_INT, width, 1, &end, 0, 0);
    lower_emit(low, OP_MEMSET, KIND_VOID, 0, 3,
               (vid[]){buffer, any_number(low, KIND_INT, 8), bytes}, 0, 0);
    vid zero = program_const(program, width, 0);
    vid after = lower_emit(
        low, OP_SELECT, KIND_INT, width, 3,
        (vid[]){compare(low, ICMP_EQ, before, zero), zero, any_number(low, KIND_INT, width)}, 0, 0);
    lower_emit(low, OP_STORE, KIND_VOID, width, 2, (vid[]){end, after}, 0, 0);
}

void call_text_ends(const struct call *call, vid buffer, vid room, vid got, unsigned wide)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    unsigned width = wide ? 32 : 8;

    if (!program->follows_texts) /* a place that nobody knows is a burden where nobody asks */
        return;
    vid last = lower_emit(low, OP_SUB, KIND_INT, 64, 2,
                          (vid[]){room, program_const(program, 64, 1)}, 0, 0);
    vid at = lower_emit(low, OP_UMIN, KIND_INT, 64, 2, (vid[]){any_number(low, KIND_INT, 64), last},
                        0, 0);
    vid zero = program_const(program, width, 0);

    at = bytes_of(low, at, wide);
    vid place = lower_emit(low, OP_PTRADD, KIND_POINTER, 64, 2, (vid[]){buffer, at}, 0, 0);
    if (got) {
        vid other = lower_emit(low, OP_LOAD, KIND_INT, width, 1, &place, 0, 0);
        zero = lower_emit(low, OP_SELECT, KIND_INT, width, 3, (vid[]){got, zero, other}, 0, 0);
    }
    lower_emit(low, OP_STORE, KIND_VOID, width, 2, (vid[]){place, zero}, 0, 0);
}

/* fgets(buffer, room, stream), fgetws(): a line, or nothing. */
void call_fgets(const struct call *call, unsigned wide)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    vid buffer = call_argument(call, 0), room = call_argument(call, 1);

    if (call->result_count != 1 || call->result[0].kind != KIND_POINTER ||
        value_at(program, room)->width != 32)
        program_refuse(program, lower_place(low), "include <stdio.h>",
                       "a call of '%s' with other arguments than it has", call->name);
    lower_require(low, compare(low, ICMP_SGE, room, program_const(program, 32, 1)), PLACE_CONTRACT);
    vid got = any_number(low, KIND_INT, 1);
    room = lower_emit(low, OP_SEXT, KIND_INT, 64, 1, &room, 0, 0);
    call_text_into(call, buffer, room, wide);
    call_text_ends(call, buffer, room, got, wide);
    vid none = program_add_value(program, OP_NULL, KIND_POINTER, 64, NULL, 0);
    call_give(call,
              lower_emit(low, OP_SELECT, KIND_POINTER, 64, 3, (vid[]){got, buffer, none}, 0, 0), 0);
}

/* getchar() and its like: a byte, or EOF. */
void call_getchar(const struct call *call, unsigned op)
{
    struct lowering *low = call->low;
    vid any = any_number(low, KIND_INT, 32), one = program_const(low->program, 32, 1);

    (void)op;
    value_at(low->program, any)->imm2 = 256;
    call_give(call, lower_emit(low, OP_SUB, KIND_INT, 32, 2, (vid[]){any, one}, 0, 0), 0);
}

/* time(NULL). */
void call_time(const struct call *call, unsigned op)
{
    if (!LLVMIsNull(LLVMGetOperand(call->instruction, 0)))
        program_refuse(call->low->program, lower_place(call->low), "give it NULL",
                       "a call of '%s' with an address", call->name);
    call_give_any(call, op);
}

/* atof(text): any number, of a text that ends. */
void call_of_text(const struct call *call, unsigned op)
{
    call_read_text(call, call_argument(call, 0), op);
    call_give_any(call, 0);
}

struct scan {
    const struct call *call;
    const char *at;
    unsigned next, given; /* arguments; conversions so far */
    uint32_t ends[32];    /* blocks where it goes on no more */
    vid results[32];
};

_Noreturn static void refuse_scan(const struct scan *s, const char *why)
{
    program_refuse(s->call->low->program, lower_place(s->call->low),
                   "write the format as it has to be", "a call of '%s' with %s", s->call->name,
                   why);
}

static vid next_address(struct scan *s)
{
    struct scalar scalars[PARTS_MAX];

    if (s->next >= LLVMGetNumArgOperands(s->call->instruction))
        refuse_scan(s, "fewer arguments than its format names");
    LLVMValueRef argument = LLVMGetOperand(s->call->instruction, s->next);
    if (lower_type(s->call->low, LLVMTypeOf(argument), scalars) != 1 ||
        scalars[0].kind != KIND_POINTER)
        refuse_scan(s, "an argument that is no address");
    return call_argument(s->call, s->next++);
}

/* So many conversions as it has made; before the first it may also be EOF. */
static vid made_so_far(const struct scan *s)
{
    struct lowering *low = s->call->low;

    if (s->given > 0)
        return program_const(low->program, 32, s->given);
    vid none = any_number(low, KIND_INT, 1);
    return lower_emit(low, OP_SEXT, KIND_INT, 32, 1, &none, 0, 0);
}

/* Here it may end. */
static void may_end(struct scan *s)
{
    struct lowering *low = s->call->low;
    struct program *program = low->program;
    uint32_t end = program_add_block(program), on = program_add_block(program);

    if (s->given == sizeof s->ends / sizeof *s->ends)
        refuse_scan(s, "too many conversions");
    block_branch(program, low->block, any_number(low, KIND_INT, 1), on, end, lower_place(low));
    low->block = end;
    s->results[s->given] = made_so_far(s);
    s->ends[s->given++] = end;
    low->block = on;
}

static void put_any(struct scan *s, vid to, enum value_kind kind, unsigned width)
{
    struct lowering *low = s->call->low;

    lower_emit(low, OP_STORE, KIND_VOID, width, 2, (vid[]){to, any_number(low, kind, width)}, 0, 0);
}

static void put_word(struct scan *s, vid to, vid room)
{
    call_text_into(s->call, to, room, 0);
    call_text_ends(s->call, to, room, 0, 0);
}

/* Behind "%[": to its end, whose "]" may be the first of the set. */
static void skip_set(struct scan *s)
{
    s->at += *s->at == '^';
    s->at += *s->at == ']';
    while (*s->at && *s->at != ']')
        s->at++;
    if (!*s->at++)
        refuse_scan(s, "a format that ends too early");
}

static void one_conversion(struct scan *s)
{
    struct program *program = s->call->low->program;
    bool dropped = *s->at == '*';
    uint64_t most = 0;

    s->at += dropped;
    bool limited = *s->at >= '0' && *s->at <= '9';
    for (; *s->at >= '0' && *s->at <= '9'; s->at++)
        most = most < UINT32_MAX ? most * 10 + (uint64_t)(*s->at - '0') : UINT32_MAX;
    if (limited && (most == 0 || most > INT32_MAX)) /* the library takes both for no limit */
        refuse_scan(s, "a width that is none");
    const char *length = s->at;
    unsigned width = call_format_width(&s->at);
    char conversion = *s->at;
    bool plain = length == s->at, is_long = *length == 'l' && s->at == length + 1;
    if (!conversion)
        refuse_scan(s, "a format that ends too early");
    s->at++;
    if (conversion == '[')
        skip_set(s);
    /* ("%a" is another one's "%as", by the name of the function.) */
    if (!strchr("dioux[scefgXEFG", conversion) ||
        (strchr("[sc", conversion) && (!plain || (conversion == 'c' && most > 1))) ||
        (strchr("efgEFG", conversion) && !plain && !is_long))
        refuse_scan(s, "a conversion that is not on the list");
    if (dropped)
        return;
    vid to = next_address(s);
    may_end(s);
    if (strchr("diouxX", conversion))
        put_any(s, to, KIND_INT, width);
    else if (conversion == 'c')
        put_any(s, to, KIND_INT, 8);
    else if (strchr("efgEFG", conversion))
        put_any(s, to, KIND_FLOAT, width);
    else if (!limited)
        refuse_scan(s, "a text of any length: say how long it may be, as in %15s");
    else
        put_word(s, to, program_const(program, 64, most + 1));
}

/*
 * scanf(), fscanf(), sscanf(): any of the conversions may be the first that does not succeed, and
 * what the others are for keeps its value; the result tells how many there were.
 */
void call_scan(const struct call *call, unsigned at)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    struct scan s = {.call = call, .next = at + 1};
    struct pending_phi *pending;

    if (at < LLVMGetNumArgOperands(call->instruction))
        s.at = call_constant_text(call, call_argument(call, at), 0);
    if (!s.at)
        refuse_scan(&s, "a format that is computed");
    if (strstr(call->name, "sscanf"))
        call_read_text(call, call_argument(call, 0), 0);
    while (*s.at) {
        bool conversion = *s.at++ == '%';
        if (conversion && *s.at != '%')
            one_conversion(&s);
        else
            s.at += conversion;
    }
    vid count =
        made_so_far(&s); /* what is dropped, and what only has to be there, may be missing */
    uint32_t all = low->block, join = program_add_block(program);
    block_jump(program, all, join, lower_place(low));
    for (unsigned i = 0; i < s.given; i++)
        block_jump(program, s.ends[i], join, lower_place(low));
    low->block = join;
    vid result = lower_phi(low, KIND_INT, 32, s.given + 1, &pending);
    for (unsigned i = 0; i < s.given; i++) {
        pending->blocks[i] = s.ends[i];
        pending->values[i] = s.results[i];
    }
    pending->blocks[s.given] = all;
    pending->values[s.given] = count;
    if (call->result_count == 1)
        call_give(call, result, 0);
}
