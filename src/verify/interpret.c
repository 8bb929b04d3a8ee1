/* The interpreter: the plainest reading of each operation. */
#include <math.h>

#include "verify/interpret_internal.h"

/* A run that is to be a proof is checked against the intervals for this long. */
#define STEPS_DOUBTED (1u << 20)

static vid unknown_behind(const struct program *program, vid value)
{
    while (value && value_at(program, value)->op != OP_UNKNOWN &&
           value_at(program, value)->count > 0)
        value = value_at(program, value)->operands[0];
    return value;
}

struct interpreter *interpreter_new(const struct facts *facts)
{
    struct program *program = facts->program;
    struct interpreter *i = program_alloc(program, 1, sizeof *i);

    i->facts = facts;
    i->believes = facts->known;
    i->program = program;
    i->cells = program_alloc(program, program->value_count, sizeof *i->cells);
    i->scratch = program_alloc(program, program->value_count, sizeof *i->scratch);
    if (!interpreter_make_memory(i))
        return NULL;
    for (vid v = 1; v < program->value_count; v++) {
        const struct value *value = value_at(program, v);
        if (value->op == OP_CONST)
            i->cells[v].bits = value->imm;
        else if (value->op == OP_OBJECT)
            i->cells[v] = (struct cell){.object = (uint32_t)value->imm,
                                        .end = program->objects[value->imm].size_value
                                                   ? INT64_MAX
                                                   : (int64_t)i->sizes[value->imm]};
    }
    i->in_len = unknown_behind(program, program->in_length);
    i->out_cap = unknown_behind(program, program->out_capacity);
    return i;
}

void interpreter_watch_blocks(struct interpreter *interpreter, interpreter_watch *watch, void *user)
{
    interpreter->watch = watch;
    interpreter->user = user;
}

uint64_t interpreter_value(const struct interpreter *interpreter, vid value)
{
    return interpreter->cells[value].bits;
}

uint64_t interpreter_size_behind(const struct interpreter *interpreter, vid pointer)
{
    return interpreter->sizes[interpreter->cells[pointer].object];
}

bool interpreter_fail(struct interpreter *i, enum place_kind kind, vid value, struct place place)
{
    i->result.end = RUN_FAULT;
    i->result.kind = kind;
    i->result.value = value;
    i->result.place = place;
    return false;
}

bool interpreter_guess(struct interpreter *i)
{
    i->result.guessed = true;
    if (i->exact)
        i->result.end = RUN_GUESS;
    return !i->exact;
}

/* Where nobody knows where objects lie: apart by more than any offset that is in use. */
static uint64_t address_of(const struct interpreter *i, struct cell cell)
{
    return (i->bases ? i->bases[cell.object] : (uint64_t)cell.object << 40) + cell.bits;
}

static bool is_null(struct cell cell)
{
    return cell.object == 0 && cell.bits == 0;
}

/* In its object, or right behind it. */
static bool is_inside(const struct interpreter *i, struct cell cell)
{
    return cell.object != 0 && cell.bits <= i->sizes[cell.object];
}

/* In its object, or so near to it that the address is still a number between 0 and the last. */
static bool is_near(const struct interpreter *i, struct cell cell)
{
    return cell.object != 0 &&
           cell.bits + BEFORE_MAX <= i->sizes[cell.object] + BEFORE_MAX + BEHIND_MAX;
}

/* Before its object's end, so that no other's address is the same. */
static bool is_apart(const struct interpreter *i, struct cell cell)
{
    const struct object *object = &i->program->objects[cell.object];

    if (cell.object == 0 || !i->alive[cell.object] ||
        (cell.life != 0 && cell.life != i->lives[cell.object]))
        return false;
    return object->function ? cell.bits == 0 : cell.bits < i->sizes[cell.object];
}

/* Only what is the same wherever the objects lie is known. */
static bool is_comparable(const struct interpreter *i, enum predicate predicate, struct cell a,
                          struct cell b)
{
    bool equality = predicate == ICMP_EQ || predicate == ICMP_NE;

    if (a.unknown || b.unknown || i->bases)
        return !a.unknown && !b.unknown;
    const struct object *objects = i->program->objects;
    /* Where one ends another may begin: only their beginnings differ. */
    if (equality && a.bits == 0 && b.bits == 0 && objects[a.object].function &&
        objects[b.object].function)
        return true;
    if (a.object == b.object && a.object != 0)
        return equality || (is_near(i, a) && is_near(i, b));
    return equality &&
           ((is_null(a) && (is_null(b) || is_inside(i, b))) || (is_null(b) && is_inside(i, a)));
}

/* Of two addresses in one object, as numbers: known wherever it lies. */
static bool distance(const struct interpreter *i, const struct value *value, struct cell *to)
{
    const struct cell *a = &i->cells[value->operands[0]], *b = &i->cells[value->operands[1]];

    if (a->object == 0 || a->object != b->object)
        return false;
    *to = (struct cell){.bits = a->bits - b->bits};
    return true;
}

/* A zero in a product or an "and", all ones in an "or": whatever the other one is. */
static bool is_decided(const struct interpreter *i, const struct value *value)
{
    uint64_t ones = width_mask(value->width);

    for (unsigned k = 0; k < 2 && value->count == 2; k++) {
        const struct cell *one = &i->cells[value->operands[k]];
        if (!one->unknown && (((value->op == OP_AND || value->op == OP_MUL) && one->bits == 0) ||
                              (value->op == OP_OR && (one->bits & ones) == ones)))
            return true;
    }
    return false;
}

/* The low bits of an address are those of its offset, as far as its object is aligned. */
static bool low_bits(const struct interpreter *i, const struct value *value, struct cell *to)
{
    for (unsigned k = 0; k < 2 && value->op == OP_AND && value->width == 64; k++) {
        const struct cell *mask = &i->cells[value->operands[k]],
                          *address = &i->cells[value->operands[1 - k]];
        if (mask->unknown || address->object == 0 ||
            mask->bits >= i->program->objects[address->object].alignment)
            continue;
        *to = (struct cell){.bits = address->bits & mask->bits};
        return true;
    }
    return false;
}

static bool run_integer(struct interpreter *i, vid id, const struct value *value)
{
    struct cell *to = &i->cells[id];
    uint64_t operands[3] = {0};
    bool unknown = false;

    if (value->op == OP_ICMP && value_at(i->program, value->operands[0])->kind == KIND_POINTER) {
        struct cell a = i->cells[value->operands[0]], b = i->cells[value->operands[1]];
        enum predicate predicate = (enum predicate)value->sub;
        to->unknown = !is_comparable(i, predicate, a, b);
        to->bits = predicate_holds(predicate, address_of(i, a), address_of(i, b), 64);
        return true;
    }
    for (unsigned k = 0; k < value->count && k < 3; k++) {
        operands[k] = i->cells[value->operands[k]].bits;
        unknown = unknown || i->cells[value->operands[k]].unknown;
    }
    to->unknown = unknown && !is_decided(i, value);
    if ((value->op == OP_SUB && distance(i, value, to)) || low_bits(i, value, to))
        return true;
    if (operation_evaluate((enum operation)value->op, value->sub, value->width,
                           value_at(i->program, value->operands[0])->width, operands, &to->bits))
        return true;
    to->bits = 0;
    if (unknown)
        return true; /* a guess that can't be; what is required of it was looked at before */
    return interpreter_fail(
        i, value->op >= OP_SHL && value->op <= OP_ASHR ? PLACE_SHIFT : PLACE_DIVISION, id,
        value->place);
}

void interpreter_make_up(struct interpreter *interpreter, uint64_t seed)
{
    interpreter->chance = seed | 1;
}

/* Any of its values, often one at an end. */
static uint64_t made_up(struct interpreter *i, const struct value *value)
{
    uint64_t room = value->imm2 - value->imm;

    i->chance = i->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t number = i->chance >> 11;
    if (number % 4 == 0)
        return value->imm + (number / 4 % 3 < room ? number / 4 % 3 : room);
    if (number % 4 == 1)
        return value->imm2 - (number / 4 % 3 < room ? number / 4 % 3 : room);
    number = number / 4 * UINT64_C(0x9E3779B97F4A7C15) >> number / 4 % 64;
    return value->imm + (room == UINT64_MAX ? number : number % (room + 1));
}

static void unknown(struct interpreter *i, vid id, const struct value *value)
{
    if (i->chance && id != i->in_len && id != i->out_cap)
        i->cells[id] = (struct cell){.bits = made_up(i, value)};
    else if (id == i->in_len && i->program->repeated && !i->exact)
        i->cells[id].bits = i->input->in_len;
    else if (id == i->out_cap && i->program->repeated && !i->exact)
        i->cells[id].bits = i->input->out_cap;
    else
        i->cells[id] = (struct cell){.bits = value->imm2, .unknown = true};
}

static void bitcast(struct interpreter *i, vid id, const struct value *value)
{
    const struct value *from = value_at(i->program, value->operands[0]);

    i->cells[id] = i->cells[value->operands[0]];
    if (from->kind == KIND_FLOAT && isnan(float_number(from, i->cells[id].bits)))
        i->cells[id].unknown = true; /* which NaN it is nobody promises */
}

static void narrow(struct interpreter *i, vid id, const struct value *value)
{
    struct cell at = i->cells[value->operands[0]];
    int64_t here = (int64_t)at.bits, end;

    if (here > at.first)
        at.first = here;
    if (!__builtin_add_overflow(here, (int64_t)value->imm, &end) && end < at.end)
        at.end = end;
    if (at.end < at.first)
        at.end = at.first; /* nothing is left that it may be used at */
    i->cells[id] = at;
}

static void pointer_number(struct interpreter *i, vid id, const struct value *value)
{
    struct cell at = i->cells[value->operands[0]];

    bool known = value->sub == 1 || is_null(at) || i->bases;

    i->cells[id] = (struct cell){.bits = value->sub == 1 ? at.bits : address_of(i, at),
                                 .unknown = at.unknown || !known};
    i->cells[id].bits &= width_mask(value->width);
    /* Unknown as it is, its distance from another of the same object is not. (What is a distance
     * already is a number.) */
    if (!at.unknown && value->width == 64 && value->sub != 1)
        i->cells[id].object = at.object;
}

static bool require(struct interpreter *i, vid id, const struct value *value)
{
    const struct cell *condition = &i->cells[value->operands[0]];

    /* Of arrays what is written and alive is known here byte by byte. */
    if (value->sub == REQUIRE_OF_ARRAY)
        return true;
    if (condition->unknown && i->settled && i->settled[id])
        return true;
    if (condition->unknown && !interpreter_guess(i))
        return false;
    return condition->bits ? true
                           : interpreter_fail(i, (enum place_kind)value->imm, id, value->place);
}

/* The address that an operand is, as such or as a number. */
static const struct cell *address_behind(const struct interpreter *i, vid operand)
{
    const struct value *value = value_at(i->program, operand);

    return &i->cells[value->op == OP_PTRTOINT ? value->operands[0] : operand];
}

/* As addresses_safe(), of the addresses that are met in a run which is to be a proof. */
static bool addresses_right(const struct interpreter *i, vid id, const struct value *value)
{
    enum address_use use = (enum address_use)i->facts->address_uses[id];

    if (use == ADDRESS_UNUSED || (i->settled && i->settled[id]))
        return true;
    if (use == ADDRESS_STRAYS)
        return false;
    const struct cell *a = address_behind(i, value->operands[0]),
                      *b = address_behind(i, value->operands[1]);
    if (a->unknown || b->unknown)
        return false;
    if (a->object == b->object && a->object != 0)
        return true;
    if (use == ADDRESS_SUBTRACTED)
        return false;
    if (is_null(*a) || is_null(*b))
        return (is_null(*a) || is_inside(i, *a)) && (is_null(*b) || is_inside(i, *b));
    return is_apart(i, *a) && is_apart(i, *b);
}

static bool run_one(struct interpreter *i, vid id)
{
    const struct program *program = i->program;
    const struct value *value = value_at(program, id);
    struct cell *to = &i->cells[id];

    if (i->exact && !addresses_right(i, id, value))
        return interpreter_guess(i);
    switch (value->op) {
    case OP_UNKNOWN:
        unknown(i, id, value);
        return true;
    case OP_PHI:
    case OP_CONST:
    case OP_OBJECT:
    case OP_NULL:
        return true;
    case OP_BEGIN:
    case OP_END:
        interpreter_scope(i, value);
        return true;
    case OP_PTRADD:
        *to = i->cells[value->operands[0]];
        to->bits += i->cells[value->operands[1]].bits;
        to->unknown = to->unknown || i->cells[value->operands[1]].unknown;
        return true;
    case OP_NARROW:
        narrow(i, id, value);
        return true;
    case OP_BITCAST:
        bitcast(i, id, value);
        return true;
    case OP_PTRTOINT:
        pointer_number(i, id, value);
        return true;
    case OP_SELECT: {
        struct cell condition = i->cells[value->operands[0]];
        *to = i->cells[value->operands[condition.bits ? 1 : 2]];
        if (condition.unknown) { /* any of the two, of any life */
            to->unknown = true;
            to->object = 0;
            to->life = UINT32_MAX;
        }
        return true;
    }
    case OP_LOAD:
        return interpreter_load(i, id, value);
    case OP_STORE:
        return interpreter_store(i, id, value);
    case OP_MEMSET:
    case OP_MEMCPY:
        return interpreter_move(i, id, value);
    case OP_REQUIRE:
        return require(i, id, value);
    case OP_FBINARY:
    case OP_FUNARY:
    case OP_FCMP:
    case OP_FCONVERT:
    case OP_SITOFP:
    case OP_UITOFP:
    case OP_FPTOSI:
    case OP_FPTOUI:
        return interpreter_float(i, id, value);
    default:
        return run_integer(i, id, value);
    }
}

/* Is the value in the interval that was found for it? */
static bool believed(const struct interpreter *i, vid id)
{
    const struct value *value = value_at(i->program, id);
    const struct range *r = &i->facts->ranges[id];
    uint64_t bits = i->cells[id].bits;

    if (i->exact && i->cells[id].unknown)
        return true;
    if (value->kind == KIND_FLOAT) {
        struct float_range f = i->facts->floats[id];
        double number = float_number(value, bits);
        return !f.empty && (isnan(number) ? f.nan : number >= f.low && number <= f.high);
    }
    if (value->kind == KIND_POINTER) {
        for (uint32_t k = 0; k < i->facts->pointees[id].count; k++)
            if (i->facts->pointees[id].objects[k] == i->cells[id].object)
                return !r->empty && (int64_t)bits >= r->signed_low &&
                       (int64_t)bits <= r->signed_high;
        return false;
    }
    if (value->kind != KIND_INT)
        return true;
    int64_t number = sign_extend(bits, value->width);
    return !r->empty && bits >= r->low && bits <= r->high && number >= r->signed_low &&
           number <= r->signed_high;
}

static void enter(struct interpreter *i, uint32_t from, uint32_t to)
{
    const struct block *block = &i->program->blocks[to];
    uint32_t edge = 0, count = 0;

    while (edge < block->predecessor_count && block->predecessors[edge] != from)
        edge++;
    /* All phis at once: one may be another's operand. */
    for (; count < block->count && value_at(i->program, block->values[count])->op == OP_PHI;
         count++)
        i->scratch[count] = interpreter_keep(
            i, i->cells[value_at(i->program, block->values[count])->operands[edge]]);
    for (uint32_t k = 0; k < count; k++)
        i->cells[block->values[k]] = i->scratch[k];
}

static bool leave(struct interpreter *i, uint32_t *b)
{
    const struct block *block = &i->program->blocks[*b];
    bool open = (block->exit == EXIT_BRANCH || block->exit == EXIT_SWITCH) &&
                i->cells[block->condition].unknown;
    uint32_t target = 0;

    if (open && interpreter_choose_way(i, block, &target)) {
        enter(i, *b, target);
        *b = target;
        return true;
    }
    if (open && !interpreter_guess(i))
        return false;
    if (block->exit == EXIT_BRANCH) {
        target = block->targets[i->cells[block->condition].bits ? 0 : 1];
    } else if (block->exit == EXIT_JUMP) {
        target = block->targets[0];
    } else if (block->exit == EXIT_SWITCH) {
        target = block->targets[0];
        for (uint32_t k = 1; k < block->target_count; k++)
            if (block->cases[k - 1] == i->cells[block->condition].bits)
                target = block->targets[k];
    } else {
        if (block->exit != EXIT_RETURN)
            interpreter_fail(i, PLACE_UNREACHABLE, 0, block->place);
        return false;
    }
    enter(i, *b, target);
    *b = target;
    return true;
}

/* What a block does; false: the run ends. */
static bool run_block(struct interpreter *i, const struct block *block)
{
    /* On a way that no number goes intervals need not hold. */
    bool doubt =
        i->believes && (!i->exact || (i->result.steps < STEPS_DOUBTED && i->ways->met == 0));

    for (uint32_t k = 0; k < block->count; k++) {
        if (!run_one(i, block->values[k]))
            return false;
        if (doubt && !believed(i, block->values[k])) {
            i->result.end = RUN_MISMATCH;
            i->result.value = block->values[k];
            return false;
        }
    }
    i->result.steps += block->count + 1;
    return true;
}

struct run_result interpreter_run(struct interpreter *i, uint64_t steps_max)
{
    uint32_t b = i->program->entry, from = UINT32_MAX;

    i->result = (struct run_result){.end = RUN_RETURNED};
    for (;;) {
        i->result.block = b;
        if (i->watch && !i->watch(i, b, from, i->user)) {
            i->result.end = RUN_MISMATCH;
            return i->result;
        }
        if (!run_block(i, &i->program->blocks[b]))
            return i->result;
        if (i->result.steps > steps_max) {
            i->result.end = RUN_LONG;
            return i->result;
        }
        from = b;
        if (!leave(i, &b))
            return i->result;
    }
}

struct run_result interpreter_call(struct interpreter *i, const struct interpreter_input *input,
                                   uint64_t steps_max)
{
    i->input = input;
    interpreter_make_buffers(i);
    if (i->bases)
        interpreter_lay_out(i);
    struct run_result result = interpreter_run(i, steps_max);
    if (result.end == RUN_LONG)
        interpreter_reset(i);
    return result;
}
