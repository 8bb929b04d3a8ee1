/* Ghosts of what stays in memory: how much of it is written, whether it lives, its version. */
#include <string.h>

#include "verify/promote.h"

struct ghosts {
    struct program *program;
    struct where *where;
    bool *shared;
    uint32_t *written, *alive, *version; /* variables of each object; UINT32_MAX: none */
    uint32_t *rest;                      /* from where on all of it is written, to its end */
    struct place *
        *user; /* of addresses: where one is made of it, or itself, is used; NULL: nowhere */
    struct ssa *ssa;
    uint32_t objects;
};

static vid emit(struct ghosts *g, enum operation op, unsigned width, unsigned sub, vid a, vid b,
                struct place place)
{
    return ssa_emit(g->ssa, op, KIND_INT, width, 2, (vid[]){a, b}, sub, 0, place);
}

static vid offset_of(struct ghosts *g, vid pointer, struct place place)
{
    return promote_offset(g->ssa, g->program, pointer, place);
}

static void require(struct ghosts *g, vid condition, enum place_kind kind, struct place place)
{
    const struct value *value = value_at(g->program, condition);

    if (value->op != OP_CONST || value->imm != 1)
        ssa_emit(g->ssa, OP_REQUIRE, KIND_VOID, 0, 1, &condition, REQUIRE_OF_ARRAY, kind, place);
}

static void require_alive(struct ghosts *g, const struct where *where, struct place place)
{
    if (where_is_single(where)) {
        if (g->alive[where->object] != UINT32_MAX)
            require(g, ssa_read(g->ssa, g->alive[where->object]), PLACE_ALIVE, place);
        return;
    }
    for (uint32_t i = 1; i < g->objects; i++)
        if (g->shared[i] && g->alive[i] != UINT32_MAX)
            require(g, ssa_read(g->ssa, g->alive[i]), PLACE_ALIVE, place);
}

static void read_bytes(struct ghosts *g, vid pointer, vid length, struct place place)
{
    const struct where *where = &g->where[pointer];
    struct program *program = g->program;

    require_alive(g, where, place);
    if (where_is_single(where)) {
        uint32_t variable = g->written[where->object];
        if (variable == UINT32_MAX)
            return;
        vid offset = offset_of(g, pointer, place);
        vid end = emit(g, OP_ADD, 64, 0, offset, length, place);
        vid set = emit(g, OP_ICMP, 1, ICMP_ULE, end, ssa_read(g->ssa, variable), place);
        if (g->rest[where->object] != UINT32_MAX) {
            vid rest = ssa_read(g->ssa, g->rest[where->object]);
            set = emit(g, OP_OR, 1, 0, set, emit(g, OP_ICMP, 1, ICMP_ULE, rest, offset, place),
                       place);
        }
        require(g, set, PLACE_INITIALISED, place);
        return;
    }
    /* It may be any of the shared ones: all of each must be written. */
    for (uint32_t i = 1; i < g->objects; i++)
        if (g->shared[i] && g->written[i] != UINT32_MAX) {
            vid size = program_const(program, 64, program->objects[i].size);
            require(g, emit(g, OP_ICMP, 1, ICMP_EQ, ssa_read(g->ssa, g->written[i]), size, place),
                    PLACE_INITIALISED, place);
        }
}

/* What is filled from its end towards its beginning, as digits are: rest = min(rest, offset), if
 * nothing is left out between. */
static void write_rest(struct ghosts *g, uint32_t variable, vid offset, vid end, struct place place)
{
    vid before = ssa_read(g->ssa, variable);
    vid joins = emit(g, OP_ICMP, 1, ICMP_ULE, before, end, place);
    vid more = emit(g, OP_ICMP, 1, ICMP_ULT, offset, before, place);
    vid both = emit(g, OP_AND, 1, 0, joins, more, place);
    vid after =
        ssa_emit(g->ssa, OP_SELECT, KIND_INT, 64, 3, (vid[]){both, offset, before}, 0, 0, place);

    ssa_write(g->ssa, variable, after);
}

static void write_bytes(struct ghosts *g, vid id, vid pointer, vid length, struct place place)
{
    const struct where *where = &g->where[pointer];

    require_alive(g, where, place);
    if (!where_is_single(where)) {
        for (uint32_t i = 1; i < g->objects; i++)
            if (g->shared[i] && g->version[i] != UINT32_MAX)
                ssa_write(g->ssa, g->version[i], id);
        return;
    }
    if (g->version[where->object] != UINT32_MAX)
        ssa_write(g->ssa, g->version[where->object], id);
    uint32_t variable = g->written[where->object];
    if (variable == UINT32_MAX)
        return;
    /* written = max(written, offset + length), if nothing is left out between. */
    vid offset = offset_of(g, pointer, place), before = ssa_read(g->ssa, variable);
    vid end = emit(g, OP_ADD, 64, 0, offset, length, place);
    vid joins = emit(g, OP_ICMP, 1, ICMP_ULE, offset, before, place);
    if (value_is(g->program, offset, 0))
        joins = program_const(g->program, 1, 1);
    vid more = emit(g, OP_ICMP, 1, ICMP_UGT, end, before, place);
    vid both = emit(g, OP_AND, 1, 0, joins, more, place);
    vid after =
        ssa_emit(g->ssa, OP_SELECT, KIND_INT, 64, 3, (vid[]){both, end, before}, 0, 0, place);
    ssa_write(g->ssa, variable, after);
    if (g->rest[where->object] != UINT32_MAX)
        write_rest(g, g->rest[where->object], offset, end, place);
}

static vid version_of(struct ghosts *g, vid pointer)
{
    const struct where *where = &g->where[pointer];

    if (!where_is_single(where))
        return 0;
    if (g->version[where->object] == UINT32_MAX) /* it never changes */
        return program_const(g->program, 64, where->object);
    return ssa_read(g->ssa, g->version[where->object]);
}

/* The difference of two addresses in one object is that of their offsets; so is whether they are
 * equal. */
static bool rewrite_addresses(struct ghosts *g, vid id)
{
    struct program *program = g->program;
    struct value *value = value_at(program, id);
    vid pointers[2], offsets[2];

    if (value->op != OP_SUB && value->op != OP_ICMP)
        return false;
    if (value->op == OP_ICMP && value->sub != ICMP_EQ && value->sub != ICMP_NE)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        const struct value *operand = value_at(program, value->operands[i]);
        if (operand->kind == KIND_POINTER)
            pointers[i] = value->operands[i];
        else if (operand->op == OP_PTRTOINT && operand->sub == 0 && operand->width == 64)
            pointers[i] = operand->operands[0];
        else
            return false;
        if (!where_is_single(&g->where[pointers[i]]) ||
            g->where[pointers[i]].object != g->where[pointers[0]].object)
            return false;
    }
    struct place place = value->place;
    for (unsigned i = 0; i < 2; i++)
        offsets[i] = offset_of(g, pointers[i], place);
    memcpy(value_at(program, id)->operands, offsets, sizeof offsets);
    return true;
}

static void visit(struct ghosts *g, vid id)
{
    struct program *program = g->program;
    const struct value value = *value_at(program, id);
    vid length;

    switch (value.op) {
    case OP_PHI:
        if (g->user[id])
            require_alive(g, &g->where[id], *g->user[id]);
        break;
    case OP_LOAD: {
        vid version = version_of(g, value.operands[0]);
        read_bytes(g, value.operands[0], program_const(program, 64, value.width / 8u), value.place);
        if (version && value.count == 1) {
            vid *operands = program_alloc(program, 2, sizeof *operands);
            operands[0] = value.operands[0];
            operands[1] = version;
            value_at(program, id)->operands = operands;
            value_at(program, id)->count = 2;
        }
        break;
    }
    case OP_STORE:
        length = program_const(program, 64, value.width / 8u);
        write_bytes(g, id, value.operands[0], length, value.place);
        break;
    case OP_MEMCPY:
        read_bytes(g, value.operands[1], value.operands[2], value.place);
        write_bytes(g, id, value.operands[0], value.operands[2], value.place);
        break;
    case OP_MEMSET:
        write_bytes(g, id, value.operands[0], value.operands[2], value.place);
        break;
    case OP_BEGIN:
    case OP_END:
        if (g->written[value.imm] != UINT32_MAX)
            ssa_write(g->ssa, g->written[value.imm], program_const(program, 64, 0));
        if (g->rest[value.imm] != UINT32_MAX)
            ssa_write(g->ssa, g->rest[value.imm],
                      program_const(program, 64, program->objects[value.imm].size));
        if (g->version[value.imm] != UINT32_MAX)
            ssa_write(g->ssa, g->version[value.imm], id);
        if (g->alive[value.imm] != UINT32_MAX)
            ssa_write(g->ssa, g->alive[value.imm], program_const(program, 1, value.op == OP_BEGIN));
        break;
    default:
        rewrite_addresses(g, id);
        break;
    }
    ssa_keep(g->ssa, id);
}

/*
 * An address that comes through a join is from before: a variable whose block ended, and began
 * anew, is another one since then. So what such an address may mean has to live at the join, too.
 */
static void find_users(struct ghosts *g, struct place *access, vid pointer)
{
    const struct value *value = value_at(g->program, pointer);

    if (value->kind != KIND_POINTER || g->user[pointer])
        return;
    g->user[pointer] = access;
    for (unsigned k = 0; value->op != OP_LOAD && k < value->count; k++)
        find_users(g, access, value->operands[k]);
}

/* Values move as the program grows. */
static struct place *place_of(struct ghosts *g, const struct value *value)
{
    struct place *place = program_alloc(g->program, 1, sizeof *place);

    *place = value->place;
    return place;
}

static void find_all_users(struct ghosts *g)
{
    const struct program *program = g->program;

    g->user = program_alloc(g->program, program->value_count, sizeof(struct place *));
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            if (value->op != OP_LOAD && value->op != OP_STORE && value->op != OP_MEMSET &&
                value->op != OP_MEMCPY)
                continue;
            for (unsigned k = 0; k < (value->op == OP_MEMCPY ? 2u : 1u); k++)
                find_users(g, place_of(g, value), value->operands[k]);
        }
    }
}

void promote_ghosts(struct program *program)
{
    struct ghosts g = {.program = program, .objects = program->object_count};
    uint32_t count = 0;

    program_analyse(program);
    g.shared = program_alloc(program, g.objects, sizeof *g.shared);
    g.where = promote_locate(program, g.shared);
    g.written = program_alloc(program, g.objects, sizeof *g.written);
    g.rest = program_alloc(program, g.objects, sizeof *g.rest);
    g.alive = program_alloc(program, g.objects, sizeof *g.alive);
    g.version = program_alloc(program, g.objects, sizeof *g.version);
    struct ssa_variable *variables = program_alloc(program, g.objects * 4, sizeof *variables);
    for (uint32_t i = 0; i < g.objects; i++) {
        const struct object *object = &program->objects[i];
        bool used = i > 0 && !object->dead;
        g.written[i] = g.alive[i] = g.version[i] = g.rest[i] = UINT32_MAX;
        if (used && object->stack && object->size > 0) {
            variables[count] = (struct ssa_variable){KIND_INT, 64, program_const(program, 64, 0)};
            g.written[i] = count++;
        }
        if (g.written[i] != UINT32_MAX && program->follows_answers) {
            variables[count] =
                (struct ssa_variable){KIND_INT, 64, program_const(program, 64, object->size)};
            g.rest[i] = count++;
        }
        if (used && object->stack && object->scoped) {
            variables[count] = (struct ssa_variable){KIND_INT, 1, program_const(program, 1, 0)};
            g.alive[i] = count++;
        }
        if (used && !object->readonly) {
            variables[count] = (struct ssa_variable){KIND_VOID, 0, program_const(program, 64, i)};
            g.version[i] = count++;
        }
    }
    find_all_users(&g);
    g.ssa = ssa_new(program, variables, count);
    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n], values = program->blocks[b].count;
        vid *list = program->blocks[b].values;
        ssa_begin_block(g.ssa, b);
        for (uint32_t i = 0; i < values; i++)
            visit(&g, list[i]);
    }
    ssa_finish(g.ssa);
}
