/*
 * What arrays hold: that each element that is ever read lies between bounds, which may be another
 * number's or the element's own index. Guessed from the program's numbers, dropped where runs or a
 * store show otherwise, until all stores keep what is left (as houdini.c does for loops). It holds
 * then by induction over time: a store is looked at with nothing known of loads behind it
 * (encode_when()), and what a fresh local array has is not read before it is set, which is an
 * obligation of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/inputs.h"
#include "verify/prove.h"

#define CLASSES_MAX 8
#define CONTENTS_MAX 1000 /* before runs */
#define KEPT_MAX 10       /* of one class, afterwards */
#define NUMBERS_MAX 64
#define BOUNDS_MAX 6
#define RUNS 60
#define STEPS_MAX 6000
#define STEPS_TOTAL 250000

/* Bytes [remainder, remainder + bytes) of every element. */
struct class
{
    uint32_t object, stride, remainder, bytes;
    bool is_signed; /* how its elements are read */
    struct vid_list loads, stores, fills;
};

/* sign * element + index * its index + bound + constant >= 0, or it is `except`. */
struct content {
    uint32_t class;
    int8_t sign;
    bool index, excepts, alive;
    vid bound; /* 0: none */
    int64_t constant, except;
    unsigned met; /* in runs */
};

struct contents {
    struct program *program;
    struct class classes[CLASSES_MAX];
    uint32_t class_count;
    struct content *items;
    uint32_t count;
};

uint32_t contents_count(const struct contents *contents)
{
    return contents->count;
}

bool contents_move(struct contents *contents, uint32_t index, int64_t by)
{
    struct content *content = &contents->items[index];

    content->constant += by;
    return content->alive;
}

/* ---- which arrays ---- */

static struct class *class_of(struct contents *contents, const struct facts *facts, vid load)
{
    const struct program *program = facts->program;
    const struct value *value = value_at(program, load);
    const struct pointees *from = &facts->pointees[value->operands[0]];
    struct class class = {.bytes = value->width / 8u};

    if (value->kind != KIND_INT || value->width % 8 != 0 || from->count != 1 || !from->objects[0])
        return NULL;
    class.object = from->objects[0];
    const struct object *object = &program->objects[class.object];
    class.stride = object->stride ? object->stride : 1;
    if (object->readonly || object->input || object->size_value || object->function ||
        object->cell_count > 0 || class.bytes > class.stride ||
        !facts_remainder(facts, value->operands[0], class.stride, &class.remainder))
        return NULL;
    for (uint32_t i = 0; i < contents->class_count; i++) {
        struct class *other = &contents->classes[i];
        if (other->object == class.object && other->remainder == class.remainder &&
            other->bytes == class.bytes)
            return other;
    }
    if (contents->class_count == CLASSES_MAX || (!object->stack && !object->bytes))
        return NULL;
    contents->classes[contents->class_count] = class;
    return &contents->classes[contents->class_count++];
}

/* False: something writes there that is not followed. */
static bool add_write(const struct facts *facts, struct class *class, vid write)
{
    const struct pointees *to = &facts->pointees[value_at(facts->program, write)->operands[0]];
    bool touches = false;

    for (uint32_t i = 0; i < to->count; i++)
        touches = touches || to->objects[i] == class->object;
    if (!touches)
        return true;
    switch (facts_write_kind(facts, write, class->stride, class->remainder, class->bytes)) {
    case WRITE_BESIDE:
        return true;
    case WRITE_ELEMENT:
        vid_list_push(facts->program, &class->stores, write);
        return true;
    case WRITE_FILL:
        vid_list_push(facts->program, &class->fills, write);
        return true;
    default:
        return false;
    }
}

static void find_classes(struct contents *contents, const struct proof *proof)
{
    const struct facts *facts = proof->encoding->facts;
    struct program *program = facts->program;
    struct vid_list writes = {0};

    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            vid v = block->values[i];
            const struct value *value = value_at(program, v);
            if (value->op == OP_STORE || value->op == OP_MEMSET || value->op == OP_MEMCPY)
                vid_list_push(program, &writes, v);
            if (value->op == OP_SEXT && value_at(program, value->operands[0])->op == OP_LOAD) {
                struct class *class = class_of(contents, facts, value->operands[0]);
                if (class)
                    class->is_signed = true;
            }
            struct class *class =
                value->op == OP_LOAD && proof->relevant[v] ? class_of(contents, facts, v) : NULL;
            if (!class)
                continue;
            vid_list_push(program, &class->loads, v);
            class->is_signed = class->is_signed || proof->encoding->is_signed[v];
        }
    }
    for (uint32_t k = 0; k < contents->class_count; k++) {
        struct class *class = &contents->classes[k];
        bool followed = class->loads.count > 0;
        for (uint32_t i = 0; i < writes.count && followed; i++)
            followed = add_write(facts, class, writes.items[i]);
        if (!followed)
            class->loads.count = class->stores.count = class->fills.count = 0;
    }
}

/* ---- what is guessed of them ---- */

struct numbers {
    int64_t items[NUMBERS_MAX];
    unsigned count;
};

static void add_number(struct numbers *numbers, int64_t number)
{
    for (unsigned i = 0; i < numbers->count; i++)
        if (numbers->items[i] == number)
            return;
    if (numbers->count < NUMBERS_MAX)
        numbers->items[numbers->count++] = number;
}

static int64_t constant_of(const struct class *class, uint64_t bits)
{
    unsigned width = class->bytes * 8;

    return class->is_signed ? sign_extend(bits & width_mask(width), width)
                            : (int64_t)(bits & width_mask(width));
}

static int64_t filled(const struct program *program, const struct class *class, vid fill)
{
    uint64_t byte = value_at(program, value_at(program, fill)->operands[1])->imm & 0xff;

    return constant_of(class, byte * UINT64_C(0x0101010101010101));
}

/* How large indices may be, and what is compared. */
static void find_numbers(const struct program *program, struct numbers *numbers)
{
    for (uint32_t i = 1; i < program->object_count; i++) {
        const struct object *object = &program->objects[i];
        if (!object->dead && !object->size_value && !object->function && object->size > 1)
            add_number(numbers,
                       (int64_t)(object->size / (object->stride ? object->stride : 1)) - 1);
    }
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if ((value->op != OP_ICMP && value->op != OP_UREM && value->op != OP_AND) ||
                !value_is_const(program, value->operands[1]))
                continue;
            const struct value *number = value_at(program, value->operands[1]);
            if (number->imm > INT32_MAX || number->kind != KIND_INT || number->width < 8)
                continue;
            add_number(numbers, (int64_t)number->imm);
            if (value->op != OP_AND && number->imm > 0)
                add_number(numbers, (int64_t)number->imm - 1);
        }
    }
}

/* Numbers that stay what they are during a call, and are set before each access of a local array.
 */
static unsigned find_bounds(const struct program *program, const struct class *class,
                            vid bounds[BOUNDS_MAX])
{
    unsigned count = 0;

    if (!program->objects[class->object].stack)
        return 0;
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *compare = value_at(program, block->values[i]);
            for (unsigned k = 0; compare->op == OP_ICMP && k < 2; k++) {
                vid v = compare->operands[k];
                const struct value *value = value_at(program, v);
                bool good = value->kind == KIND_INT && value->width >= 16 &&
                            value->op != OP_CONST && value->block != UINT32_MAX &&
                            program->blocks[value->block].loop == UINT32_MAX && count < BOUNDS_MAX;
                for (uint32_t m = 0; good && m < class->loads.count; m++)
                    good = block_dominates(program, value->block,
                                           value_at(program, class->loads.items[m])->block) &&
                           value->block != value_at(program, class->loads.items[m])->block;
                for (uint32_t m = 0; good && m < class->stores.count; m++)
                    good = block_dominates(program, value->block,
                                           value_at(program, class->stores.items[m])->block) &&
                           value->block != value_at(program, class->stores.items[m])->block;
                for (unsigned m = 0; good && m < count; m++)
                    good = bounds[m] != v;
                if (good)
                    bounds[count++] = v;
            }
        }
    }
    return count;
}

static void add_content(struct contents *contents, struct content content)
{
    content.alive = true;
    if (contents->count < CONTENTS_MAX)
        contents->items[contents->count++] = content;
}

static bool satisfies(const struct content *content, __int128 element, __int128 index,
                      __int128 bound)
{
    if (content->excepts && element == content->except)
        return true;
    return content->sign * element + (content->index ? index : 0) + (content->bound ? bound : 0) +
               content->constant >=
           0;
}

/* What a global array begins with, for all its elements. */
static bool holds_initially(const struct program *program, const struct class *class,
                            const struct content *content)
{
    const struct object *object = &program->objects[class->object];

    if (object->stack)
        return true;
    for (uint64_t at = class->remainder, i = 0; at + class->bytes <= object->size;
         at += class->stride, i++) {
        uint64_t bits = 0;
        memcpy(&bits, object->bytes + at, class->bytes);
        if (!satisfies(content, constant_of(class, bits), (__int128)i, 0))
            return false;
    }
    return true;
}

static void guess_of_class(struct contents *contents, uint32_t k, const struct numbers *numbers)
{
    const struct program *program = contents->program;
    const struct class *class = &contents->classes[k];
    struct numbers excepts = {.items = {0}};
    vid bounds[BOUNDS_MAX];

    if (class->bytes == 8 && !class->is_signed) /* more than a number here holds */
        return;
    for (uint32_t i = 0; i < class->fills.count; i++)
        add_number(&excepts, filled(program, class, class->fills.items[i]));
    for (uint32_t i = 0; i < class->stores.count; i++) {
        const struct value *stored =
            value_at(program, value_at(program, class->stores.items[i])->operands[1]);
        if (stored->op == OP_CONST)
            add_number(&excepts, constant_of(class, stored->imm));
    }
    for (unsigned e = 0; e <= excepts.count && e <= 3; e++) {
        struct content one = {.class = k, .sign = 1, .excepts = e > 0};
        if (e > 0)
            one.except = excepts.items[e - 1];
        for (one.constant = class->is_signed ? 1 : -1; one.constant >= -1; one.constant--)
            add_content(contents, one); /* at least -1, 0, 1 */
        one.sign = -1;
        for (unsigned i = 0; i < numbers->count; i++) {
            one.constant = numbers->items[i];
            add_content(contents, one);
        }
        one.index = true;
        for (one.constant = 1; one.constant >= -1; one.constant--)
            add_content(contents, one);
        one.index = false;
        unsigned count = find_bounds(program, class, bounds);
        for (unsigned i = 0; i < count; i++)
            for (one.constant = 0; one.constant >= -1; one.constant--) {
                one.bound = bounds[i];
                add_content(contents, one);
            }
    }
}

/* ---- runs ---- */

static __int128 signed_number(const struct encoding *e, const struct interpreter *interpreter,
                              vid value)
{
    const struct value *v = value_at(e->program, value);
    uint64_t bits = v->op == OP_CONST ? v->imm : interpreter_value(interpreter, value);

    return e->is_signed[value] ? (__int128)sign_extend(bits, v->width) : (__int128)bits;
}

/* Of one access of the class, which a run has just made. */
static bool agrees(struct encoding *e, const struct interpreter *interpreter, uint32_t k,
                   vid element, vid pointer, bool drops)
{
    struct contents *contents = e->contents;
    const struct class *class = &contents->classes[k];
    const struct value *v = value_at(e->program, element);
    uint64_t bits = v->op == OP_CONST ? v->imm : interpreter_value(interpreter, element);
    int64_t offset = (int64_t)interpreter_value(interpreter, pointer);
    bool all = true;

    if (offset < 0)
        return true; /* a failed obligation's */
    for (uint32_t i = 0; i < contents->count; i++) {
        struct content *content = &contents->items[i];
        if (!content->alive || content->class != k)
            continue;
        content->met++;
        bool holds = satisfies(content, constant_of(class, bits), offset / class->stride,
                               content->bound ? signed_number(e, interpreter, content->bound) : 0);
        content->alive = holds || !drops;
        all = all && holds;
    }
    return all;
}

static bool is_listed(const struct vid_list *list, vid v)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == v)
            return true;
    return false;
}

bool contents_hold(struct encoding *e, const struct interpreter *interpreter, uint32_t block,
                   bool drops)
{
    const struct block *b = &e->program->blocks[block];
    bool all = true;

    for (uint32_t i = 0; i < b->count; i++) {
        vid v = b->values[i];
        const struct value *value = value_at(e->program, v);
        if (value->op != OP_LOAD && value->op != OP_STORE)
            continue;
        for (uint32_t k = 0; k < e->contents->class_count; k++) {
            const struct class *class = &e->contents->classes[k];
            if (value->op == OP_LOAD && is_listed(&class->loads, v))
                all = agrees(e, interpreter, k, v, value->operands[0], drops) && all;
            if (value->op == OP_STORE && is_listed(&class->stores, v) &&
                e->facts->pointees[value->operands[0]].count == 1)
                all =
                    agrees(e, interpreter, k, value->operands[1], value->operands[0], drops) && all;
        }
    }
    return all;
}

static bool watch(struct interpreter *interpreter, uint32_t block, uint32_t from, void *user)
{
    struct encoding *e = user;

    (void)block;
    if (from != UINT32_MAX)
        (void)contents_hold(e, interpreter, from, true);
    return true;
}

static void run(struct encoding *e)
{
    struct program *program = e->program;
    struct interpreter *interpreter = interpreter_new(e->facts);
    struct inputs inputs;
    uint64_t steps = 0;

    if (!interpreter)
        return;
    interpreter_watch_blocks(interpreter, watch, e);
    inputs_begin(&inputs, program, 9);
    for (unsigned i = 0; i < (program->repeated ? RUNS : 1) && steps < STEPS_TOTAL; i++) {
        struct interpreter_input input = inputs_next(&inputs);
        struct run_result result = interpreter_call(interpreter, &input, STEPS_MAX);
        steps += result.steps;
        if (result.end != RUN_RETURNED && result.end != RUN_LONG)
            return;
    }
}

/* Of many bounds from above the closest ones, and of each kind without an exception first. */
static void keep_best(struct contents *contents)
{
    for (uint32_t k = 0; k < contents->class_count; k++) {
        unsigned constants = 0, kept = 0;
        for (unsigned round = 0; round < CONTENTS_MAX; round++) {
            struct content *best = NULL;
            for (uint32_t i = 0; i < contents->count; i++) {
                struct content *one = &contents->items[i];
                bool plain = one->sign < 0 && !one->index && !one->bound;
                if (!one->alive || one->class != k || !plain || one->met > UINT32_MAX / 2)
                    continue;
                if (!best || one->excepts < best->excepts ||
                    (one->excepts == best->excepts && one->constant < best->constant))
                    best = one;
            }
            if (!best)
                break;
            best->met = UINT32_MAX;
            best->alive = constants++ < KEPT_MAX / 2;
        }
        for (uint32_t i = 0; i < contents->count; i++) {
            struct content *one = &contents->items[i];
            if (one->alive && one->class == k && (one->sign > 0 || one->index || one->bound))
                one->alive = kept++ < KEPT_MAX;
        }
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < contents->count; i++)
        if (contents->items[i].alive)
            contents->items[left++] = contents->items[i];
    contents->count = left;
}

struct contents *contents_find(struct proof *proof)
{
    struct encoding *e = proof->encoding;
    struct program *program = e->program;
    struct contents *contents = program_alloc(program, 1, sizeof *contents);
    struct numbers numbers = {.items = {0}};

    contents->program = program;
    contents->items = program_alloc(program, CONTENTS_MAX, sizeof *contents->items);
    find_classes(contents, proof);
    find_numbers(program, &numbers);
    for (uint32_t k = 0; k < contents->class_count; k++)
        if (contents->classes[k].stores.count > 0 || contents->classes[k].fills.count > 0)
            guess_of_class(contents, k, &numbers);
    for (uint32_t i = 0; i < contents->count; i++) {
        struct content *one = &contents->items[i];
        const struct class *class = &contents->classes[one->class];
        one->alive = holds_initially(program, class, one);
        for (uint32_t m = 0; one->alive && !one->index && !one->bound && m < class->fills.count;
             m++)
            one->alive = satisfies(one, filled(program, class, class->fills.items[m]), 0, 0);
    }
    e->contents = contents;
    run(e);
    e->contents = NULL;
    keep_best(contents);
    return contents->count > 0 ? contents : NULL;
}

/* ---- as formulas ---- */

void contents_attach(struct encoding *e, struct contents *contents)
{
    struct program *program = e->program;
    uint32_t position = 0;

    e->contents = contents;
    if (!contents)
        return;
    e->positions = program_alloc(program, program->value_count, sizeof *e->positions);
    e->ends = program_alloc(program, program->block_count, sizeof *e->ends);
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++)
            e->positions[block->values[i]] = ++position;
        e->ends[program->order[n]] = ++position;
    }
    e->now = term_fresh(e, "now");
}

/* What the content says of an element at this offset; all times the stride. */
static Z3_ast claim(struct encoding *e, const struct content *content, Z3_ast element,
                    Z3_ast offset)
{
    const struct class *class = &e->contents->classes[content->class];
    __int128 stride = class->stride;
    Z3_ast sum = term_add(e, term_scale(e, stride * content->sign, element),
                          term_number(e, stride * content->constant));

    if (content->index)
        sum = term_add(e, sum, term_sub(e, offset, term_number(e, class->remainder)));
    if (content->bound)
        sum = term_add(
            e, sum,
            term_scale(e, stride, encode_view(e, content->bound, e->is_signed[content->bound])));
    Z3_ast good = term_le(e, term_number(e, 0), sum);
    if (content->excepts)
        good = term_or(e, good, term_eq(e, element, term_number(e, content->except)));
    return good;
}

void contents_of_load(struct encoding *e, vid load, Z3_ast guard)
{
    const struct contents *contents = e->contents;

    for (uint32_t i = 0; i < contents->count; i++) {
        const struct content *content = &contents->items[i];
        const struct class *class = &contents->classes[content->class];
        if (!content->alive || !is_listed(&class->loads, load))
            continue;
        Z3_ast before = term_lt(e, term_number(e, e->positions[load]), e->now);
        Z3_ast offset = encode_offset(e, value_at(e->program, load)->operands[0]);
        term_assert(e, term_and(e, guard, before),
                    claim(e, content, encode_view(e, load, class->is_signed), offset));
    }
}

/* A store of an element, or a fill, that does not keep it. */
static Z3_ast broken_by(struct encoding *e, const struct content *content, vid write)
{
    const struct class *class = &e->contents->classes[content->class];
    const struct value *value = value_at(e->program, write);
    vid pointer = value->operands[0];
    Z3_ast reached = encode_reached(e, value->block), offset, element;

    if (e->facts->pointees[pointer].count > 1)
        reached = term_and(e, reached,
                           term_eq(e, encode_object(e, pointer), term_number(e, class->object)));
    if (value->op == OP_STORE) {
        offset = encode_offset(e, pointer);
        element = encode_view(e, value->operands[1], class->is_signed);
    } else {
        offset = term_fresh(e, "filled");
        reached = term_and(e, reached, term_le(e, term_number(e, class->remainder), offset));
        element = term_number(e, filled(e->program, class, write));
    }
    return encode_when(e, e->positions[write],
                       term_and(e, reached, term_not(e, claim(e, content, element, offset))));
}

Z3_ast contents_broken(struct encoding *e, uint32_t index)
{
    const struct content *content = &e->contents->items[index];
    const struct class *class = &e->contents->classes[content->class];
    Z3_ast any = Z3_mk_false(e->z3);

    if (!content->alive)
        return NULL;
    for (uint32_t i = 0; i < class->stores.count; i++)
        any = term_or(e, any, broken_by(e, content, class->stores.items[i]));
    for (uint32_t i = 0; i < class->fills.count; i++)
        any = term_or(e, any, broken_by(e, content, class->fills.items[i]));
    return any;
}

/* Is it an element of the class, perhaps among others? */
static bool receives(const struct encoding *e, const struct class *class, vid v, unsigned depth)
{
    const struct value *value = value_at(e->program, v);

    if (value->op == OP_LOAD)
        return is_listed(&class->loads, v);
    if (depth == 0 || (value->op != OP_ZEXT && value->op != OP_SEXT && value->op != OP_TRUNC &&
                       value->op != OP_PHI && value->op != OP_SELECT))
        return false;
    for (unsigned i = value->op == OP_SELECT; i < value->count; i++)
        if (receives(e, class, value->operands[i], depth - 1))
            return true;
    return false;
}

void contents_find_candidates(struct proof *proof, uint32_t header)
{
    const struct encoding *e = proof->encoding;
    const struct block *block = &e->program->blocks[header];

    for (uint32_t k = 0; e->contents && k < block->count; k++) {
        vid v = block->values[k];
        const struct value *phi = value_at(e->program, v);
        if (phi->op != OP_PHI || phi->kind != KIND_INT || !proof->relevant[v])
            continue;
        for (uint32_t i = 0; i < e->contents->count; i++) {
            const struct content *content = &e->contents->items[i];
            struct invariant guess = {.header = header, .alive = true};
            if (!content->alive || content->index ||
                !receives(e, &e->contents->classes[content->class], v, 4))
                continue;
            if (affine_add_term(&guess.form, v, content->sign) &&
                (!content->bound || affine_add_term(&guess.form, content->bound, 1))) {
                guess.form.constant = content->constant;
                proof_add_candidate(proof, &guess);
            }
        }
    }
}

bool contents_drop_broken(struct proof *proof)
{
    struct encoding *e = proof->encoding;
    bool dropped = false;

    for (uint32_t i = 0; i < e->contents->count; i++) {
        Z3_ast broken = contents_broken(e, i), literal;
        if (!broken)
            continue;
        literal = term_fresh_bool(e);
        term_assert(e, literal, broken);
        if (proof_check(proof, 1, &literal) == Z3_L_FALSE)
            continue;
        e->contents->items[i].alive = false;
        dropped = true;
    }
    return dropped;
}

bool contents_concern(const struct encoding *e, vid value)
{
    for (uint32_t i = 0; e->contents && i < e->contents->count; i++) {
        const struct content *content = &e->contents->items[i];
        const struct class *class = &e->contents->classes[content->class];
        if (content->alive && (is_listed(&class->stores, value) || is_listed(&class->loads, value)))
            return true;
    }
    return false;
}
