/*
 * Tests of the method itself: verify_method proved|arrays|places|endless|any FILE.bc ENTRY. The
 * program must be proved (with what its arrays hold; endless: but for the end of its loops), and
 * each test must find something to test; any: not so.
 *
 *   alive     every block that a run reaches can be reached in the formula, with all invariants
 *             asserted: else "unsatisfiable" would mean nothing
 *   traced    what a run computed is a model of the formula: at blocks that it reaches, the values
 *             of all that came before, as they were
 *   planted   an invariant that a run refutes is refused by the check of the final proof
 *   ranked    so is a rank that a run refutes, that may go on for ever, or that was not counted
 * right endless   (endless: this alone) so is every rank of a loop that need not end replayed  a
 * rewriting that lost an access, or gives another answer, is noticed placed    (places: this alone)
 * so is one that takes two addresses for the other way round
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <llvm-c/IRReader.h>

#include "verify/inputs.h"
#include "verify/lower.h"
#include "verify/prove.h"

struct seen {
    bool *blocks; /* that a run reached */
};

/* Must there be something to test? */
static bool strict;

static LLVMModuleRef read_module(LLVMContextRef context, const char *path)
{
    LLVMMemoryBufferRef buffer;
    LLVMModuleRef module;
    char *message = NULL;

    if (LLVMCreateMemoryBufferWithContentsOfFile(path, &buffer, &message) ||
        LLVMParseIRInContext(context, buffer, &module, &message))
        return NULL;
    return module;
}

static bool note_block(struct interpreter *interpreter, uint32_t block, uint32_t from, void *user)
{
    struct seen *seen = user;

    (void)interpreter;
    (void)from;
    seen->blocks[block] = true;
    return true;
}

static void run_some(struct proof *proof, struct seen *seen)
{
    struct interpreter *interpreter = interpreter_new(proof->encoding->facts);
    uint8_t body[64];

    if (!interpreter)
        return;
    interpreter_watch_blocks(interpreter, note_block, seen);
    for (unsigned i = 0; i < 64; i++) {
        struct interpreter_input input = {body, i, i % 3 ? 4 * i : 4096};
        for (unsigned k = 0; k < i; k++)
            body[k] = (uint8_t)(i * 37 + k * (i % 5) * 29);
        interpreter_call(interpreter, &input, 4000);
    }
    struct inputs inputs;
    inputs_begin(&inputs, proof->encoding->program, 3);
    for (unsigned i = 0; i < 200; i++) {
        struct interpreter_input input = inputs_next(&inputs);
        interpreter_call(interpreter, &input, 4000);
    }
}

/* All that is known of arrays, whatever is asked. */
static void know_contents(struct encoding *e, const struct proof *proof)
{
    contents_attach(e, proof->encoding->contents);
    if (e->now)
        term_assert(e, NULL, term_lt(e, term_number(e, UINT32_MAX), e->now));
}

/* Nothing that happens may be impossible in the formula. */
static unsigned check_alive(struct proof *proof, const char *file)
{
    struct encoding *e = encoding_new(proof->encoding->facts);
    struct seen seen = {program_alloc(e->program, e->program->block_count, sizeof(bool))};
    unsigned wrong = 0, count = 0;

    know_contents(e, proof);
    run_some(proof, &seen);
    for (uint32_t i = 0; i < proof->invariants.count; i++)
        if (proof->invariants.items[i].alive)
            term_assert(e, encode_reached(e, proof->invariants.items[i].header),
                        invariant_now(e, &proof->invariants.items[i]));
    /* All that the obligations add to the formula is in it, too. */
    for (uint32_t i = 0; i < proof->obligations->count; i++)
        (void)obligation_violation(e, &proof->obligations->items[i]);
    for (uint32_t b = 0; b < e->program->block_count; b++) {
        if (!seen.blocks[b])
            continue;
        Z3_ast reached = encode_reached(e, b);
        Z3_ast literal = term_fresh_bool(e);
        term_assert(e, literal, reached);
        count++;
        if (Z3_solver_check_assumptions(e->z3, e->solver, 1, &literal) == Z3_L_FALSE)
            wrong++;
    }
    wrong += strict && count < 3;
    printf("%s alive %s: %u of %u blocks reached by runs, %u impossible in the formula\n",
           wrong ? "not ok" : "ok", file, count, e->program->order_count, wrong);
    encoding_free(e);
    return wrong;
}

struct trace {
    struct encoding *e;
    unsigned seen, checked, wrong;
};

static void assert_block(struct trace *trace, struct interpreter *interpreter, uint32_t b,
                         bool phis_only)
{
    struct encoding *e = trace->e;
    const struct block *block = &e->program->blocks[b];

    for (uint32_t i = 0; i < block->count; i++) {
        vid v = block->values[i];
        const struct value *value = value_at(e->program, v);
        uint64_t bits = interpreter_value(interpreter, v);
        if (phis_only && value->op != OP_PHI)
            continue;
        if (value->kind == KIND_POINTER)
            term_assert(e, NULL, term_eq(e, encode_offset(e, v), term_number(e, (int64_t)bits)));
        else if (value->kind == KIND_INT && value->width == 1)
            term_assert(e, NULL, bits ? encode_bool(e, v) : term_not(e, encode_bool(e, v)));
        else if (value->kind == KIND_INT && value->op != OP_PTRTOINT)
            term_assert(e, NULL, term_eq(e, encode_view(e, v, false), term_number(e, bits)));
    }
}

static bool check_state(struct interpreter *interpreter, uint32_t block, uint32_t from, void *user)
{
    struct trace *trace = user;
    struct encoding *e = trace->e;

    (void)from;
    if (trace->checked >= 60 || trace->seen++ % 7 != 0)
        return true;
    trace->checked++;
    /* Encoded first, asserted then: definitions outlive the pop. */
    for (uint32_t b = block;; b = e->program->blocks[b].dominator) {
        for (uint32_t i = 0; i < e->program->blocks[b].count; i++) {
            vid v = e->program->blocks[b].values[i];
            const struct value *value = value_at(e->program, v);
            if (value->kind == KIND_POINTER)
                (void)encode_offset(e, v);
            else if (value->kind == KIND_INT)
                (void)(value->width == 1 ? encode_bool(e, v) : encode_view(e, v, false));
        }
        if (b == e->program->entry)
            break;
    }
    Z3_ast reached = encode_reached(e, block);
    Z3_solver_push(e->z3, e->solver);
    term_assert(e, NULL, reached);
    assert_block(trace, interpreter, block, true);
    for (uint32_t b = block; b != e->program->entry;) {
        b = e->program->blocks[b].dominator;
        assert_block(trace, interpreter, b, false);
    }
    trace->wrong += Z3_solver_check(e->z3, e->solver) == Z3_L_FALSE;
    Z3_solver_pop(e->z3, e->solver, 1);
    return true;
}

/* What happened must be possible, value by value, with all invariants asserted. */
static unsigned check_traced(struct proof *proof, const char *file)
{
    struct trace trace = {.e = encoding_new(proof->encoding->facts)};
    struct interpreter *interpreter = interpreter_new(proof->encoding->facts);
    uint8_t body[96];

    know_contents(trace.e, proof);
    for (uint32_t i = 0; i < proof->invariants.count; i++)
        if (proof->invariants.items[i].alive)
            term_assert(trace.e, encode_reached(trace.e, proof->invariants.items[i].header),
                        invariant_now(trace.e, &proof->invariants.items[i]));
    if (interpreter)
        interpreter_watch_blocks(interpreter, check_state, &trace);
    for (unsigned i = 0; interpreter && i < 24; i++) {
        struct interpreter_input input = {body, 4 * i, i % 3 ? 4 * i : 4096};
        for (unsigned k = 0; k < input.in_len; k++)
            body[k] = (uint8_t)(i * 37 + k * (i % 5) * 29);
        interpreter_call(interpreter, &input, 3000);
    }
    trace.wrong += strict && trace.checked < 20;
    printf("%s traced %s: %u states of runs, %u of them impossible in the formula\n",
           trace.wrong ? "not ok" : "ok", file, trace.checked, trace.wrong);
    encoding_free(trace.e);
    return trace.wrong;
}

/* Each invariant, and what each array holds, made a little stronger; where a run shows that to be
 * false the check must see it.
 */
static unsigned check_planted(struct proof *proof, const char *file)
{
    unsigned planted = 0, missed = 0;

    for (uint32_t i = 0; i < proof->invariants.count && planted < 12; i++) {
        struct invariant *invariant = &proof->invariants.items[i];
        if (!invariant->alive)
            continue;
        for (int64_t by = 1; by <= 4096 && planted < 12; by *= 64) {
            invariant->form.constant -= by;
            if (!proof_rehearse(proof, 40, true)) {
                planted++;
                missed += proof_check_again(proof) == 0;
            }
            invariant->form.constant += by;
        }
    }
    struct contents *contents = proof->encoding->contents;
    for (uint32_t i = 0; contents && i < contents_count(contents) && planted < 24; i++)
        for (int64_t by = 1; by <= 4096; by *= 64) {
            if (contents_move(contents, i, -by) && !proof_rehearse(proof, 60, true)) {
                planted++;
                missed += proof_check_again(proof) == 0;
            }
            contents_move(contents, i, by);
        }
    bool good = missed == 0 && (planted > 0 || !strict);
    printf("%s planted %s: %u false invariants, %u not noticed\n", good ? "ok" : "not ok", file,
           planted, missed);
    return !good;
}

/* Forms that a rank may be made of: what changes in the loop, rising and falling, and its rounds.
 */
static unsigned list_forms(const struct encoding *e, uint32_t header, struct affine *ret,
                           unsigned room)
{
    const struct block *block = &e->program->blocks[header];
    unsigned count = 0;

    for (uint32_t i = 0; i <= block->count; i++) {
        vid v = i < block->count ? block->values[i] : 0;
        const struct value *value = value_at(e->program, v);
        if (v && (value->op != OP_PHI || value->width < 8 ||
                  (value->kind != KIND_INT && value->kind != KIND_POINTER)))
            continue;
        for (int sign = -1; sign <= 1 && count < room; sign += 2) {
            ret[count] = (struct affine){0};
            affine_add_term(&ret[count++], v, sign);
        }
    }
    return count;
}

/* With the widest bounds that can be right; of rounds there are none. */
static struct rank make_rank(const struct encoding *e, const struct affine *first,
                             const struct affine *second)
{
    struct rank rank = {.forms = {*first}, .count = second ? 2 : 1};

    if (second)
        rank.forms[1] = *second;
    for (unsigned i = 0; i < rank.count; i++)
        if (!affine_between(e, &rank.forms[i], &rank.low[i], &rank.high[i])) {
            rank.low[i] = -((__int128)1 << 40);
            rank.high[i] = (__int128)1 << 40;
        }
    rank.most = rank_most(&rank);
    return rank;
}

struct planting {
    struct proof *proof;
    struct rank *rank; /* the right one, while others take its place */
    bool right_some;   /* only what a run refutes is known to be wrong */
    unsigned planted, missed;
};

static void plant_rank(struct planting *p, struct rank wrong)
{
    struct rank right = *p->rank;

    *p->rank = wrong;
    if (!p->right_some || !proof_rehearse(p->proof, 40, true)) {
        p->planted++;
        p->missed += proof_check_again(p->proof) == 0;
    }
    *p->rank = right;
}

static void plant_forms(struct planting *p, uint32_t header, unsigned most)
{
    const struct encoding *e = p->proof->encoding;
    struct affine forms[8];
    unsigned count = list_forms(e, header, forms, 8), before = p->planted;

    for (unsigned i = 0; i < count && p->planted - before < most; i++)
        plant_rank(p, make_rank(e, &forms[i], NULL));
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < count && p->planted - before < 2 * most; k++)
            if (i / 2 != k / 2)
                plant_rank(p, make_rank(e, &forms[i], &forms[k]));
}

/* Wrong forms; right ones with too close bounds, and with too few rounds; none at all. */
static unsigned check_ranked(struct proof *proof, const char *file)
{
    unsigned planted = 0, missed = 0, loops = 0;

    for (uint32_t b = 0; b < proof->encoding->program->block_count && planted < 40; b++) {
        struct rank *rank = &proof->ranks[b];
        struct planting p = {.proof = proof, .rank = rank, .right_some = true};
        if (rank->count == 0)
            continue;
        loops++;
        plant_forms(&p, b, 4);
        for (unsigned i = 0; i < 2 * rank->count; i++) {
            struct rank closer = *rank;
            if (i % 2)
                closer.low[i / 2] = closer.high[i / 2];
            else
                closer.high[i / 2] = closer.low[i / 2];
            closer.most = rank_most(&closer);
            plant_rank(&p, closer);
        }
        p.right_some = false;
        struct rank fewer = *rank;
        fewer.most--;
        plant_rank(&p, fewer);
        plant_rank(&p, (struct rank){0});
        planted += p.planted;
        missed += p.missed;
    }
    bool good = missed == 0 && (planted > 2 * loops || !strict) && proof_check_again(proof) == 0;
    printf("%s ranked %s: %u loops, %u wrong ranks, %u not noticed\n", good ? "ok" : "not ok", file,
           loops, planted, missed);
    return !good;
}

/* Of a loop that need not end all are wrong, also those that no run refutes. */
static unsigned check_endless(struct proof *proof, const char *file, const char *entry)
{
    unsigned planted = 0, missed = 0, others = 0;
    bool quiet = proof_check_again(proof) == 0;

    for (uint32_t i = 0; i < proof->obligations->count; i++) {
        struct obligation *o = &proof->obligations->items[i];
        struct planting p = {.proof = proof, .rank = &proof->ranks[o->block]};
        if (o->state == OBLIGATION_PROVED)
            continue;
        if (o->kind != PLACE_TERMINATION) {
            others++;
            continue;
        }
        o->state = OBLIGATION_PROVED;
        o->prover = "Z3";
        plant_forms(&p, o->block, UINT16_MAX);
        o->state = OBLIGATION_FAILED;
        planted += p.planted;
        missed += p.missed;
    }
    bool good = quiet && others == 0 && missed == 0 && planted > 0;
    printf("%s endless %s %s: %u ranks, %u not noticed, %u others open\n", good ? "ok" : "not ok",
           file, entry, planted, missed, others);
    return !good;
}

static bool count_block(struct interpreter *interpreter, uint32_t block, uint32_t from, void *user)
{
    unsigned *times = user;

    (void)interpreter;
    (void)from;
    times[block]++;
    return true;
}

/* Each access that every call makes, as if it had been one of nothing; then another answer. */
static unsigned check_replayed(struct proof *proof, const char *file)
{
    struct program *original = proof->original;
    unsigned *times = program_alloc(original, original->block_count, sizeof *times);
    struct interpreter *interpreter = interpreter_new(facts_none(original));
    struct interpreter_input input = {(const uint8_t *)"", 0, 0};
    unsigned planted = 0, missed = 0;

    interpreter_watch_blocks(interpreter, count_block, times);
    interpreter_call(interpreter, &input, 4000);
    for (uint32_t b = 0; b < original->block_count; b++) {
        struct block *block = &original->blocks[b];
        for (uint32_t i = 0; times[b] > 0 && planted < 12 && i < block->count; i++) {
            struct value *value = value_at(original, block->values[i]);
            if (value->op != OP_LOAD && value->op != OP_STORE)
                continue;
            vid pointer = value->operands[0];
            value->operands[0] = 0;
            planted++;
            missed += proof_replay(proof);
            value->operands[0] = pointer;
        }
        if (block->exit != EXIT_RETURN || times[b] == 0)
            continue;
        vid answer = block->condition;
        block->condition = original->out_capacity;
        planted++;
        missed += proof_replay(proof);
        block->condition = answer;
    }
    missed += !proof_replay(proof);
    printf("%s replayed %s: %u rewritings planted, %u not noticed\n",
           missed || planted < 3 ? "not ok" : "ok", file, planted, missed);
    return missed || planted < 3;
}

/* Each order of two addresses turned round: the runs, in which variables lie anywhere, must see it.
 */
static unsigned check_placed(struct proof *proof, const char *file)
{
    struct program *program = proof->encoding->program;
    unsigned planted = 0, missed = 0;

    for (vid v = 1; v < program->value_count; v++) {
        struct value *value = value_at(program, v);
        if (value->op != OP_ICMP || value_at(program, value->operands[0])->kind != KIND_POINTER)
            continue;
        value->sub = predicate_negate((enum predicate)value->sub);
        planted++;
        missed += proof_replay(proof);
        value->sub = predicate_negate((enum predicate)value->sub);
    }
    printf("%s placed %s: %u orders turned round, %u not noticed\n",
           missed || planted == 0 ? "not ok" : "ok", file, planted, missed);
    return missed || planted == 0;
}

int main(int argc, char **argv)
{
    struct obligations obligations = {0};
    struct proof proof = {.obligations = &obligations, .limits = {4000000, 3000000000}};
    struct program *program = program_new();
    jmp_buf stop;

    if (argc != 4 || !program)
        return 2;
    LLVMModuleRef module = read_module(LLVMContextCreate(), argv[2]);
    const char *file = strrchr(argv[2], '/') ? strrchr(argv[2], '/') + 1 : argv[2];
    LLVMValueRef entry = module ? LLVMGetNamedFunction(module, argv[3]) : NULL;
    bool endless = strcmp(argv[1], "endless") == 0;
    strict = strcmp(argv[1], "any") != 0 && !endless;
    program->stop = &stop;
    if (!entry || setjmp(stop)) {
        printf("not ok method %s: it is refused\n", file);
        return 1;
    }
    lower_module(program, module, entry, 6 << 20);
    proof.original = program_copy(program);
    program_promote(program);
    proof.encoding = encoding_new(facts_find(program));
    proof.follows_arrays = strcmp(argv[1], "arrays") == 0;
    proof_run(&proof);
    uint32_t open = 0;
    for (uint32_t i = 0; i < obligations.count; i++)
        open += obligations.items[i].state != OBLIGATION_PROVED;
    if (strict && (open > 0 || obligations.count == 0))
        printf("not ok method %s: %u of %u obligations are open\n", file, open, obligations.count);
    unsigned wrong = strcmp(argv[1], "places") == 0 ? check_placed(&proof, file)
                     : endless                      ? check_endless(&proof, file, argv[3])
                               : check_alive(&proof, file) + check_traced(&proof, file) +
                                     check_planted(&proof, file) + check_ranked(&proof, file) +
                                     check_replayed(&proof, file);
    encoding_free(proof.encoding);
    program_free(program);
    return wrong > 0 || (strict && open > 0);
}
