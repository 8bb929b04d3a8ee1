/*
 * Loops that are entered in two places, as a switch into one or a goto make them: who enters
 * elsewhere than at its head goes through a copy of the rest until it comes to the head. Then the
 * loop has one entry. No way through the program is another than it was; it is only that what the
 * copy does stands there twice.
 */
#include <string.h>

#include "verify/program.h"

#define VALUES_MAX 30000 /* copies, all loops together */
#define PASSES_MAX 40

struct splitter {
    struct program *program;
    uint32_t head;
    bool *member; /* of blocks: in the loop */
    uint32_t *members, member_count;
    vid *copy_of;
    uint32_t *block_of;
    uint32_t copied; /* values, of all loops */
};

/* ---- which blocks ---- */

static bool is_second_entry(const struct program *program, uint32_t from, uint32_t to)
{
    return program->blocks[to].order <= program->blocks[from].order &&
           !block_dominates(program, to, from);
}

static uint32_t common_dominator(const struct program *program, uint32_t a, uint32_t b)
{
    while (!block_dominates(program, a, b))
        a = program->blocks[a].dominator;
    return a;
}

/* Marks what is reached from `first`, or what reaches it, without going through `around`. */
static void reach(struct splitter *s, uint32_t first, uint32_t around, bool backwards, bool *marks)
{
    struct program *program = s->program;
    uint32_t *stack = program_alloc(program, program->block_count + 1, sizeof *stack), size = 0;

    marks[first] = true;
    stack[size++] = first;
    while (size > 0) {
        const struct block *block = &program->blocks[stack[--size]];
        const uint32_t *next = backwards ? block->predecessors : block->targets;
        uint32_t count = backwards ? block->predecessor_count : block->target_count;
        for (uint32_t i = 0; i < count; i++)
            if (next[i] != around && !marks[next[i]]) {
                marks[next[i]] = true;
                stack[size++] = next[i];
            }
    }
}

/* The blocks on some way round through the edge that enters it a second time: without the block
 * that all of them are behind. */
static void find_members(struct splitter *s, uint32_t from, uint32_t to)
{
    struct program *program = s->program;
    uint32_t around = common_dominator(program, from, to);
    bool *behind = program_alloc(program, program->block_count, sizeof *behind);

    s->member = program_alloc(program, program->block_count, sizeof *s->member);
    reach(s, to, around, false, behind);
    reach(s, from, around, true, s->member);
    s->members = program_alloc(program, program->order_count, sizeof *s->members);
    s->member_count = 0;
    for (uint32_t b = 0; b < program->block_count; b++)
        s->member[b] = s->member[b] && behind[b];
    for (uint32_t n = 0; n < program->order_count; n++)
        if (s->member[program->order[n]])
            s->members[s->member_count++] = program->order[n];
}

static bool is_entered(const struct splitter *s, uint32_t b)
{
    const struct block *block = &s->program->blocks[b];

    for (uint32_t k = 0; k < block->predecessor_count; k++)
        if (!s->member[block->predecessors[k]])
            return true;
    return false;
}

/* ---- whether ---- */

static bool is_copied(const struct splitter *s, uint32_t b)
{
    return s->member[b] && b != s->head;
}

static bool is_made_in_copy(const struct splitter *s, vid v)
{
    const struct value *value = value_at(s->program, v);

    return v != 0 && value->op != OP_CONST && value->block != UINT32_MAX &&
           is_copied(s, value->block);
}

/* What the copied blocks make is used in them only: where one of them dominates another, it does
 * so in the copy, too. (A join uses what it is given at the end of the block before.) */
static bool stays_inside(const struct splitter *s)
{
    const struct program *program = s->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        const struct block *block = &program->blocks[b];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            for (unsigned k = 0; k < value->count; k++)
                if (is_made_in_copy(s, value->operands[k]) &&
                    !is_copied(s, value->op == OP_PHI ? block->predecessors[k] : b))
                    return false;
        }
        if (is_made_in_copy(s, block->condition) && !is_copied(s, b))
            return false;
    }
    return true;
}

/* An address may be that of a variable that has ended and begun again since. That is seen where
 * both meet behind one place; so a variable that begins in the loop has no address. */
static bool no_address_is_taken(const struct splitter *s)
{
    struct program *program = s->program;
    bool *begins = program_alloc(program, program->object_count, sizeof *begins);

    for (uint32_t i = 0; i < s->member_count; i++) {
        const struct block *block = &program->blocks[s->members[i]];
        for (uint32_t k = 0; k < block->count; k++) {
            const struct value *value = value_at(program, block->values[k]);
            if (value->op == OP_BEGIN || value->op == OP_END)
                begins[value->imm] = true;
        }
    }
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            for (unsigned k = 0; k < value->count; k++) {
                const struct value *object = value_at(program, value->operands[k]);
                if (object->op == OP_OBJECT && begins[object->imm] &&
                    (k > 0 || (value->op != OP_LOAD && value->op != OP_STORE)))
                    return false;
            }
        }
    }
    return true;
}

static uint32_t size_of(const struct splitter *s)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->member_count; i++)
        count += s->program->blocks[s->members[i]].count;
    return count;
}

/* ---- the copy ---- */

static vid copy_of(const struct splitter *s, vid v)
{
    return is_made_in_copy(s, v) ? s->copy_of[v] : v;
}

static void copy_values(struct splitter *s, uint32_t from, uint32_t to)
{
    struct program *program = s->program;

    for (uint32_t i = 0; i < program->blocks[from].count; i++) {
        vid old = program->blocks[from].values[i];
        struct value value = *value_at(program, old);
        vid id = program_add_value(program, (enum operation)value.op, (enum value_kind)value.kind,
                                   value.width, value.operands, value.count);
        value.operands = value_at(program, id)->operands;
        *value_at(program, id) = value;
        block_append(program, to, id);
        s->copy_of[old] = id;
    }
}

/* The joins of `to` stand before those of `from`, of which it keeps the edges that are wanted. */
static void keep_edges(struct splitter *s, uint32_t from, uint32_t to, bool copy)
{
    struct program *program = s->program;
    const struct block old = program->blocks[from];
    uint32_t *kept = program_alloc(program, old.predecessor_count + 1, sizeof *kept), count = 0;

    for (uint32_t k = 0; k < old.predecessor_count; k++) {
        uint32_t before = old.predecessors[k];
        if (copy ? before == s->head : !s->member[before])
            continue;
        for (uint32_t i = 0; i < old.count; i++) {
            const struct value *phi = value_at(program, old.values[i]);
            vid *operands = value_at(program, program->blocks[to].values[i])->operands;
            if (phi->op == OP_PHI)
                operands[count] = copy ? copy_of(s, phi->operands[k]) : phi->operands[k];
        }
        kept[count++] = copy && s->member[before] ? s->block_of[before] : before;
    }
    for (uint32_t i = 0; i < old.count; i++) {
        struct value *value = value_at(program, program->blocks[to].values[i]);
        if (value->op == OP_PHI)
            value->count = (uint16_t)count;
        else if (copy)
            for (unsigned k = 0; k < value->count; k++)
                value->operands[k] = copy_of(s, value->operands[k]);
    }
    program->blocks[to].predecessors = kept;
    program->blocks[to].predecessor_count = count;
}

/* One more edge to `to`, from the copy of `old`: with what the one from there brings. */
static void add_edge(struct splitter *s, uint32_t old, uint32_t to)
{
    struct program *program = s->program;
    struct block *block = &program->blocks[to];
    uint32_t edge = 0, count = block->predecessor_count;
    uint32_t *more = program_alloc(program, count + 1, sizeof *more);

    memcpy(more, block->predecessors, count * sizeof *more);
    while (block->predecessors[edge] != old)
        edge++;
    more[count] = s->block_of[old];
    block->predecessors = more;
    block->predecessor_count++;
    for (uint32_t i = 0; i < block->count; i++) {
        struct value *phi = value_at(program, block->values[i]);
        if (phi->op != OP_PHI)
            continue;
        vid *operands = program_alloc(program, count + 1, sizeof *operands);
        memcpy(operands, phi->operands, count * sizeof *operands);
        operands[count] = copy_of(s, phi->operands[edge]);
        phi->operands = operands;
        phi->count++;
    }
}

static void copy_exits(struct splitter *s, uint32_t old)
{
    struct program *program = s->program;
    const struct block from = program->blocks[old];
    struct block *block = &program->blocks[s->block_of[old]];

    block->exit = from.exit;
    block->condition = copy_of(s, from.condition);
    block->place = from.place;
    block->target_count = from.target_count;
    block->targets = program_alloc(program, from.target_count + 1, sizeof *block->targets);
    if (from.exit == EXIT_SWITCH) {
        block->cases = program_alloc(program, from.target_count, sizeof *block->cases);
        memcpy(block->cases, from.cases, (from.target_count - 1) * sizeof *block->cases);
    }
    for (uint32_t i = 0; i < from.target_count; i++) {
        uint32_t target = from.targets[i];
        if (is_copied(s, target)) {
            block->targets[i] = s->block_of[target];
        } else {
            block->targets[i] = target;
            add_edge(s, old, target);
        }
    }
}

static void enter_copy(struct splitter *s, uint32_t b)
{
    struct program *program = s->program;
    const struct block *block = &program->blocks[b];

    for (uint32_t k = 0; k < block->predecessor_count; k++) {
        if (s->member[block->predecessors[k]])
            continue;
        struct block *before = &program->blocks[block->predecessors[k]];
        for (uint32_t i = 0; i < before->target_count; i++)
            if (before->targets[i] == b)
                before->targets[i] = s->block_of[b];
    }
}

static void write_copy(struct splitter *s)
{
    struct program *program = s->program;

    s->copy_of = program_alloc(program, program->value_count + 1, sizeof *s->copy_of);
    s->block_of = program_alloc(program, program->block_count + 1, sizeof *s->block_of);
    for (uint32_t i = 0; i < s->member_count; i++)
        if (s->members[i] != s->head) {
            uint32_t b = program_add_block(program);
            s->block_of[s->members[i]] = b;
            copy_values(s, s->members[i], b);
        }
    for (uint32_t i = 0; i < s->member_count; i++) {
        uint32_t b = s->members[i];
        if (b != s->head)
            keep_edges(s, b, s->block_of[b], true);
    }
    for (uint32_t i = 0; i < s->member_count; i++)
        if (s->members[i] != s->head)
            copy_exits(s, s->members[i]);
    for (uint32_t i = 0; i < s->member_count; i++)
        if (s->members[i] != s->head) {
            enter_copy(s, s->members[i]);
            keep_edges(s, s->members[i], s->members[i], false);
        }
}

/* The first of the loop's entries that can be its only one. */
static bool split(struct splitter *s, uint32_t from, uint32_t to)
{
    find_members(s, from, to);
    s->copied += size_of(s);
    if (s->copied > VALUES_MAX || !no_address_is_taken(s))
        return false;
    for (uint32_t i = 0; i < s->member_count; i++) {
        s->head = s->members[i];
        if (is_entered(s, s->head) && stays_inside(s)) {
            write_copy(s);
            return true;
        }
    }
    return false;
}

static bool split_one(struct splitter *s)
{
    struct program *program = s->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        for (uint32_t k = 0; k < program->blocks[b].target_count; k++)
            if (is_second_entry(program, b, program->blocks[b].targets[k]))
                return split(s, b, program->blocks[b].targets[k]);
    }
    return false;
}

void program_split_entries(struct program *program)
{
    struct splitter s = {.program = program};

    program_analyse(program);
    for (unsigned pass = 0; pass < PASSES_MAX && split_one(&s); pass++) {
        program->only_run = NULL;
        program_analyse(program);
    }
}
