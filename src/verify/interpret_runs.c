/*
 * Runs as proofs: what a program does whatever nobody knows. Where it branches on that each way is
 * gone, one a run. A handler may begin with whatever a call before left in static variables: states
 * to begin with are gathered until each end of each of them is among them.
 */
#include <string.h>

#include "verify/interpret_internal.h"

/* Ways through a program that branches on what nobody knows; of a handler, which has better means
 * for what its input decides. */
#define RUNS_MAX 16384
#define CALL_RUNS_MAX 1024
#define CALL_STEPS_MAX UINT64_C(8000000)
/* What making the memory anew costs, in steps. */
#define STEPS_OF(bytes) ((bytes) / 16)
/* Of states, before they become one: so many, of so much memory, in half of the steps. */
#define STATES_MAX 24
#define STATES_BYTES_MAX (UINT64_C(16) << 20)
#define WIDENED_MAX 8

/* ---- sizes of buffers ---- */

/* Is it the length of a buffer, as it is? */
static bool is_size(const struct interpreter *i, vid value, unsigned *ret_buffer)
{
    const struct program *program = i->program;

    for (;;) {
        const struct value *v = value_at(program, value);
        if (value == i->in_len || value == i->out_cap) {
            *ret_buffer = value == i->out_cap;
            return v->op == OP_UNKNOWN && v->imm2 <= INT32_MAX;
        }
        if ((v->op != OP_ZEXT && v->op != OP_SEXT && v->op != OP_TRUNC) || v->width < 32)
            return false;
        value = v->operands[0];
    }
}

/* What is left of [low, high] where the predicate holds of a size and a number; false: nothing. */
static bool narrow(enum predicate predicate, __int128 number, uint64_t *low, uint64_t *high)
{
    __int128 least = *low, most = *high;

    switch (predicate) {
    case ICMP_EQ:
        least = number > least ? number : least;
        most = number < most ? number : most;
        break;
    case ICMP_NE:
        least += number == least;
        most -= number == most;
        break;
    case ICMP_ULT:
    case ICMP_SLT:
        most = number - 1 < most ? number - 1 : most;
        break;
    case ICMP_ULE:
    case ICMP_SLE:
        most = number < most ? number : most;
        break;
    case ICMP_UGT:
    case ICMP_SGT:
        least = number + 1 > least ? number + 1 : least;
        break;
    default:
        least = number > least ? number : least;
    }
    if (least > most)
        return false;
    *low = (uint64_t)least;
    *high = (uint64_t)most;
    return true;
}

/* A comparison of a buffer's size with a number that is known. */
struct size_test {
    unsigned buffer;
    enum predicate predicate;
    __int128 number;
};

static bool size_test(const struct interpreter *i, const struct block *block,
                      struct size_test *ret_test)
{
    const struct value *compare = value_at(i->program, block->condition);

    if (block->exit != EXIT_BRANCH || compare->op != OP_ICMP)
        return false;
    enum predicate predicate = (enum predicate)compare->sub;
    for (unsigned k = 0; k < 2; k++) {
        vid other = compare->operands[1 - k];
        const struct cell *cell = &i->cells[other];
        if (cell->unknown || !is_size(i, compare->operands[k], &ret_test->buffer))
            continue;
        ret_test->predicate = k == 0 ? predicate : predicate_swap(predicate);
        bool is_signed = predicate == ICMP_SLT || predicate == ICMP_SLE || predicate == ICMP_SGT ||
                         predicate == ICMP_SGE;
        ret_test->number =
            is_signed ? (__int128)sign_extend(cell->bits, value_at(i->program, other)->width)
                      : (__int128)cell->bits;
        return true;
    }
    return false;
}

static void set_sizes(struct interpreter *i)
{
    for (uint32_t k = 1; k < i->program->object_count; k++)
        if (i->program->objects[k].size_value)
            i->sizes[k] = i->least[i->program->objects[k].readonly ? 0 : 1];
}

static void forget_sizes(struct interpreter *i)
{
    const vid sizes[] = {i->in_len, i->out_cap};

    for (unsigned k = 0; k < 2 && i->program->repeated; k++) {
        i->least[k] = 0;
        i->most[k] = sizes[k] ? value_at(i->program, sizes[k])->imm2 : 0;
    }
    set_sizes(i);
}

/* ---- ways ---- */

bool interpreter_choose_way(struct interpreter *i, const struct block *block, uint32_t *ret_target)
{
    struct ways *ways = i->ways;
    struct size_test test;
    uint64_t low[2], high[2];
    uint32_t way;

    if (!ways)
        return false;
    bool tests = size_test(i, block, &test), possible[2] = {true, true};
    for (unsigned k = 0; tests && k < 2; k++) {
        low[k] = i->least[test.buffer];
        high[k] = i->most[test.buffer];
        possible[k] = narrow(k == 0 ? test.predicate : predicate_negate(test.predicate),
                             test.number, &low[k], &high[k]);
    }
    if (!possible[0] || !possible[1]) {
        way = possible[0] ? 0 : 1;
    } else {
        if (ways->met == WAYS_MAX)
            return false;
        if (ways->met == ways->count) {
            ways->taken[ways->count] = 0;
            ways->of[ways->count++] = block->target_count;
        }
        way = ways->taken[ways->met++];
    }
    if (tests && possible[way]) {
        i->least[test.buffer] = low[way];
        i->most[test.buffer] = high[way];
        set_sizes(i);
    }
    *ret_target = block->targets[way];
    return true;
}

/* The next way not gone yet: the last choice that has one left is made anew. */
static bool next_way(struct ways *ways)
{
    while (ways->count > 0 && ways->taken[ways->count - 1] + 1 == ways->of[ways->count - 1])
        ways->count--;
    if (ways->count == 0)
        return false;
    ways->taken[ways->count - 1]++;
    return true;
}

/* ---- what calls leave ---- */

/* Of static variables; a byte that is not set may be anything, or not set. */
struct state {
    uint8_t **memory, **shadow;
    struct cell **addresses;
};

struct states {
    struct state items[STATES_MAX];
    unsigned count, widened;
    uint64_t steps_widen; /* with less than that left there are no more states */
    bool changed;         /* the only one has become wider: all is to be done again */
};

static bool is_kept(const struct interpreter *i, uint32_t object)
{
    const struct object *o = &i->program->objects[object];

    return i->memory[object] && !o->stack && !o->size_value && !o->readonly;
}

/* The call has ended, and so have its local variables and its buffers: what is kept of their
 * addresses means nothing. */
static void end_locals(struct interpreter *i)
{
    for (uint32_t k = 1; k < i->program->object_count; k++) {
        if (!is_kept(i, k) || !i->addresses[k])
            continue;
        for (uint64_t at = 0; at < i->sizes[k]; at++) {
            if (!(i->shadow[k][at] & SHADOW_ADDRESS))
                continue;
            const struct object *of = &i->program->objects[i->addresses[k][at / 8].object];
            if (of->stack || of->size_value)
                i->shadow[k][at] = shadow_unknown(i->shadow[k][at]);
        }
    }
}

static bool same_address(const struct cell *a, const struct cell *b)
{
    return a->object == b->object && a->bits == b->bits && a->first == b->first && a->end == b->end;
}

static bool byte_includes(const struct interpreter *i, const struct state *state, uint32_t object,
                          uint64_t at)
{
    uint8_t before = state->shadow[object][at], now = i->shadow[object][at];

    if (!(before & SHADOW_SET))
        return true;
    if (!(now & SHADOW_SET))
        return false;
    if ((before & SHADOW_UNKNOWN) && !(before & SHADOW_ADDRESS))
        return before & SHADOW_PART || !(now & (SHADOW_ADDRESS | SHADOW_PART));
    if (before != now)
        return false;
    return before & SHADOW_ADDRESS
               ? same_address(&state->addresses[object][at / 8], &i->addresses[object][at / 8])
               : state->memory[object][at] == i->memory[object][at];
}

static bool state_includes(const struct interpreter *i, const struct state *state)
{
    for (uint32_t k = 1; k < i->program->object_count; k++)
        for (uint64_t at = 0; is_kept(i, k) && at < i->sizes[k]; at++)
            if (!byte_includes(i, state, k, at))
                return false;
    return true;
}

static void state_widen(const struct interpreter *i, struct state *state)
{
    for (uint32_t k = 1; k < i->program->object_count; k++)
        for (uint64_t at = 0; is_kept(i, k) && at < i->sizes[k]; at++)
            if (!byte_includes(i, state, k, at))
                state->shadow[k][at] = i->shadow[k][at] & SHADOW_SET
                                           ? shadow_unknown(state->shadow[k][at] | i->shadow[k][at])
                                           : 0;
}

static struct state state_save(const struct interpreter *i)
{
    struct program *program = (struct program *)i->program;
    struct state state = {
        .memory = program_alloc(program, program->object_count, sizeof *state.memory),
        .shadow = program_alloc(program, program->object_count, sizeof *state.shadow),
        .addresses = program_alloc(program, program->object_count, sizeof(struct cell *))};

    for (uint32_t k = 1; k < program->object_count; k++) {
        if (!is_kept(i, k))
            continue;
        state.memory[k] = program_alloc(program, i->sizes[k] + 8, 1);
        state.shadow[k] = program_alloc(program, i->sizes[k] + 8, 1);
        memcpy(state.memory[k], i->memory[k], i->sizes[k]);
        memcpy(state.shadow[k], i->shadow[k], i->sizes[k]);
        if (!i->addresses[k])
            continue;
        state.addresses[k] = program_alloc(program, i->sizes[k] / 8 + 1, sizeof(struct cell));
        memcpy(state.addresses[k], i->addresses[k], (i->sizes[k] / 8 + 1) * sizeof(struct cell));
    }
    return state;
}

static void state_load(struct interpreter *i, const struct state *state)
{
    for (uint32_t k = 1; k < i->program->object_count; k++) {
        if (!is_kept(i, k))
            continue;
        memcpy(i->memory[k], state->memory[k], i->sizes[k]);
        memcpy(i->shadow[k], state->shadow[k], i->sizes[k]);
        /* Where there were none then, none is marked. */
        if (state->addresses[k])
            memcpy(i->addresses[k], state->addresses[k],
                   (i->sizes[k] / 8 + 1) * sizeof(struct cell));
    }
}

/* A call has ended: the next one may begin so. */
static void note_end(struct interpreter *i, struct states *states, uint64_t memory, uint64_t left)
{
    end_locals(i);
    for (unsigned k = 0; k < states->count; k++)
        if (state_includes(i, &states->items[k]))
            return;
    if (states->widened == 0 && states->count < STATES_MAX && left > states->steps_widen &&
        memory * states->count < STATES_BYTES_MAX) {
        states->items[states->count++] = state_save(i);
        return;
    }
    state_widen(i, &states->items[0]);
    for (unsigned k = 1; k < states->count; k++) {
        state_load(i, &states->items[k]);
        state_widen(i, &states->items[0]);
    }
    states->count = 1;
    states->widened++;
    states->changed = true;
}

/* ---- runs ---- */

/* All ways from one state; `states`: of a handler. */
static struct run_result go_all_ways(struct interpreter *i, struct states *states, unsigned from,
                                     uint64_t *left)
{
    struct ways ways = {0};
    struct run_result most = {.end = RUN_RETURNED};
    unsigned runs = 0, runs_max = states ? CALL_RUNS_MAX : RUNS_MAX;
    uint64_t memory = 0;

    for (uint32_t k = 1; k < i->program->object_count; k++)
        memory += i->sizes[k];
    i->ways = &ways;
    do {
        if (runs++ > 0 || states)
            interpreter_reset(i);
        if (states)
            state_load(i, &states->items[from]);
        forget_sizes(i);
        ways.met = 0;
        struct run_result result = interpreter_run(i, *left);
        /* A way that no number goes may fail: that says nothing. */
        if (result.end == RUN_FAULT && (ways.met > 0 || states))
            result.end = RUN_GUESS;
        if (result.end != RUN_RETURNED)
            return result;
        uint64_t cost = result.steps + STEPS_OF(memory);
        *left -= cost < *left ? cost : *left;
        if (result.steps > most.steps)
            most.steps = result.steps;
        if (states)
            note_end(i, states, memory, *left);
        if (states && ways.met > 0 && *left > CALL_STEPS_MAX) {
            *left = CALL_STEPS_MAX;
            states->steps_widen = CALL_STEPS_MAX / 2;
        }
    } while (!(states && states->changed) && runs < runs_max && next_way(&ways));
    if (runs == runs_max && next_way(&ways))
        most.end = RUN_LONG;
    return most;
}

/* Each call that there can be begins in one of the states, by induction over the calls. */
static struct run_result go_all_calls(struct interpreter *i, uint64_t *left)
{
    struct states states = {.count = 1, .steps_widen = *left / 2};
    struct run_result most = {.end = RUN_RETURNED};

    interpreter_reset(i);
    states.items[0] = state_save(i);
    for (unsigned k = 0; k < states.count; k++) {
        states.changed = false;
        struct run_result result = go_all_ways(i, &states, k, left);
        if (result.end != RUN_RETURNED)
            return result;
        if (result.steps > most.steps)
            most.steps = result.steps;
        if (states.changed && states.widened > WIDENED_MAX)
            most.end = RUN_LONG;
        if (states.changed && most.end == RUN_RETURNED)
            k = UINT32_MAX;
    }
    return most;
}

struct run_result interpreter_only_run(struct interpreter *i, const bool *settled,
                                       uint64_t steps_max)
{
    uint64_t left = steps_max;

    i->exact = true;
    i->settled = settled;
    return i->program->repeated ? go_all_calls(i, &left) : go_all_ways(i, NULL, 0, &left);
}
