/*
 * Tests of the method itself, on a program that is proved: verify_method FILE.bc ENTRY.
 *
 *   alive     every block that a run reaches can be reached in the formula, with all invariants
 *             asserted: else "unsatisfiable" would mean nothing
 *   planted   an invariant that a run refutes is refused by the check of the final proof
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <llvm-c/IRReader.h>

#include "verify/interpret.h"
#include "verify/lower.h"
#include "verify/prove.h"

struct seen {
    bool *blocks; /* that a run reached */
};

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
}

/* Nothing that happens may be impossible in the formula. */
static unsigned check_alive(struct proof *proof, const char *file)
{
    struct encoding *e = encoding_new(proof->encoding->facts);
    struct seen seen = {program_alloc(e->program, e->program->block_count, sizeof(bool))};
    unsigned wrong = 0, count = 0;

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
    printf("%s alive %s: %u blocks reached by runs, %u of them impossible in the formula\n",
           wrong ? "not ok" : "ok", file, count, wrong);
    encoding_free(e);
    return wrong;
}

/* Each invariant made a little stronger; where a run shows that to be false the check must see it.
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
    printf("%s planted %s: %u false invariants, %u not noticed\n", missed ? "not ok" : "ok", file,
           planted, missed);
    return missed;
}

int main(int argc, char **argv)
{
    struct obligations obligations = {0};
    struct proof proof = {.obligations = &obligations, .limits = {4000000, 3000000000}};
    struct program *program = program_new();
    jmp_buf stop;

    if (argc != 3 || !program)
        return 2;
    LLVMModuleRef module = read_module(LLVMContextCreate(), argv[1]);
    const char *file = strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1];
    LLVMValueRef entry = module ? LLVMGetNamedFunction(module, argv[2]) : NULL;
    program->stop = &stop;
    if (!entry || setjmp(stop)) {
        printf("not ok method %s: it is refused\n", file);
        return 1;
    }
    lower_module(program, module, entry, 6 << 20);
    program_promote(program);
    proof.encoding = encoding_new(facts_find(program));
    proof_run(&proof);
    unsigned wrong = check_alive(&proof, file) + check_planted(&proof, file);
    encoding_free(proof.encoding);
    program_free(program);
    return wrong > 0;
}
