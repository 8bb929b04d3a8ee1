/* Output: formats, whose texts are read to their ends, and what they leave in a buffer. */
#include <string.h>

#include "verify/lower_call.h"

/* Texts of one format that are no constants. */
#define TEXTS_MAX 16

struct format {
    const struct call *call;
    const char *at;
    unsigned next, count; /* arguments */
    uint64_t least, most; /* bytes that come out so far; ANY_BYTES and more: any number */
    bool may_stop;        /* what can't be converted, or has no memory, ends it where it stands */
    vid texts[TEXTS_MAX];
    bool wide[TEXTS_MAX];
    unsigned text_count;
};

/* What a number takes at most, with its sign: in octal and as it would be in C, as a whole. */
#define INTEGER_BYTES(width) ((width) / 3 + 4)
#define FLOAT_BYTES 330
#define ANY_BYTES UINT32_MAX
/* Widths and precisions up to here the library needs no memory for, nor are they too large. */
#define SURE_BYTES 500

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
static uint64_t skip_number(struct format *f)
{
    uint64_t number = 0;

    if (*f->at == '*') {
        next_argument(f, KIND_INT, 32);
        f->at++;
        number = ANY_BYTES;
    } else {
        for (; *f->at >= '0' && *f->at <= '9'; f->at++)
            number = number < ANY_BYTES ? number * 10 + (uint64_t)(*f->at - '0') : ANY_BYTES;
    }
    f->may_stop = f->may_stop || number > SURE_BYTES;
    return number;
}

unsigned call_format_width(const char **at)
{
    char length = **at;

    if (!length || !strchr("hlzjt", length))
        return 32;
    bool twice = (length == 'h' || length == 'l') && (*at)[1] == length;
    *at += twice ? 2 : 1;
    return length != 'h' ? 64 : twice ? 8 : 16;
}

/* What a text adds: of a constant its length is known. */
static uint64_t text_argument(struct format *f, unsigned wide, uint64_t *ret_least)
{
    vid text = next_argument(f, KIND_POINTER, 64);
    const char *constant = wide ? NULL : call_constant_text(f->call, text, 0);

    call_read_text(f->call, text, wide);
    *ret_least = 0;
    if (!constant) {
        if (f->text_count == TEXTS_MAX)
            refuse_format(f, "more texts than can be looked at");
        f->texts[f->text_count] = text;
        f->wide[f->text_count++] = wide;
    }
    return constant ? strlen(constant) : ANY_BYTES;
}

static void one_conversion(struct format *f)
{
    uint64_t least = 1, bytes;

    while (*f->at && strchr("-+ #0'", *f->at))
        f->at++;
    f->most += skip_number(f);
    bool precise = *f->at == '.';
    if (precise) {
        f->at++;
        f->most += skip_number(f);
        least = 0; /* of no digits zero is nothing */
    }
    const char *length = f->at;
    unsigned width = call_format_width(&f->at);
    char conversion = *f->at;
    bool plain = f->at == length, is_long = *length == 'l' && f->at == length + 1;
    bytes = INTEGER_BYTES(width);
    if (!conversion)
        refuse_format(f, "a format that ends too early");
    f->at++;
    if (strchr("diouxX", conversion))
        next_argument(f, KIND_INT, width < 32 ? 32 : width); /* as it is passed */
    else if (conversion == 'c' && plain)
        next_argument(f, KIND_INT, 32);
    else if (strchr("aAeEfFgG", conversion) && (plain || is_long)) {
        next_argument(f, KIND_FLOAT, 64);
        bytes = FLOAT_BYTES;
    } else if (conversion == 's' && plain)
        bytes = text_argument(f, 0, &least);
    else if (conversion == 's' && is_long) {
        bytes = text_argument(f, 1, &least);
        f->may_stop = true;
    } else if (conversion == 'p' && plain) {
        next_argument(f, KIND_POINTER, 64);
        bytes = INTEGER_BYTES(64);
    } else
        refuse_format(f, "a conversion that is not on the list");
    f->least += least;
    f->most += bytes;
}

/* All that the format, argument `at`, names. */
static struct format read_format(const struct call *call, unsigned at, unsigned wide)
{
    struct format f = {
        .call = call, .next = at + 1, .count = LLVMGetNumArgOperands(call->instruction)};

    f.at = at < f.count ? call_constant_text(call, call_argument(call, at), wide) : NULL;
    if (!f.at)
        refuse_format(&f, "a format that is computed");
    while (*f.at) {
        bool conversion = *f.at++ == '%';
        if (conversion && *f.at != '%') {
            one_conversion(&f);
            continue;
        }
        f.at += conversion;
        f.least++;
        f.most++;
    }
    if (f.may_stop)
        f.least = 0;
    return f;
}

void call_format(const struct call *call, unsigned op)
{
    read_format(call, op & ~CALL_WIDE, op & CALL_WIDE);
    call_give_any(call, 0);
}

/* Where what may come out is short each length is looked at. */
#define SHORT_BYTES 64

/* As many characters as come out, at most `limit` (less than `room`). Where their end is to be. */
static vid put_text(const struct format *f, vid buffer, vid limit)
{
    struct lowering *low = f->call->low;
    struct program *program = low->program;
    struct byte_loop loop = loop_begin(low);

    vid place = loop_address(low, &loop, buffer);
    vid room = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){loop.at, limit}, ICMP_ULT, 0);
    vid least = program_const(program, 64, f->least);
    vid must = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){loop.at, least}, ICMP_ULT, 0);
    vid may = lower_emit(low, OP_UNKNOWN, KIND_INT, 1, 0, NULL, 0, 0);
    value_at(program, may)->imm2 = 1;
    vid more = lower_emit(low, OP_OR, KIND_INT, 1, 2, (vid[]){must, may}, 0, 0);
    loop_body(low, &loop, lower_emit(low, OP_AND, KIND_INT, 1, 2, (vid[]){room, more}, 0, 0));
    vid byte = lower_emit(low, OP_UNKNOWN, KIND_INT, 8, 0, NULL, 0, 0);
    value_at(program, byte)->imm2 = width_mask(8);
    lower_emit(low, OP_STORE, KIND_VOID, 8, 2, (vid[]){place, byte}, 0, 0);
    loop_end(low, &loop, 1);
    return place;
}

/* The object that a pointer means, where its text shows it; 0: not known. */
static uint64_t object_of(const struct program *program, vid pointer)
{
    const struct value *value = value_at(program, pointer);

    while (value->op == OP_PTRADD || value->op == OP_NARROW)
        value = value_at(program, value->operands[0]);
    return value->op == OP_OBJECT ? value->imm : 0;
}

/* May the text lie in what is written? */
static bool may_lie_in(const struct format *f, unsigned text, vid buffer)
{
    const struct program *program = f->call->low->program;
    uint64_t written = object_of(program, buffer), read = object_of(program, f->texts[text]);

    return !written || !read || written == read;
}

/* A text may be read when what comes before it is written already, and the end is not: it must end
 * then, too. */
static void read_texts_again(const struct format *f, vid buffer)
{
    for (unsigned i = 0; i < f->text_count; i++)
        if (may_lie_in(f, i, buffer))
            call_read_text(f->call, f->texts[i], f->wide[i]);
}

static void put_short_text(const struct format *f, vid buffer, vid limit)
{
    vid end = put_text(f, buffer, limit), zero = program_const(f->call->low->program, 8, 0);

    read_texts_again(f, buffer);
    lower_emit(f->call->low, OP_STORE, KIND_VOID, 8, 2, (vid[]){end, zero}, 0, 0);
}

static void put_any_text(const struct format *f, vid buffer, vid room)
{
    call_text_into(f->call, buffer, room, 0);
    read_texts_again(f, buffer);
    call_text_ends(f->call, buffer, room, 0, 0);
}

/* Is it a short local variable, and no text in it? It need not be set before. */
static bool is_short_local(const struct format *f, vid buffer, vid room)
{
    const struct program *program = f->call->low->program;

    for (unsigned i = 0; i < f->text_count; i++)
        if (may_lie_in(f, i, buffer))
            return false;
    return program->objects[object_of(program, buffer)].stack && value_is_const(program, room) &&
           value_at(program, room)->imm <= SHORT_BYTES;
}

/* What is longer may write all of its room, and is taken to. */
void call_snprintf(const struct call *call, unsigned op)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    vid buffer = call_argument(call, 0), room = call_argument(call, 1);
    vid one = program_const(program, 64, 1);

    (void)op;
    struct format f = read_format(call, 2, 0);
    lower_require(low, lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){room, one}, ICMP_UGE, 0),
                  PLACE_CONTRACT);
    if (f.most <= SHORT_BYTES || is_short_local(&f, buffer, room)) {
        vid last = lower_emit(low, OP_SUB, KIND_INT, 64, 2, (vid[]){room, one}, 0, 0);
        vid most = program_const(program, 64, f.most);
        most = lower_emit(low, OP_UMIN, KIND_INT, 64, 2, (vid[]){last, most}, 0, 0);
        put_short_text(&f, buffer, most);
    } else {
        put_any_text(&f, buffer, room);
    }
    call_give_any(call, 0);
}

void call_sprintf(const struct call *call, unsigned op)
{
    struct program *program = call->low->program;
    vid buffer = call_argument(call, 0);
    struct format f = read_format(call, 1, 0);

    (void)op;
    if (f.most >= ANY_BYTES)
        program_refuse(program, lower_place(call->low), "use snprintf()",
                       "a call of '%s' with a text of any length", call->name);
    if (f.most <= SHORT_BYTES)
        put_short_text(&f, buffer, program_const(program, 64, f.most));
    else
        put_any_text(&f, buffer, program_const(program, 64, f.most + 1));
    call_give_any(call, 0);
}
