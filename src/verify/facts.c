/*
 * Abstract interpretation with intervals: sparse, over SSA; what branches say is added where a
 * value is used. Rises with widening at loops, then falls twice, then is checked: what does not
 * hold its own consequences is given up for what did before it fell.
 */
#include <math.h>
#include <string.h>

#include "verify/facts_internal.h"

#define RISES_MAX 400
#define RISES_PRECISE 4 /* before bounds are moved to the next threshold */

struct range facts_size(const struct facts *facts, uint32_t object)
{
    const struct object *o = &facts->program->objects[object];

    if (o->size_value)
        return facts->ranges[o->size_value];
    return range_of(o->size, 64);
}

static void note_branch(struct facts *facts, vid about, uint32_t block, vid condition, bool holds)
{
    struct known_branch *known = program_alloc(facts->program, 1, sizeof *known);

    *known = (struct known_branch){facts->branches[about], block, condition, holds};
    facts->branches[about] = known;
}

static void note_condition(struct facts *facts, vid about, vid condition, uint32_t block,
                           bool holds, unsigned depth)
{
    const struct value *value = value_at(facts->program, about);

    note_branch(facts, about, block, condition, holds);
    if (value->op == OP_MUL && value->operands[0] == value->operands[1])
        note_branch(facts, value->operands[0], block, condition, holds);
    if (value->op == OP_AND && value->width > 1 &&
        value_is_const(facts->program, value->operands[1]))
        note_branch(facts, value->operands[0], block, condition, holds);
    if (depth < 3 && value->width == 1 &&
        (value->op == OP_ICMP || value->op == OP_FCMP || value->op == OP_AND ||
         value->op == OP_OR || value->op == OP_XOR))
        for (unsigned i = 0; i < value->count; i++)
            note_condition(facts, value->operands[i], condition, block, holds, depth + 1);
}

static void note_branches(struct facts *facts)
{
    struct program *program = facts->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        const struct block *block = &program->blocks[b];
        if (block->exit != EXIT_BRANCH || block->targets[0] == block->targets[1])
            continue;
        for (unsigned side = 0; side < 2; side++) {
            uint32_t target = block->targets[side];
            if (program->blocks[target].predecessor_count == 1)
                note_condition(facts, block->condition, block->condition, target, side == 0, 0);
        }
    }
}

struct analysis {
    struct facts *facts;
    struct memory_facts *memory;
    uint64_t *thresholds; /* sorted */
    uint32_t threshold_count;
    bool rising, widening;
};

static struct range evaluate_phi(const struct analysis *a, vid v, uint32_t b)
{
    const struct program *program = a->facts->program;
    const struct value *value = value_at(program, v);
    const struct block *block = &program->blocks[b];
    struct range result = {.empty = true};

    for (unsigned i = 0; i < value->count; i++)
        result = range_join(
            result, facts_range_on_edge(a->facts, value->operands[i], block->predecessors[i], b));
    return result;
}

/* The offsets of all addresses that a constant table holds; what is no address points at nothing.
 */
static struct range addends(const struct facts *facts, const struct value *load)
{
    const struct pointees *from = &facts->pointees[load->operands[0]];
    struct range result = range_of(0, 64);

    for (uint32_t i = 0; i < from->count; i++) {
        const struct object *object = &facts->program->objects[from->objects[i]];
        for (uint32_t k = 0; k < object->cell_count; k++)
            result = range_join(result, range_of((uint64_t)object->cells[k].addend, 64));
    }
    return result;
}

static struct range evaluate(const struct analysis *a, vid v, uint32_t b)
{
    const struct facts *facts = a->facts;
    const struct program *program = facts->program;
    const struct value *value = value_at(program, v);
    struct range operands[3];

    switch (value->op) {
    case OP_PHI:
        return evaluate_phi(a, v, b);
    case OP_OBJECT:
    case OP_NULL:
        return range_of(0, 64);
    case OP_UNKNOWN:
        return value->imm == 0 ? range_unsigned(0, value->imm2, value->width)
                               : range_full(value->width);
    case OP_LOAD:
        return value->kind == KIND_POINTER ? addends(facts, value)
                                           : facts_load(facts, a->memory, v);
    case OP_NARROW:
        return facts_range(facts, value->operands[0], b);
    case OP_PTRADD:
        operands[0] = facts_range(facts, value->operands[0], b);
        operands[1] = facts_range(facts, value->operands[1], b);
        if (operands[0].empty || operands[1].empty)
            return (struct range){.empty = true};
        return range_operation(OP_ADD, 0, 64, 64, operands);
    case OP_PTRTOINT:
        if (value->sub == 1)
            return facts_range(facts, value->operands[0], b);
        return range_full(value->width);
    case OP_FCMP:
    case OP_BITCAST:
        return range_full(value->width);
    case OP_FPTOSI:
    case OP_FPTOUI: {
        struct float_range f = facts_float(facts, value->operands[0], b);
        if (f.empty)
            return (struct range){.empty = true};
        if (f.nan || !(fabs(f.low) < 9e18) || !(fabs(f.high) < 9e18))
            return range_full(value->width);
        return value->op == OP_FPTOSI
                   ? range_signed((int64_t)f.low, (int64_t)f.high, value->width)
                   : range_unsigned(f.low > 0 ? (uint64_t)f.low : 0,
                                    f.high > 0 ? (uint64_t)f.high : 0, value->width);
    }
    case OP_ICMP:
        if (value_at(program, value->operands[0])->kind == KIND_POINTER)
            return range_full(1);
        break;
    case OP_SELECT:
        if (value->kind == KIND_POINTER) {
            operands[1] = facts_range(facts, value->operands[1], b);
            operands[2] = facts_range(facts, value->operands[2], b);
            return range_join(operands[1], operands[2]);
        }
        /* What the condition says of each side. */
        operands[0] = facts_range(facts, value->operands[0], b);
        for (unsigned i = 1; i < 3; i++) {
            operands[i] = facts_range(facts, value->operands[i], b);
            if (!operands[i].empty)
                operands[i] = facts_apply(facts, value->operands[i], operands[i],
                                          value->operands[0], i == 1, b, 1);
        }
        if (operands[0].empty)
            return operands[0];
        if (operands[0].low == operands[0].high)
            return operands[operands[0].low ? 1 : 2];
        return range_join(operands[1], operands[2]);
    default:
        break;
    }
    for (unsigned i = 0; i < value->count; i++) {
        operands[i] = facts_range(facts, value->operands[i], b);
        if (operands[i].empty)
            return operands[i];
    }
    return range_operation((enum operation)value->op, value->sub, value->width,
                           value_at(program, value->operands[0])->width, operands);
}

static struct float_range evaluate_float(const struct analysis *a, vid v, uint32_t b)
{
    const struct facts *facts = a->facts;
    const struct program *program = facts->program;
    const struct value *value = value_at(program, v);
    struct float_range result = {.empty = true};

    switch (value->op) {
    case OP_PHI:
        for (unsigned i = 0; i < value->count; i++)
            result = float_join(result, facts_float_on_edge(facts, value->operands[i],
                                                            program->blocks[b].predecessors[i], b));
        return result;
    case OP_SELECT:
        return float_join(facts_float(facts, value->operands[1], b),
                          facts_float(facts, value->operands[2], b));
    case OP_LOAD:
        return facts_load_float(facts, a->memory, v);
    case OP_SITOFP:
    case OP_UITOFP:
        return float_from_range(value->op == OP_SITOFP, facts_range(facts, value->operands[0], b),
                                value->width);
    case OP_FBINARY:
        if (value->sub == FLOAT_MUL && value->operands[0] == value->operands[1])
            return float_square(facts_float(facts, value->operands[0], b), value->width);
        return float_operation(OP_FBINARY, value->sub, value->width,
                               facts_float(facts, value->operands[0], b),
                               facts_float(facts, value->operands[1], b));
    case OP_FUNARY:
    case OP_FCONVERT:
        if (value->count != 1)
            return float_full();
        return float_operation((enum operation)value->op, value->sub, value->width,
                               facts_float(facts, value->operands[0], b), float_full());
    default:
        return float_full();
    }
}

/* A bound that still moves goes to the next number that the program itself knows of. */
static struct range widen(const struct analysis *a, struct range old, struct range now,
                          unsigned width)
{
    struct range result = old;

    if (old.empty)
        return now;
    uint64_t mask = width_mask(width);
    int64_t most = (int64_t)(mask >> 1), least = -most - 1;
    if (now.high > old.high) {
        result.high = mask;
        for (uint32_t i = a->threshold_count; i-- > 0;)
            if (a->thresholds[i] >= now.high && a->thresholds[i] <= mask)
                result.high = a->thresholds[i];
    }
    if (now.low < old.low)
        result.low = 0;
    if (now.signed_high > old.signed_high) {
        result.signed_high = most;
        for (uint32_t i = a->threshold_count; i-- > 0;)
            if ((int64_t)a->thresholds[i] >= now.signed_high && (int64_t)a->thresholds[i] <= most)
                result.signed_high = (int64_t)a->thresholds[i];
    }
    if (now.signed_low < old.signed_low) {
        result.signed_low = least;
        if (now.signed_low >= 0)
            result.signed_low = 0;
        else if (now.signed_low >= -1)
            result.signed_low = -1;
    }
    return result;
}

static struct float_range widen_float(struct float_range old, struct float_range now)
{
    if (old.empty)
        return now;
    if (now.low < old.low)
        old.low = -INFINITY;
    if (now.high > old.high)
        old.high = INFINITY;
    old.nan = old.nan || now.nan;
    return old;
}

static bool float_within(struct float_range a, struct float_range b)
{
    return a.empty || (!b.empty && a.low >= b.low && a.high <= b.high && (!a.nan || b.nan));
}

static bool visit_float(struct analysis *a, vid v, uint32_t b, bool widens)
{
    struct float_range *old = &a->facts->floats[v], now = evaluate_float(a, v, b);

    if (!a->rising) {
        if (float_within(now, *old))
            *old = now;
        return false;
    }
    if (float_within(now, *old))
        return false;
    now = float_join(*old, now);
    *old = widens && a->widening ? widen_float(*old, now) : now;
    return true;
}

static bool visit(struct analysis *a, vid v, uint32_t b)
{
    struct facts *facts = a->facts;
    const struct value *value = value_at(facts->program, v);
    bool widens = (value->op == OP_PHI && facts->program->blocks[b].header) || value->op == OP_LOAD;

    if (value->kind == KIND_FLOAT)
        return visit_float(a, v, b, widens);
    if (value->kind != KIND_INT && value->kind != KIND_POINTER)
        return false;
    unsigned width = value->kind == KIND_POINTER ? 64 : value->width;
    struct range *old = &facts->ranges[v], now = evaluate(a, v, b);
    if (!a->rising) {
        now = range_meet(*old, now, width);
        *old = now;
        return false;
    }
    if (range_within(&now, old))
        return false;
    now = range_join(*old, now);
    *old = widens && a->widening ? widen(a, *old, now, width) : now;
    return true;
}

static bool sweep(struct analysis *a)
{
    const struct program *program = a->facts->program;
    bool changed = false;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        for (uint32_t i = 0; i < program->blocks[b].count; i++)
            changed = visit(a, program->blocks[b].values[i], b) || changed;
    }
    return changed;
}

/* Are all intervals at least what they follow from? Then they hold, by induction. */
static bool holds(struct analysis *a)
{
    const struct program *program = a->facts->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        for (uint32_t i = 0; i < program->blocks[b].count; i++) {
            vid v = program->blocks[b].values[i];
            const struct value *value = value_at(program, v);
            if (value->kind == KIND_FLOAT) {
                if (!float_within(evaluate_float(a, v, b), a->facts->floats[v]))
                    return false;
            } else if (value->kind == KIND_INT || value->kind == KIND_POINTER) {
                struct range now = evaluate(a, v, b);
                if (!range_within(&now, &a->facts->ranges[v]))
                    return false;
            }
        }
    }
    return true;
}

static void add_threshold(struct analysis *a, uint64_t number)
{
    uint32_t at = a->threshold_count;

    for (uint32_t i = 0; i < a->threshold_count; i++)
        if (a->thresholds[i] == number)
            return;
    if (a->threshold_count == 256)
        return;
    while (at > 0 && a->thresholds[at - 1] > number) {
        a->thresholds[at] = a->thresholds[at - 1];
        at--;
    }
    a->thresholds[at] = number;
    a->threshold_count++;
}

static void find_thresholds(struct analysis *a)
{
    const struct program *program = a->facts->program;
    static const uint64_t usual[] = {0,     1,         127,        255,      32767,
                                     65535, INT32_MAX, UINT32_MAX, INT64_MAX};

    a->thresholds = program_alloc(a->facts->program, 260, sizeof *a->thresholds);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        add_threshold(a, usual[i]);
    for (uint32_t i = 1; i < program->object_count; i++)
        if (!program->objects[i].dead && !program->objects[i].size_value)
            add_threshold(a, program->objects[i].size);
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op == OP_UNKNOWN)
                add_threshold(a, value->imm2);
            if (value->op != OP_ICMP)
                continue;
            for (unsigned k = 0; k < 2; k++) {
                const struct value *operand = value_at(program, value->operands[k]);
                if (operand->op != OP_CONST)
                    continue;
                add_threshold(a, operand->imm);
                add_threshold(a, operand->imm + 1);
                add_threshold(a, operand->imm - 1);
                if (value_at(program, value->operands[1 - k])->op == OP_MUL)
                    add_threshold(a, facts_root(operand->imm) + 1);
            }
        }
    }
}

static void start(struct facts *facts)
{
    struct program *program = facts->program;

    for (vid v = 0; v < program->value_count; v++) {
        const struct value *value = value_at(program, v);
        facts->ranges[v] = (struct range){.empty = true};
        facts->floats[v] = (struct float_range){.empty = true};
        if (value->op == OP_CONST && value->kind == KIND_INT)
            facts->ranges[v] = range_of(value->imm, value->width);
        else if (value->op == OP_CONST && value->kind == KIND_FLOAT)
            facts->floats[v] = float_of(value->imm, value->width);
        else if (value->op == OP_OBJECT || value->op == OP_NULL)
            facts->ranges[v] = range_of(0, 64);
    }
}

struct facts *facts_none(struct program *program)
{
    struct facts *facts = program_alloc(program, 1, sizeof *facts);
    uint32_t count = program->value_count;

    facts->program = program;
    facts->ranges = program_alloc(program, count, sizeof *facts->ranges);
    facts->floats = program_alloc(program, count, sizeof *facts->floats);
    facts->pointees = program_alloc(program, count, sizeof *facts->pointees);
    facts->branches = program_alloc(program, count, sizeof(struct known_branch *));
    facts->bounds = program_alloc(program, count, sizeof *facts->bounds);
    for (vid v = 0; v < count; v++) {
        facts->ranges[v] = range_full(64);
        facts->floats[v] = float_full();
    }
    addresses_find(facts);
    return facts;
}

struct facts *facts_find(struct program *program)
{
    struct facts *facts = facts_none(program);
    struct analysis a = {.facts = facts, .rising = true};
    uint32_t count = program->value_count;

    facts_find_pointees(facts);
    if (program->only_run)
        return facts_none(program);
    facts->known = true;
    facts_find_bounds(facts);
    note_branches(facts);
    start(facts);
    padding_find(facts);
    a.memory = facts_memory_new(facts);
    find_thresholds(&a);
    unsigned round = 0;
    for (; round < RISES_MAX; round++) {
        a.widening = round >= RISES_PRECISE;
        if (!sweep(&a))
            break;
    }
    if (round == RISES_MAX)
        program_refuse(program, (struct place){0}, "make it simpler",
                       "a function whose numbers do not settle");
    struct range *ranges = program_alloc(program, count, sizeof *ranges);
    struct float_range *floats = program_alloc(program, count, sizeof *floats);
    memcpy(ranges, facts->ranges, count * sizeof *ranges);
    memcpy(floats, facts->floats, count * sizeof *floats);
    a.rising = false;
    for (unsigned fall = 0; fall < 3; fall++)
        sweep(&a);
    if (!holds(&a)) {
        facts->ranges = ranges;
        facts->floats = floats;
    }
    addresses_find(facts);
    return facts;
}
