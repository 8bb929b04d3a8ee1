/* How objects are cut into regions and atoms: from how each byte is accessed. */
#include <string.h>

#include "verify/promote_internal.h"

#define SPLIT_MAX_BYTES (64 << 10)

static struct split *split_of(struct promoter *p, const struct where *where)
{
    struct split *split = &p->splits[where->object];

    return where_is_single(where) && split->possible ? split : NULL;
}

static void forbid(struct promoter *p, const struct where *where)
{
    if (where_is_single(where))
        p->splits[where->object].possible = false;
}

/* The part that a pointer may move in stays memory. */
static void keep_region(struct promoter *p, const struct where *where)
{
    struct split *split = split_of(p, where);

    if (split)
        memset(split->region + where->first, 1, where->bytes);
}

/* An access at a known place; where it breaks a bound the object stays whole, to be refused. */
static void access_at(struct promoter *p, const struct where *where, uint64_t bytes,
                      enum value_kind kind)
{
    struct split *split = split_of(p, where);

    if (!split || bytes == 0)
        return;
    if (where->offset < (int64_t)where->first ||
        (uint64_t)where->offset - where->first > where->bytes ||
        bytes > where->bytes - ((uint64_t)where->offset - where->first)) {
        split->possible = false;
        return;
    }
    split->cut[where->offset] = split->cut[where->offset + (int64_t)bytes] = 1;
    if (kind != KIND_VOID)
        for (uint64_t i = 0; i < bytes; i++)
            split->kinds[(uint64_t)where->offset + i] |= (uint8_t)(1u << kind);
}

bool promote_length(const struct promoter *p, const struct value *value, uint64_t *ret)
{
    const struct value *length = value_at(p->program, value->operands[2]);

    *ret = length->imm;
    return length->op == OP_CONST && length->imm <= SPLIT_MAX_BYTES;
}

static void look_at_use(struct promoter *p, const struct value *value)
{
    const struct where *first = value->count > 0 ? &p->where[value->operands[0]] : NULL;
    uint64_t length;

    switch (value->op) {
    case OP_LOAD:
    case OP_STORE: {
        const struct value *moved =
            value->op == OP_LOAD ? value : value_at(p->program, value->operands[1]);
        if (first->state == WHERE_AT)
            access_at(p, first, value->width / 8u, (enum value_kind)moved->kind);
        else
            keep_region(p, first);
        if (value->op == OP_STORE && moved->kind == KIND_POINTER)
            forbid(p, &p->where[value->operands[1]]);
        return;
    }
    case OP_MEMSET:
    case OP_MEMCPY:
        for (unsigned i = 0; i < (value->op == OP_MEMCPY ? 2u : 1u); i++) {
            const struct where *at = &p->where[value->operands[i]];
            if (at->state == WHERE_AT && promote_length(p, value, &length))
                access_at(p, at, length, KIND_VOID);
            else
                keep_region(p, at);
        }
        return;
    case OP_PTRADD:
    case OP_PHI:
    case OP_SELECT:
    case OP_NARROW:
        return;
    default:
        for (unsigned i = 0; i < value->count; i++)
            if (value_at(p->program, value->operands[i])->kind == KIND_POINTER)
                keep_region(p, &p->where[value->operands[i]]);
    }
}

static void look_at_uses(struct promoter *p)
{
    struct program *program = p->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            look_at_use(p, value);
            if (value->kind == KIND_POINTER && p->where[block->values[i]].state == WHERE_WITHIN)
                keep_region(p, &p->where[block->values[i]]);
        }
        if (block->condition && value_at(program, block->condition)->kind == KIND_POINTER)
            forbid(p, &p->where[block->condition]);
    }
}

static bool is_memory(const struct split *split, const struct where *where, uint64_t offset)
{
    return !split || where->state != WHERE_AT || split->region[(uint64_t)where->offset + offset];
}

/* Bytes that are only ever copied to or from memory are memory, too: else what they hold is lost.
 * (Not those between fields, which hold nothing.) */
static bool follow(struct promoter *p, const struct where *where, const struct where *other,
                   uint64_t length)
{
    struct split *split = where->state == WHERE_AT ? split_of(p, where) : NULL;
    const struct split *its = split_of(p, other);
    const uint8_t *padding = p->program->objects[where->object].padding;
    bool changed = false;

    for (uint64_t k = 0; split && k < length; k++) {
        uint64_t at = (uint64_t)where->offset + k;
        if (split->region[at] || split->kinds[at] || (padding && padding[at]) ||
            !is_memory(its, other, k))
            continue;
        split->region[at] = 1;
        changed = true;
    }
    return changed;
}

/* Of a copy both ways. */
static bool spread_regions(struct promoter *p, const struct where *to, const struct where *from,
                           uint64_t length)
{
    bool changed = follow(p, to, from, length);

    return follow(p, from, to, length) || changed;
}

/* A copy between two objects cuts both alike. */
static bool spread_cuts(struct promoter *p, const struct where *to, const struct where *from,
                        uint64_t length)
{
    bool changed = false;

    if (to->state != WHERE_AT || from->state != WHERE_AT)
        return false;
    struct split *a = split_of(p, to), *b = split_of(p, from);
    for (uint64_t k = 0; a && b && k < length; k++) {
        uint64_t x = (uint64_t)to->offset + k, y = (uint64_t)from->offset + k;
        if (a->cut[x] != b->cut[y]) {
            a->cut[x] = b->cut[y] = 1;
            changed = true;
        }
        /* What one side holds as a scalar the other does too. */
        uint8_t kinds = a->kinds[x] | b->kinds[y];
        if (!a->region[x] && !b->region[y] && (a->kinds[x] != kinds || b->kinds[y] != kinds)) {
            a->kinds[x] = b->kinds[y] = kinds;
            changed = true;
        }
    }
    return changed;
}

/* Of every copy of a known length; true: something changed. */
static bool spread(struct promoter *p, bool (*by)(struct promoter *, const struct where *,
                                                  const struct where *, uint64_t))
{
    struct program *program = p->program;
    bool changed = false;
    uint64_t length;

    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op == OP_MEMCPY && promote_length(p, value, &length))
                changed =
                    by(p, &p->where[value->operands[0]], &p->where[value->operands[1]], length) ||
                    changed;
        }
    }
    return changed;
}

static void add_atom(struct promoter *p, struct atom atom)
{
    if (p->atom_count == p->atom_room) {
        uint32_t room = p->atom_room ? p->atom_room * 2 : 64;
        struct atom *larger = program_alloc(p->program, room, sizeof *larger);
        if (p->atom_count > 0)
            memcpy(larger, p->atoms, p->atom_count * sizeof *larger);
        p->atoms = larger;
        p->atom_room = room;
    }
    p->atoms[p->atom_count++] = atom;
}

static bool atom_kind(const struct split *split, struct atom *atom)
{
    uint8_t kinds = 0;

    for (uint32_t i = 0; i < atom->bytes; i++)
        kinds |= split->kinds[atom->first + i];
    atom->width = atom->bytes * 8;
    atom->gap = kinds == 0;
    atom->kind = KIND_INT;
    if (kinds == 1u << KIND_POINTER)
        atom->kind = KIND_POINTER;
    else if (kinds & 1u << KIND_POINTER)
        return false; /* an address and something else in one place */
    else if (kinds == 1u << KIND_FLOAT)
        atom->kind = KIND_FLOAT;
    return atom->kind == KIND_INT || atom->bytes == 8 ||
           (atom->kind == KIND_FLOAT && atom->bytes == 4);
}

static uint32_t region_object(struct promoter *p, uint32_t object, uint64_t first, uint64_t bytes)
{
    struct program *program = p->program;
    uint32_t id = program_add_object(program, program->objects[object].name);
    const struct object *from = &program->objects[object];
    struct object *part = &program->objects[id];
    char *name = part->name;

    *part = *from;
    part->name = name;
    part->size = bytes;
    part->stride = 1;
    if (first & -first && (first & -first) < part->alignment)
        part->alignment = (uint32_t)(first & -first);
    /* The region's own element is not known; that of the whole fits where it divides. */
    for (uint32_t stride = 8; stride > 1 && part->stride == 1; stride /= 2)
        if (bytes % stride == 0)
            part->stride = stride;
    if (from->padding)
        part->padding = from->padding + first;
    if (from->bytes) {
        part->bytes = from->bytes + first;
        part->cells = program_alloc(program, from->cell_count + 1, sizeof *part->cells);
        part->cell_count = 0;
        for (uint32_t i = 0; i < from->cell_count; i++)
            if (from->cells[i].offset >= first && from->cells[i].offset < first + bytes) {
                part->cells[part->cell_count] = from->cells[i];
                part->cells[part->cell_count++].offset -= first;
            }
    }
    return id;
}

/* Cuts one object into regions and atoms; false: it stays whole. */
static bool cut_object(struct promoter *p, uint32_t id)
{
    struct split *split = &p->splits[id];
    const struct object *object = &p->program->objects[id];
    uint64_t size = object->size;
    uint32_t before = p->atom_count;

    bool all = true;
    for (uint64_t i = 0; i < size; i++)
        all = all && split->region[i];
    if (all)
        return false;
    /* An initial address that is not all of one part is of the whole only. */
    for (uint32_t i = 0; i < object->cell_count; i++)
        for (uint64_t at = object->cells[i].offset, k = 1; k < 8; k++)
            if (split->region[at + k] != split->region[at])
                return false;
    /* Atoms of a size that no integer has become bytes. */
    for (uint64_t i = 0, end; i < size; i = end) {
        bool touched = false;
        for (end = i + 1; end < size && !split->cut[end] && split->region[end] == split->region[i];
             end++)
            ;
        for (uint64_t k = i; k < end; k++)
            touched = touched || split->kinds[k];
        if (split->region[i] || !touched)
            continue;
        bool fits = end - i <= 8 && ((end - i) & (end - i - 1)) == 0;
        for (uint64_t k = i; !fits && k < end; k++)
            split->cut[k] = 1;
    }
    for (uint64_t i = 0, end; i < size; i = end) {
        for (end = i + 1; end < size && split->region[end] == split->region[i] &&
                          (split->region[i] || !split->cut[end]);
             end++)
            ;
        if (split->region[i])
            continue;
        struct atom atom = {.object = id, .first = (uint32_t)i, .bytes = (uint32_t)(end - i)};
        if (!atom_kind(split, &atom)) {
            p->atom_count = before;
            return false;
        }
        for (uint64_t k = i; k < end; k++)
            split->part[k] = p->atom_count + 1;
        add_atom(p, atom);
    }
    for (uint64_t i = 0, end; i < size; i = end) {
        for (end = i + 1; end < size && split->region[end] == split->region[i]; end++)
            ;
        if (!split->region[i])
            continue;
        uint32_t part = region_object(p, id, i, end - i);
        split = &p->splits[id];
        for (uint64_t k = i; k < end; k++)
            split->part[k] = part;
    }
    return true;
}

/* Accesses that straddle a region's edge belong to it whole. */
static void widen_regions(struct promoter *p)
{
    struct program *program = p->program;
    uint64_t length;

    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t n = 0; n < program->order_count; n++) {
            const struct block *block = &program->blocks[program->order[n]];
            for (uint32_t i = 0; i < block->count; i++) {
                const struct value *value = value_at(program, block->values[i]);
                if (value->op != OP_LOAD && value->op != OP_STORE)
                    continue;
                const struct where *at = &p->where[value->operands[0]];
                struct split *split = at->state == WHERE_AT ? split_of(p, at) : NULL;
                length = value->width / 8u;
                if (!split ||
                    split->region[at->offset] == split->region[(uint64_t)at->offset + length - 1])
                    continue;
                memset(split->region + at->offset, 1, length);
                changed = true;
            }
        }
    }
}

static void cut_at_regions(struct promoter *p, uint32_t objects)
{
    for (uint32_t i = 1; i < objects; i++) {
        struct split *split = &p->splits[i];
        const uint8_t *padding = p->program->objects[i].padding;
        for (uint64_t k = 1; split->possible && k < p->program->objects[i].size; k++) {
            split->cut[k] |= split->region[k] != split->region[k - 1];
            split->cut[k] |= padding && padding[k] != padding[k - 1];
        }
    }
}

bool promote_plan(struct promoter *p)
{
    struct program *program = p->program;
    uint32_t objects = program->object_count;
    bool *shared = program_alloc(program, objects, sizeof *shared), any = false;

    p->where = promote_locate(program, shared);
    p->splits = program_alloc(program, PROGRAM_OBJECTS_MAX, sizeof *p->splits);
    for (uint32_t i = 1; i < objects; i++) {
        const struct object *object = &program->objects[i];
        struct split *split = &p->splits[i];
        split->possible = !object->unsplit && !object->dead && !object->input && !shared[i] &&
                          !object->readonly && object->size > 0 && object->size <= SPLIT_MAX_BYTES;
        if (p->exits_only && strncmp(object->name, "cleanup.dest", 12) != 0)
            split->possible = false;
        if (!split->possible)
            continue;
        split->region = program_alloc(program, object->size + 1, 1);
        split->cut = program_alloc(program, object->size + 1, 1);
        split->kinds = program_alloc(program, object->size + 1, 1);
        split->part = program_alloc(program, object->size + 1, sizeof *split->part);
    }
    look_at_uses(p);
    do
        widen_regions(p);
    while (spread(p, spread_regions));
    cut_at_regions(p, objects);
    while (spread(p, spread_cuts))
        ;
    for (uint32_t i = 1; i < objects; i++) {
        if (!p->splits[i].possible)
            continue;
        p->splits[i].possible = cut_object(p, i);
        any = any || p->splits[i].possible;
    }
    return any;
}
