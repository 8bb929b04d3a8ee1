/*
 * Obligations that linear arithmetic does not decide, bit by bit: masks, exclusive or, shifts by a
 * variable, products. One obligation at a time, from the place of it backwards: what is computed
 * there is a term of bit-vectors; what loops, memory and the outside bring is any number that its
 * interval, the invariants and the branches on the way admit. Facts are taken from places that
 * control certainly came by on its way to the obligation, and from no others: so
 * "unsatisfiable" means that no execution does it.
 */
#include <stdio.h>

#include "verify/prove.h"

#define TERMS_MAX 600 /* of one obligation: what lies further back is any number */
#define WIDE 128      /* sums of AFFINE_TERMS products fit */

struct bits {
    struct proof *proof;
    struct program *program;
    Z3_context z3;
    Z3_solver solver;
    uint32_t at; /* the obligation's block */
    Z3_ast *terms;
    uint32_t count;
};

static Z3_ast number(const struct bits *b, uint64_t value, unsigned width)
{
    return Z3_mk_unsigned_int64(b->z3, value & width_mask(width), Z3_mk_bv_sort(b->z3, width));
}

static void claim(const struct bits *b, Z3_ast fact)
{
    Z3_solver_assert(b->z3, b->solver, fact);
}

static unsigned width_of(const struct value *value)
{
    return value->kind == KIND_POINTER ? 64 : value->width;
}

static bool on_the_way(const struct bits *b, vid id)
{
    const struct value *value = value_at(b->program, id);

    /* The null pointer is in no block. */
    return value->block != UINT32_MAX && block_dominates(b->program, value->block, b->at);
}

/* Any number, of the interval that it has where the obligation stands. */
static Z3_ast any_number(const struct bits *b, vid id)
{
    const struct value *value = value_at(b->program, id);
    unsigned width = width_of(value);
    Z3_ast term = Z3_mk_fresh_const(b->z3, "any", Z3_mk_bv_sort(b->z3, width));

    if (value->kind == KIND_FLOAT || !on_the_way(b, id))
        return term;
    struct range r = facts_range(b->proof->encoding->facts, id, b->at);
    if (r.empty)
        return term;
    claim(b, Z3_mk_bvule(b->z3, number(b, r.low, width), term));
    claim(b, Z3_mk_bvule(b->z3, term, number(b, r.high, width)));
    claim(b, Z3_mk_bvsle(b->z3, number(b, (uint64_t)r.signed_low, width), term));
    claim(b, Z3_mk_bvsle(b->z3, term, number(b, (uint64_t)r.signed_high, width)));
    return term;
}

static Z3_ast term_of(struct bits *b, vid id);

static Z3_ast of_condition(const struct bits *b, Z3_ast condition)
{
    return Z3_mk_ite(b->z3, condition, number(b, 1, 1), number(b, 0, 1));
}

static Z3_ast is_true(struct bits *b, vid id)
{
    return Z3_mk_eq(b->z3, term_of(b, id), number(b, 1, 1));
}

static Z3_ast compare(const struct bits *b, enum predicate predicate, Z3_ast x, Z3_ast y)
{
    switch (predicate) {
    case ICMP_EQ:
        return Z3_mk_eq(b->z3, x, y);
    case ICMP_NE:
        return Z3_mk_not(b->z3, Z3_mk_eq(b->z3, x, y));
    case ICMP_UGT:
        return Z3_mk_bvugt(b->z3, x, y);
    case ICMP_UGE:
        return Z3_mk_bvuge(b->z3, x, y);
    case ICMP_ULT:
        return Z3_mk_bvult(b->z3, x, y);
    case ICMP_ULE:
        return Z3_mk_bvule(b->z3, x, y);
    case ICMP_SGT:
        return Z3_mk_bvsgt(b->z3, x, y);
    case ICMP_SGE:
        return Z3_mk_bvsge(b->z3, x, y);
    case ICMP_SLT:
        return Z3_mk_bvslt(b->z3, x, y);
    default:
        return Z3_mk_bvsle(b->z3, x, y);
    }
}

static Z3_ast extreme(const struct bits *b, enum operation op, Z3_ast x, Z3_ast y)
{
    enum predicate predicate = op == OP_UMIN   ? ICMP_ULT
                               : op == OP_UMAX ? ICMP_UGT
                               : op == OP_SMIN ? ICMP_SLT
                                               : ICMP_SGT;

    return Z3_mk_ite(b->z3, compare(b, predicate, x, y), x, y);
}

/* Of two numbers of one width. (Division by zero and shifts too far are obligations before it.) */
static Z3_ast binary(struct bits *b, const struct value *value)
{
    Z3_ast x = term_of(b, value->operands[0]), y = term_of(b, value->operands[1]);

    switch (value->op) {
    case OP_ADD:
    case OP_PTRADD:
        return Z3_mk_bvadd(b->z3, x, y);
    case OP_SUB:
        return Z3_mk_bvsub(b->z3, x, y);
    case OP_MUL:
        return Z3_mk_bvmul(b->z3, x, y);
    case OP_UDIV:
        return Z3_mk_bvudiv(b->z3, x, y);
    case OP_SDIV:
        return Z3_mk_bvsdiv(b->z3, x, y);
    case OP_UREM:
        return Z3_mk_bvurem(b->z3, x, y);
    case OP_SREM:
        return Z3_mk_bvsrem(b->z3, x, y);
    case OP_SHL:
        return Z3_mk_bvshl(b->z3, x, y);
    case OP_LSHR:
        return Z3_mk_bvlshr(b->z3, x, y);
    case OP_ASHR:
        return Z3_mk_bvashr(b->z3, x, y);
    case OP_AND:
        return Z3_mk_bvand(b->z3, x, y);
    case OP_OR:
        return Z3_mk_bvor(b->z3, x, y);
    case OP_XOR:
        return Z3_mk_bvxor(b->z3, x, y);
    case OP_ICMP:
        return of_condition(b, compare(b, (enum predicate)value->sub, x, y));
    default:
        return extreme(b, (enum operation)value->op, x, y);
    }
}

/* What came along one of the edges: one of them it is. At a loop's head, whatever the invariants
 * admit. */
static Z3_ast joined(struct bits *b, vid id)
{
    const struct value *value = value_at(b->program, id);
    Z3_ast term = any_number(b, id), one = Z3_mk_false(b->z3);

    b->terms[id] = term;
    if (b->program->blocks[value->block].header || !on_the_way(b, id))
        return term;
    for (unsigned i = 0; i < value->count; i++) {
        Z3_ast same = Z3_mk_eq(b->z3, term, term_of(b, value->operands[i]));
        one = Z3_mk_or(b->z3, 2, (Z3_ast[]){one, same});
    }
    claim(b, one);
    return term;
}

static Z3_ast computed(struct bits *b, vid id)
{
    const struct value *value = value_at(b->program, id);
    bool of_pointers =
        value->count > 0 && value_at(b->program, value->operands[0])->kind == KIND_POINTER;

    switch (value->op) {
    case OP_CONST:
        return value->kind == KIND_INT ? number(b, value->imm, value->width) : any_number(b, id);
    case OP_OBJECT:
        return number(b, 0, 64);
    case OP_NARROW:
        return term_of(b, value->operands[0]);
    case OP_PTRTOINT:
        return value->sub == 1 && value->width == 64 ? term_of(b, value->operands[0])
                                                     : any_number(b, id);
    case OP_ZEXT:
        return Z3_mk_zero_ext(b->z3, value->width - value_at(b->program, value->operands[0])->width,
                              term_of(b, value->operands[0]));
    case OP_SEXT:
        return Z3_mk_sign_ext(b->z3, value->width - value_at(b->program, value->operands[0])->width,
                              term_of(b, value->operands[0]));
    case OP_TRUNC:
        return Z3_mk_extract(b->z3, value->width - 1u, 0, term_of(b, value->operands[0]));
    case OP_SELECT:
        return value->kind == KIND_FLOAT
                   ? any_number(b, id)
                   : Z3_mk_ite(b->z3, is_true(b, value->operands[0]),
                               term_of(b, value->operands[1]), term_of(b, value->operands[2]));
    case OP_PHI:
        return joined(b, id);
    case OP_ICMP:
        return of_pointers ? any_number(b, id) : binary(b, value);
    default:
        return (value->op >= OP_ADD && value->op <= OP_SMAX) || value->op == OP_PTRADD
                   ? binary(b, value)
                   : any_number(b, id);
    }
}

static Z3_ast term_of(struct bits *b, vid id)
{
    if (!b->terms[id]) {
        Z3_ast term = ++b->count > TERMS_MAX ? any_number(b, id) : computed(b, id);
        b->terms[id] = term;
    }
    return b->terms[id];
}

/* ---- what holds where the obligation stands ---- */

/* Which way the branches went that lead there and nowhere else. */
static void claim_branches(struct bits *b)
{
    for (uint32_t to = b->at; to != b->program->entry;) {
        const struct block *block = &b->program->blocks[to];
        uint32_t from = block->dominator;
        const struct block *source = &b->program->blocks[from];
        if (block->predecessor_count == 1 && source->exit == EXIT_BRANCH &&
            source->targets[0] != source->targets[1]) {
            Z3_ast condition = is_true(b, source->condition);
            claim(b, source->targets[0] == to ? condition : Z3_mk_not(b->z3, condition));
        }
        to = from;
    }
}

static Z3_ast wide(struct bits *b, vid id)
{
    const struct value *value = value_at(b->program, id);
    unsigned more = WIDE - width_of(value);
    bool is_signed = value->kind == KIND_POINTER || b->proof->encoding->is_signed[id];

    return is_signed ? Z3_mk_sign_ext(b->z3, more, term_of(b, id))
                     : Z3_mk_zero_ext(b->z3, more, term_of(b, id));
}

static Z3_ast wide_number(const struct bits *b, int64_t value)
{
    return Z3_mk_sign_ext(b->z3, WIDE - 64, Z3_mk_int64(b->z3, value, Z3_mk_bv_sort(b->z3, 64)));
}

static bool speaks_of_values(const struct bits *b, const struct invariant *invariant)
{
    for (uint8_t i = 0; i < invariant->form.count; i++) {
        vid v = invariant->form.terms[i].value;
        if (v == 0 || v & AFFINE_SIZE_OF || value_at(b->program, v)->kind == KIND_FLOAT ||
            value_at(b->program, v)->width == 1 ||
            !block_dominates(b->program, value_at(b->program, v)->block, invariant->header))
            return false;
    }
    return true;
}

static void claim_invariants(struct bits *b)
{
    const struct invariants *list = &b->proof->invariants;

    for (uint32_t i = 0; i < list->count && b->count < TERMS_MAX; i++) {
        const struct invariant *invariant = &list->items[i];
        if (!invariant->alive || invariant->later || invariant->modulus ||
            !block_dominates(b->program, invariant->header, b->at) ||
            !speaks_of_values(b, invariant))
            continue;
        Z3_ast sum = wide_number(b, invariant->form.constant);
        for (uint8_t k = 0; k < invariant->form.count; k++) {
            const struct affine_term *term = &invariant->form.terms[k];
            sum = Z3_mk_bvadd(
                b->z3, sum, Z3_mk_bvmul(b->z3, wide_number(b, term->factor), wide(b, term->value)));
        }
        Z3_ast zero = wide_number(b, 0);
        claim(b, invariant->equal ? Z3_mk_eq(b->z3, sum, zero) : Z3_mk_bvsle(b->z3, zero, sum));
    }
}

/* ---- what is asked ---- */

/* `length` bytes at `offset` lie in `size` bytes at `first`; numbers are of 64 bits and wrap, as
 * addresses do. */
static Z3_ast inside(const struct bits *b, Z3_ast offset, Z3_ast length, Z3_ast first, Z3_ast size)
{
    Z3_ast room = Z3_mk_bvsub(b->z3, size, length);
    Z3_ast both[] = {Z3_mk_bvule(b->z3, length, size),
                     Z3_mk_bvule(b->z3, Z3_mk_bvsub(b->z3, offset, first), room)};

    return Z3_mk_and(b->z3, 2, both);
}

static Z3_ast safe_access(struct bits *b, const struct obligation *o)
{
    const struct value *value = value_at(b->program, o->value);
    const struct facts *facts = b->proof->encoding->facts;
    vid pointer = value->operands[o->part];
    const struct pointees *to = &facts->pointees[pointer];
    bool fixed = value->op == OP_LOAD || value->op == OP_STORE;

    if (to->count != 1 || to->objects[0] == 0 ||
        (o->kind == PLACE_WRITE && b->program->objects[to->objects[0]].readonly))
        return NULL;
    const struct object *object = &b->program->objects[to->objects[0]];
    Z3_ast offset = term_of(b, pointer);
    Z3_ast length = fixed ? number(b, value->width / 8u, 64) : term_of(b, value->operands[2]);
    Z3_ast size = object->size_value ? term_of(b, object->size_value) : number(b, object->size, 64);
    Z3_ast safe = inside(b, offset, length, number(b, 0, 64), size);
    for (vid part = facts->bounds[pointer]; part;) {
        const struct value *narrow = value_at(b->program, part);
        Z3_ast first = term_of(b, part), room = number(b, narrow->imm, 64);
        safe = Z3_mk_and(b->z3, 2, (Z3_ast[]){safe, inside(b, offset, length, first, room)});
        offset = first;
        length = room;
        part = facts->bounds[narrow->operands[0]];
    }
    return safe;
}

static Z3_ast safe_condition(struct bits *b, const struct obligation *o)
{
    switch (o->kind) {
    case PLACE_READ:
    case PLACE_WRITE:
        return safe_access(b, o);
    case PLACE_UNREACHABLE:
        if (o->value == 0)
            return Z3_mk_false(b->z3);
        __attribute__((fallthrough));
    case PLACE_DIVISION:
    case PLACE_SHIFT:
    case PLACE_SUBSCRIPT:
    case PLACE_INITIALISED:
    case PLACE_ALIVE:
    case PLACE_CONTRACT:
        if (value_at(b->program, o->value)->op != OP_REQUIRE)
            return NULL; /* of padding */
        return is_true(b, value_at(b->program, o->value)->operands[0]);
    default:
        return NULL;
    }
}

/* By units of work, as all queries. */
static void limit(const struct bits *b)
{
    Z3_params params = Z3_mk_params(b->z3);

    Z3_params_inc_ref(b->z3, params);
    Z3_params_set_uint(b->z3, params, Z3_mk_string_symbol(b->z3, "rlimit"), b->proof->limits.step);
    Z3_params_set_uint(b->z3, params, Z3_mk_string_symbol(b->z3, "random_seed"), 1);
    Z3_solver_set_params(b->z3, b->solver, params);
    Z3_params_dec_ref(b->z3, params);
}

bool bits_prove(struct proof *proof, const struct obligation *o)
{
    struct encoding *e = proof->encoding;
    struct bits b = {.proof = proof, .program = e->program, .z3 = e->z3, .at = o->block};
    bool proved = false;

    b.terms = program_alloc(e->program, e->program->value_count, sizeof *b.terms);
    b.solver = Z3_mk_simple_solver(e->z3);
    Z3_solver_inc_ref(e->z3, b.solver);
    limit(&b);
    Z3_ast safe = safe_condition(&b, o);
    if (safe) {
        claim(&b, Z3_mk_not(e->z3, safe));
        claim_branches(&b);
        claim_invariants(&b);
        e->queries++;
        Z3_lbool result = Z3_solver_check(e->z3, b.solver);
        proved = result == Z3_L_FALSE;
        proof->given_up += result == Z3_L_UNDEF;
    }
    Z3_solver_dec_ref(e->z3, b.solver);
    return proved;
}
