/*
 * Guesses of what holds at loop headers. Wrong ones cost time only: houdini.c drops them. They come
 * from the program's own text: each comparison in a loop, said of the state at the loop's header;
 * each access; and what the steps of the variables add up to.
 */
#include <string.h>

#include "verify/prove.h"

#define CANDIDATES_MAX 2500
#define HEADER_MAX 160 /* of one header */
#define FACTOR_LIMIT ((int64_t)1 << 40)
#define PAIRS_MAX 14 /* variables that are compared with each other */
#define TRIPLES_MAX 5
#define GUARDS_MAX 6
#define STRICT_MAX 6 /* and if they are no more also strictly */

static bool same_form(const struct affine *a, const struct affine *b)
{
    if (a->count != b->count || a->constant != b->constant)
        return false;
    for (uint8_t i = 0; i < a->count; i++) {
        bool found = false;
        for (uint8_t k = 0; k < b->count; k++)
            found = found || (a->terms[i].value == b->terms[k].value &&
                              a->terms[i].factor == b->terms[k].factor);
        if (!found)
            return false;
    }
    return true;
}

static bool speaks_of_header(const struct proof *proof, const struct affine *form, uint32_t header)
{
    const struct program *program = proof->encoding->program;

    for (uint8_t i = 0; i < form->count; i++) {
        vid v = form->terms[i].value;
        if (v & AFFINE_SIZE_OF)
            continue;
        if (v == 0 || (value_at(program, v)->op == OP_PHI && value_at(program, v)->block == header))
            return true;
    }
    return false;
}

void proof_add_candidate(struct proof *proof, const struct invariant *guess)
{
    uint32_t header = guess->header;
    const struct affine *form = &guess->form;
    struct invariants *list = &proof->invariants;
    uint32_t of_header = 0;

    if (form->count == 0 || list->count >= CANDIDATES_MAX || !speaks_of_header(proof, form, header))
        return;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].header != header)
            continue;
        of_header++;
        if (list->items[i].equal == guess->equal && list->items[i].later == guess->later &&
            list->items[i].modulus == guess->modulus && same_form(&list->items[i].form, form))
            return;
    }
    if (of_header >= HEADER_MAX)
        return;
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 128;
        struct invariant *larger = program_alloc(proof->encoding->program, room, sizeof *larger);
        if (list->count > 0)
            memcpy(larger, list->items, list->count * sizeof *larger);
        list->items = larger;
        list->room = room;
    }
    list->items[list->count++] = *guess;
}

static void add(struct proof *proof, uint32_t header, const struct affine *form, bool equal)
{
    proof_add_candidate(
        proof, &(struct invariant){.header = header, .equal = equal, .alive = true, .form = *form});
}

/* a - b + constant >= 0, of two forms. */
static void add_difference(struct proof *proof, uint32_t header, const struct affine *a,
                           const struct affine *b, int64_t constant)
{
    struct affine form = *a;

    if (!affine_add(&form, b, -1) ||
        __builtin_add_overflow(form.constant, constant, &form.constant))
        return;
    add(proof, header, &form, false);
}

/* What a comparison in the loop says, as if made at the header: either way, and off by one. */
static void from_comparison(struct proof *proof, uint32_t header, const struct value *value)
{
    struct encoding *e = proof->encoding;
    struct affine a, b;

    if (!affine_of(e, value->operands[0], header, &a) ||
        !affine_of(e, value->operands[1], header, &b))
        return;
    switch ((enum predicate)value->sub) {
    case ICMP_ULT:
    case ICMP_SLT:
    case ICMP_UGE:
    case ICMP_SGE:
        add_difference(proof, header, &b, &a, 0);  /* a <= b */
        add_difference(proof, header, &b, &a, -1); /* a < b */
        add_difference(proof, header, &a, &b, 0);  /* a >= b */
        return;
    case ICMP_ULE:
    case ICMP_SLE:
    case ICMP_UGT:
    case ICMP_SGT:
        add_difference(proof, header, &b, &a, 0);
        add_difference(proof, header, &b, &a, 1); /* a <= b + 1 */
        add_difference(proof, header, &a, &b, 0);
        return;
    default:
        add_difference(proof, header, &b, &a, 0);
        add_difference(proof, header, &a, &b, 0);
        if (proof->encoding->contents) { /* the round ends before they are equal */
            add_difference(proof, header, &b, &a, -1);
            add_difference(proof, header, &a, &b, -1);
        }
    }
}

/* One of several objects, chosen before the loop: its size, whichever it is. */
static void from_table(struct proof *proof, uint32_t header, vid pointer,
                       const struct affine *offset, int64_t bytes)
{
    const struct program *program = proof->encoding->program;
    const struct value *value = value_at(program, pointer);
    struct affine size = {0};

    while (value->op == OP_PTRADD || value->op == OP_NARROW) {
        pointer = value->operands[0];
        value = value_at(program, pointer);
    }
    if (value->op == OP_OBJECT || value->op == OP_NULL ||
        loop_contains(program, header, value->block))
        return;
    affine_add_term(&size, pointer | AFFINE_SIZE_OF, 1);
    add_difference(proof, header, &size, offset, 0);
    add_difference(proof, header, &size, offset, -bytes);
    add(proof, header, offset, false);
}

static void from_access(struct proof *proof, uint32_t header, vid pointer, vid length,
                        uint64_t bytes)
{
    struct encoding *e = proof->encoding;
    struct program *program = e->program;
    const struct pointees *to = &e->facts->pointees[pointer];
    struct affine offset, size = {0}, more = {0};

    if (to->count == 0 || (to->count == 1 && to->objects[0] == 0))
        return;
    if (!affine_of(e, pointer, header, &offset))
        return;
    const struct object *object = &program->objects[to->objects[0]];
    if (to->count > 1) {
        from_table(proof, header, pointer, &offset, length ? 0 : (int64_t)bytes);
        return;
    }
    if (object->size_value ? !affine_of(e, object->size_value, header, &size)
                           : object->size > INT32_MAX)
        return;
    if (!object->size_value)
        size.constant = (int64_t)object->size;
    add_difference(proof, header, &size, &offset, 0);
    add(proof, header, &offset, false);
    if (length && !affine_of(e, length, header, &more))
        return;
    if (!length)
        more.constant = (int64_t)bytes;
    if (affine_add(&more, &offset, 1))
        add_difference(proof, header, &size, &more, 0);
}

struct steps {
    int64_t low, high;
    bool no_low, no_high, unknown;
};

static struct steps steps_of(const struct proof *proof, vid id, vid phi, uint32_t header,
                             unsigned depth);

/* How often a loop goes round, by the reach of a variable that moves by a constant; -1: no idea. */
static int64_t rounds_guess(const struct proof *proof, uint32_t header)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    int64_t best = -1;

    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *phi = value_at(program, block->values[i]);
        const struct range *r = &proof->encoding->facts->ranges[block->values[i]];
        if (phi->op != OP_PHI || phi->kind != KIND_INT || phi->width < 8 || r->empty)
            continue;
        uint64_t reach = r->high - r->low,
                 signed_reach = (uint64_t)r->signed_high - (uint64_t)r->signed_low;
        reach = signed_reach < reach ? signed_reach : reach;
        for (unsigned k = 0; k < phi->count; k++) {
            if (!block_dominates(program, header, block->predecessors[k]) || reach > 1 << 20)
                continue;
            const struct value *next = value_at(program, phi->operands[k]);
            if ((next->op != OP_ADD && next->op != OP_SUB) ||
                next->operands[0] != block->values[i] ||
                !value_is_const(program, next->operands[1]))
                continue;
            int64_t step = sign_extend(value_at(program, next->operands[1])->imm, next->width);
            int64_t times = step == 0 ? -1 : (int64_t)(reach / (uint64_t)(step < 0 ? -step : step));
            best = best < 0 || (times >= 0 && times < best) ? times : best;
        }
    }
    return best;
}

/* By how much a value differs from `phi`, over all ways through the loop's body. */
static struct steps steps_of(const struct proof *proof, vid id, vid phi, uint32_t header,
                             unsigned depth)
{
    const struct program *program = proof->encoding->program;
    const struct value *value = value_at(program, id);
    struct steps unknown = {.unknown = true}, total = {0};

    if (id == phi)
        return total;
    if (depth > 12)
        return unknown;
    switch (value->op) {
    case OP_ADD:
    case OP_PTRADD:
    case OP_SUB:
        for (unsigned i = 0; i < (value->op == OP_ADD ? 2u : 1u); i++) {
            vid other = value->operands[1 - i];
            if (value_at(program, other)->kind != KIND_INT)
                continue;
            struct steps base = steps_of(proof, value->operands[i], phi, header, depth + 1);
            if (base.unknown)
                continue;
            struct range r = facts_range(proof->encoding->facts, other, value->block);
            if (r.empty)
                return base;
            int64_t low = value->op == OP_SUB ? -r.signed_high : r.signed_low;
            int64_t high = value->op == OP_SUB ? -r.signed_low : r.signed_high;
            if (low < -FACTOR_LIMIT || __builtin_add_overflow(base.low, low, &base.low))
                base.no_low = true;
            if (high > FACTOR_LIMIT || __builtin_add_overflow(base.high, high, &base.high))
                base.no_high = true;
            return base;
        }
        return unknown;
    case OP_NARROW:
        return steps_of(proof, value->operands[0], phi, header, depth + 1);
    case OP_PHI:
    case OP_SELECT: {
        const struct block *block = &program->blocks[value->block];
        if (!loop_contains(program, header, value->block) || value->block == header)
            return unknown;
        bool first = true;
        struct steps inner = {0};
        for (unsigned i = value->op == OP_SELECT; i < value->count; i++) {
            bool latch = value->op == OP_PHI && block->header &&
                         block_dominates(program, value->block, block->predecessors[i]);
            struct steps one =
                latch ? steps_of(proof, value->operands[i], id, value->block, depth + 1)
                      : steps_of(proof, value->operands[i], phi, header, depth + 1);
            if (one.unknown)
                return unknown;
            if (latch) { /* as often as the inner loop may go round */
                int64_t times = rounds_guess(proof, value->block);
                total.no_low = total.no_low || one.no_low || (one.low < 0 && times < 0);
                total.no_high = total.no_high || one.no_high || (one.high > 0 && times < 0);
                inner.low = one.low < 0 && times > 0 ? one.low * times : 0;
                inner.high = one.high > 0 && times > 0 ? one.high * times : 0;
                continue;
            }
            total.low = first || one.low < total.low ? one.low : total.low;
            total.high = first || one.high > total.high ? one.high : total.high;
            total.no_low = total.no_low || one.no_low;
            total.no_high = total.no_high || one.no_high;
            first = false;
        }
        total.low += inner.low;
        total.high += inner.high;
        return total;
    }
    default:
        return unknown;
    }
}

/* x = x0 + step * rounds, or what is left of that when steps differ. */
static void from_steps(struct proof *proof, uint32_t header, vid phi)
{
    struct encoding *e = proof->encoding;
    const struct program *program = e->program;
    const struct block *block = &program->blocks[header];
    const struct value *value = value_at(program, phi);
    struct affine entry = {0}, form;
    bool has_entry = false, one_entry = true;
    struct steps total = {0};
    bool first = true;

    for (unsigned i = 0; i < value->count; i++) {
        if (!block_dominates(program, header, block->predecessors[i])) {
            struct affine one;
            if (!affine_of(e, value->operands[i], header, &one) ||
                (has_entry && !same_form(&one, &entry)))
                one_entry = false;
            else
                entry = one;
            has_entry = true;
            continue;
        }
        struct steps one = steps_of(proof, value->operands[i], phi, header, 0);
        if (one.unknown)
            one = (struct steps){.no_low = true, .no_high = true};
        total.low = first || one.low < total.low ? one.low : total.low;
        total.high = first || one.high > total.high ? one.high : total.high;
        total.no_low = total.no_low || one.no_low;
        total.no_high = total.no_high || one.no_high;
        first = false;
    }
    if (!has_entry || !one_entry)
        return;
    struct affine now = {0};
    affine_add_term(&now, phi, 1);
    if (!total.no_low && !total.no_high && total.low == total.high) {
        form = now;
        if (affine_add(&form, &entry, -1) && affine_add_term(&form, 0, -total.low))
            add(proof, header, &form, true);
    } else {
        form = now;
        if (!total.no_low && affine_add(&form, &entry, -1) && affine_add_term(&form, 0, -total.low))
            add(proof, header, &form, false);
        form = entry;
        if (!total.no_high && affine_add(&form, &now, -1) && affine_add_term(&form, 0, total.high))
            add(proof, header, &form, false);
    }
    add_difference(proof, header, &now, &entry, 0);
    add_difference(proof, header, &entry, &now, 0);
}

/* Where the header is entered, if that is one form. */
static bool entry_of(struct proof *proof, uint32_t header, vid phi, struct affine *ret)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    const struct value *value = value_at(program, phi);
    bool found = false;

    for (unsigned i = 0; i < value->count; i++) {
        struct affine one;
        if (block_dominates(program, header, block->predecessors[i]))
            continue;
        if (!affine_of(proof->encoding, value->operands[i], header, &one) ||
            (found && !same_form(&one, ret)))
            return false;
        *ret = one;
        found = true;
    }
    return found;
}

/* x + y and x - y stay what they were. */
static void from_sums(struct proof *proof, uint32_t header, vid x, vid y)
{
    struct affine x0, y0;

    if (!entry_of(proof, header, x, &x0) || !entry_of(proof, header, y, &y0))
        return;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct affine form = {0};
        affine_add_term(&form, x, 1);
        affine_add_term(&form, y, sign);
        if (affine_add(&form, &x0, -1) && affine_add(&form, &y0, -sign))
            add(proof, header, &form, true);
    }
}

static void from_pairs(struct proof *proof, uint32_t header)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    vid phis[PAIRS_MAX];
    unsigned count = 0;

    for (uint32_t i = 0; i < block->count && count < PAIRS_MAX; i++) {
        const struct value *value = value_at(program, block->values[i]);
        if (value->op == OP_PHI && proof->relevant[block->values[i]] && value->width >= 8 &&
            (value->kind == KIND_INT || value->kind == KIND_POINTER))
            phis[count++] = block->values[i];
    }
    for (unsigned i = 0; i < count; i++) {
        vid sizes[] = {program->in_length, program->out_capacity};
        struct affine x = {0}, y;
        affine_add_term(&x, phis[i], 1);
        for (unsigned k = 0; k < 2; k++)
            if (sizes[k] && affine_of(proof->encoding, sizes[k], header, &y))
                add_difference(proof, header, &y, &x, 0);
        for (unsigned k = 0; k < i; k++)
            from_sums(proof, header, phis[i], phis[k]);
        for (unsigned k = 0; k < count; k++) {
            if (i == k)
                continue;
            y = (struct affine){0};
            affine_add_term(&y, phis[k], 1);
            add_difference(proof, header, &y, &x, 0);
            if (count <= STRICT_MAX)
                add_difference(proof, header, &y, &x, -1);
        }
    }
}

/* x + y - z stays what it was: what two indices have gone together, as when lists are merged. */
static void from_triples(struct proof *proof, uint32_t header)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    struct affine entries[TRIPLES_MAX];
    vid phis[TRIPLES_MAX];
    unsigned count = 0;

    for (uint32_t i = 0; i < block->count && count < TRIPLES_MAX; i++) {
        const struct value *value = value_at(program, block->values[i]);
        if (value->op == OP_PHI && value->kind == KIND_INT && value->width >= 32 &&
            proof->relevant[block->values[i]] &&
            entry_of(proof, header, block->values[i], &entries[count]))
            phis[count++] = block->values[i];
    }
    for (unsigned z = 0; z < count; z++)
        for (unsigned x = 0; x < count; x++)
            for (unsigned y = 0; y < x; y++) {
                struct affine form = {0};
                if (x == z || y == z || !affine_add_term(&form, phis[x], 1) ||
                    !affine_add_term(&form, phis[y], 1) || !affine_add_term(&form, phis[z], -1))
                    continue;
                if (affine_add(&form, &entries[x], -1) && affine_add(&form, &entries[y], -1) &&
                    affine_add(&form, &entries[z], 1))
                    add(proof, header, &form, true);
            }
}

/* `inside`: of the loop; behind it the accesses alone. */
static void from_block(struct proof *proof, uint32_t header, uint32_t b, bool inside)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[b];

    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(program, block->values[i]);
        switch (value->op) {
        case OP_ICMP:
            if (inside)
                from_comparison(proof, header, value);
            break;
        case OP_LOAD:
        case OP_STORE:
            from_access(proof, header, value->operands[0], 0, value->width / 8u);
            break;
        case OP_MEMCPY:
            from_access(proof, header, value->operands[1], value->operands[2], 0);
            __attribute__((fallthrough));
        case OP_MEMSET:
            from_access(proof, header, value->operands[0], value->operands[2], 0);
            break;
        default:
            break;
        }
    }
}

/* What the header's own variable is that takes this value at the end of a round. */
static bool taken_over(const struct proof *proof, vid v, uint32_t header, struct affine *ret)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];

    while (value_at(program, v)->op == OP_ZEXT || value_at(program, v)->op == OP_SEXT)
        v = value_at(program, v)->operands[0];
    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *phi = value_at(program, block->values[i]);
        for (unsigned k = 0; phi->op == OP_PHI && k < phi->count; k++) {
            vid next = phi->operands[k];
            while (value_at(program, next)->op == OP_ZEXT || value_at(program, next)->op == OP_SEXT)
                next = value_at(program, next)->operands[0];
            if (next != v || phi->kind != KIND_INT || phi->width < 8)
                continue;
            *ret = (struct affine){0};
            return affine_add_term(ret, block->values[i], 1);
        }
    }
    return false;
}

static bool affine_of_next(const struct proof *proof, vid v, uint32_t header, struct affine *ret)
{
    return affine_of(proof->encoding, v, header, ret) ||
           (proof->encoding->contents && taken_over(proof, v, header, ret));
}

/*
 * A comparison that may end the loop says something of who went round it, which need not be so
 * before: i + 1 < n, where n may be 0.
 */
static void from_exit(struct proof *proof, uint32_t header, uint32_t b)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[b];
    const struct value *value = value_at(program, block->condition);
    struct invariant guess = {.header = header, .later = true, .alive = true};
    struct affine other;

    if (block->exit != EXIT_BRANCH || value->op != OP_ICMP ||
        (loop_contains(program, header, block->targets[0]) &&
         loop_contains(program, header, block->targets[1])))
        return;
    bool stays = loop_contains(program, header, block->targets[0]);
    enum predicate predicate = (enum predicate)value->sub;
    if (!stays)
        predicate = predicate_negate(predicate);
    bool less = predicate == ICMP_ULT || predicate == ICMP_SLT || predicate == ICMP_ULE ||
                predicate == ICMP_SLE;
    if (predicate == ICMP_EQ || predicate == ICMP_NE ||
        !affine_of_next(proof, value->operands[less], header, &guess.form) ||
        !affine_of_next(proof, value->operands[!less], header, &other) ||
        !affine_add(&guess.form, &other, -1))
        return;
    bool strict = predicate == ICMP_ULT || predicate == ICMP_SLT || predicate == ICMP_UGT ||
                  predicate == ICMP_SGT;
    if (strict && proof->encoding->contents) {
        struct invariant closer = guess;
        closer.form.constant--;
        proof_add_candidate(proof, &closer);
    }
    proof_add_candidate(proof, &guess); /* the next step goes no further than to the bound itself */
}

/*
 * What was compared with a buffer's size before the loop, as `need` in "need > out_cap", is as good
 * a bound for what counts in it as the size. Returns how many there are.
 */
unsigned proof_find_guards(const struct proof *proof, uint32_t header, struct affine *ret,
                           unsigned room)
{
    const struct program *program = proof->encoding->program;
    unsigned count = 0;

    for (uint32_t b = header; b != program->entry && count < room;) {
        b = program->blocks[b].dominator;
        const struct block *block = &program->blocks[b];
        const struct value *value = value_at(program, block->condition);
        if (block->exit != EXIT_BRANCH || value->op != OP_ICMP)
            continue;
        for (unsigned i = 0; i < 2 && count < room; i++) {
            vid size = value->operands[i];
            if (size && (size == program->in_length || size == program->out_capacity) &&
                !value_is_const(program, value->operands[1 - i]) &&
                affine_of(proof->encoding, value->operands[1 - i], header, &ret[count]) &&
                ret[count].count > 0)
                count++;
        }
    }
    return count;
}

static void from_guards(struct proof *proof, uint32_t header)
{
    const struct program *program = proof->encoding->program;
    const struct block *block = &program->blocks[header];
    struct affine guards[GUARDS_MAX];
    unsigned count = proof_find_guards(proof, header, guards, GUARDS_MAX);

    for (uint32_t i = 0; i < block->count; i++) {
        const struct value *value = value_at(program, block->values[i]);
        struct affine phi = {0};
        if (value->op != OP_PHI || value->width < 32 || !proof->relevant[block->values[i]] ||
            (value->kind != KIND_INT && value->kind != KIND_POINTER))
            continue;
        affine_add_term(&phi, block->values[i], 1);
        for (unsigned k = 0; k < count; k++)
            add_difference(proof, header, &guards[k], &phi, 0);
    }
}

/* Whether something was set: from the second round on, say. */
static void from_flag(struct proof *proof, uint32_t header, vid phi)
{
    struct invariant guess = {.header = header, .alive = true};

    affine_add_term(&guess.form, phi, 1);
    guess.form.constant = -1;
    proof_add_candidate(proof, &guess);
    guess.later = true;
    proof_add_candidate(proof, &guess);
}

void proof_find_candidates(struct proof *proof)
{
    const struct program *program = proof->encoding->program;

    for (uint32_t n = 0; n < program->order_count; n++) {
        uint32_t header = program->order[n];
        const struct block *head = &program->blocks[header];
        if (!head->header)
            continue;
        contents_find_candidates(proof, header);
        for (uint32_t i = 0; i < head->count; i++) {
            const struct value *value = value_at(program, head->values[i]);
            if (value->op == OP_PHI && proof->relevant[head->values[i]] && value->width >= 8 &&
                (value->kind == KIND_INT || value->kind == KIND_POINTER))
                from_steps(proof, header, head->values[i]);
        }
        for (uint32_t i = 0; i < head->count && proof->encoding->contents; i++) {
            const struct value *value = value_at(program, head->values[i]);
            if (value->op == OP_PHI && proof->relevant[head->values[i]] && value->width == 1 &&
                value->kind == KIND_INT)
                from_flag(proof, header, head->values[i]);
        }
        /* The loop itself before what is around it and in it: there is a limit. */
        for (uint32_t m = n; m < program->order_count; m++)
            if (loop_contains(program, header, program->order[m]))
                from_block(proof, header, program->order[m], true);
        from_pairs(proof, header);
        for (uint32_t m = n; m < program->order_count; m++)
            if (loop_contains(program, header, program->order[m]))
                from_exit(proof, header, program->order[m]);
        from_triples(proof, header);
        if (!proof->encoding->relates_loads)
            continue;
        from_guards(proof, header);
        /* A part of a buffer, found in the loop, is read behind it. */
        for (uint32_t m = n; m < program->order_count; m++)
            if (!loop_contains(program, header, program->order[m]) &&
                block_dominates(program, header, program->order[m]))
                from_block(proof, header, program->order[m], false);
    }
}
