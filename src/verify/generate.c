/*
 * Between the verified IR and the code generator: names are taken away, so that nothing is mistaken
 * for the C library's function of that name; what our own machine promises is added (no exceptions,
 * a stack that is probed, functions of mathematics without side effects); LLVM optimises. Nothing
 * that the verifier did not prove is told to it.
 */
#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Error.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "verify/generate.h"

#define TRIPLE "x86_64-pc-linux-gnu"
/* As translated code has it: every x86-64 since 2009. */
#define CPU "x86-64-v2"
/* By itself LLVM schedules for the first of them, and rotates by "shld", which takes others eight
 * times as long. */
#define TUNE "generic"

/* Of musl, which keeps no errno for them: they depend on their arguments alone. */
static const char *const PURE[] = {
    "sqrt",      "fabs",     "floor", "ceil",   "trunc",  "round", "rint",       "nearbyint",
    "fmod",      "copysign", "fmin",  "fmax",   "fma",    "exp",   "exp2",       "log",
    "log2",      "log10",    "pow",   "sin",    "cos",    "tan",   "asin",       "acos",
    "atan",      "atan2",    "sinh",  "cosh",   "tanh",   "hypot", "cbrt",       "sqrtf",
    "fabsf",     "floorf",   "ceilf", "truncf", "roundf", "rintf", "nearbyintf", "fmodf",
    "copysignf", "fminf",    "fmaxf", "fmaf",   "expf",   "exp2f", "logf",       "log2f",
    "log10f",    "powf",     "sinf",  "cosf",   "tanf",   "asinf", "acosf",      "atanf",
    "atan2f",    "sinhf",    "coshf", "tanhf",  "hypotf", "cbrtf", "abs",        "labs",
};

struct generation {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMTargetMachineRef machine;
    struct err *err;
};

static int refuse(const struct generation *generation, const char *what, const char *name)
{
    return err_say(generation->err, -EINVAL, "cannot make code of the verified IR: %s%s%s", what,
                   name ? " " : "", name ? name : "");
}

static void add_attribute(LLVMContextRef context, LLVMValueRef function, const char *name)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(context, kind, 0));
}

static void add_text(LLVMContextRef context, LLVMValueRef function, const char *name,
                     const char *value)
{
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex,
                            LLVMCreateStringAttribute(context, name, (unsigned)strlen(name), value,
                                                      (unsigned)strlen(value)));
}

/* No frame steps over the guard of the call stack; a table of jumps would be data that says where
 * to go. */
static void add_machine(LLVMContextRef context, LLVMValueRef function)
{
    add_attribute(context, function, "nounwind");
    add_text(context, function, "target-cpu", CPU);
    add_text(context, function, "tune-cpu", TUNE);
    add_text(context, function, "probe-stack", "inline-asm");
    add_text(context, function, "no-jump-tables", "true");
}

static bool is_pure(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(PURE); i++)
        if (strcmp(name, PURE[i]) == 0)
            return true;
    return false;
}

/* It was proved that nobody comes there; should somebody, the machine stops. */
static void define_stop(const struct generation *generation, LLVMValueRef function)
{
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(generation->context);
    unsigned id = LLVMLookupIntrinsicID("llvm.trap", 9);
    LLVMValueRef trap = LLVMGetIntrinsicDeclaration(generation->module, id, NULL, 0);

    LLVMPositionBuilderAtEnd(builder,
                             LLVMAppendBasicBlockInContext(generation->context, function, "stop"));
    LLVMBuildCall2(builder, LLVMGlobalGetValueType(trap), trap, NULL, 0, "");
    LLVMBuildUnreachable(builder);
    LLVMDisposeBuilder(builder);
    LLVMSetLinkage(function, LLVMInternalLinkage);
}

/* Every attribute that is still there was looked at: one only, that has a meaning of its own. */
static bool has_promises(LLVMValueRef function)
{
    unsigned byval = LLVMGetEnumAttributeKindForName("byval", 5);

    if (LLVMGetAttributeCountAtIndex(function, LLVMAttributeFunctionIndex) > 0)
        return true;
    for (unsigned i = 0; i <= LLVMCountParams(function); i++) {
        LLVMAttributeRef only[1];
        unsigned count = LLVMGetAttributeCountAtIndex(function, i);
        if (count == 0)
            continue;
        if (count > 1)
            return true;
        LLVMGetAttributesAtIndex(function, i, only);
        if (LLVMIsStringAttribute(only[0]) || LLVMGetEnumAttributeKind(only[0]) != byval)
            return true;
    }
    return false;
}

static int prepare_functions(const struct generation *generation)
{
    char name[32];
    size_t length;
    unsigned number = 0;

    for (LLVMValueRef f = LLVMGetFirstFunction(generation->module); f; f = LLVMGetNextFunction(f)) {
        const char *old = LLVMGetValueName2(f, &length);
        if (LLVMGetIntrinsicID(f) != 0)
            continue;
        if (has_promises(f))
            return refuse(generation, "there are attributes at", old);
        if (LLVMIsDeclaration(f)) {
            add_attribute(generation->context, f, "nounwind");
            if (strcmp(old, "abort") == 0 || strcmp(old, "__assert_fail") == 0) {
                define_stop(generation, f);
            } else if (is_pure(old)) {
                add_attribute(generation->context, f, "readnone");
                add_attribute(generation->context, f, "willreturn");
            }
        }
        if (LLVMIsDeclaration(f))
            continue;
        add_machine(generation->context, f);
        snprintf(name, sizeof name, "f%u", number++);
        LLVMSetValueName2(f, name, strlen(name));
        LLVMSetLinkage(f, LLVMInternalLinkage);
    }
    for (LLVMValueRef g = LLVMGetFirstGlobal(generation->module); g; g = LLVMGetNextGlobal(g)) {
        if (!LLVMGetInitializer(g))
            return refuse(generation,
                          "it names a variable outside:", LLVMGetValueName2(g, &length));
        snprintf(name, sizeof name, "g%u", number++);
        LLVMSetValueName2(g, name, strlen(name));
    }
    return 0;
}

/* The handler as the guest calls it, whatever widths its author chose. */
static int add_entry(const struct generation *generation, LLVMValueRef handler, const char *name)
{
    LLVMContextRef context = generation->context;
    LLVMTypeRef bytes = LLVMPointerType(LLVMInt8TypeInContext(context), 0);
    LLVMTypeRef number = LLVMInt64TypeInContext(context);
    LLVMTypeRef parameters[] = {bytes, number, bytes, number};
    LLVMTypeRef its = LLVMGlobalGetValueType(handler), result = LLVMGetReturnType(its);
    LLVMTypeRef wanted[4];
    LLVMValueRef arguments[4];

    if (LLVMGetTypeKind(result) != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(result) < 32 ||
        LLVMGetIntTypeWidth(result) > 64 || LLVMCountParamTypes(its) != 4)
        return refuse(generation,
                      "the handler is not int64_t (const uint8_t *, size_t, uint8_t *, "
                      "size_t)",
                      NULL);
    LLVMValueRef entry =
        LLVMAddFunction(generation->module, name, LLVMFunctionType(number, parameters, 4, 0));
    LLVMSetVisibility(entry, LLVMHiddenVisibility);
    add_machine(context, entry);
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(context);
    LLVMPositionBuilderAtEnd(builder, LLVMAppendBasicBlockInContext(context, entry, "entry"));
    LLVMGetParamTypes(its, wanted);
    for (unsigned i = 0; i < 4; i++) {
        arguments[i] = LLVMGetParam(entry, i);
        if (i % 2 == 0)
            arguments[i] = LLVMBuildBitCast(builder, arguments[i], wanted[i], "");
        else
            arguments[i] = LLVMBuildIntCast2(builder, arguments[i], wanted[i], 0, "");
    }
    LLVMValueRef answer = LLVMBuildCall2(builder, its, handler, arguments, 4, "");
    LLVMBuildRet(builder, LLVMBuildIntCast2(builder, answer, number, 1, ""));
    LLVMDisposeBuilder(builder);
    return 0;
}

static int read_module(struct generation *generation, const void *ir, size_t ir_size)
{
    char *message = NULL;
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(ir, ir_size, "verified");

    bool bad = LLVMParseBitcodeInContext2(generation->context, buffer, &generation->module);
    LLVMDisposeMemoryBuffer(buffer);
    if (bad || LLVMVerifyModule(generation->module, LLVMReturnStatusAction, &message)) {
        LLVMDisposeMessage(message);
        return refuse(generation, "it is not IR", NULL);
    }
    LLVMDisposeMessage(message);
    LLVMStripModuleDebugInfo(generation->module);
    return 0;
}

static int make_machine(struct generation *generation)
{
    LLVMTargetRef target;
    char *message = NULL;

    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    if (LLVMGetTargetFromTriple(TRIPLE, &target, &message)) {
        LLVMDisposeMessage(message);
        return refuse(generation, "LLVM has no target " TRIPLE, NULL);
    }
    generation->machine = LLVMCreateTargetMachine(target, TRIPLE, CPU, "", LLVMCodeGenLevelDefault,
                                                  LLVMRelocPIC, LLVMCodeModelDefault);
    return generation->machine ? 0 : refuse(generation, "LLVM has no processor " CPU, NULL);
}

static int optimise(const struct generation *generation)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    char *message = NULL;

    LLVMPassBuilderOptionsSetSLPVectorization(options, 1);
    LLVMPassBuilderOptionsSetLoopVectorization(options, 1);
    LLVMPassBuilderOptionsSetLoopUnrolling(options, 1);
    LLVMErrorRef error =
        LLVMRunPasses(generation->module, "default<O2>", generation->machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (error) {
        LLVMConsumeError(error);
        return refuse(generation, "LLVM can't optimise it", NULL);
    }
    bool broken = LLVMVerifyModule(generation->module, LLVMReturnStatusAction, &message);
    LLVMDisposeMessage(message);
    return broken ? refuse(generation, "LLVM broke it", NULL) : 0;
}

static int generate(struct generation *generation, const void *ir, size_t ir_size,
                    const char *entry, const char *name, const char *path)
{
    int r = read_module(generation, ir, ir_size);

    if (r < 0)
        return r;
    LLVMValueRef handler = LLVMGetNamedFunction(generation->module, entry);
    if (!handler || LLVMIsDeclaration(handler))
        return refuse(generation, "it has no function", entry);
    LLVMSetTarget(generation->module, TRIPLE);
    r = prepare_functions(generation);
    if (r == 0)
        r = add_entry(generation, handler, name);
    if (r == 0)
        r = make_machine(generation);
    if (r == 0)
        r = optimise(generation);
    if (r == 0 && LLVMWriteBitcodeToFile(generation->module, path) != 0)
        r = err_say(generation->err, -EIO, "cannot write '%s'", path);
    return r;
}

int generate_bitcode(const void *ir, size_t ir_size, const char *entry, const char *name,
                     const char *path, struct err *err)
{
    struct generation generation = {.context = LLVMContextCreate(), .err = err};

    int r = generate(&generation, ir, ir_size, entry, name, path);
    if (generation.machine)
        LLVMDisposeTargetMachine(generation.machine);
    if (generation.module)
        LLVMDisposeModule(generation.module);
    LLVMContextDispose(generation.context);
    return r;
}
