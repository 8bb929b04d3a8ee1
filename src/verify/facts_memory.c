/*
 * What memory holds: for each object, by the place in its elements, the join of all that is ever
 * stored there. No order of stores matters, so that it holds between the calls of a handler too.
 */
#include <string.h>

#include "verify/facts_internal.h"

#define DEPTH_MAX 24

struct memory_facts {
    struct vid_list *writes; /* of each object */
};

/* Returned for "not known"; for what depends on a phi that is being looked at: any will do. */
#define UNKNOWN UINT32_MAX
#define ANY (UINT32_MAX - 1)
#define PHIS_MAX 6
#define LIMIT ((__int128)1 << 62) /* beyond it a sum may wrap */

/* A search for the remainder of a number, and the phis that it is in. */
struct remainders {
    const struct facts *facts;
    uint32_t stride;
    vid phis[PHIS_MAX];
    uint32_t taken[PHIS_MAX]; /* what each of them is taken to be */
    unsigned count;
};

static uint32_t remainder_at(struct remainders *r, vid v, unsigned depth);

static uint32_t combine(uint32_t a, uint32_t b, uint32_t stride)
{
    if (a == UNKNOWN || b == UNKNOWN)
        return UNKNOWN;
    if (a == ANY || b == ANY)
        return ANY;
    return (uint32_t)(((uint64_t)a + b) % stride);
}

/* What all operands of a phi are, but those that are not known yet (ANY). */
static uint32_t common_remainder(struct remainders *r, const struct value *phi, unsigned depth,
                                 bool *ret_all)
{
    uint32_t common = ANY;

    *ret_all = true;
    for (unsigned i = 0; i < phi->count; i++) {
        uint32_t one = remainder_at(r, phi->operands[i], depth + 1);
        if (one == ANY) {
            *ret_all = false;
            continue;
        }
        if (one == UNKNOWN || (common != ANY && common != one))
            return UNKNOWN;
        common = one;
    }
    return common;
}

/* One that comes round a loop: what it begins with, if each way round keeps it. */
static uint32_t remainder_of_phi(struct remainders *r, vid v, unsigned depth)
{
    const struct value *phi = value_at(r->facts->program, v);
    bool all;

    for (unsigned i = 0; i < r->count; i++)
        if (r->phis[i] == v)
            return r->taken[i];
    if (r->count == PHIS_MAX)
        return UNKNOWN;
    unsigned at = r->count++;
    r->phis[at] = v;
    r->taken[at] = ANY;
    uint32_t first = common_remainder(r, phi, depth, &all), result = first;
    if (first < ANY && !all) {
        r->taken[at] = first;
        uint32_t again = common_remainder(r, phi, depth, &all);
        result = again != first ? UNKNOWN : all ? first : ANY;
    }
    r->count--;
    return result;
}

/* x = a (mod stride), where the number does not wrap or the stride is a power of two. */
static uint32_t remainder_at(struct remainders *r, vid v, unsigned depth)
{
    const struct value *value = value_at(r->facts->program, v);

    if (depth > DEPTH_MAX)
        return UNKNOWN;
    switch (value->op) {
    case OP_CONST: {
        int64_t number = sign_extend(value->imm, value->width) % (int64_t)r->stride;
        return (uint32_t)(number < 0 ? number + r->stride : number);
    }
    case OP_OBJECT:
        return 0;
    case OP_NARROW:
        return remainder_at(r, value->operands[0], depth + 1);
    case OP_PHI:
        return value->kind == KIND_POINTER ? remainder_of_phi(r, v, depth) : UNKNOWN;
    case OP_PTRADD:
        return combine(remainder_at(r, value->operands[0], depth + 1),
                       remainder_at(r, value->operands[1], depth + 1), r->stride);
    case OP_ADD:
        if (value->width != 64)
            return UNKNOWN;
        return combine(remainder_at(r, value->operands[0], depth + 1),
                       remainder_at(r, value->operands[1], depth + 1), r->stride);
    case OP_SHL: {
        const struct value *by = value_at(r->facts->program, value->operands[1]);
        bool multiple =
            by->op == OP_CONST && by->imm < 32 && ((uint64_t)1 << by->imm) % r->stride == 0;
        return value->width == 64 && multiple ? 0 : UNKNOWN;
    }
    case OP_MUL:
        if (value->width != 64)
            return UNKNOWN;
        for (unsigned i = 0; i < 2; i++)
            if (remainder_at(r, value->operands[i], depth + 1) == 0)
                return 0;
        return UNKNOWN;
    default:
        return UNKNOWN;
    }
}

static uint32_t remainder_of(const struct facts *facts, vid value, uint32_t stride)
{
    struct remainders r = {.facts = facts, .stride = stride};

    return stride == 1 ? 0 : remainder_at(&r, value, 0);
}

/*
 * A product of 64 bits may wrap; then a remainder by what is no power of two is lost. But an offset
 * that wrapped lies outside its object, which is an obligation of the access itself: the sum that
 * stays inside did not wrap, unless a part of it did and came back. That needs an index beyond
 * 2^63 / size; facts_remainder() asks the intervals.
 */
static bool may_wrap(struct remainders *r, vid v, unsigned depth);

/* Each way round adds; what never went far did not wrap, if what is added did not. */
static bool may_wrap_round(struct remainders *r, vid v, unsigned depth)
{
    const struct value *phi = value_at(r->facts->program, v);
    struct range range = facts_range(r->facts, v, phi->block);
    bool wraps = false;

    for (unsigned i = 0; i < r->count; i++)
        if (r->phis[i] == v)
            return false;
    if (r->count == PHIS_MAX ||
        (!range.empty && (range.signed_low < -LIMIT || range.signed_high > LIMIT)))
        return true;
    r->phis[r->count++] = v;
    for (unsigned i = 0; i < phi->count && !wraps; i++)
        wraps = may_wrap(r, phi->operands[i], depth + 1);
    r->count--;
    return wraps;
}

static bool may_wrap(struct remainders *r, vid v, unsigned depth)
{
    const struct facts *facts = r->facts;
    const struct value *value = value_at(facts->program, v);

    if (depth > DEPTH_MAX)
        return true;
    if (value->op == OP_NARROW)
        return may_wrap(r, value->operands[0], depth + 1);
    if (value->op == OP_PHI && value->kind == KIND_POINTER)
        return may_wrap_round(r, v, depth);
    if (value->op != OP_MUL && value->op != OP_ADD && value->op != OP_PTRADD)
        return false;
    __int128 low[2], high[2];
    for (unsigned i = 0; i < 2; i++) {
        if (may_wrap(r, value->operands[i], depth + 1))
            return true;
        struct range range = facts_range(facts, value->operands[i], value->block);
        low[i] = range.signed_low;
        high[i] = range.signed_high;
        if (range.empty)
            low[i] = high[i] = 0;
    }
    if (value->op != OP_MUL)
        return low[0] + low[1] < -LIMIT || high[0] + high[1] > LIMIT;
    for (unsigned i = 0; i < 4; i++) {
        __int128 product = (i & 1 ? low[0] : high[0]) * (i & 2 ? low[1] : high[1]);
        if (product < -LIMIT || product > LIMIT)
            return true;
    }
    return false;
}

bool facts_remainder(const struct facts *facts, vid pointer, uint32_t stride, uint32_t *ret)
{
    if (stride == 1) {
        *ret = 0;
        return true;
    }
    uint32_t remainder = remainder_of(facts, pointer, stride);
    if (remainder >= ANY)
        return false;
    struct remainders r = {.facts = facts, .stride = stride};
    if ((stride & (stride - 1)) != 0 && may_wrap(&r, pointer, 0))
        return false;
    *ret = remainder;
    return true;
}

/* Elements of an object whose type is not known any more, or not followed, are as wide as all that
 * accesses it. */
static void choose_strides(struct facts *facts)
{
    struct program *program = facts->program;
    uint32_t *widths = program_alloc(program, program->object_count, sizeof *widths);
    bool *bad = program_alloc(program, program->object_count, sizeof *bad);

    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op != OP_STORE && value->op != OP_LOAD)
                continue;
            const struct pointees *to = &facts->pointees[value->operands[0]];
            for (uint32_t k = 0; k < to->count; k++) {
                uint32_t id = to->objects[k], bytes = value->width / 8u;
                uint32_t stride = program->objects[id].stride ? program->objects[id].stride : 1;
                widths[id] = widths[id] == 0 || widths[id] == bytes ? bytes : 1;
                bad[id] = bad[id] || stride % bytes != 0 ||
                          remainder_of(facts, value->operands[0], stride) >= ANY;
            }
        }
    }
    for (uint32_t i = 1; i < program->object_count; i++)
        if (bad[i])
            program->objects[i].stride = widths[i];
}

struct memory_facts *facts_memory_new(struct facts *facts)
{
    struct program *program = facts->program;
    struct memory_facts *memory = program_alloc(program, 1, sizeof *memory);

    choose_strides(facts);
    memory->writes = program_alloc(program, program->object_count, sizeof *memory->writes);
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op != OP_STORE && value->op != OP_MEMSET && value->op != OP_MEMCPY)
                continue;
            const struct pointees *to = &facts->pointees[value->operands[0]];
            for (uint32_t k = 0; k < to->count; k++)
                vid_list_push(program, &memory->writes[to->objects[k]], block->values[i]);
        }
    }
    return memory;
}

/* One class of places: bytes [remainder, remainder + bytes) of every element. */
struct class
{
    uint32_t object, stride, remainder, bytes;
    bool floating;
};

/* Do two classes share a byte? */
static bool overlap(uint32_t stride, uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes)
{
    for (uint32_t i = 0; i < a_bytes; i++)
        for (uint32_t k = 0; k < b_bytes; k++)
            if ((a + i) % stride == (b + k) % stride)
                return true;
    return false;
}

/* Does what is filled or copied end or begin inside a class's bytes? Then it leaves some of the old
 * ones beside its own. */
static bool cuts(const struct facts *facts, const struct value *value, uint32_t stride,
                 uint32_t remainder, uint32_t bytes)
{
    uint32_t first, length;

    if (bytes == 1)
        return false;
    if (remainder + bytes > stride) /* part of it lies in the next element */
        return true;
    if (!facts_remainder(facts, value->operands[0], stride, &first) ||
        !facts_remainder(facts, value->operands[2], stride, &length))
        return true;
    uint32_t end = (uint32_t)(((uint64_t)first + length) % stride);
    return (first > remainder && first < remainder + bytes) ||
           (end > remainder && end < remainder + bytes);
}

enum facts_write facts_write_kind(const struct facts *facts, vid write, uint32_t stride,
                                  uint32_t remainder, uint32_t bytes)
{
    const struct value *value = value_at(facts->program, write);
    uint32_t first;

    if (value->op == OP_MEMSET)
        return value_is_const(facts->program, value->operands[1]) &&
                       !cuts(facts, value, stride, remainder, bytes)
                   ? WRITE_FILL
                   : WRITE_OTHER;
    if (value->op != OP_STORE || !facts_remainder(facts, value->operands[0], stride, &first))
        return WRITE_OTHER;
    if (first == remainder && value->width == bytes * 8 &&
        value_at(facts->program, value->operands[1])->kind == KIND_INT)
        return WRITE_ELEMENT;
    return overlap(stride, remainder, bytes, first, value->width / 8u) ? WRITE_OTHER : WRITE_BESIDE;
}

/* All that the initial content has in a class; not empty only for globals. */
static struct range initial_range(const struct program *program, const struct class *class)
{
    const struct object *object = &program->objects[class->object];
    struct range result = {.empty = true};
    unsigned width = class->bytes * 8;

    if (object->input || class->floating)
        return range_full(width);
    if (!object->bytes)
        return result;
    if (object->cell_count > 0)
        return range_full(width);
    for (uint64_t at = class->remainder; at + class->bytes <= object->size; at += class->stride) {
        uint64_t bits = 0;
        memcpy(&bits, object->bytes + at, class->bytes);
        result = range_join(result, range_of(bits, width));
    }
    return result;
}

static struct range full_of(const struct class *class)
{
    return range_full(class->bytes * 8);
}

static struct range class_range(const struct facts *facts, const struct memory_facts *memory,
                                const struct class *class, unsigned depth);

/* What one write may leave in a class: empty, if it does not touch it. */
static struct range written(const struct facts *facts, const struct memory_facts *memory,
                            const struct class *class, vid write, unsigned depth)
{
    const struct program *program = facts->program;
    const struct value *value = value_at(program, write);
    struct range none = {.empty = true};
    uint32_t remainder;

    if (value->op == OP_MEMSET) {
        struct range byte = facts_range(facts, value->operands[1], value->block);
        if (byte.empty)
            return none;
        if (class->bytes == 1)
            return byte;
        if (byte.low != byte.high ||
            cuts(facts, value, class->stride, class->remainder, class->bytes))
            return full_of(class);
        uint64_t bits = byte.low * UINT64_C(0x0101010101010101);
        return range_of(bits & width_mask(class->bytes * 8), class->bytes * 8);
    }
    if (value->op == OP_MEMCPY) {
        const struct pointees *from = &facts->pointees[value->operands[1]];
        if (from->count != 1 || depth > 2 || class->stride == 0 ||
            cuts(facts, value, class->stride, class->remainder, class->bytes) ||
            program->objects[from->objects[0]].stride != class->stride ||
            !facts_remainder(facts, value->operands[0], class->stride, &remainder) ||
            remainder != 0 ||
            !facts_remainder(facts, value->operands[1], class->stride, &remainder) ||
            remainder != 0)
            return full_of(class);
        struct class source = *class;
        source.object = from->objects[0];
        return class_range(facts, memory, &source, depth + 1);
    }
    unsigned bytes = value->width / 8u;
    if (!facts_remainder(facts, value->operands[0], class->stride, &remainder))
        return full_of(class);
    const struct value *stored = value_at(program, value->operands[1]);
    if (remainder == class->remainder && bytes == class->bytes && stored->kind == KIND_INT)
        return facts_range(facts, value->operands[1], value->block);
    return overlap(class->stride, class->remainder, class->bytes, remainder, bytes) ? full_of(class)
                                                                                    : none;
}

static struct range class_range(const struct facts *facts, const struct memory_facts *memory,
                                const struct class *class, unsigned depth)
{
    struct range result = initial_range(facts->program, class);
    const struct range full = full_of(class);

    for (uint32_t i = 0; i < memory->writes[class->object].count && !range_equal(&result, &full);
         i++)
        result = range_join(
            result, written(facts, memory, class, memory->writes[class->object].items[i], depth));
    return result;
}

/* A constant table: only the elements that the offset can reach. */
static struct range table_range(const struct facts *facts, const struct value *load, uint32_t id,
                                uint32_t stride, uint32_t remainder)
{
    const struct object *object = &facts->program->objects[id];
    struct range offset = facts_range(facts, load->operands[0], load->block);
    struct range result = {.empty = true};
    unsigned bytes = load->width / 8u;

    if (offset.empty)
        return result;
    for (uint64_t at = remainder; at + bytes <= object->size; at += stride) {
        uint64_t bits = 0;
        if ((int64_t)at < offset.signed_low || (int64_t)at > offset.signed_high)
            continue;
        for (uint32_t i = 0; i < object->cell_count; i++)
            if (object->cells[i].offset < at + bytes && at < object->cells[i].offset + 8)
                return range_full(load->width);
        memcpy(&bits, object->bytes + at, bytes);
        result = range_join(result, range_of(bits, load->width));
    }
    return result;
}

struct range facts_load(const struct facts *facts, const struct memory_facts *memory, vid load)
{
    const struct program *program = facts->program;
    const struct value *value = value_at(program, load);
    const struct pointees *from = &facts->pointees[value->operands[0]];
    struct range result = {.empty = true};

    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t id = from->objects[i];
        const struct object *object = &program->objects[id];
        struct class class = {.object = id,
                              .stride = object->stride ? object->stride : 1,
                              .bytes = value->width / 8u};
        if (id == 0)
            continue; /* nothing can be loaded from nothing */
        if (class.bytes > class.stride && class.stride != 1)
            class.stride = 1;
        if (!facts_remainder(facts, value->operands[0], class.stride, &class.remainder))
            return range_full(value->width);
        if (object->readonly && object->bytes) {
            result =
                range_join(result, table_range(facts, value, id, class.stride, class.remainder));
            continue;
        }
        /* Bytes loaded together but stored one by one, and so on, are not followed. */
        if (class.stride == 1 && class.bytes > 1)
            return range_full(value->width);
        result = range_join(result, class_range(facts, memory, &class, 0));
    }
    return result;
}

static struct float_range initial_floats(const struct object *object, unsigned bytes)
{
    struct float_range result = {.empty = true};

    for (uint64_t at = 0; at + bytes <= object->size; at += bytes) {
        uint64_t bits = 0;
        memcpy(&bits, object->bytes + at, bytes);
        result = float_join(result, float_of(bits, bytes * 8));
    }
    return result;
}

/* What one write may leave where floats are read. */
static struct float_range float_written(const struct facts *facts, const struct value *value,
                                        unsigned bytes)
{
    const struct program *program = facts->program;
    uint32_t remainder;

    if (value->op == OP_MEMSET) {
        const struct value *byte = value_at(program, value->operands[1]);
        return byte->op == OP_CONST && byte->imm == 0 && !cuts(facts, value, bytes, 0, bytes)
                   ? float_of(0, bytes * 8)
                   : float_full();
    }
    if (value->op != OP_STORE || value->width != bytes * 8 ||
        value_at(program, value->operands[1])->kind != KIND_FLOAT ||
        !facts_remainder(facts, value->operands[0], bytes, &remainder) || remainder != 0)
        return float_full();
    return facts_float(facts, value->operands[1], value->block);
}

struct float_range facts_load_float(const struct facts *facts, const struct memory_facts *memory,
                                    vid load)
{
    const struct program *program = facts->program;
    const struct value *value = value_at(program, load);
    const struct pointees *from = &facts->pointees[value->operands[0]];
    struct float_range result = {.empty = true};
    unsigned bytes = value->width / 8u;
    uint32_t remainder;

    /* Only objects that are floats of this width throughout. */
    for (uint32_t i = 0; i < from->count; i++) {
        const struct object *object = &program->objects[from->objects[i]];
        if (from->objects[i] == 0)
            continue;
        if (object->input || object->cell_count > 0 ||
            !facts_remainder(facts, value->operands[0], bytes, &remainder) || remainder != 0)
            return float_full();
        if (object->bytes)
            result = float_join(result, initial_floats(object, bytes));
        const struct vid_list *writes = &memory->writes[from->objects[i]];
        for (uint32_t k = 0; k < writes->count; k++)
            result = float_join(result,
                                float_written(facts, value_at(program, writes->items[k]), bytes));
    }
    return result;
}
