/* What must hold for a program to be safe, one by one. */
#include <math.h>
#include <string.h>

#include "verify/prove.h"

static void add(struct program *program, struct obligations *list, struct obligation obligation)
{
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 64;
        struct obligation *larger = program_alloc(program, room, sizeof *larger);
        if (list->count > 0)
            memcpy(larger, list->items, list->count * sizeof *larger);
        list->items = larger;
        list->room = room;
    }
    list->items[list->count++] = obligation;
}

static void collect_value(const struct facts *facts, struct obligations *list, uint32_t block,
                          vid id)
{
    struct program *program = facts->program;
    const struct value *value = value_at(program, id);
    struct obligation o = {.block = block, .value = id, .place = value->place};

    if (padding_concerns(facts, value)) {
        o.kind = PLACE_INITIALISED;
        add(program, list, o);
    }
    if (facts->address_uses[id] != ADDRESS_UNUSED) {
        o.kind = PLACE_ADDRESS;
        add(program, list, o);
    }
    switch (value->op) {
    case OP_LOAD:
        o.kind = PLACE_READ;
        break;
    case OP_STORE:
    case OP_MEMSET:
        o.kind = PLACE_WRITE;
        break;
    case OP_MEMCPY:
        o.kind = PLACE_WRITE;
        add(program, list, o);
        o.kind = PLACE_READ;
        o.part = 1;
        add(program, list, o);
        if (value->sub != COPY_APART)
            return;
        o.kind = PLACE_OVERLAP;
        o.part = 0;
        break;
    case OP_REQUIRE:
        o.kind = (enum place_kind)value->imm;
        break;
    case OP_FPTOSI:
    case OP_FPTOUI:
        o.kind = PLACE_CONVERSION;
        break;
    default:
        return;
    }
    add(program, list, o);
}

void obligations_collect(const struct facts *facts, struct obligations *ret)
{
    struct program *program = facts->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        const struct block *block = &program->blocks[b];
        for (uint32_t i = 0; i < block->count; i++)
            collect_value(facts, ret, b, block->values[i]);
        if (block->exit == EXIT_UNREACHABLE)
            add(program, ret,
                (struct obligation){.kind = PLACE_UNREACHABLE, .block = b, .place = block->place});
        if (block->header)
            add(program, ret,
                (struct obligation){.kind = PLACE_TERMINATION,
                                    .block = b,
                                    .place = block->place.line
                                                 ? block->place
                                                 : program->blocks[block->predecessors[0]].place});
    }
}

/* The length of an access as an interval. */
static struct range length_of(const struct facts *facts, const struct value *value, uint32_t block)
{
    if (value->op == OP_LOAD || value->op == OP_STORE)
        return range_of(value->width / 8u, 64);
    return facts_range(facts, value->operands[2], block);
}

/* Bounds closer than the object's are for Z3, unless the whole way to them is constant. */
static bool confined(const struct facts *facts, vid pointer)
{
    const struct program *program = facts->program;
    const struct value *value = value_at(program, pointer);

    while (value->op == OP_PTRADD) {
        pointer = value->operands[0];
        value = value_at(program, pointer);
    }
    if (value->op == OP_OBJECT || value->op == OP_NULL)
        return false;
    if (value->op != OP_NARROW)
        return true;
    /* The whole of an object from its beginning is no closer than the object. */
    const struct value *base = value_at(program, value->operands[0]);
    return !(base->op == OP_OBJECT && !program->objects[base->imm].size_value &&
             program->objects[base->imm].size == value->imm);
}

/* A buffer's length may have been asked for on the way here. */
static struct range size_at(const struct facts *facts, uint32_t object, uint32_t block)
{
    vid length = facts->program->objects[object].size_value;

    return length ? facts_range(facts, length, block) : facts_size(facts, object);
}

static bool domain_access(const struct facts *facts, const struct obligation *o)
{
    const struct value *value = value_at(facts->program, o->value);
    vid pointer = value->operands[o->part];
    const struct pointees *to = &facts->pointees[pointer];
    struct range offset = facts_range(facts, pointer, o->block),
                 length = length_of(facts, value, o->block);

    if (offset.empty || length.empty)
        return true; /* never reached */
    if (confined(facts, pointer) || offset.signed_low < 0)
        return false;
    for (uint32_t i = 0; i < to->count; i++) {
        uint32_t object = to->objects[i];
        if (object == 0 || (o->kind == PLACE_WRITE && facts->program->objects[object].readonly))
            return false;
        struct range size = size_at(facts, object, o->block);
        unsigned __int128 end = (unsigned __int128)(uint64_t)offset.signed_high + length.high;
        if (size.empty || end > size.low)
            return false;
    }
    return to->count > 0;
}

static bool domain_overlap(const struct facts *facts, const struct obligation *o)
{
    const struct value *value = value_at(facts->program, o->value);
    const struct pointees *a = &facts->pointees[value->operands[0]],
                          *b = &facts->pointees[value->operands[1]];

    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++)
            if (a->objects[i] == b->objects[k])
                return false;
    return true;
}

static bool domain_conversion(const struct facts *facts, const struct obligation *o)
{
    const struct value *value = value_at(facts->program, o->value);
    struct float_range f = facts_float(facts, value->operands[0], o->block);
    bool is_signed = value->op == OP_FPTOSI;
    double most = ldexp(1.0, is_signed ? value->width - 1 : value->width);

    if (f.empty)
        return true;
    return !f.nan && f.low > (is_signed ? -most - 1 : -1.0) && f.high < most;
}

void obligations_by_domain(struct facts *facts, struct obligations *obligations)
{
    for (uint32_t i = 0; i < obligations->count; i++) {
        struct obligation *o = &obligations->items[i];
        const struct value *value = value_at(facts->program, o->value);
        bool good = false;
        switch (o->kind) {
        case PLACE_READ:
        case PLACE_WRITE:
            good = domain_access(facts, o);
            break;
        case PLACE_CONVERSION:
            good = domain_conversion(facts, o);
            break;
        case PLACE_OVERLAP:
            if (value->op == OP_MEMCPY) {
                good = domain_overlap(facts, o);
                break;
            }
            __attribute__((fallthrough));
        case PLACE_INITIALISED:
            if (value->op != OP_REQUIRE) {
                good = padding_is_kept(facts, value);
                break;
            }
            __attribute__((fallthrough));
        case PLACE_UNREACHABLE:
            if (o->value == 0)
                break;
            __attribute__((fallthrough));
        case PLACE_DIVISION:
        case PLACE_SHIFT:
        case PLACE_SUBSCRIPT:
        case PLACE_ALIVE:
        case PLACE_CONTRACT: {
            struct range r = facts_range(facts, value->operands[0], o->block);
            good = r.empty || r.low == 1;
            break;
        }
        default:
            break;
        }
        if (good) {
            o->state = OBLIGATION_PROVED;
            o->prover = "domain";
        }
    }
}

static Z3_ast overlap_free(struct encoding *e, const struct value *value)
{
    vid to = value->operands[0], from = value->operands[1];
    Z3_ast a = encode_offset(e, to), b = encode_offset(e, from),
           length = encode_view(e, value->operands[2], false);
    Z3_ast other = term_not(e, term_eq(e, encode_object(e, to), encode_object(e, from)));
    Z3_ast before = term_le(e, term_add(e, a, length), b),
           behind = term_le(e, term_add(e, b, length), a);

    return term_or(e, other, term_or(e, term_or(e, before, behind), term_eq(e, a, b)));
}

Z3_ast obligation_violation(struct encoding *e, const struct obligation *o)
{
    const struct value *value = value_at(e->program, o->value);
    Z3_ast reached = encode_reached(e, o->block), safe;

    switch (o->kind) {
    case PLACE_READ:
    case PLACE_WRITE: {
        bool fixed = value->op == OP_LOAD || value->op == OP_STORE;
        Z3_ast length =
            fixed ? term_number(e, value->width / 8) : encode_view(e, value->operands[2], false);
        safe = encode_access(e, value->operands[o->part], length, o->kind == PLACE_WRITE);
        break;
    }
    case PLACE_OVERLAP:
        safe = value->op == OP_MEMCPY ? overlap_free(e, value) : encode_bool(e, value->operands[0]);
        break;
    case PLACE_UNREACHABLE:
        if (o->value == 0)
            return e->now ? encode_when(e, e->ends[o->block], reached) : reached;
        __attribute__((fallthrough));
    case PLACE_DIVISION:
    case PLACE_SHIFT:
    case PLACE_SUBSCRIPT:
    case PLACE_INITIALISED:
    case PLACE_ALIVE:
    case PLACE_CONTRACT:
        if (value->op != OP_REQUIRE)
            return NULL; /* of padding */
        safe = encode_bool(e, value->operands[0]);
        break;
    case PLACE_ADDRESS:
        safe = addresses_safe(e, o->value);
        if (!safe)
            return NULL;
        break;
    default:
        return NULL;
    }
    Z3_ast violated = term_and(e, reached, term_not(e, safe));
    return e->now ? encode_when(e, e->positions[o->value], violated) : violated;
}
