/* Values, pointers and control flow as formulas: see encode.h. */
#include <string.h>

#include "verify/encode.h"

static void on_error(Z3_context z3, Z3_error_code code)
{
    /* Out of memory or a limit: the query that follows answers "unknown". */
    (void)z3;
    (void)code;
}

/* Numbers that the program compares as signed ones. */
static bool *compared_signed(struct program *program)
{
    bool *found = program_alloc(program, program->value_count, sizeof *found);

    for (vid v = 1; v < program->value_count; v++) {
        const struct value *value = value_at(program, v);
        if (value->op == OP_ICMP && value->sub >= ICMP_SGT)
            found[value->operands[0]] = found[value->operands[1]] = true;
    }
    return found;
}

static bool is_closer(const struct range *r, bool preferred)
{
    uint64_t reach = r->high - r->low,
             signed_reach = (uint64_t)r->signed_high - (uint64_t)r->signed_low;

    return preferred ? signed_reach <= reach : signed_reach < reach;
}

/* Unsigned unless the signed interval is the closer one, or as close and what the program reads. */
static void choose_views(struct encoding *e)
{
    const bool *prefers = compared_signed(e->program);

    for (vid v = 1; v < e->program->value_count; v++) {
        const struct range *r = &e->facts->ranges[v];
        const struct value *value = value_at(e->program, v);
        if (value->kind == KIND_POINTER || value->op == OP_SEXT ||
            (value->op == OP_PTRTOINT && value->sub == 1))
            e->is_signed[v] = true;
        else if (value->op == OP_ZEXT || value->op == OP_CONST)
            e->is_signed[v] = false;
        else if (!r->empty && r->signed_low < 0)
            e->is_signed[v] = is_closer(r, prefers[v]);
    }
}

struct encoding *encoding_new(struct facts *facts)
{
    struct program *program = facts->program;
    struct encoding *e = program_alloc(program, 1, sizeof *e);
    uint32_t count = program->value_count;

    e->facts = facts;
    e->program = program;
    e->terms = program_alloc(program, count, sizeof *e->terms);
    e->objects = program_alloc(program, count, sizeof *e->objects);
    e->is_signed = program_alloc(program, count, sizeof *e->is_signed);
    e->reached = program_alloc(program, program->block_count, sizeof *e->reached);
    e->rounds = program_alloc(program, program->block_count, sizeof *e->rounds);
    choose_views(e);
    Z3_config config = Z3_mk_config();
    Z3_set_param_value(config, "model", "true");
    e->z3 = Z3_mk_context(config);
    Z3_del_config(config);
    Z3_set_error_handler(e->z3, on_error);
    e->integer = Z3_mk_int_sort(e->z3);
    e->solver = Z3_mk_simple_solver(e->z3);
    Z3_solver_inc_ref(e->z3, e->solver);
    return e;
}

void encoding_free(struct encoding *e)
{
    if (!e)
        return;
    Z3_solver_dec_ref(e->z3, e->solver);
    Z3_del_context(e->z3);
}

/* ---- control ---- */

Z3_ast encode_edge(struct encoding *e, uint32_t from, uint32_t index)
{
    const struct block *block = &e->program->blocks[from];
    Z3_ast reached = encode_reached(e, from);

    if (block->exit == EXIT_BRANCH) {
        Z3_ast condition = encode_bool(e, block->condition);
        return term_and(e, reached, index == 0 ? condition : term_not(e, condition));
    }
    if (block->exit != EXIT_SWITCH)
        return reached;
    unsigned width = value_at(e->program, block->condition)->width;
    bool is_signed = e->is_signed[block->condition];
    Z3_ast on = encode_view(e, block->condition, is_signed), taken = Z3_mk_false(e->z3);
    for (uint32_t i = 1; i < block->target_count; i++) {
        uint64_t bits = block->cases[i - 1] & width_mask(width);
        __int128 number = is_signed ? (__int128)sign_extend(bits, width) : (__int128)bits;
        Z3_ast equal = term_eq(e, on, term_number(e, number));
        if (index == i)
            return term_and(e, reached, equal);
        taken = term_or(e, taken, equal);
    }
    return term_and(e, reached, term_not(e, taken));
}

Z3_ast encode_incoming(struct encoding *e, uint32_t block, uint32_t index)
{
    uint32_t from = e->program->blocks[block].predecessors[index];
    const struct block *source = &e->program->blocks[from];
    Z3_ast any = NULL;

    for (uint32_t i = 0; i < source->target_count; i++)
        if (source->targets[i] == block) {
            Z3_ast edge = encode_edge(e, from, i);
            any = any ? term_or(e, any, edge) : edge;
        }
    return any;
}

Z3_ast encode_when(struct encoding *e, uint32_t position, Z3_ast fact)
{
    return e->now ? term_and(e, term_eq(e, e->now, term_number(e, position)), fact) : fact;
}

Z3_ast encode_at_edge(struct encoding *e, uint32_t block, uint32_t index)
{
    uint32_t from = e->program->blocks[block].predecessors[index];

    return e->now ? encode_when(e, e->ends[from], encode_incoming(e, block, index))
                  : encode_incoming(e, block, index);
}

Z3_ast encode_reached(struct encoding *e, uint32_t block)
{
    struct program *program = e->program;

    if (e->reached[block])
        return e->reached[block];
    const struct block *b = &program->blocks[block];
    if (block == program->entry)
        return e->reached[block] = Z3_mk_true(e->z3);
    if (b->predecessor_count == 1)
        return e->reached[block] = encode_incoming(e, block, 0);
    Z3_ast reached = term_fresh_bool(e), any = Z3_mk_false(e->z3);
    e->reached[block] = reached;
    for (uint32_t i = 0; i < b->predecessor_count; i++)
        if (!block_dominates(program, block, b->predecessors[i])) /* not around the loop */
            any = term_or(e, any, encode_incoming(e, block, i));
    if (b->header) {
        /* Only implied: one may stand before the loop without being in it. */
        term_assert(e, NULL, term_implies(e, reached, any));
    } else {
        term_assert(e, NULL, term_eq(e, reached, any));
    }
    return reached;
}

/* ---- integers and booleans ---- */

static Z3_ast compare(struct encoding *e, enum predicate predicate, Z3_ast a, Z3_ast b)
{
    switch (predicate) {
    case ICMP_EQ:
        return term_eq(e, a, b);
    case ICMP_NE:
        return term_not(e, term_eq(e, a, b));
    case ICMP_UGT:
    case ICMP_SGT:
        return term_lt(e, b, a);
    case ICMP_UGE:
    case ICMP_SGE:
        return term_le(e, b, a);
    case ICMP_ULT:
    case ICMP_SLT:
        return term_lt(e, a, b);
    default:
        return term_le(e, a, b);
    }
}

static Z3_ast within(struct encoding *e, Z3_ast term, Z3_ast size)
{
    return term_and(e, term_le(e, term_number(e, 0), term), term_le(e, term, size));
}

/* Functions have different addresses, and none is null; but where one ends another may begin. */
static bool only_functions(const struct encoding *e, vid pointer)
{
    const struct pointees *to = &e->facts->pointees[pointer];

    for (uint32_t i = 0; i < to->count; i++)
        if (to->objects[i] && !e->program->objects[to->objects[i]].function)
            return false;
    return to->count > 0;
}

/* The one object that both may mean; 0: none, or several. */
static uint32_t common_object(const struct pointees *a, const struct pointees *b)
{
    uint32_t common = 0;

    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++)
            if (a->objects[i] == b->objects[k] && a->objects[i]) {
                if (common)
                    return 0;
                common = a->objects[i];
            }
    return common;
}

/* In an object, or so near to it that the address is still a number between 0 and the last. */
static Z3_ast near(struct encoding *e, Z3_ast offset, Z3_ast size)
{
    return term_and(e,
                    term_le(e, term_number(e, 0), term_add(e, offset, term_number(e, BEFORE_MAX))),
                    term_le(e, offset, term_add(e, size, term_number(e, BEHIND_MAX))));
}

/* Addresses are compared by their offsets where both lie in or near one object. */
static Z3_ast compare_pointers(struct encoding *e, const struct value *value)
{
    vid a = value->operands[0], b = value->operands[1];
    Z3_ast outcome = term_fresh_bool(e), offset_a = encode_offset(e, a),
           offset_b = encode_offset(e, b);
    enum predicate predicate = (enum predicate)value->sub;
    const struct pointees *to_a = &e->facts->pointees[a], *to_b = &e->facts->pointees[b];

    uint32_t common = common_object(to_a, to_b);
    if (common) {
        Z3_ast size = encode_size(e, common), object = term_number(e, common);
        Z3_ast both = term_and(e, term_eq(e, encode_object(e, a), object),
                               term_eq(e, encode_object(e, b), object));
        if (predicate != ICMP_EQ && predicate != ICMP_NE)
            both = term_and(e, both, term_and(e, near(e, offset_a, size), near(e, offset_b, size)));
        term_assert(e, both, term_eq(e, outcome, compare(e, predicate, offset_a, offset_b)));
    } else if ((predicate == ICMP_EQ || predicate == ICMP_NE) && only_functions(e, a) &&
               only_functions(e, b)) {
        Z3_ast one = term_eq(e, encode_object(e, a), encode_object(e, b)), zero = term_number(e, 0),
               same = term_and(e, one, term_eq(e, offset_a, offset_b));
        Z3_ast begin = term_and(e, term_eq(e, offset_a, zero), term_eq(e, offset_b, zero));
        term_assert(e, term_or(e, one, begin),
                    term_eq(e, outcome, predicate == ICMP_EQ ? same : term_not(e, same)));
    } else if (to_b->count == 1 && to_b->objects[0] == 0 &&
               (predicate == ICMP_EQ || predicate == ICMP_NE) &&
               value_at(e->program, b)->op == OP_NULL) {
        Z3_ast is_null = predicate == ICMP_EQ ? outcome : term_not(e, outcome);
        Z3_ast nothing = term_eq(e, encode_object(e, a), term_number(e, 0));
        for (uint32_t i = 0; i < to_a->count; i++) {
            Z3_ast this = term_eq(e, encode_object(e, a), term_number(e, to_a->objects[i]));
            if (to_a->objects[i])
                term_assert(
                    e, term_and(e, this, within(e, offset_a, encode_size(e, to_a->objects[i]))),
                    term_not(e, is_null));
        }
        term_assert(e, term_and(e, nothing, term_eq(e, offset_a, term_number(e, 0))), is_null);
    }
    return outcome;
}

static Z3_ast encode_compare(struct encoding *e, const struct value *value)
{
    vid a = value->operands[0], b = value->operands[1];
    enum predicate predicate = (enum predicate)value->sub;

    if (value_at(e->program, a)->kind == KIND_POINTER)
        return compare_pointers(e, value);
    if (value_at(e->program, a)->width == 1) {
        Z3_ast x = encode_bool(e, a), y = encode_bool(e, b);
        if (predicate == ICMP_EQ)
            return term_eq(e, x, y);
        if (predicate == ICMP_NE)
            return term_not(e, term_eq(e, x, y));
        return term_fresh_bool(e);
    }
    bool is_signed = predicate >= ICMP_SGT;
    if (predicate == ICMP_EQ || predicate == ICMP_NE)
        is_signed = e->is_signed[a] || e->is_signed[b];
    return compare(e, predicate, encode_view(e, a, is_signed), encode_view(e, b, is_signed));
}

/* The operand of each edge, where control comes along it. */
static void join_edges(struct encoding *e, vid phi, Z3_ast term)
{
    const struct value *value = value_at(e->program, phi);

    if (e->program->blocks[value->block].header)
        return; /* the state at a header is any that the invariants admit */
    for (unsigned i = 0; i < value->count; i++) {
        Z3_ast edge = encode_incoming(e, value->block, i);
        vid from = value->operands[i];
        Z3_ast incoming = value->kind == KIND_POINTER ? encode_offset(e, from)
                          : value->width == 1         ? encode_bool(e, from)
                                                      : encode_view(e, from, e->is_signed[phi]);
        term_assert(e, edge, term_eq(e, term, incoming));
        if (value->kind == KIND_POINTER)
            term_assert(e, edge, term_eq(e, e->objects[phi], encode_object(e, from)));
    }
}

/* Of intervals of one number, wherever control comes there. */
static bool is_single(const struct encoding *e, vid id)
{
    const struct range *r = &e->facts->ranges[id];

    return !r->empty && r->low == r->high;
}

Z3_ast encode_bool(struct encoding *e, vid id)
{
    const struct value *value = value_at(e->program, id);
    Z3_ast term = e->terms[id];

    if (term)
        return term;
    if (is_single(e, id))
        return e->terms[id] = e->facts->ranges[id].low ? Z3_mk_true(e->z3) : Z3_mk_false(e->z3);
    switch (value->op) {
    case OP_CONST:
        term = value->imm ? Z3_mk_true(e->z3) : Z3_mk_false(e->z3);
        break;
    case OP_ICMP:
        term = encode_compare(e, value);
        break;
    case OP_AND:
        term = term_and(e, encode_bool(e, value->operands[0]), encode_bool(e, value->operands[1]));
        break;
    case OP_OR:
        term = term_or(e, encode_bool(e, value->operands[0]), encode_bool(e, value->operands[1]));
        break;
    case OP_XOR:
        term = term_not(
            e, term_eq(e, encode_bool(e, value->operands[0]), encode_bool(e, value->operands[1])));
        break;
    case OP_SELECT:
        term = Z3_mk_ite(e->z3, encode_bool(e, value->operands[0]),
                         encode_bool(e, value->operands[1]), encode_bool(e, value->operands[2]));
        break;
    case OP_TRUNC: {
        /* The lowest bit: most often of a number that is 0 or 1. */
        vid from = value->operands[0];
        struct range r = facts_range(e->facts, from, value->block);
        if (!r.empty && r.high <= 1) {
            term = term_not(e, term_eq(e, encode_view(e, from, false), term_number(e, 0)));
        } else {
            Z3_ast half = term_fresh(e, "half");
            term = term_fresh_bool(e);
            Z3_ast rest = term_sub(e, encode_view(e, from, false), term_scale(e, 2, half));
            term_assert(
                e, NULL,
                term_eq(e, rest, Z3_mk_ite(e->z3, term, term_number(e, 1), term_number(e, 0))));
        }
        break;
    }
    default:
        term = term_fresh_bool(e);
        e->terms[id] = term;
        if (value->op == OP_PHI)
            join_edges(e, id, term);
    }
    return e->terms[id] = term;
}

/* From one view to the other; where the interval says so they are the same. */
static Z3_ast convert(struct encoding *e, vid id, Z3_ast term, bool is_signed)
{
    const struct value *value = value_at(e->program, id);
    __int128 modulus = (__int128)1 << value->width;

    if (value->op == OP_CONST) {
        __int128 number =
            is_signed ? (__int128)sign_extend(value->imm, value->width) : (__int128)value->imm;
        return term_number(e, number);
    }
    if (e->is_signed[id] == is_signed)
        return term;
    if (is_signed)
        return Z3_mk_ite(e->z3, term_lt(e, term, term_number(e, modulus / 2)), term,
                         term_sub(e, term, term_number(e, modulus)));
    return Z3_mk_ite(e->z3, term_lt(e, term, term_number(e, 0)),
                     term_add(e, term, term_number(e, modulus)), term);
}

static Z3_ast number_of_bool(struct encoding *e, vid id, bool is_signed)
{
    return Z3_mk_ite(e->z3, encode_bool(e, id), term_number(e, is_signed ? -1 : 1),
                     term_number(e, 0));
}

Z3_ast encode_view(struct encoding *e, vid id, bool is_signed)
{
    const struct value *value = value_at(e->program, id);

    if (value->width == 1 && value->kind == KIND_INT)
        return number_of_bool(e, id, is_signed);
    Z3_ast term = encode_int(e, id);
    const struct range *r = &e->facts->ranges[id];
    /* Not negative at all: one view, and no case to split. */
    if (value->op != OP_CONST && e->is_signed[id] != is_signed && !r->empty && r->signed_low >= 0)
        return term;
    return convert(e, id, term, is_signed);
}

Z3_ast encode_int(struct encoding *e, vid id)
{
    const struct value *value = value_at(e->program, id);
    Z3_ast term = e->terms[id];

    if (term)
        return term;
    switch (value->op) {
    case OP_CONST:
        term = term_number(e, value->imm);
        break;
    case OP_PHI:
        term = encode_opaque(e, id);
        e->terms[id] = term;
        join_edges(e, id, term);
        return term;
    case OP_SELECT:
        term = Z3_mk_ite(e->z3, encode_bool(e, value->operands[0]),
                         encode_view(e, value->operands[1], e->is_signed[id]),
                         encode_view(e, value->operands[2], e->is_signed[id]));
        break;
    case OP_ZEXT:
        term = encode_view(e, value->operands[0], false);
        break;
    case OP_SEXT:
        term = encode_view(e, value->operands[0], true);
        break;
    case OP_PTRTOINT:
        if (value->sub == 1) {
            term = encode_offset(e, value->operands[0]);
            break;
        }
        __attribute__((fallthrough));
    default:
        term = encode_operation(e, id);
    }
    return e->terms[id] = term;
}

/* ---- pointers ---- */

Z3_ast encode_object(struct encoding *e, vid id)
{
    const struct pointees *to = &e->facts->pointees[id];
    const struct value *value = value_at(e->program, id);

    if (e->objects[id])
        return e->objects[id];
    if (to->count == 1)
        return e->objects[id] = term_number(e, to->objects[0]);
    if (value->op == OP_PTRADD || value->op == OP_NARROW)
        return e->objects[id] = encode_object(e, value->operands[0]);
    if (value->op == OP_SELECT)
        return e->objects[id] = Z3_mk_ite(e->z3, encode_bool(e, value->operands[0]),
                                          encode_object(e, value->operands[1]),
                                          encode_object(e, value->operands[2]));
    Z3_ast term = e->objects[id] = term_fresh(e, "object"), any = Z3_mk_false(e->z3);
    for (uint32_t i = 0; i < to->count; i++)
        any = term_or(e, any, term_eq(e, term, term_number(e, to->objects[i])));
    term_assert(e, encode_reached(e, value->block), any);
    if (value->op == OP_PHI)
        (void)encode_offset(e, id); /* joins both */
    return term;
}

Z3_ast encode_offset(struct encoding *e, vid id)
{
    const struct value *value = value_at(e->program, id);

    if (e->terms[id])
        return e->terms[id];
    switch (value->op) {
    case OP_OBJECT:
    case OP_NULL:
        return e->terms[id] = term_number(e, 0);
    case OP_NARROW:
        return e->terms[id] = encode_offset(e, value->operands[0]);
    case OP_SELECT:
        return e->terms[id] = Z3_mk_ite(e->z3, encode_bool(e, value->operands[0]),
                                        encode_offset(e, value->operands[1]),
                                        encode_offset(e, value->operands[2]));
    case OP_PHI: {
        Z3_ast term = e->terms[id] = encode_opaque(e, id);
        if (!e->objects[id])
            (void)encode_object(e, id);
        join_edges(e, id, term);
        return term;
    }
    case OP_PTRADD: {
        struct range a = facts_range(e->facts, value->operands[0], value->block);
        struct range b = facts_range(e->facts, value->operands[1], value->block);
        __int128 low = (__int128)a.signed_low + b.signed_low,
                 high = (__int128)a.signed_high + b.signed_high;
        Z3_ast sum = term_add(e, encode_offset(e, value->operands[0]),
                              encode_view(e, value->operands[1], true));
        if (a.empty || b.empty)
            return e->terms[id] = encode_opaque(e, id);
        if (low >= INT64_MIN && high <= INT64_MAX)
            return e->terms[id] = sum;
        Z3_ast wraps = term_fresh(e, "wraps"), term = encode_opaque(e, id);
        term_assert(e, encode_reached(e, value->block),
                    term_eq(e, sum, term_add(e, term, term_scale(e, (__int128)1 << 64, wraps))));
        return e->terms[id] = term;
    }
    default:
        return e->terms[id] = encode_opaque(e, id);
    }
}

Z3_ast encode_size(struct encoding *e, uint32_t object)
{
    const struct object *o = &e->program->objects[object];

    return o->size_value ? encode_view(e, o->size_value, false) : term_number(e, o->size);
}

/* [offset, offset + length) inside [first, first + size). */
static Z3_ast inside(struct encoding *e, Z3_ast offset, Z3_ast length, Z3_ast first, Z3_ast size)
{
    return term_and(e, term_le(e, first, offset),
                    term_le(e, term_add(e, offset, length), term_add(e, first, size)));
}

Z3_ast encode_access(struct encoding *e, vid pointer, Z3_ast length, bool write)
{
    struct program *program = e->program;
    const struct pointees *to = &e->facts->pointees[pointer];
    Z3_ast offset = encode_offset(e, pointer), safe = Z3_mk_false(e->z3), zero = term_number(e, 0);

    for (uint32_t i = 0; i < to->count; i++) {
        uint32_t object = to->objects[i];
        if (object == 0 || (write && program->objects[object].readonly))
            continue;
        Z3_ast good = inside(e, offset, length, zero, encode_size(e, object));
        if (to->count > 1)
            good = term_and(e, good, term_eq(e, encode_object(e, pointer), term_number(e, object)));
        safe = term_or(e, safe, good);
    }
    /* Each part that the pointer was confined to lies in the part before. */
    for (vid part = e->facts->bounds[pointer]; part;) {
        const struct value *narrow = value_at(program, part);
        Z3_ast first = encode_offset(e, part), size = term_number(e, narrow->imm);
        safe = term_and(e, safe, inside(e, offset, length, first, size));
        offset = first;
        length = size;
        part = e->facts->bounds[narrow->operands[0]];
    }
    return safe;
}
