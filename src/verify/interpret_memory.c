/* The interpreter's memory: bytes, and of each byte whether it was written and is known. */
#include <math.h>
#include <string.h>

#include "verify/interpret_internal.h"

#define MEMORY_MAX (32u << 20)

/* An address is kept whole, at a place that is a multiple of its size; elsewhere it is unknown. */
static void put_address(struct interpreter *i, uint32_t object, uint64_t at, struct cell cell)
{
    uint8_t shadow = SHADOW_SET | SHADOW_UNKNOWN | SHADOW_PART;

    if (at % 8 == 0 && !cell.unknown) {
        if (!i->addresses[object])
            i->addresses[object] = program_alloc((struct program *)i->program,
                                                 i->sizes[object] / 8 + 1, sizeof(struct cell));
        i->addresses[object][at / 8] = cell;
        shadow = SHADOW_SET | SHADOW_UNKNOWN | SHADOW_ADDRESS;
    }
    memset(i->shadow[object] + at, shadow, 8);
}

static void initial_addresses(struct interpreter *i, uint32_t id)
{
    const struct object *object = &i->program->objects[id];

    for (uint32_t k = 0; k < object->cell_count; k++) {
        const struct pointer_cell *from = &object->cells[k];
        if (from->offset + 8 > i->sizes[id])
            continue;
        put_address(i, id, from->offset,
                    (struct cell){.bits = (uint64_t)from->addend,
                                  .object = from->object,
                                  .end = (int64_t)i->program->objects[from->object].size});
    }
}

void interpreter_reset(struct interpreter *i)
{
    for (uint32_t k = 1; k < i->program->object_count; k++) {
        const struct object *object = &i->program->objects[k];
        if (object->dead || object->size_value)
            continue;
        i->alive[k] = !object->stack || !object->scoped;
        i->lives[k] = 1;
        memset(i->memory[k], 0, object->size);
        if (object->bytes)
            memcpy(i->memory[k], object->bytes, object->size);
        memset(i->shadow[k], object->stack ? 0 : SHADOW_SET, object->size);
        initial_addresses(i, k);
    }
}

bool interpreter_make_memory(struct interpreter *i)
{
    struct program *program = (struct program *)i->program;
    uint64_t total = 0;

    i->memory = program_alloc(program, program->object_count, sizeof *i->memory);
    i->shadow = program_alloc(program, program->object_count, sizeof *i->shadow);
    i->addresses = program_alloc(program, program->object_count, sizeof(struct cell *));
    i->sizes = program_alloc(program, program->object_count, sizeof *i->sizes);
    i->alive = program_alloc(program, program->object_count, sizeof *i->alive);
    i->lives = program_alloc(program, program->object_count, sizeof *i->lives);
    for (uint32_t k = 1; k < program->object_count; k++) {
        const struct object *object = &program->objects[k];
        if (object->dead || object->size_value)
            continue;
        total += object->size;
        if (total > MEMORY_MAX)
            return false;
        i->sizes[k] = object->size;
        i->memory[k] = program_alloc(program, object->size + 8, 1);
        i->shadow[k] = program_alloc(program, object->size + 8, 1);
    }
    interpreter_reset(i);
    return true;
}

void interpreter_make_buffers(struct interpreter *i)
{
    struct program *program = (struct program *)i->program;

    for (uint32_t k = 1; k < program->object_count; k++) {
        const struct object *object = &program->objects[k];
        if (!object->size_value)
            continue;
        i->sizes[k] = object->readonly ? i->input->in_len : i->input->out_cap;
        i->memory[k] = program_alloc(program, i->sizes[k] + 8, 1);
        i->shadow[k] = program_alloc(program, i->sizes[k] + 8, 1);
        i->alive[k] = true;
        memset(i->shadow[k], SHADOW_SET, i->sizes[k]);
        if (object->readonly && i->sizes[k] > 0)
            memcpy(i->memory[k], i->input->in, i->sizes[k]);
    }
}

bool interpreter_answer(const struct interpreter *i, struct interpreter_answer *ret_answer)
{
    const struct block *block = &i->program->blocks[i->result.block];
    struct interpreter_answer answer = {.value = i->cells[block->condition].bits};

    if (i->cells[block->condition].unknown)
        return false;
    for (uint32_t k = 1; k < i->program->object_count; k++) {
        if (!i->program->objects[k].size_value || i->program->objects[k].readonly)
            continue;
        answer.out = i->memory[k];
        answer.out_len = i->sizes[k];
        for (uint64_t at = 0; at < i->sizes[k]; at++)
            if (i->shadow[k][at] & SHADOW_UNKNOWN)
                return false;
    }
    *ret_answer = answer;
    return true;
}

void interpreter_scope(struct interpreter *i, const struct value *value)
{
    uint32_t object = (uint32_t)value->imm;

    i->alive[object] = value->op == OP_BEGIN;
    i->lives[object] += value->op == OP_BEGIN;
    if (i->shadow[object])
        memset(i->shadow[object], 0, i->sizes[object]);
}

/* [offset, offset + length) inside [first, first + size), as numbers without end. */
static bool inside(int64_t offset, uint64_t length, int64_t first, uint64_t size)
{
    return offset >= first && (__int128)offset + length <= (__int128)first + size;
}

static bool accessible(const struct interpreter *i, vid pointer, uint64_t length, bool write)
{
    struct cell at = i->cells[pointer];
    int64_t offset = (int64_t)at.bits;

    if (at.object == 0 || !i->memory[at.object] ||
        !inside(offset, length, 0, i->sizes[at.object]) ||
        (write && i->program->objects[at.object].readonly))
        return false;
    if (i->exact)
        return inside(offset, length, at.first, (uint64_t)(at.end - at.first));
    for (vid part = i->facts->bounds[pointer]; part;) {
        const struct value *narrow = value_at(i->program, part);
        int64_t first = (int64_t)i->cells[part].bits;
        if (!inside(offset, length, first, narrow->imm))
            return false;
        offset = first;
        length = narrow->imm;
        part = i->facts->bounds[narrow->operands[0]];
    }
    return true;
}

static bool check(struct interpreter *i, vid id, vid pointer, uint64_t length, bool write)
{
    struct place place = value_at(i->program, id)->place;

    if (!accessible(i, pointer, length, write))
        return interpreter_fail(i, write ? PLACE_WRITE : PLACE_READ, id, place);
    struct cell at = i->cells[pointer];
    if (!i->alive[at.object] || (at.life != 0 && at.life != i->lives[at.object]))
        return interpreter_fail(i, PLACE_ALIVE, id, place);
    /* It was kept, perhaps for longer than the block that the literal is in. */
    if (i->exact && at.life != 0 && i->program->objects[at.object].literal)
        return interpreter_guess(i);
    return true;
}

/*
 * An access somewhere in what a pointer may mean, proved to be inside: a store there leaves all of
 * it unknown; a load is fine if all of it was written. False: that can't be said.
 */
static bool anywhere(struct interpreter *i, vid pointer, bool write)
{
    const struct pointees *to = &i->facts->pointees[pointer];

    if (to->count == 0)
        return false;
    for (uint32_t k = 0; k < to->count; k++) {
        uint32_t object = to->objects[k];
        uint32_t life = i->cells[pointer].life;
        if (object == 0 || !i->memory[object] || !i->alive[object] ||
            (life != 0 && i->program->objects[object].scoped && life != i->lives[object]))
            return false;
        for (uint64_t at = 0; at < i->sizes[object]; at++) {
            if (write) /* what was an address is none, or another */
                i->shadow[object][at] = shadow_unknown(i->shadow[object][at]);
            else if (!(i->shadow[object][at] & SHADOW_SET))
                return false;
        }
    }
    return true;
}

/* May the access at an unknown place be passed over? Then it is done. */
static bool pass_over(struct interpreter *i, vid id, vid pointer, bool write)
{
    return i->cells[pointer].unknown && i->settled && i->settled[id] && anywhere(i, pointer, write);
}

/* In an exact run nothing is known of buffers but how large they are at least. */
static bool is_buffer(const struct interpreter *i, vid pointer)
{
    return i->exact && i->cells[pointer].object != 0 &&
           i->program->objects[i->cells[pointer].object].size_value != 0;
}

/* All obligations of a memory operation are proved, or hold of a buffer of the least size. */
static bool may_use_buffer(const struct interpreter *i, vid id, vid pointer,
                           const struct cell *length, bool write)
{
    const struct cell *at = &i->cells[pointer];
    int64_t offset = (int64_t)at->bits;

    if (i->settled && i->settled[id])
        return true;
    return !at->unknown && !length->unknown &&
           !(write && i->program->objects[at->object].readonly) &&
           inside(offset, length->bits, 0, i->sizes[at->object]) &&
           inside(offset, length->bits, at->first, (uint64_t)at->end - (uint64_t)at->first);
}

/* A place where no address is kept holds null, or a number. */
static void load_address(struct interpreter *i, vid id, struct cell at)
{
    const uint8_t *shadow = i->shadow[at.object] + at.bits;
    uint8_t all = SHADOW_ADDRESS, any = 0;
    uint64_t bits;

    for (unsigned k = 0; k < 8; k++) {
        all &= shadow[k];
        any |= shadow[k];
    }
    if (all && at.bits % 8 == 0) {
        i->cells[id] = i->addresses[at.object][at.bits / 8];
        return;
    }
    memcpy(&bits, i->memory[at.object] + at.bits, sizeof bits);
    i->cells[id] = (struct cell){.unknown = bits != 0 || any & SHADOW_UNKNOWN};
}

bool interpreter_load(struct interpreter *i, vid id, const struct value *value)
{
    vid pointer = value->operands[0];
    unsigned bytes = value->width / 8u;
    uint8_t all = SHADOW_SET, any = 0;

    i->cells[id] = (struct cell){.unknown = true};
    if (is_buffer(i, pointer))
        return may_use_buffer(i, id, pointer, &(struct cell){.bits = bytes}, false) ||
               interpreter_guess(i);
    if (pass_over(i, id, pointer, false))
        return true;
    if (i->cells[pointer].unknown && !interpreter_guess(i))
        return false;
    if (!check(i, id, pointer, bytes, false))
        return false;
    struct cell at = i->cells[pointer];
    for (unsigned k = 0; k < bytes; k++) {
        all &= i->shadow[at.object][at.bits + k];
        any |= i->shadow[at.object][at.bits + k];
    }
    if (!all)
        return interpreter_fail(i, PLACE_INITIALISED, id, value->place);
    /* What a number read so is, an optimiser knows (addresses.c). */
    if (i->exact && value->kind != KIND_POINTER && (any & (SHADOW_ADDRESS | SHADOW_PART)))
        return interpreter_guess(i);
    if (value->kind == KIND_POINTER) {
        load_address(i, id, at);
        return true;
    }
    i->cells[id] = (struct cell){.unknown = any & SHADOW_UNKNOWN};
    memcpy(&i->cells[id].bits, i->memory[at.object] + at.bits, bytes);
    return true;
}

bool interpreter_store(struct interpreter *i, vid id, const struct value *value)
{
    vid pointer = value->operands[0];
    const struct value *stored = value_at(i->program, value->operands[1]);
    const struct cell *from = &i->cells[value->operands[1]];
    unsigned bytes = value->width / 8u;

    if (is_buffer(i, pointer))
        return (stored->kind != KIND_POINTER &&
                may_use_buffer(i, id, pointer, &(struct cell){.bits = bytes}, true)) ||
               interpreter_guess(i);
    if (pass_over(i, id, pointer, true))
        return true;
    if (i->cells[pointer].unknown && !interpreter_guess(i))
        return false;
    if (!check(i, id, pointer, bytes, true))
        return false;
    struct cell at = i->cells[pointer];
    if (stored->kind == KIND_POINTER) {
        memset(i->memory[at.object] + at.bits, 0, bytes);
        put_address(i, at.object, at.bits, interpreter_keep(i, *from));
        return true;
    }
    /* Which NaN it is nobody promises. */
    bool unknown =
        from->unknown || (stored->kind == KIND_FLOAT && isnan(float_number(stored, from->bits)));
    memcpy(i->memory[at.object] + at.bits, &from->bits, bytes);
    memset(i->shadow[at.object] + at.bits, SHADOW_SET | (unknown ? SHADOW_UNKNOWN : 0), bytes);
    return true;
}

static bool overlaps(struct cell to, struct cell from, uint64_t length)
{
    return to.object == from.object && to.bits != from.bits && to.bits < from.bits + length &&
           from.bits < to.bits + length;
}

/* Addresses move with their bytes if they come whole to a place where they may be. */
static void move_addresses(struct interpreter *i, struct cell to, struct cell from, uint64_t length)
{
    uint8_t *shadow = i->shadow[to.object];
    bool aligned = to.bits % 8 == from.bits % 8;
    uint64_t first = (to.bits + 7) & ~UINT64_C(7), end = (to.bits + length) & ~UINT64_C(7);

    /* Bytes at the edges are parts of addresses that are not whole any more. */
    for (uint64_t at = to.bits; at < to.bits + length; at++)
        if ((shadow[at] & SHADOW_ADDRESS) && (!aligned || at < first || at >= end))
            shadow[at] = SHADOW_SET | SHADOW_UNKNOWN | SHADOW_PART;
    if (!aligned || first >= end || !i->addresses[from.object])
        return;
    if (!i->addresses[to.object])
        i->addresses[to.object] = program_alloc((struct program *)i->program,
                                                i->sizes[to.object] / 8 + 1, sizeof(struct cell));
    memmove(&i->addresses[to.object][first / 8],
            &i->addresses[from.object][(from.bits + (first - to.bits)) / 8],
            (end - first) / 8 * sizeof(struct cell));
}

static void copy(struct interpreter *i, struct cell to, struct cell from, uint64_t length)
{
    memmove(i->memory[to.object] + to.bits, i->memory[from.object] + from.bits, length);
    memmove(i->shadow[to.object] + to.bits, i->shadow[from.object] + from.bits, length);
    move_addresses(i, to, from, length);
}

/* Is all that may be copied from there set? */
static bool is_set(const struct interpreter *i, struct cell from, struct cell length)
{
    const struct object *object = &i->program->objects[from.object];
    uint64_t first = from.bits, end = i->sizes[from.object];

    if (object->size_value)
        return true;
    if (from.unknown || from.object == 0 || !i->memory[from.object] ||
        (from.life != 0 && from.life != i->lives[from.object]))
        return false;
    if (length.unknown)
        first = 0;
    else if (!inside((int64_t)first, length.bits, 0, end))
        return false;
    else
        end = first + length.bits;
    for (uint64_t at = first; at < end; at++)
        if (!(i->shadow[from.object][at] & SHADOW_SET))
            return false;
    return true;
}

/*
 * To or from a buffer, or of a length that nobody knows: all of the variable it goes to is unknown
 * afterwards, unless place and length are known. False: it can't be said.
 */
static bool move_unknown(struct interpreter *i, vid id, const struct value *value)
{
    struct cell to = i->cells[value->operands[0]], from = i->cells[value->operands[1]];
    struct cell length = i->cells[value->operands[2]];
    bool is_copy = value->op == OP_MEMCPY, settled = i->settled && i->settled[id];
    bool from_buffer = is_copy && is_buffer(i, value->operands[1]);

    if (value->sub == MEMSET_OF_PADDING && !is_copy)
        return false;
    if (is_copy && (!is_set(i, from, length) ||
                    (from_buffer && !may_use_buffer(i, id, value->operands[1], &length, false))))
        return false;
    if (is_buffer(i, value->operands[0])) {
        /* The other side is known, and in its variable; they are two. */
        bool good =
            settled ||
            (is_copy ? from.object != to.object &&
                           (from_buffer || check(i, id, value->operands[1], length.bits, false))
                     : true);
        return good && may_use_buffer(i, id, value->operands[0], &length, true);
    }
    if (to.unknown || to.object == 0)
        return settled && anywhere(i, value->operands[0], true);
    if (length.unknown && (!settled || !i->memory[to.object] || !i->alive[to.object] ||
                           (to.life != 0 && to.life != i->lives[to.object])))
        return false;
    if (!length.unknown && !check(i, id, value->operands[0], length.bits, true))
        return false;
    uint8_t part =
        is_copy && !from_buffer && (from.unknown || i->addresses[from.object]) ? SHADOW_PART : 0;
    uint64_t first = length.unknown ? 0 : to.bits;
    uint64_t end = length.unknown ? i->sizes[to.object] : to.bits + length.bits;
    for (uint64_t at = first; at < end; at++)
        i->shadow[to.object][at] =
            SHADOW_UNKNOWN | part |
            (length.unknown ? shadow_unknown(i->shadow[to.object][at]) : SHADOW_SET);
    return true;
}

bool interpreter_move(struct interpreter *i, vid id, const struct value *value)
{
    struct cell to = i->cells[value->operands[0]], from = i->cells[value->operands[1]];
    struct cell length = i->cells[value->operands[2]];
    bool is_copy = value->op == OP_MEMCPY;
    bool open = to.unknown || length.unknown || (is_copy && from.unknown);

    if (i->exact && (open || is_buffer(i, value->operands[0]) ||
                     (is_copy && is_buffer(i, value->operands[1])))) {
        if (i->result.end == RUN_RETURNED && move_unknown(i, id, value))
            return true;
        i->result.end = RUN_RETURNED;
        return interpreter_guess(i);
    }
    if (open && !interpreter_guess(i))
        return false;
    if (!check(i, id, value->operands[0], length.bits, true))
        return false;
    if (!is_copy) {
        memset(i->memory[to.object] + to.bits, (int)from.bits, length.bits);
        bool set = value->sub != MEMSET_OF_PADDING;
        memset(i->shadow[to.object] + to.bits,
               set ? SHADOW_SET | (from.unknown ? SHADOW_UNKNOWN : 0) : 0, length.bits);
        return true;
    }
    if (!check(i, id, value->operands[1], length.bits, false))
        return false;
    if (value->sub == COPY_APART && overlaps(to, from, length.bits))
        return interpreter_fail(i, PLACE_OVERLAP, id, value->place);
    from.unknown = length.unknown = false; /* where it was guessed, these bytes are what is meant */
    if (value->sub == COPY_OF_SET && !is_set(i, from, length))
        return interpreter_fail(i, PLACE_INITIALISED, id, value->place);
    copy(i, to, from, length.bits);
    return true;
}
