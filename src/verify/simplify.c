/* Makes a program smaller without changing what it does or may fail at. */
#include <string.h>

#include "verify/program.h"

#define ANSWERS_WORK 4000000 /* values that may be looked at for simplify_thread_answers() */

struct simplifier {
    struct program *program;
    vid *replaced;
    uint32_t replaced_room;
    vid *table; /* equal values: chains by hash */
    vid *next;
    uint32_t room;
    bool changed;
};

static vid resolve(const struct simplifier *s, vid value)
{
    while (value < s->replaced_room && s->replaced[value])
        value = s->replaced[value];
    return value;
}

static void make_room(struct simplifier *s)
{
    struct program *program = s->program;

    if (program->value_count + 64 <= s->replaced_room)
        return;
    uint32_t room = program->value_count * 2 + 1024;
    vid *replaced = program_alloc(program, room, sizeof *replaced);
    vid *next = program_alloc(program, room, sizeof *next);
    if (s->replaced_room > 0) {
        memcpy(replaced, s->replaced, s->replaced_room * sizeof *replaced);
        memcpy(next, s->next, s->replaced_room * sizeof *next);
    }
    s->replaced = replaced;
    s->next = next;
    s->replaced_room = room;
}

static const struct value *definition(const struct simplifier *s, vid value, enum operation op)
{
    const struct value *v = value_at(s->program, value);

    return v->op == op ? v : NULL;
}

/* Of trunc(x), where x was put together of narrower numbers: the one that remains. */
static vid simplify_trunc(const struct simplifier *s, const struct value *value)
{
    const struct value *from = value_at(s->program, value->operands[0]);

    if (from->op == OP_ZEXT || from->op == OP_SEXT) {
        vid inner = from->operands[0];
        if (value_at(s->program, inner)->width == value->width)
            return inner;
    }
    if (from->op == OP_OR)
        for (unsigned i = 0; i < 2; i++) {
            const struct value *shifted = definition(s, from->operands[i], OP_SHL);
            const struct value *kept = definition(s, from->operands[1 - i], OP_ZEXT);
            if (shifted && kept && value_is_const(s->program, shifted->operands[1]) &&
                value_at(s->program, shifted->operands[1])->imm >= value->width &&
                value_at(s->program, kept->operands[0])->width == value->width)
                return kept->operands[0];
        }
    return 0;
}

/* Of (zext a | zext b << k) >> k with a narrower than k: zext b. */
static vid simplify_lshr(const struct simplifier *s, const struct value *value)
{
    const struct value *from = definition(s, value->operands[0], OP_OR);

    if (value_is(s->program, value->operands[1], 0))
        return value->operands[0];
    if (!from || !value_is_const(s->program, value->operands[1]))
        return 0;
    uint64_t by = value_at(s->program, value->operands[1])->imm;
    for (unsigned i = 0; i < 2; i++) {
        const struct value *shifted = definition(s, from->operands[i], OP_SHL);
        const struct value *low = definition(s, from->operands[1 - i], OP_ZEXT);
        if (!shifted || !low || !value_is(s->program, shifted->operands[1], by) ||
            value_at(s->program, low->operands[0])->width > by)
            continue;
        const struct value *high = definition(s, shifted->operands[0], OP_ZEXT);
        if (high && value_at(s->program, high->operands[0])->width + by <= value->width)
            return shifted->operands[0];
    }
    return 0;
}

/* Does it certainly point into an object, or right behind it? Then it is not null. */
static bool points_into(const struct simplifier *s, vid pointer)
{
    struct program *program = s->program;
    int64_t offset = 0;

    for (;;) {
        const struct value *value = value_at(program, pointer);
        if (value->op == OP_OBJECT)
            return value->imm != 0 && offset >= 0 &&
                   (uint64_t)offset <= program->objects[value->imm].size;
        if (value->op == OP_PTRADD) {
            const struct value *by = value_at(program, value->operands[1]);
            if (by->op != OP_CONST || __builtin_add_overflow(offset, (int64_t)by->imm, &offset))
                return false;
        } else if (value->op != OP_NARROW) {
            return false;
        }
        pointer = value->operands[0];
    }
}

static vid simplify_compare(const struct simplifier *s, const struct value *value)
{
    struct program *program = s->program;
    vid a = value->operands[0], b = value->operands[1];

    enum predicate p = (enum predicate)value->sub;
    if (a == b && value_at(program, a)->kind == KIND_INT) {
        bool holds =
            p == ICMP_EQ || p == ICMP_UGE || p == ICMP_ULE || p == ICMP_SGE || p == ICMP_SLE;
        return program_const(program, 1, holds);
    }
    if (value_at(program, a)->kind == KIND_INT) {
        if ((value_is(program, a, 0) && p == ICMP_ULE) ||
            (value_is(program, b, 0) && p == ICMP_UGE))
            return program_const(program, 1, 1);
        if ((value_is(program, a, 0) && p == ICMP_UGT) ||
            (value_is(program, b, 0) && p == ICMP_ULT))
            return program_const(program, 1, 0);
    } else if ((p == ICMP_EQ || p == ICMP_NE) && value_at(program, b)->op == OP_NULL) {
        if (value_at(program, a)->op == OP_NULL)
            return program_const(program, 1, p == ICMP_EQ);
        if (points_into(s, a))
            return program_const(program, 1, p == ICMP_NE);
    }
    /* Addresses of functions, as calls through pointers compare them. */
    const struct value *x = value_at(program, a), *y = value_at(program, b);
    if ((p == ICMP_EQ || p == ICMP_NE) && x->op == OP_OBJECT && y->op == OP_OBJECT &&
        program->objects[x->imm].function && program->objects[y->imm].function)
        return program_const(program, 1, (x->imm == y->imm) == (p == ICMP_EQ));
    /* (zext i1) != 0, as C's conditions come: the i1. */
    const struct value *extended = definition(s, a, OP_ZEXT);
    if (extended && value_at(program, extended->operands[0])->width == 1 &&
        value_is(program, b, 0) && value->sub == ICMP_NE)
        return extended->operands[0];
    return 0;
}

static vid simplify_phi(const struct simplifier *s, vid id, const struct value *value)
{
    vid same = 0;

    for (unsigned i = 0; i < value->count; i++) {
        vid operand = value->operands[i];
        if (operand == id || operand == same)
            continue;
        if (same)
            return 0;
        same = operand;
    }
    (void)s;
    return same;
}

/* The address that a constant has at this offset; 0: it is none that an object begins at. */
static vid address_kept(const struct simplifier *s, const struct pointer_cell *cell,
                        uint64_t offset)
{
    if (cell->offset != offset || cell->addend != 0)
        return 0;
    vid id = program_add_value(s->program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);
    value_at(s->program, id)->imm = cell->object;
    return id;
}

/* A load of a constant at a constant place. */
static vid simplify_load(const struct simplifier *s, const struct value *value)
{
    struct program *program = s->program;
    uint64_t offset = 0, bits = 0;
    vid pointer = value->operands[0];

    while (value_at(program, pointer)->op == OP_PTRADD) {
        const struct value *add = value_at(program, pointer);
        if (!value_is_const(program, add->operands[1]))
            return 0;
        offset += value_at(program, add->operands[1])->imm;
        pointer = add->operands[0];
    }
    if (value_at(program, pointer)->op != OP_OBJECT || value->kind == KIND_FLOAT)
        return 0;
    const struct object *object = &program->objects[value_at(program, pointer)->imm];
    unsigned bytes = value->width / 8u;
    if (!object->readonly || !object->bytes || offset > object->size ||
        object->size - offset < bytes)
        return 0;
    for (uint32_t i = 0; i < object->cell_count; i++)
        if (object->cells[i].offset < offset + bytes && offset < object->cells[i].offset + 8)
            return value->kind == KIND_POINTER ? address_kept(s, &object->cells[i], offset) : 0;
    if (value->kind == KIND_POINTER)
        return 0;
    memcpy(&bits, object->bytes + offset, bytes);
    return program_const(program, value->width, bits);
}

static vid simplify_one(struct simplifier *s, vid id)
{
    struct program *program = s->program;
    struct value *value = value_at(program, id);
    uint64_t bits[3], folded;

    if (value->op == OP_PHI)
        return simplify_phi(s, id, value);
    if (value->op == OP_LOAD)
        return simplify_load(s, value);
    if (value->count >= 1 && value->count <= 3 && value->kind == KIND_INT) {
        bool constant = true;
        for (unsigned i = 0; i < value->count; i++) {
            const struct value *operand = value_at(program, value->operands[i]);
            constant = constant && operand->op == OP_CONST && operand->kind == KIND_INT;
            bits[i] = operand->imm;
        }
        if (constant &&
            operation_evaluate((enum operation)value->op, value->sub, value->width,
                               value_at(program, value->operands[0])->width, bits, &folded))
            return program_const(program, value->width, folded);
    }
    vid a = value->count > 0 ? value->operands[0] : 0,
        b = value->count > 1 ? value->operands[1] : 0;
    switch (value->op) {
    case OP_ADD:
    case OP_OR:
    case OP_XOR:
        if (value_is(program, a, 0))
            return b;
        return value_is(program, b, 0) ? a : 0;
    case OP_SUB:
    case OP_SHL:
    case OP_ASHR:
        return value_is(program, b, 0) ? a : 0;
    case OP_LSHR:
        return simplify_lshr(s, value);
    case OP_MUL:
        if (value_is(program, a, 1))
            return b;
        return value_is(program, b, 1) ? a : 0;
    case OP_AND:
        if (a == b || value_is(program, b, UINT64_MAX))
            return a;
        return value_is(program, a, UINT64_MAX) ? b : 0;
    case OP_UDIV:
    case OP_SDIV:
        return value_is(program, b, 1) ? a : 0;
    case OP_SELECT:
        if (value_is_const(program, a))
            return value_at(program, a)->imm ? b : value->operands[2];
        return b == value->operands[2] ? b : 0;
    case OP_TRUNC:
        return simplify_trunc(s, value);
    case OP_ICMP:
        return simplify_compare(s, value);
    case OP_PTRADD:
        return value_is(program, b, 0) ? a : 0;
    default:
        return 0;
    }
}

static uint32_t hash_value(const struct value *value)
{
    uint64_t hash = value->op * UINT64_C(31) + value->sub;

    hash = hash * 1000003 + value->imm;
    hash = hash * 1000003 + value->width + value->kind * 256u;
    for (unsigned i = 0; i < value->count; i++)
        hash = hash * 1000003 + value->operands[i];
    return (uint32_t)(hash * UINT64_C(0x9E3779B97F4A7C15) >> 32);
}

static bool equal_values(const struct value *a, const struct value *b)
{
    if (a->op != b->op || a->sub != b->sub || a->kind != b->kind || a->width != b->width ||
        a->imm != b->imm || a->imm2 != b->imm2 || a->count != b->count)
        return false;
    return a->count == 0 || memcmp(a->operands, b->operands, a->count * sizeof *a->operands) == 0;
}

static bool is_leaf(const struct value *value)
{
    return value->op == OP_CONST || value->op == OP_NULL || value->op == OP_OBJECT;
}

/* Gives the same result whenever its operands are the same. A load whose second operand names the
 * state of memory that it reads does. */
static bool is_pure(const struct value *value)
{
    if (value->op == OP_LOAD)
        return value->count == 2;
    return value->op != OP_UNKNOWN && value->op != OP_PHI && value->kind != KIND_VOID &&
           !(value->op == OP_FUNARY && value->sub >= FLOAT_OTHER) &&
           !(value->op == OP_FBINARY && value->sub >= FLOAT_OTHER);
}

/* The earlier value that is always equal and stands where this one is used. */
static vid find_equal(struct simplifier *s, vid id)
{
    struct program *program = s->program;
    const struct value *value = value_at(program, id);
    uint32_t at = hash_value(value) & (s->room - 1);

    for (vid other = s->table[at]; other; other = s->next[other]) {
        const struct value *earlier = value_at(program, other);
        if (other == id)
            return 0;
        if (equal_values(value, earlier) &&
            (is_leaf(value) || block_dominates(program, earlier->block, value->block)))
            return other;
    }
    s->next[id] = s->table[at];
    s->table[at] = id;
    return 0;
}

static vid canonical(struct simplifier *s, vid id)
{
    id = resolve(s, id);
    if (id == 0 || !is_leaf(value_at(s->program, id)))
        return id;
    make_room(s);
    vid equal = find_equal(s, id);
    return equal ? equal : id;
}

static bool is_plain_const(const struct simplifier *s, vid value)
{
    return value_is_const(s->program, value) && value_at(s->program, value)->kind == KIND_INT;
}

/* Constants stand on the right, where the order does not matter or can be turned round. */
static void turn_round(const struct simplifier *s, vid id)
{
    struct value *value = value_at(s->program, id);

    if (value->count != 2 || value->kind != KIND_INT || !is_plain_const(s, value->operands[0]) ||
        is_plain_const(s, value->operands[1]))
        return;
    switch (value->op) {
    case OP_ICMP:
        value->sub = (uint8_t)predicate_swap((enum predicate)value->sub);
        break;
    case OP_ADD:
    case OP_MUL:
    case OP_AND:
    case OP_OR:
    case OP_XOR:
    case OP_UMIN:
    case OP_UMAX:
    case OP_SMIN:
    case OP_SMAX:
        break;
    default:
        return;
    }
    vid constant = value->operands[0];
    value->operands[0] = value->operands[1];
    value->operands[1] = constant;
}

static void simplify_block(struct simplifier *s, uint32_t b)
{
    struct program *program = s->program;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < program->blocks[b].count; i++) {
        vid id = program->blocks[b].values[i];
        make_room(s);
        for (unsigned k = 0; k < value_at(program, id)->count; k++)
            value_at(program, id)->operands[k] = canonical(s, value_at(program, id)->operands[k]);
        turn_round(s, id);
        vid by = simplify_one(s, id);
        if (by)
            by = canonical(s, by);
        make_room(s);
        if (!by && is_pure(value_at(program, id)))
            by = find_equal(s, id);
        if (value_at(program, id)->op == OP_REQUIRE &&
            value_is(s->program, value_at(program, id)->operands[0], 1)) {
            s->changed = true;
            continue;
        }
        if (by && by != id) {
            s->replaced[id] = by;
            s->changed = true;
            continue;
        }
        program->blocks[b].values[kept++] = id;
    }
    program->blocks[b].count = kept;
    program->blocks[b].condition = canonical(s, program->blocks[b].condition);
}

static void decide_branch(struct simplifier *s, uint32_t b)
{
    struct program *program = s->program;
    struct block *block = &program->blocks[b];
    uint32_t taken = 0;

    if (block->exit == EXIT_BRANCH && block->targets[0] == block->targets[1]) {
        block_remove_edge(program, b, 1);
    } else if ((block->exit == EXIT_BRANCH || block->exit == EXIT_SWITCH) &&
               value_is_const(program, block->condition)) {
        uint64_t on = value_at(program, block->condition)->imm;
        if (block->exit == EXIT_BRANCH)
            taken = on ? 0 : 1;
        else
            for (uint32_t i = 1; i < block->target_count && taken == 0; i++)
                if (block->cases[i - 1] == on)
                    taken = i;
        /* Both edges may lead to one block: which of them goes does not matter. */
        for (uint32_t i = block->target_count; i-- > 0;)
            if (i != taken)
                block_remove_edge(program, b, i);
    } else {
        return;
    }
    block->exit = EXIT_JUMP;
    block->condition = 0;
    s->changed = true;
}

/* Values that neither memory, nor an obligation, nor control depends on. */
static void remove_unused(struct simplifier *s)
{
    struct program *program = s->program;
    bool *live = program_alloc(program, program->value_count, sizeof *live);
    vid *stack = program_alloc(program, program->value_count + 1, sizeof *stack);
    uint32_t size = 0;

#define MARK(v)                      \
    do {                             \
        vid mark_ = (v);             \
        if (mark_ && !live[mark_]) { \
            live[mark_] = true;      \
            stack[size++] = mark_;   \
        }                            \
    } while (0)
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        MARK(block->condition);
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if ((value->kind == KIND_VOID && value->op != OP_PHI) || value->op == OP_LOAD ||
                value->op == OP_FPTOSI || value->op == OP_FPTOUI)
                MARK(block->values[i]);
        }
    }
    for (uint32_t i = 0; i < program->object_count; i++)
        MARK(program->objects[i].size_value);
    MARK(program->in_length);
    MARK(program->out_capacity);
    while (size > 0) {
        const struct value *value = value_at(program, stack[--size]);
        for (unsigned k = 0; k < value->count; k++)
            MARK(value->operands[k]);
    }
#undef MARK
    for (uint32_t n = 0; n < program->order_count; n++) {
        struct block *block = &program->blocks[program->order[n]];
        uint32_t kept = 0;
        for (uint32_t i = 0; i < block->count; i++)
            if (live[block->values[i]])
                block->values[kept++] = block->values[i];
        s->changed = s->changed || kept != block->count;
        block->count = kept;
    }
}

static bool follow_answers(struct program *program, uint32_t *work)
{
    if (!program->follows_answers)
        return false;
    bool changed = simplify_chains(program);
    program_analyse(program);
    while (simplify_thread_answers(program, work)) {
        changed = true;
        program_analyse(program);
    }
    return changed;
}

void program_simplify(struct program *program)
{
    struct simplifier s = {.program = program, .room = 4096, .changed = true};
    uint32_t work = ANSWERS_WORK;

    while (s.room < program->value_count)
        s.room *= 2;
    s.table = program_alloc(program, s.room, sizeof *s.table);
    for (unsigned round = 0; s.changed && round < 12; round++) {
        s.changed = false;
        memset(s.table, 0, s.room * sizeof *s.table);
        program_analyse(program);
        for (uint32_t n = 0; n < program->order_count; n++)
            simplify_block(&s, program->order[n]);
        for (uint32_t n = 0; n < program->order_count; n++) {
            struct block *block = &program->blocks[program->order[n]];
            for (uint32_t i = 0; i < block->count; i++) {
                struct value *value = value_at(program, block->values[i]);
                for (unsigned k = 0; k < value->count; k++)
                    value->operands[k] = resolve(&s, value->operands[k]);
            }
            block->condition = resolve(&s, block->condition);
        }
        for (uint32_t i = 0; i < program->object_count; i++)
            program->objects[i].size_value = resolve(&s, program->objects[i].size_value);
        program->in_length = resolve(&s, program->in_length);
        program->out_capacity = resolve(&s, program->out_capacity);
        for (uint32_t n = 0; n < program->order_count; n++)
            decide_branch(&s, program->order[n]);
        program_analyse(program);
        s.changed = simplify_thread_joins(program) || s.changed;
        s.changed = follow_answers(program, &work) || s.changed;
        remove_unused(&s);
    }
}
