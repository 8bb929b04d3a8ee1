/* Reads modules, finds the entry, runs the stages one by one. */
#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Core.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Linker.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "verify/lower.h"
#include "verify/normalise.h"
#include "verify/promote.h"
#include "verify/report.h"
#include "verify/undefined.h"
#include "verify/verify.h"

/* Terms and pointers are walked by recursion: as deep as programs are long. */
#define STACK_BYTES ((size_t)512 << 20)
/* Units of Z3's work: hard queries use some 200,000 a second, easy ones millions. */
#define QUERY_LIMIT 500000
#define TOTAL_LIMIT UINT64_C(5000000)

struct run {
    const struct verify_options *options;
    LLVMContextRef context;
    LLVMModuleRef module;
    struct report report;
    struct verify_result made;
    int result;
};

static void say(struct run *run, const char *what, char *message)
{
    run->report.verdict = VERIFY_BAD_INPUT;
    char *end = message ? strchr(message, '\n') : NULL;
    if (end)
        *end = '\0';
    snprintf(run->report.reason, sizeof run->report.reason, "%s%s%s", what, message ? ": " : "",
             message ? message : "");
    LLVMDisposeMessage(message);
}

/* What LLVM would print goes into the report's reason, if it is an error. */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *user)
{
    struct run *run = user;
    char *text = LLVMGetDiagInfoDescription(info);

    if (LLVMGetDiagInfoSeverity(info) == LLVMDSError)
        snprintf(run->report.reason, sizeof run->report.reason, "%s", text);
    LLVMDisposeMessage(text);
}

static bool read_one(struct run *run, const struct verify_input *input, LLVMModuleRef *ret)
{
    char *message = NULL;
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy(input->bytes, input->size, input->name);

    if (LLVMParseIRInContext(run->context, buffer, ret, &message)) {
        say(run, "it is not IR that LLVM 14 reads", message);
        return false;
    }
    LLVMDisposeMessage(message);
    message = NULL;
    if (LLVMVerifyModule(*ret, LLVMReturnStatusAction, &message)) {
        say(run, "it is not IR that LLVM accepts", message);
        return false;
    }
    LLVMDisposeMessage(message);
    return true;
}

/* Of the base library, what is wanted and not defined already; and what that calls, by itself. */
static void drop_defined(LLVMModuleRef base, LLVMModuleRef module)
{
    LLVMValueRef next;
    size_t length;
    bool dropped = true;

    for (LLVMValueRef f = LLVMGetFirstFunction(base); f; f = LLVMGetNextFunction(f)) {
        LLVMValueRef other = LLVMGetNamedFunction(module, LLVMGetValueName2(f, &length));
        bool wanted = other && LLVMIsDeclaration(other) &&
                      LLVMGlobalGetValueType(other) == LLVMGlobalGetValueType(f);
        if (!LLVMIsDeclaration(f) && !wanted)
            LLVMSetLinkage(f, LLVMInternalLinkage);
    }
    while (dropped) {
        dropped = false;
        for (LLVMValueRef f = LLVMGetFirstFunction(base); f; f = next) {
            next = LLVMGetNextFunction(f);
            if (LLVMGetLinkage(f) != LLVMInternalLinkage || LLVMGetFirstUse(f))
                continue;
            LLVMDeleteFunction(f);
            dropped = true;
        }
    }
}

static bool read_modules(struct run *run)
{
    for (size_t i = 0; i < run->options->input_count; i++) {
        LLVMModuleRef one;
        if (!read_one(run, &run->options->inputs[i], &one))
            return false;
        if (run->module && strcmp(run->options->inputs[i].name, VERIFY_BASE_NAME) == 0)
            drop_defined(one, run->module);
        if (!run->module) {
            run->module = one;
        } else if (LLVMLinkModules2(run->module, one)) {
            say(run, "the sources don't fit together", NULL);
            return false;
        }
    }
    if (!run->module) {
        say(run, "there is nothing to verify", NULL);
        return false;
    }
    define_undefined(run->module);
    return true;
}

/* Where fields lie is what the code generator takes it to be. */
static bool is_x86_64(LLVMModuleRef module)
{
    return strcmp(LLVMGetDataLayoutStr(module), "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-"
                                                "f80:128-n8:16:32:64-S128") == 0;
}

static LLVMValueRef find_entry(struct run *run)
{
    static const char *const usual[] = {"handler", "main"};
    const char *wanted = run->options->entry;
    LLVMValueRef found = NULL;

    if (wanted && *wanted) {
        run->report.entry = wanted;
        found = LLVMGetNamedFunction(run->module, wanted);
    } else {
        for (size_t i = 0; i < ARRAY_LEN(usual) && !found; i++) {
            LLVMValueRef function = LLVMGetNamedFunction(run->module, usual[i]);
            if (function && !LLVMIsDeclaration(function)) {
                found = function;
                run->report.entry = usual[i];
            }
        }
    }
    if (found && !LLVMIsDeclaration(found))
        return found;
    char reason[300];
    snprintf(reason, sizeof reason,
             wanted && *wanted ? "it does not define the function '%s'"
                               : "it defines neither 'handler' nor 'main'%s",
             wanted && *wanted ? wanted : "");
    say(run, reason, NULL);
    return NULL;
}

/*
 * What is verified is what the bytes say that code is made of: the module is rewritten, written
 * out, and read again. NULL with a reason.
 */
static LLVMValueRef rewrite_module(struct run *run, LLVMValueRef entry)
{
    LLVMModuleRef again = NULL;
    size_t length;
    char *name = strdup(LLVMGetValueName2(entry, &length));

    normalise_module(run->module, entry);
    LLVMMemoryBufferRef buffer = LLVMWriteBitcodeToMemoryBuffer(run->module);
    run->made.ir_size = LLVMGetBufferSize(buffer);
    run->made.ir = malloc(run->made.ir_size);
    if (!name || !run->made.ir) {
        free(name);
        LLVMDisposeMemoryBuffer(buffer);
        run->result = -ENOMEM;
        return NULL;
    }
    memcpy(run->made.ir, LLVMGetBufferStart(buffer), run->made.ir_size);
    LLVMDisposeMemoryBuffer(buffer);
    LLVMDisposeModule(run->module);
    run->module = NULL;
    struct verify_input input = {run->made.ir, run->made.ir_size, "rewritten"};
    entry = read_one(run, &input, &again) ? LLVMGetNamedFunction(again, name) : NULL;
    run->module = again;
    free(name);
    return entry;
}

static void note_facts(struct run *run, const struct program *program, const struct proof *proof)
{
    struct verify_facts *facts = &run->made.facts;

    facts->repeated = program->repeated;
    facts->stack_bytes = program->stack_bytes;
    facts->instructions = proof ? proof->bound : 0;
    facts->ns = proof ? proof->bound_ns : UINT64_MAX;
    report_reason(&run->report, facts->reason, sizeof facts->reason);
}

static uint32_t count_values(const struct program *program)
{
    uint32_t count = 0;

    for (uint32_t n = 0; n < program->order_count; n++)
        count += program->blocks[program->order[n]].count;
    return count;
}

static bool all_proved(const struct proof *proof)
{
    for (uint32_t i = 0; i < proof->obligations->count; i++)
        if (proof->obligations->items[i].state != OBLIGATION_PROVED)
            return false;
    /* Without obligations none can fail: that a second look found otherwise stands beside them. */
    return proof->bound != UINT64_MAX && !proof->contradicted;
}

/* Everything that may refuse; false: it did, and the program says why. */
static bool prove(struct run *run, struct program *program, LLVMValueRef entry, struct proof *proof)
{
    jmp_buf stop;

    program->stop = &stop;
    program->library_folder = run->options->library_folder;
    if (setjmp(stop))
        return false;
    proof->obligations = program_alloc(program, 1, sizeof *proof->obligations);
    lower_module(program, run->module, entry, run->options->buffer_max);
    proof->original = program_copy(program);
    program_promote(program);
    run->report.instructions = count_values(program);
    struct facts *facts = program->only_run ? facts_none(program) : facts_find(program);
    proof->encoding = encoding_new(facts);
    if (!program->only_run)
        proof_run(proof);
    else if (!proof_run_alone(proof))
        program_refuse_all_but_run(program);
    return true;
}

struct attempt {
    struct program *program;
    struct proof proof;
};

static void end_attempt(struct attempt *attempt)
{
    encoding_free(attempt->proof.encoding);
    program_free(attempt->program);
}

/* What an attempt does beside what each does. */
struct means {
    enum unrolling unrolls; /* writes loops of known rounds out */
    bool arrays;            /* asks what arrays hold */
    bool answers;           /* follows what functions answer to where it is asked for */
    bool texts;             /* follows where texts end */
    bool after_texts;       /* the same has been tried before, if no texts were followed there */
    unsigned share;         /* only where the first attempt took less than that of the limit */
};

static bool begin_attempt(struct run *run, struct attempt *attempt, struct means means)
{
    *attempt = (struct attempt){.program = program_new()};
    if (!attempt->program) {
        run->result = -ENOMEM;
        return false;
    }
    attempt->program->unrolls = means.unrolls;
    attempt->program->follows_answers = means.answers;
    attempt->program->follows_texts = means.texts;
    attempt->proof = (struct proof){
        .limits = {.step = run->options->query_limit ? run->options->query_limit : QUERY_LIMIT,
                   .total = run->options->total_limit ? run->options->total_limit : TOTAL_LIMIT},
        .follows_arrays = means.arrays};
    return true;
}

/* Nothing shows that it is unsafe, and the first attempt did not cost too much. */
static bool may_try_again(const struct proof *proof, struct means means)
{
    return !all_proved(proof) && !proof->example.found && !proof->contradicted &&
           !proof->exhausted && proof->spent < proof->limits.total / means.share;
}

/* Once more, by other means: in place of the first attempt, if it is proved so (or shows a defect
 * of the verifier). Were texts followed? */
static bool try_again(struct run *run, LLVMValueRef entry, struct attempt *first,
                      struct means means)
{
    struct attempt again;

    if (!begin_attempt(run, &again, means))
        return false;
    again.proof.limits.total /= 4;
    bool done = prove(run, again.program, entry, &again.proof);
    bool better = done && (all_proved(&again.proof) || again.proof.contradicted);
    bool texts = again.program->has_texts;
    end_attempt(better ? first : &again);
    if (better)
        *first = again;
    return texts;
}

static const struct means MORE[] = {
    {.unrolls = UNROLL_DIGITS, .answers = true, .texts = true, .share = 1},
    {.unrolls = UNROLL_DIGITS, .answers = true, .after_texts = true, .share = 2},
    {.unrolls = UNROLL_ALL, .share = 4},
    {.unrolls = UNROLL_DIGITS, .arrays = true, .share = 4},
};

static void *run_stages(void *argument)
{
    struct run *run = argument;

    run->context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(run->context, on_diagnostic, run);
    LLVMValueRef entry = read_modules(run) && is_x86_64(run->module) ? find_entry(run) : NULL;
    if (entry)
        entry = rewrite_module(run, entry);
    if (!entry) {
        if (run->result < 0)
            return NULL;
        if (!run->report.reason[0])
            say(run, "it is not for x86-64", NULL);
        run->report.verdict = VERIFY_BAD_INPUT;
        run->made.json = report_json(&run->report);
        snprintf(run->made.facts.reason, sizeof run->made.facts.reason, "%.255s",
                 run->report.reason);
        return NULL;
    }
    struct attempt attempt;
    if (!begin_attempt(run, &attempt, (struct means){0}))
        return NULL;
    bool done = prove(run, attempt.program, entry, &attempt.proof);
    bool texts = true;
    for (size_t i = 0; i < sizeof MORE / sizeof *MORE; i++)
        if (done && (texts || !MORE[i].after_texts) && may_try_again(&attempt.proof, MORE[i])) {
            bool followed = try_again(run, entry, &attempt, MORE[i]);
            if (MORE[i].texts)
                texts = followed;
        }
    struct program *program = attempt.program;
    struct proof proof = attempt.proof;
    if (program->out_of_memory)
        run->result = -ENOMEM;
    run->report.program = program;
    run->report.proof = done ? &proof : NULL;
    run->report.verdict = done && all_proved(&proof) ? VERIFY_PROVED : VERIFY_NOT_PROVED;
    run->made.json = report_json(&run->report);
    note_facts(run, program, run->report.proof);
    end_attempt(&attempt);
    return NULL;
}

int verify_prove(const struct verify_options *options, struct verify_result *ret_result,
                 struct err *err)
{
    struct run run = {.options = options};
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int r = pthread_create(&thread, &attributes, run_stages, &run);
    pthread_attr_destroy(&attributes);
    if (r != 0)
        return err_set(err, -r, "cannot verify '%s'",
                       options->input_count ? options->inputs[0].name : "");
    pthread_join(thread, NULL);
    if (run.module)
        LLVMDisposeModule(run.module);
    if (run.context)
        LLVMContextDispose(run.context);
    if (run.result < 0 || !run.made.json) {
        free(run.made.json);
        free(run.made.ir);
        return err_set(err, run.result < 0 ? run.result : -ENOMEM, "cannot verify '%s'",
                       options->input_count ? options->inputs[0].name : "");
    }
    run.made.facts.verdict = (uint32_t)run.report.verdict;
    snprintf(run.made.facts.entry, sizeof run.made.facts.entry, "%s",
             run.report.entry ? run.report.entry : "");
    *ret_result = run.made;
    return (int)run.report.verdict;
}

int verify_run(const struct verify_options *options, char **ret_json, struct err *err)
{
    struct verify_result result = {0};
    int r = verify_prove(options, &result, err);

    free(result.ir);
    if (r >= 0)
        *ret_json = result.json;
    return r;
}
