/*
 * Loops that go round a known number of times, written out: then what they do at computed places
 * they do at known ones. Only the graph is trusted: that a round is the last one, or is not, is an
 * obligation (a way that is taken to be impossible leads to a block that must not be reached).
 */
#include <string.h>

#include "verify/program.h"

#define ROUNDS_MAX 256
#define PASSES_MAX 400
#define VALUES_MAX 30000 /* copies, all loops together */
#define WORK_MAX 6000000 /* values looked at, all passes together */
#define DEPTH_MAX 40

struct unroller {
    struct program *program;
    uint32_t header, entry_edge; /* of the loop that is looked at */
    uint32_t *members, member_count;
    uint32_t exit, exit_target; /* the block that it leaves at the end, and for where */
    uint32_t rounds;
    bool digits_only; /* and no other loops */
    uint32_t copied;  /* values, of all loops */
    bool *in_memory;  /* of objects */
    /* What numbers are in one round. */
    uint64_t *now, *next;
    bool *known;
    uint32_t *stamps, stamp; /* of values: known says for which round */
    vid *copy_of;            /* in the round that is written */
    uint32_t *block_of;
};

static bool is_in(const struct unroller *u, uint32_t block)
{
    return loop_contains(u->program, u->header, block);
}

/* ---- how often ---- */

static bool evaluate(struct unroller *u, vid v, unsigned depth, uint64_t *ret);

static bool evaluate_operation(struct unroller *u, const struct value *value, unsigned depth,
                               uint64_t *ret)
{
    uint64_t operands[3];

    if (value->count == 0 || value->count > 3 || value->op == OP_LOAD)
        return false;
    for (unsigned i = 0; i < value->count; i++)
        if (!evaluate(u, value->operands[i], depth + 1, &operands[i]))
            return false;
    return operation_evaluate((enum operation)value->op, value->sub, value->width,
                              value_at(u->program, value->operands[0])->width, operands, ret);
}

/* What a number is in this round, from what the header's are. */
static bool evaluate(struct unroller *u, vid v, unsigned depth, uint64_t *ret)
{
    const struct value *value = value_at(u->program, v);

    if (value->kind != KIND_INT || depth > DEPTH_MAX)
        return false;
    if (value->op == OP_CONST) {
        *ret = value->imm;
        return true;
    }
    if (value->block == UINT32_MAX || !is_in(u, value->block) ||
        u->program->blocks[value->block].loop != u->header)
        return false;
    if (u->stamps[v] != u->stamp) {
        if (value->op == OP_PHI)
            return false;
        u->stamps[v] = u->stamp;
        u->known[v] = evaluate_operation(u, value, depth, &u->now[v]);
    }
    *ret = u->now[v];
    return u->known[v];
}

static bool first_state(struct unroller *u)
{
    const struct block *head = &u->program->blocks[u->header];
    bool any = false;

    u->stamp++;
    for (uint32_t i = 0; i < head->count; i++) {
        vid id = head->values[i];
        const struct value *phi = value_at(u->program, id);
        if (phi->op != OP_PHI)
            continue;
        const struct value *first = value_at(u->program, phi->operands[u->entry_edge]);
        u->stamps[id] = u->stamp;
        u->known[id] = first->op == OP_CONST && first->kind == KIND_INT;
        u->now[id] = first->imm;
        any = any || u->known[id];
    }
    return any;
}

static void next_state(struct unroller *u)
{
    const struct block *head = &u->program->blocks[u->header];
    bool *known = program_alloc(u->program, head->count + 1, sizeof *known);

    for (uint32_t i = 0; i < head->count; i++) {
        vid id = head->values[i];
        const struct value *phi = value_at(u->program, id);
        bool first = true;
        known[i] = phi->op == OP_PHI;
        for (unsigned k = 0; known[i] && k < phi->count; k++) {
            uint64_t bits = 0;
            if (k == u->entry_edge)
                continue;
            known[i] = evaluate(u, phi->operands[k], 0, &bits) && (first || bits == u->next[id]);
            u->next[id] = bits;
            first = false;
        }
    }
    u->stamp++;
    for (uint32_t i = 0; i < head->count; i++) {
        vid id = head->values[i];
        if (value_at(u->program, id)->op != OP_PHI)
            continue;
        u->stamps[id] = u->stamp;
        u->known[id] = known[i];
        u->now[id] = u->next[id];
    }
}

/* Each round comes by here, and may leave. */
static bool is_gate(const struct unroller *u, uint32_t b)
{
    const struct block *block = &u->program->blocks[b], *head = &u->program->blocks[u->header];

    if (block->exit != EXIT_BRANCH || block->loop != u->header ||
        is_in(u, block->targets[0]) == is_in(u, block->targets[1]))
        return false;
    for (uint32_t k = 0; k < head->predecessor_count; k++)
        if (k != u->entry_edge && !block_dominates(u->program, b, head->predecessors[k]))
            return false;
    return true;
}

static bool leaves_now(struct unroller *u, uint32_t b, bool *ret)
{
    const struct block *block = &u->program->blocks[b];
    uint64_t on;

    if (!evaluate(u, block->condition, 0, &on))
        return false;
    *ret = !is_in(u, block->targets[on ? 0 : 1]);
    return true;
}

static bool count_rounds(struct unroller *u)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < u->member_count; i++)
        size += u->program->blocks[u->members[i]].count + 1;
    for (uint32_t i = 0; i < u->member_count; i++) {
        uint32_t gate = u->members[i];
        bool leaves = false;
        if (!is_gate(u, gate) || !first_state(u))
            continue;
        for (u->rounds = 0; u->rounds <= ROUNDS_MAX && (u->rounds + 1) * size <= VALUES_MAX;
             u->rounds++) {
            if (!leaves_now(u, gate, &leaves) || leaves)
                break;
            next_state(u);
        }
        if (!leaves || u->copied + u->rounds * size > VALUES_MAX)
            continue;
        u->exit = gate;
        u->copied += (uint32_t)(u->rounds * size);
        return true;
    }
    return false;
}

/* How often a number can be divided by a constant before it is nothing; 0: it is not. */
static uint32_t rounds_of_division(const struct unroller *u, vid id)
{
    const struct value *phi = value_at(u->program, id);
    uint64_t by = UINT64_MAX, left = width_mask(phi->width);
    uint32_t rounds = 0;

    if (phi->op != OP_PHI || phi->kind != KIND_INT || phi->block != u->header)
        return 0;
    for (unsigned k = 0; k < phi->count; k++) {
        const struct value *next = value_at(u->program, phi->operands[k]);
        if (k == u->entry_edge)
            continue;
        if (next->count != 2 || next->operands[0] != id ||
            !value_is_const(u->program, next->operands[1]))
            return 0;
        uint64_t number = value_at(u->program, next->operands[1])->imm;
        if (next->op == OP_LSHR)
            number = number < 32 ? (uint64_t)1 << number : 0;
        else if (next->op != OP_UDIV && next->op != OP_SDIV)
            return 0;
        by = number < by ? number : by;
    }
    for (; by >= 2 && left > 0; left /= by)
        rounds++;
    return rounds;
}

/*
 * A loop over the digits of a number ends when none is left, at the latest. (Where it does not the
 * way on from the last one is open, as after any guess.)
 */
static bool count_digits(struct unroller *u)
{
    uint32_t size = 0;

    for (uint32_t i = 0; i < u->member_count; i++)
        size += u->program->blocks[u->members[i]].count + 1;
    for (uint32_t i = 0; i < u->member_count; i++) {
        uint32_t gate = u->members[i];
        const struct value *asked = value_at(u->program, u->program->blocks[gate].condition);
        if (!is_gate(u, gate) || asked->op != OP_ICMP)
            continue;
        vid number = asked->operands[0];
        if (!value_is_const(u->program, asked->operands[1]))
            continue;
        if (value_at(u->program, number)->op != OP_PHI && value_at(u->program, number)->count > 0)
            number = value_at(u->program, number)->operands[0];
        u->rounds = rounds_of_division(u, number);
        if (u->rounds == 0 || u->copied + u->rounds * size > VALUES_MAX)
            continue;
        u->exit = gate;
        u->copied += u->rounds * size;
        return true;
    }
    return false;
}

/* ---- what is used behind it ---- */

/* A block right behind the loop, to which nothing else leads. */
static bool is_landing(const struct unroller *u, uint32_t b)
{
    const struct block *block = &u->program->blocks[b];

    for (uint32_t k = 0; k < block->predecessor_count; k++)
        if (!is_in(u, block->predecessors[k]))
            return false;
    return block->predecessor_count > 0 && !is_in(u, b);
}

static uint32_t landing_of(const struct unroller *u, uint32_t b)
{
    for (;; b = u->program->blocks[b].dominator) {
        if (is_landing(u, b))
            return b;
        if (b == u->program->entry || is_in(u, b))
            return UINT32_MAX;
    }
}

static bool is_defined_inside(const struct unroller *u, vid v)
{
    const struct value *value = value_at(u->program, v);

    return v != 0 && value->block != UINT32_MAX && value->op != OP_CONST && is_in(u, value->block);
}

/* What a phi at the landing says of it, in place of the value; 0: there is none. */
static vid landed(struct unroller *u, vid v, uint32_t b)
{
    struct program *program = u->program;
    uint32_t at = landing_of(u, b);

    if (at == UINT32_MAX)
        return 0;
    struct block *block = &program->blocks[at];
    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *phi = value_at(program, block->values[i]);
        bool same = phi->op == OP_PHI;
        for (unsigned k = 0; same && k < phi->count; k++)
            same = phi->operands[k] == v;
        if (same)
            return block->values[i];
    }
    for (uint32_t k = 0; k < block->predecessor_count; k++)
        if (!block_dominates(program, value_at(program, v)->block, block->predecessors[k]))
            return 0;
    const struct value of = *value_at(program, v);
    vid phi = program_add_value(program, OP_PHI, (enum value_kind)of.kind, of.width, NULL,
                                block->predecessor_count);
    block = &program->blocks[at];
    for (uint32_t k = 0; k < block->predecessor_count; k++)
        value_at(program, phi)->operands[k] = v;
    value_at(program, phi)->place = of.place;
    block_append(program, at, phi);
    block = &program->blocks[at];
    memmove(block->values + 1, block->values, (block->count - 1) * sizeof *block->values);
    block->values[0] = phi;
    return phi;
}

static bool land(struct unroller *u, vid *operand, uint32_t b)
{
    if (!is_defined_inside(u, *operand))
        return true;
    vid by = landed(u, *operand, b);
    if (by)
        *operand = by;
    return by != 0;
}

/* Afterwards all uses behind the loop are those of phis right behind it. */
static bool close_loop(struct unroller *u)
{
    struct program *program = u->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t b = program->order[n];
        if (is_in(u, b))
            continue;
        for (uint32_t i = 0; i < program->blocks[b].count; i++) {
            vid id = program->blocks[b].values[i];
            bool phi = value_at(program, id)->op == OP_PHI;
            for (unsigned k = 0; k < value_at(program, id)->count; k++) {
                uint32_t at = phi ? program->blocks[b].predecessors[k] : b;
                vid operand = value_at(program, id)->operands[k];
                if (phi && is_in(u, at))
                    continue;
                if (!land(u, &operand, at))
                    return false;
                value_at(program, id)->operands[k] = operand;
            }
        }
        vid condition = program->blocks[b].condition;
        if (!land(u, &condition, b))
            return false;
        program->blocks[b].condition = condition;
    }
    return true;
}

/* ---- writing it out ---- */

static vid copy_of(const struct unroller *u, vid v)
{
    return u->copy_of[v] ? u->copy_of[v] : v;
}

/* Room for values and blocks that are made meanwhile is not needed: copies are not copied. */
static void copy_values(struct unroller *u, uint32_t from, uint32_t to)
{
    struct program *program = u->program;

    for (uint32_t i = 0; i < program->blocks[from].count; i++) {
        vid old = program->blocks[from].values[i];
        struct value value = *value_at(program, old);
        vid id = program_add_value(program, (enum operation)value.op, (enum value_kind)value.kind,
                                   value.width, value.operands, value.count);
        vid *operands = value_at(program, id)->operands;
        value.operands = operands;
        *value_at(program, id) = value;
        block_append(program, to, id);
        u->copy_of[old] = id;
    }
}

static uint32_t dead_end(struct program *program, struct place place)
{
    uint32_t b = program_add_block(program);

    program->blocks[b].exit = EXIT_UNREACHABLE;
    program->blocks[b].place = place;
    program->blocks[b].predecessors = program_alloc(program, 1, sizeof(uint32_t));
    return b;
}

static void add_predecessor(struct program *program, uint32_t b, uint32_t from)
{
    struct block *block = &program->blocks[b];
    uint32_t *more = program_alloc(program, block->predecessor_count + 1, sizeof *more);

    if (block->predecessor_count > 0)
        memcpy(more, block->predecessors, block->predecessor_count * sizeof *more);
    more[block->predecessor_count++] = from;
    block->predecessors = more;
}

static void add_operand(struct program *program, vid phi, vid operand)
{
    struct value *value = value_at(program, phi);
    vid *more = program_alloc(program, value->count + 1u, sizeof *more);

    if (value->count > 0)
        memcpy(more, value->operands, value->count * sizeof *more);
    more[value->count++] = operand;
    value->operands = more;
}

/* The edge of a copy to a block behind the loop: as the one it was copied from. */
static void follow_out(struct unroller *u, uint32_t old, uint32_t from, uint32_t to)
{
    struct program *program = u->program;
    uint32_t edge = 0;

    while (program->blocks[to].predecessors[edge] != old)
        edge++;
    add_predecessor(program, to, from);
    for (uint32_t i = 0; i < program->blocks[to].count; i++) {
        vid phi = program->blocks[to].values[i];
        if (value_at(program, phi)->op == OP_PHI)
            add_operand(program, phi, copy_of(u, value_at(program, phi)->operands[edge]));
    }
}

/* A block with one way out leads to `target` instead, where nothing is that depends on it. */
static void replace_edge(struct program *program, uint32_t block, uint32_t index, uint32_t target)
{
    program->blocks[block].targets[index] = target;
    add_predecessor(program, target, block);
}

/* The last round's blocks, which stay as they were when they are copied, and lead on. */
struct round {
    uint32_t *blocks; /* of each member */
    vid *values;      /* what copy_of was in it: by original value */
};

static void copy_exits(struct unroller *u, uint32_t old, uint32_t to)
{
    struct program *program = u->program;
    const struct block from = program->blocks[old];
    struct block *block = &program->blocks[to];
    uint32_t *targets = program_alloc(program, from.target_count + 1, sizeof *targets);

    block->exit = from.exit;
    block->condition = copy_of(u, from.condition);
    /* Its own: an edge that goes takes its case out of the list. */
    if (from.exit == EXIT_SWITCH) {
        block->cases = program_alloc(program, from.target_count, sizeof *block->cases);
        memcpy(block->cases, from.cases, (from.target_count - 1) * sizeof *block->cases);
    }
    block->place = from.place;
    block->target_count = from.target_count;
    block->targets = targets;
    for (uint32_t i = 0; i < from.target_count; i++) {
        uint32_t target = from.targets[i];
        targets[i] = target;
        if (target == u->header)
            continue; /* by the round behind it */
        if (is_in(u, target))
            targets[i] = u->block_of[target];
        else
            follow_out(u, old, to, target);
    }
}

/* One more round behind the one whose blocks and values are given; those are its own afterwards. */
static void copy_round(struct unroller *u, struct round *last)
{
    struct program *program = u->program;
    vid *before = program_alloc(program, program->value_count, sizeof *before);
    uint32_t known = program->value_count;

    memcpy(before, u->copy_of, known * sizeof *before);
    for (uint32_t i = 0; i < u->member_count; i++)
        u->block_of[u->members[i]] = program_add_block(program);
    for (uint32_t i = 0; i < u->member_count; i++)
        copy_values(u, u->members[i], u->block_of[u->members[i]]);
    for (uint32_t i = 0; i < u->member_count; i++) {
        uint32_t old = u->members[i], to = u->block_of[old];
        bool head = old == u->header;
        const struct block *from = &program->blocks[old];
        program->blocks[to].predecessors =
            program_alloc(program, from->predecessor_count + 1, sizeof(uint32_t));
        program->blocks[to].predecessor_count = 0;
        for (uint32_t k = 0; k < from->predecessor_count; k++) {
            if (head && k == u->entry_edge)
                continue;
            uint32_t at = from->predecessors[k], place = 0;
            while (u->members[place] != at)
                place++;
            program->blocks[to].predecessors[program->blocks[to].predecessor_count++] =
                head ? last->blocks[place] : u->block_of[at];
        }
        for (uint32_t k = 0; k < program->blocks[to].count; k++) {
            vid original = from->values[k];
            struct value *value = value_at(program, program->blocks[to].values[k]);
            bool joins = head && value->op == OP_PHI;
            unsigned kept = 0;
            for (unsigned o = 0; o < value->count; o++) {
                if (joins && o == u->entry_edge)
                    continue;
                vid operand = value_at(program, original)->operands[o];
                value->operands[kept++] =
                    joins ? (before[operand] ? before[operand] : operand) : copy_of(u, operand);
            }
            value->count = (uint16_t)kept;
        }
    }
    for (uint32_t i = 0; i < u->member_count; i++) {
        copy_exits(u, u->members[i], u->block_of[u->members[i]]);
        /* The round before goes on here. */
        struct block *block = &program->blocks[last->blocks[i]];
        for (uint32_t k = 0; last->blocks[i] != u->members[i] && k < block->target_count; k++)
            if (block->targets[k] == u->header)
                block->targets[k] = u->block_of[u->header];
        last->blocks[i] = u->block_of[u->members[i]];
    }
}

/* The original is the first round: nothing comes back to it. */
static void detach_header(struct unroller *u, uint32_t second)
{
    struct program *program = u->program;
    struct block *head = &program->blocks[u->header];

    for (uint32_t i = 0; i < u->member_count; i++) {
        struct block *block = &program->blocks[u->members[i]];
        for (uint32_t k = 0; k < block->target_count; k++)
            if (block->targets[k] == u->header)
                block->targets[k] = second;
    }
    for (uint32_t i = 0; i < head->count; i++) {
        struct value *phi = value_at(program, head->values[i]);
        if (phi->op != OP_PHI)
            continue;
        phi->operands[0] = phi->operands[u->entry_edge];
        phi->count = 1;
    }
    head->predecessors[0] = head->predecessors[u->entry_edge];
    head->predecessor_count = 1;
}

static void write_out(struct unroller *u)
{
    struct program *program = u->program;
    struct round last = {.blocks = program_alloc(program, u->member_count, sizeof *last.blocks)};
    uint32_t room = program->value_count + 1;

    u->copy_of = program_alloc(program, room + VALUES_MAX * 4, sizeof *u->copy_of);
    u->block_of = program_alloc(program, program->block_count + 1, sizeof *u->block_of);
    memcpy(last.blocks, u->members, u->member_count * sizeof *last.blocks);
    uint32_t end = dead_end(program, program->blocks[u->header].place), second = end;
    for (uint32_t k = 0; k < u->rounds; k++) {
        copy_round(u, &last);
        if (k == 0)
            second = u->block_of[u->header];
    }
    /* The last one does not go on. */
    for (uint32_t i = 0; i < u->member_count; i++) {
        uint32_t b = last.blocks[i];
        for (uint32_t k = 0; k < program->blocks[b].target_count; k++)
            if (program->blocks[b].targets[k] == u->header)
                replace_edge(program, b, k, end);
    }
    detach_header(u, second);
}

/* ---- which ---- */

/* An address that comes from the round before may be that of a variable that has ended since: the
 * join says so, which would not be there any more (promote_ghosts.c). */
static bool begins_variables(const struct unroller *u)
{
    for (uint32_t i = 0; i < u->member_count; i++) {
        const struct block *block = &u->program->blocks[u->members[i]];
        for (uint32_t k = 0; k < block->count; k++) {
            const struct value *value = value_at(u->program, block->values[k]);
            if ((value->op == OP_BEGIN || value->op == OP_END) && u->in_memory[value->imm])
                return true;
        }
    }
    return false;
}

static bool look_at(struct unroller *u, uint32_t header)
{
    struct program *program = u->program;
    const struct block *head = &program->blocks[header];
    uint32_t entries = 0;

    u->header = header;
    for (uint32_t k = 0; k < head->predecessor_count; k++)
        if (!is_in(u, head->predecessors[k])) {
            u->entry_edge = k;
            entries++;
        }
    if (entries != 1)
        return false;
    u->members = program_alloc(program, program->order_count, sizeof *u->members);
    u->member_count = 0;
    for (uint32_t n = 0; n < program->order_count; n++)
        if (is_in(u, program->order[n]))
            u->members[u->member_count++] = program->order[n];
    return !begins_variables(u) && ((!u->digits_only && count_rounds(u)) || count_digits(u)) &&
           close_loop(u);
}

/* Objects that an address is left of. */
static void find_memory(struct unroller *u)
{
    struct program *program = u->program;

    u->in_memory = program_alloc(program, program->object_count, sizeof *u->in_memory);
    for (uint32_t n = 0; n < program->order_count; n++) {
        const struct block *block = &program->blocks[program->order[n]];
        for (uint32_t i = 0; i < block->count; i++) {
            const struct value *value = value_at(program, block->values[i]);
            for (unsigned k = 0; k < value->count; k++)
                if (value_at(program, value->operands[k])->op == OP_OBJECT)
                    u->in_memory[value_at(program, value->operands[k])->imm] = true;
        }
    }
}

/* One loop, the first that can be, outer ones before those inside. */
static bool unroll_one(struct unroller *u)
{
    struct program *program = u->program;

    program_analyse(program);
    uint32_t room = program->value_count;
    u->now = program_alloc(program, room, sizeof *u->now);
    u->next = program_alloc(program, room, sizeof *u->next);
    u->known = program_alloc(program, room, sizeof *u->known);
    u->stamps = program_alloc(program, room, sizeof *u->stamps);
    u->stamp = 0;
    find_memory(u);
    for (uint32_t n = 0; n < program->order_count; n++) {
        if (!program->blocks[program->order[n]].header || !look_at(u, program->order[n]))
            continue;
        write_out(u);
        return true;
    }
    return false;
}

bool program_unroll(struct program *program, bool digits_only)
{
    struct unroller u = {.program = program, .digits_only = digits_only};
    uint64_t work = 0;
    bool any = false;

    for (unsigned pass = 0; pass < PASSES_MAX && work < WORK_MAX && unroll_one(&u); pass++) {
        program_simplify(program);
        work += program->value_count;
        any = true;
    }
    return any;
}
