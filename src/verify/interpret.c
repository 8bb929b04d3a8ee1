/* The interpreter: the plainest reading of each operation. */
#include <math.h>
#include <string.h>

#include "verify/interpret.h"

#define MEMORY_MAX (32u << 20)

struct cell {
    uint64_t bits;   /* of a pointer the offset */
    uint32_t object; /* of a pointer */
};

struct interpreter {
    const struct facts *facts;
    const struct program *program;
    struct cell *cells, *scratch;
    uint8_t **memory;
    uint64_t *sizes;
    interpreter_watch *watch;
    void *user;
    struct run_result result;
    vid in_len, out_cap; /* the unknowns behind them */
    const struct interpreter_input *input;
};

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
    uint64_t total = 0;

    i->facts = facts;
    i->program = program;
    i->cells = program_alloc(program, program->value_count, sizeof *i->cells);
    i->scratch = program_alloc(program, program->value_count, sizeof *i->scratch);
    i->memory = program_alloc(program, program->object_count, sizeof *i->memory);
    i->sizes = program_alloc(program, program->object_count, sizeof *i->sizes);
    for (uint32_t k = 1; k < program->object_count; k++) {
        const struct object *object = &program->objects[k];
        if (object->dead || object->size_value)
            continue;
        total += object->size;
        if (total > MEMORY_MAX)
            return NULL;
        i->sizes[k] = object->size;
        i->memory[k] = program_alloc(program, object->size + 8, 1);
        if (object->bytes)
            memcpy(i->memory[k], object->bytes, object->size);
    }
    for (vid v = 1; v < program->value_count; v++) {
        const struct value *value = value_at(program, v);
        if (value->op == OP_CONST)
            i->cells[v].bits = value->imm;
        else if (value->op == OP_OBJECT)
            i->cells[v].object = (uint32_t)value->imm;
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

static bool fail(struct interpreter *i, enum place_kind kind, vid value, struct place place)
{
    i->result.end = RUN_FAULT;
    i->result.kind = kind;
    i->result.value = value;
    i->result.place = place;
    return false;
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

static double as_double(const struct value *value, uint64_t bits)
{
    float single;
    double number;

    if (value->width == 32) {
        uint32_t half = (uint32_t)bits;
        memcpy(&single, &half, sizeof single);
        return single;
    }
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint64_t as_bits(unsigned width, double number)
{
    float single = (float)number;
    uint64_t bits = 0;

    if (width == 32)
        memcpy(&bits, &single, sizeof single);
    else
        memcpy(&bits, &number, sizeof number);
    return bits;
}

static double float_result(unsigned sub, double a, double b)
{
    switch (sub) {
    case FLOAT_ADD:
        return a + b;
    case FLOAT_SUB:
        return a - b;
    case FLOAT_MUL:
        return a * b;
    case FLOAT_DIV:
        return a / b;
    case FLOAT_REM:
        return fmod(a, b);
    case FLOAT_NEG:
        return -a;
    case FLOAT_ABS:
        return fabs(a);
    case FLOAT_SQRT:
        return sqrt(a);
    case FLOAT_FLOOR:
        return floor(a);
    case FLOAT_CEIL:
        return ceil(a);
    case FLOAT_TRUNC:
        return trunc(a);
    case FLOAT_ROUND:
        return round(a);
    case FLOAT_MIN:
        return fmin(a, b);
    case FLOAT_MAX:
        return fmax(a, b);
    default:
        return 0;
    }
}

static bool float_compare(unsigned sub, double a, double b)
{
    unsigned outcome = isnan(a) || isnan(b) ? 8u : a == b ? 1u : a > b ? 2u : 4u;

    return sub & outcome;
}

static bool run_float(struct interpreter *i, vid id, const struct value *value)
{
    struct cell *to = &i->cells[id];
    const struct value *first = value_at(i->program, value->operands[0]);
    double a = first->kind == KIND_FLOAT ? as_double(first, i->cells[value->operands[0]].bits) : 0;
    double b = value->count > 1 ? as_double(value_at(i->program, value->operands[1]),
                                            i->cells[value->operands[1]].bits)
                                : 0;
    bool is_signed = value->op == OP_FPTOSI;

    switch (value->op) {
    case OP_FBINARY:
    case OP_FUNARY:
        i->result.guessed = i->result.guessed || value->sub == FLOAT_OTHER;
        to->bits = as_bits(value->width, float_result(value->sub, a, b));
        return true;
    case OP_FCMP:
        to->bits = float_compare(value->sub, a, b);
        return true;
    case OP_FCONVERT:
        to->bits = as_bits(value->width, a);
        return true;
    case OP_SITOFP:
        to->bits = as_bits(value->width,
                           (double)sign_extend(i->cells[value->operands[0]].bits, first->width));
        return true;
    case OP_UITOFP:
        to->bits = as_bits(value->width, (double)i->cells[value->operands[0]].bits);
        return true;
    default: {
        double most = ldexp(1.0, is_signed ? value->width - 1 : value->width);
        double whole = trunc(a);
        if (isnan(a) || whole >= most || whole < (is_signed ? -most : 0.0))
            return fail(i, PLACE_CONVERSION, id, value->place);
        to->bits =
            (is_signed ? (uint64_t)(int64_t)whole : (uint64_t)whole) & width_mask(value->width);
        return true;
    }
    }
}

static bool load(struct interpreter *i, vid id, const struct value *value)
{
    struct cell at = i->cells[value->operands[0]];
    unsigned bytes = value->width / 8u;

    if (!accessible(i, value->operands[0], bytes, false))
        return fail(i, PLACE_READ, id, value->place);
    i->cells[id] = (struct cell){0};
    if (value->kind == KIND_POINTER) {
        const struct object *object = &i->program->objects[at.object];
        for (uint32_t k = 0; k < object->cell_count; k++)
            if (object->cells[k].offset == at.bits)
                i->cells[id] =
                    (struct cell){(uint64_t)object->cells[k].addend, object->cells[k].object};
        return true;
    }
    memcpy(&i->cells[id].bits, i->memory[at.object] + at.bits, bytes);
    return true;
}

static bool move(struct interpreter *i, vid id, const struct value *value)
{
    struct cell to = i->cells[value->operands[0]], from = i->cells[value->operands[1]];
    uint64_t length = i->cells[value->operands[2]].bits;
    bool copy = value->op == OP_MEMCPY;

    if (!accessible(i, value->operands[0], length, true))
        return fail(i, PLACE_WRITE, id, value->place);
    if (!copy) {
        memset(i->memory[to.object] + to.bits, (int)from.bits, length);
        return true;
    }
    if (!accessible(i, value->operands[1], length, false))
        return fail(i, PLACE_READ, id, value->place);
    if (value->sub != 1 && to.object == from.object && to.bits != from.bits &&
        to.bits < from.bits + length && from.bits < to.bits + length)
        return fail(i, PLACE_OVERLAP, id, value->place);
    memmove(i->memory[to.object] + to.bits, i->memory[from.object] + from.bits, length);
    return true;
}

/* Addresses that objects would have: apart by more than any offset that is in use. */
static uint64_t address_of(struct cell cell)
{
    return ((uint64_t)cell.object << 40) + cell.bits;
}

static bool run_integer(struct interpreter *i, vid id, const struct value *value)
{
    uint64_t operands[3] = {0};

    for (unsigned k = 0; k < value->count && k < 3; k++) {
        const struct value *operand = value_at(i->program, value->operands[k]);
        struct cell cell = i->cells[value->operands[k]];
        operands[k] = operand->kind == KIND_POINTER ? address_of(cell) : cell.bits;
    }
    if (value->op == OP_ICMP && value_at(i->program, value->operands[0])->kind == KIND_POINTER) {
        i->cells[id].bits =
            predicate_holds((enum predicate)value->sub, operands[0], operands[1], 64);
        return true;
    }
    if (!operation_evaluate((enum operation)value->op, value->sub, value->width,
                            value_at(i->program, value->operands[0])->width, operands,
                            &i->cells[id].bits))
        return fail(i, value->op >= OP_SHL && value->op <= OP_ASHR ? PLACE_SHIFT : PLACE_DIVISION,
                    id, value->place);
    return true;
}

static void unknown(struct interpreter *i, vid id, const struct value *value)
{
    if (id == i->in_len && i->program->repeated) {
        i->cells[id].bits = i->input->in_len;
    } else if (id == i->out_cap && i->program->repeated) {
        i->cells[id].bits = i->input->out_cap;
    } else {
        i->cells[id].bits = value->imm2;
        i->result.guessed = true;
    }
}

static bool run_one(struct interpreter *i, vid id)
{
    const struct program *program = i->program;
    const struct value *value = value_at(program, id);
    struct cell *to = &i->cells[id];

    switch (value->op) {
    case OP_UNKNOWN:
        unknown(i, id, value);
        return true;
    case OP_BEGIN:
    case OP_END:
    case OP_PHI:
    case OP_CONST:
    case OP_OBJECT:
    case OP_NULL:
        return true;
    case OP_PTRADD:
        *to = i->cells[value->operands[0]];
        to->bits += i->cells[value->operands[1]].bits;
        return true;
    case OP_NARROW:
    case OP_BITCAST:
        *to = i->cells[value->operands[0]];
        return true;
    case OP_PTRTOINT:
        to->bits = value->sub == 1 ? i->cells[value->operands[0]].bits
                                   : address_of(i->cells[value->operands[0]]);
        to->bits &= width_mask(value->width);
        return true;
    case OP_SELECT:
        *to = i->cells[value->operands[i->cells[value->operands[0]].bits ? 1 : 2]];
        return true;
    case OP_LOAD:
        return load(i, id, value);
    case OP_STORE: {
        struct cell at = i->cells[value->operands[0]];
        if (!accessible(i, value->operands[0], value->width / 8u, true))
            return fail(i, PLACE_WRITE, id, value->place);
        memcpy(i->memory[at.object] + at.bits, &i->cells[value->operands[1]].bits,
               value->width / 8u);
        return true;
    }
    case OP_MEMSET:
    case OP_MEMCPY:
        return move(i, id, value);
    case OP_REQUIRE:
        return i->cells[value->operands[0]].bits
                   ? true
                   : fail(i, (enum place_kind)value->imm, id, value->place);
    case OP_FBINARY:
    case OP_FUNARY:
    case OP_FCMP:
    case OP_FCONVERT:
    case OP_SITOFP:
    case OP_UITOFP:
    case OP_FPTOSI:
    case OP_FPTOUI:
        return run_float(i, id, value);
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

    if (value->kind == KIND_FLOAT) {
        struct float_range f = i->facts->floats[id];
        double number = as_double(value, bits);
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
        i->scratch[count] = i->cells[value_at(i->program, block->values[count])->operands[edge]];
    for (uint32_t k = 0; k < count; k++)
        i->cells[block->values[k]] = i->scratch[k];
}

static bool leave(struct interpreter *i, uint32_t *b)
{
    const struct block *block = &i->program->blocks[*b];
    uint32_t target = 0;

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
            fail(i, PLACE_UNREACHABLE, 0, block->place);
        return false;
    }
    enter(i, *b, target);
    *b = target;
    return true;
}

static void find_buffers(struct interpreter *i)
{
    for (uint32_t k = 1; k < i->program->object_count; k++) {
        const struct object *object = &i->program->objects[k];
        if (!object->size_value)
            continue;
        i->sizes[k] = object->readonly ? i->input->in_len : i->input->out_cap;
        i->memory[k] = program_alloc((struct program *)i->program, i->sizes[k] + 8, 1);
        if (object->readonly && i->sizes[k] > 0)
            memcpy(i->memory[k], i->input->in, i->sizes[k]);
    }
}

struct run_result interpreter_call(struct interpreter *i, const struct interpreter_input *input,
                                   uint64_t steps_max)
{
    uint32_t b = i->program->entry, from = UINT32_MAX;

    i->input = input;
    i->result = (struct run_result){.end = RUN_RETURNED};
    find_buffers(i);
    for (;;) {
        const struct block *block = &i->program->blocks[b];
        i->result.block = b;
        if (i->watch && !i->watch(i, b, from, i->user)) {
            i->result.end = RUN_MISMATCH;
            return i->result;
        }
        for (uint32_t k = 0; k < block->count; k++) {
            if (!run_one(i, block->values[k]))
                return i->result;
            if (!believed(i, block->values[k])) {
                i->result.end = RUN_MISMATCH;
                i->result.value = block->values[k];
                return i->result;
            }
        }
        i->result.steps += block->count + 1;
        if (i->result.steps > steps_max) {
            i->result.end = RUN_LONG;
            return i->result;
        }
        from = b;
        if (!leave(i, &b))
            return i->result;
    }
}
