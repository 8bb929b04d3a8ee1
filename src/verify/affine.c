/* Linear forms over the state at a loop header. */
#include <string.h>

#include "verify/prove.h"

#define DEPTH_MAX 40
#define GUESSES_MAX 40 /* joins that one form is followed through */
#define FACTOR_MAX ((int64_t)1 << 40)

bool affine_add_term(struct affine *to, vid value, int64_t factor)
{
    if (factor > FACTOR_MAX || factor < -FACTOR_MAX)
        return false;
    for (uint8_t i = 0; i < to->count; i++) {
        if (to->terms[i].value != value)
            continue;
        to->terms[i].factor += factor;
        if (to->terms[i].factor == 0)
            to->terms[i] = to->terms[--to->count];
        return true;
    }
    if (factor == 0)
        return true;
    if (to->count == AFFINE_TERMS)
        return false;
    to->terms[to->count++] = (struct affine_term){value, factor};
    return true;
}

bool affine_add(struct affine *to, const struct affine *from, int64_t factor)
{
    int64_t constant;

    for (uint8_t i = 0; i < from->count; i++) {
        int64_t product;
        if (__builtin_mul_overflow(from->terms[i].factor, factor, &product) ||
            !affine_add_term(to, from->terms[i].value, product))
            return false;
    }
    return !__builtin_mul_overflow(from->constant, factor, &constant) &&
           !__builtin_add_overflow(to->constant, constant, &to->constant);
}

static bool walk(const struct encoding *e, vid id, uint32_t header, int64_t factor,
                 struct affine *to, unsigned depth, unsigned *guesses);

/* What an inner loop or a branch changes: as it was before, which is a guess as good as any. */
static bool walk_back(const struct encoding *e, vid id, uint32_t header, int64_t factor,
                      struct affine *to, unsigned depth, unsigned *guesses)
{
    const struct program *program = e->program;
    const struct value *phi = value_at(program, id);
    const struct block *block = &program->blocks[phi->block];

    for (unsigned i = 0; i < phi->count; i++) {
        struct affine before = *to;
        if (*guesses == 0)
            return false;
        --*guesses;
        if (block->header && block_dominates(program, phi->block, block->predecessors[i]))
            continue;
        if (walk(e, phi->operands[i], header, factor, &before, depth + 1, guesses)) {
            *to = before;
            return true;
        }
    }
    return false;
}

static bool walk(const struct encoding *e, vid id, uint32_t header, int64_t factor,
                 struct affine *to, unsigned depth, unsigned *guesses)
{
    const struct program *program = e->program;
    const struct value *value = value_at(program, id);
    struct affine constant = {0};

    if (value->op == OP_CONST && value->kind == KIND_INT) {
        constant.constant = sign_extend(value->imm, value->width);
        return affine_add(to, &constant, factor);
    }
    if (value->op == OP_OBJECT || value->op == OP_NULL)
        return true;
    const struct range *range = &e->facts->ranges[id];
    if (value->kind == KIND_INT && !range->empty && range->low == range->high) {
        constant.constant = range->signed_low;
        return affine_add(to, &constant, factor);
    }
    if (depth > DEPTH_MAX || value->kind == KIND_FLOAT || value->width == 1)
        return false;
    switch (value->op) {
    case OP_ADD:
    case OP_PTRADD:
        return walk(e, value->operands[0], header, factor, to, depth + 1, guesses) &&
               walk(e, value->operands[1], header, factor, to, depth + 1, guesses);
    case OP_SUB:
        return walk(e, value->operands[0], header, factor, to, depth + 1, guesses) &&
               walk(e, value->operands[1], header, -factor, to, depth + 1, guesses);
    case OP_ZEXT:
    case OP_SEXT:
        if (value_at(program, value->operands[0])->width == 1)
            break;
        return walk(e, value->operands[0], header, factor, to, depth + 1, guesses);
    case OP_NARROW:
        return walk(e, value->operands[0], header, factor, to, depth + 1, guesses);
    case OP_PTRTOINT:
        if (value->sub != 1)
            break;
        return walk(e, value->operands[0], header, factor, to, depth + 1, guesses);
    case OP_MUL:
    case OP_SHL:
        if (value_is_const(program, value->operands[1])) {
            uint64_t bits = value_at(program, value->operands[1])->imm;
            int64_t by = sign_extend(bits, value->width), product;
            if (value->op == OP_SHL)
                by = bits < 40 ? (int64_t)1 << bits : 0;
            if (by != 0 && !__builtin_mul_overflow(by, factor, &product) && product < FACTOR_MAX &&
                product > -FACTOR_MAX)
                return walk(e, value->operands[0], header, product, to, depth + 1, guesses);
        }
        break;
    default:
        break;
    }
    /* What is made in a round, or behind the loop, is no part of the state at its header. */
    if ((loop_contains(program, header, value->block) ||
         !block_dominates(program, value->block, header)) &&
        !(value->op == OP_PHI && value->block == header))
        return value->op == OP_PHI && walk_back(e, id, header, factor, to, depth, guesses);
    return affine_add_term(to, id, factor);
}

bool affine_of(const struct encoding *e, vid value, uint32_t header, struct affine *ret)
{
    *ret = (struct affine){0};
    unsigned guesses = GUESSES_MAX;
    return walk(e, value, header, 1, ret, 0, &guesses);
}

bool affine_between(const struct encoding *e, const struct affine *form, __int128 *ret_low,
                    __int128 *ret_high)
{
    __int128 low = form->constant, high = form->constant;

    for (uint8_t i = 0; i < form->count; i++) {
        vid v = form->terms[i].value;
        if (v == 0 || v & AFFINE_SIZE_OF)
            return false;
        const struct value *value = value_at(e->program, v);
        struct range r = e->facts->ranges[v];
        if (r.empty)
            r = range_full(value->kind == KIND_POINTER ? 64 : value->width);
        bool is_signed = e->is_signed[v] && value->width != 1;
        __int128 factor = form->terms[i].factor,
                 least = factor * (is_signed ? (__int128)r.signed_low : (__int128)r.low),
                 most = factor * (is_signed ? (__int128)r.signed_high : (__int128)r.high);
        low += least < most ? least : most;
        high += least < most ? most : least;
    }
    *ret_low = low;
    *ret_high = high;
    return true;
}

Z3_ast encode_rounds(struct encoding *e, uint32_t header)
{
    if (!e->rounds[header]) {
        e->rounds[header] = term_fresh(e, "rounds");
        term_assert(e, NULL, term_le(e, term_number(e, 0), e->rounds[header]));
    }
    return e->rounds[header];
}

/* The size of whichever object a pointer means. */
static Z3_ast size_behind(struct encoding *e, vid pointer)
{
    const struct pointees *to = &e->facts->pointees[pointer];
    Z3_ast size = term_number(e, 0);

    for (uint32_t i = 0; i < to->count; i++)
        if (to->objects[i])
            size = Z3_mk_ite(e->z3,
                             term_eq(e, encode_object(e, pointer), term_number(e, to->objects[i])),
                             encode_size(e, to->objects[i]), size);
    return size;
}

static Z3_ast state_now(struct encoding *e, vid value, uint32_t header)
{
    if (value == 0)
        return encode_rounds(e, header);
    if (value & AFFINE_SIZE_OF)
        return size_behind(e, value & ~AFFINE_SIZE_OF);
    if (value_at(e->program, value)->kind == KIND_POINTER)
        return encode_offset(e, value);
    if (value_at(e->program, value)->width == 1)
        return encode_view(e, value, false);
    Z3_ast term = encode_int(e, value);
    return encode_view(e, value, e->is_signed[value]) ? term : NULL;
}

static Z3_ast state_next(struct encoding *e, vid value, uint32_t header, uint32_t edge)
{
    const struct program *program = e->program;

    if (value == 0) {
        bool entry = !block_dominates(program, header, program->blocks[header].predecessors[edge]);
        return entry ? term_number(e, 0) : term_add(e, encode_rounds(e, header), term_number(e, 1));
    }
    if (value & AFFINE_SIZE_OF)
        return state_now(e, value, header);
    const struct value *v = value_at(program, value);
    if (v->op != OP_PHI || v->block != header)
        return state_now(e, value, header);
    vid operand = v->operands[edge];
    if (v->kind == KIND_POINTER)
        return encode_offset(e, operand);
    if (v->width == 1)
        return encode_view(e, operand, false);
    (void)encode_int(e, value); /* its view is settled */
    return encode_view(e, operand, e->is_signed[value]);
}

static Z3_ast sum(struct encoding *e, const struct affine *form, uint32_t header,
                  const uint32_t *edge)
{
    Z3_ast total = term_number(e, form->constant);

    for (uint8_t i = 0; i < form->count; i++) {
        vid value = form->terms[i].value;
        Z3_ast term = edge ? state_next(e, value, header, *edge) : state_now(e, value, header);
        total = term_add(e, total, term_scale(e, form->terms[i].factor, term));
    }
    return total;
}

Z3_ast affine_now(struct encoding *e, const struct affine *form, uint32_t header)
{
    return sum(e, form, header, NULL);
}

Z3_ast affine_next(struct encoding *e, const struct affine *form, uint32_t header, uint32_t edge)
{
    return sum(e, form, header, &edge);
}
