/*
 * What IR promises, a compiler builds upon: that a sum does not overflow, that a pointer is
 * aligned, that two parameters never alias. The verifier believes none of it, so none of it may
 * reach the code that is made of what it has proved. The C interface of LLVM 14 can't clear most
 * flags: such instructions are made anew.
 */
#include <llvm-c/Comdat.h>
#include <llvm-c/DebugInfo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "verify/normalise.h"

/* Most constants that nest in one another. */
#define CONSTANT_DEPTH_MAX 64

/* More is no concern of a program that takes no address for a number. */
#define GLOBAL_ALIGNMENT_MAX 64

struct rewrite {
    LLVMModuleRef module;
    LLVMContextRef context;
    LLVMBuilderRef builder;
    unsigned byval, debug;
};

/* ---- attributes and metadata ---- */

/* Read by the verifier: copying a structure; or refused by it. */
static bool attribute_stays(unsigned kind)
{
    static const char *const kept[] = {"byval", "naked", "returns_twice", "strictfp"};

    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (kind == LLVMGetEnumAttributeKindForName(kept[i], strlen(kept[i])))
            return true;
    return false;
}

static void drop_attributes(LLVMValueRef function, LLVMAttributeIndex index)
{
    unsigned count = LLVMGetAttributeCountAtIndex(function, index);
    LLVMAttributeRef *all = calloc(count + 1, sizeof *all);

    if (!all)
        abort(); /* in a process of its own, whose death is no proof */
    LLVMGetAttributesAtIndex(function, index, all);
    for (unsigned i = 0; i < count; i++) {
        unsigned length;
        if (LLVMIsStringAttribute(all[i])) {
            const char *kind = LLVMGetStringAttributeKind(all[i], &length);
            LLVMRemoveStringAttributeAtIndex(function, index, kind, length);
        } else if (!attribute_stays(LLVMGetEnumAttributeKind(all[i]))) {
            LLVMRemoveEnumAttributeAtIndex(function, index, LLVMGetEnumAttributeKind(all[i]));
        }
    }
    free(all);
}

static void drop_metadata(const struct rewrite *rewrite, LLVMValueRef instruction)
{
    size_t count;
    LLVMValueMetadataEntry *all =
        LLVMInstructionGetAllMetadataOtherThanDebugLoc(instruction, &count);

    for (unsigned i = 0; i < count; i++) {
        unsigned kind = LLVMValueMetadataEntriesGetKind(all, i);
        if (kind != rewrite->debug) /* LLVM 14 lists it, whatever the name says */
            LLVMSetMetadata(instruction, kind, NULL);
    }
    LLVMDisposeValueMetadataEntries(all);
}

/* Lines come from a function's metadata "dbg". */
static void drop_global_metadata(const struct rewrite *rewrite, LLVMValueRef global)
{
    size_t count;
    LLVMValueMetadataEntry *all = LLVMGlobalCopyAllMetadata(global, &count);

    for (unsigned i = 0; i < count; i++) {
        unsigned kind = LLVMValueMetadataEntriesGetKind(all, i);
        if (kind != rewrite->debug)
            LLVMGlobalEraseMetadata(global, kind);
    }
    LLVMDisposeValueMetadataEntries(all);
}

/* ---- constants ---- */

static LLVMValueRef rebuilt(LLVMValueRef value, unsigned depth);

static LLVMValueRef rebuilt_expression(LLVMValueRef value, unsigned depth)
{
    unsigned count = (unsigned)LLVMGetNumOperands(value);
    LLVMValueRef indices[32];

    switch (LLVMGetConstOpcode(value)) {
    case LLVMGetElementPtr:
        if (count < 2 || count - 1 > ARRAY_LEN(indices))
            return value;
        for (unsigned i = 1; i < count; i++)
            indices[i - 1] = rebuilt(LLVMGetOperand(value, i), depth + 1);
        /* LLVM marks those that are in bounds by themselves, which is no promise of the input's. */
        return LLVMConstGEP2(LLVMGetGEPSourceElementType(value),
                             rebuilt(LLVMGetOperand(value, 0), depth + 1), indices, count - 1);
    case LLVMBitCast:
        return LLVMConstBitCast(rebuilt(LLVMGetOperand(value, 0), depth + 1), LLVMTypeOf(value));
    case LLVMPtrToInt:
        return LLVMConstPtrToInt(rebuilt(LLVMGetOperand(value, 0), depth + 1), LLVMTypeOf(value));
    default:
        return value; /* refused where it is used */
    }
}

static LLVMValueRef rebuilt_aggregate(LLVMValueRef value, unsigned depth)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    unsigned count = (unsigned)LLVMGetNumOperands(value);
    bool changed = false;
    LLVMValueRef *parts = calloc(count + 1, sizeof(LLVMValueRef));

    if (!parts)
        abort();
    for (unsigned i = 0; i < count; i++) {
        parts[i] = rebuilt(LLVMGetOperand(value, i), depth + 1);
        changed = changed || parts[i] != LLVMGetOperand(value, i);
    }
    if (changed && LLVMGetTypeKind(type) == LLVMStructTypeKind)
        value = LLVMConstNamedStruct(type, parts, count);
    else if (changed)
        value = LLVMConstArray(LLVMGetElementType(type), parts, count);
    free(parts);
    return value;
}

/* The constant with zeros where it is undefined, and without promises. */
static LLVMValueRef rebuilt(LLVMValueRef value, unsigned depth)
{
    if (depth > CONSTANT_DEPTH_MAX)
        return value;
    if (LLVMIsUndef(value) || LLVMIsPoison(value))
        return LLVMConstNull(LLVMTypeOf(value));
    if (LLVMIsAConstantExpr(value))
        return rebuilt_expression(value, depth);
    if (LLVMIsAConstantStruct(value) || LLVMIsAConstantArray(value))
        return rebuilt_aggregate(value, depth);
    return value;
}

/* ---- instructions ---- */

static LLVMValueRef rebuilt_call(const struct rewrite *rewrite, LLVMValueRef call)
{
    unsigned count = LLVMGetNumArgOperands(call);
    LLVMValueRef called = LLVMGetCalledValue(call);
    LLVMValueRef *arguments = calloc(count + 1, sizeof(LLVMValueRef));
    size_t length;

    if (!arguments)
        abort();
    for (unsigned i = 0; i < count; i++)
        arguments[i] = LLVMGetOperand(call, i);
    const char *name = LLVMIsAFunction(called) ? LLVMGetValueName2(called, &length) : "";
    /* Whether the smallest number has an absolute value is not for a flag to say. */
    if (strncmp(name, "llvm.abs.", 9) == 0 && count == 2)
        arguments[1] = LLVMConstNull(LLVMTypeOf(arguments[1]));
    LLVMValueRef result = LLVMBuildCall2(rewrite->builder, LLVMGetCalledFunctionType(call), called,
                                         arguments, count, "");
    for (unsigned i = 0; i < count; i++) {
        LLVMAttributeRef copied = LLVMGetCallSiteEnumAttribute(call, i + 1, rewrite->byval);
        if (copied)
            LLVMAddCallSiteAttribute(result, i + 1, copied);
    }
    free(arguments);
    return result;
}

static LLVMValueRef rebuilt_phi(const struct rewrite *rewrite, LLVMValueRef phi)
{
    LLVMValueRef result = LLVMBuildPhi(rewrite->builder, LLVMTypeOf(phi), "");

    for (unsigned i = 0; i < LLVMCountIncoming(phi); i++) {
        LLVMValueRef value = LLVMGetIncomingValue(phi, i);
        LLVMBasicBlockRef block = LLVMGetIncomingBlock(phi, i);
        /* Itself, by then, is the new one. */
        LLVMAddIncoming(result, value == phi ? &result : &value, &block, 1);
    }
    return result;
}

/* What flags of fast mathematics can stand at: arrays of floats, too. */
static bool is_float(LLVMValueRef value)
{
    LLVMTypeRef type = LLVMTypeOf(value);

    while (LLVMGetTypeKind(type) == LLVMArrayTypeKind)
        type = LLVMGetElementType(type);
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    return kind == LLVMFloatTypeKind || kind == LLVMDoubleTypeKind;
}

static bool is_named(LLVMValueRef call, const char *prefix)
{
    LLVMValueRef called = LLVMGetCalledValue(call);
    size_t length;

    return LLVMIsAFunction(called) &&
           strncmp(LLVMGetValueName2(called, &length), prefix, strlen(prefix)) == 0;
}

/* The same without flags, before it; NULL: it stays as it is. */
static LLVMValueRef made_anew(const struct rewrite *rewrite, LLVMValueRef at)
{
    LLVMBuilderRef builder = rewrite->builder;
    LLVMOpcode op = LLVMGetInstructionOpcode(at);

    switch (op) {
    case LLVMAdd:
    case LLVMSub:
    case LLVMMul:
    case LLVMShl:
    case LLVMUDiv:
    case LLVMSDiv:
    case LLVMLShr:
    case LLVMAShr:
    case LLVMFAdd:
    case LLVMFSub:
    case LLVMFMul:
    case LLVMFDiv:
    case LLVMFRem:
        return LLVMBuildBinOp(builder, op, LLVMGetOperand(at, 0), LLVMGetOperand(at, 1), "");
    case LLVMFNeg:
        return LLVMBuildFNeg(builder, LLVMGetOperand(at, 0), "");
    case LLVMFCmp:
        return LLVMBuildFCmp(builder, LLVMGetFCmpPredicate(at), LLVMGetOperand(at, 0),
                             LLVMGetOperand(at, 1), "");
    case LLVMSelect:
        return is_float(at) ? LLVMBuildSelect(builder, LLVMGetOperand(at, 0), LLVMGetOperand(at, 1),
                                              LLVMGetOperand(at, 2), "")
                            : NULL;
    case LLVMPHI:
        return is_float(at) ? rebuilt_phi(rewrite, at) : NULL;
    case LLVMAlloca: /* of no alignment that a frame would have to grow for, nor for arguments */
        return LLVMBuildArrayAlloca(builder, LLVMGetAllocatedType(at), LLVMGetOperand(at, 0), "");
    case LLVMCall:
        if (is_named(at, "llvm.dbg."))
            return NULL;
        if (is_named(at, "llvm.is.constant."))
            return LLVMConstNull(LLVMTypeOf(at));
        return rebuilt_call(rewrite, at);
    default:
        return NULL;
    }
}

static void rewrite_operands(LLVMValueRef at)
{
    LLVMOpcode op = LLVMGetInstructionOpcode(at);

    if (op == LLVMCall && is_named(at, "llvm.dbg."))
        return;
    for (unsigned i = 0; i < (unsigned)LLVMGetNumOperands(at); i++) {
        LLVMValueRef operand = LLVMGetOperand(at, i);
        if (operand && LLVMIsAConstantExpr(operand))
            LLVMSetOperand(at, i, rebuilt(operand, 0));
    }
    /* What is stored, or filled into, has a value, even where the author gave it none. */
    if (op == LLVMStore || op == LLVMInsertValue) {
        LLVMValueRef value = LLVMGetOperand(at, 0);
        if (LLVMIsUndef(value) || LLVMIsPoison(value))
            LLVMSetOperand(at, 0, LLVMConstNull(LLVMTypeOf(value)));
    }
}

static void rewrite_instruction(const struct rewrite *rewrite, LLVMValueRef at)
{
    LLVMOpcode op = LLVMGetInstructionOpcode(at);
    size_t length;

    rewrite_operands(at);
    drop_metadata(rewrite, at);
    if (op == LLVMGetElementPtr)
        LLVMSetIsInBounds(at, 0);
    if (op == LLVMLoad || op == LLVMStore)
        LLVMSetAlignment(at, 1);
    LLVMPositionBuilderBefore(rewrite->builder, at);
    LLVMValueRef other = made_anew(rewrite, at);
    if (!other)
        return;
    if (LLVMIsAInstruction(other)) {
        LLVMInstructionSetDebugLoc(other, LLVMInstructionGetDebugLoc(at));
        /* Given up by the old one first. */
        const char *name = LLVMGetValueName2(at, &length);
        char *copy = length > 0 ? strndup(name, length) : NULL;
        LLVMSetValueName2(at, "", 0);
        if (copy)
            LLVMSetValueName2(other, copy, length);
        free(copy);
    }
    LLVMReplaceAllUsesWith(at, other);
    LLVMInstructionEraseFromParent(at);
}

/* ---- functions and variables ---- */

static void make_internal(LLVMValueRef global)
{
    LLVMLinkage linkage = LLVMGetLinkage(global);

    LLVMSetUnnamedAddress(global, LLVMNoUnnamedAddr);
    LLVMSetVisibility(global, LLVMDefaultVisibility);
    LLVMSetDLLStorageClass(global, LLVMDefaultStorageClass);
    LLVMSetComdat(global, NULL);
    /* Others are refused by the verifier. */
    if (linkage == LLVMExternalLinkage || linkage == LLVMLinkOnceODRLinkage ||
        linkage == LLVMCommonLinkage)
        LLVMSetLinkage(global, LLVMInternalLinkage);
}

static void rewrite_function(const struct rewrite *rewrite, LLVMValueRef function)
{
    LLVMValueRef next;

    drop_global_metadata(rewrite, function);
    drop_attributes(function, LLVMAttributeFunctionIndex);
    for (unsigned i = 0; i <= LLVMCountParams(function); i++) /* 0: its result */
        drop_attributes(function, i);
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef at = LLVMGetFirstInstruction(block); at; at = next) {
            next = LLVMGetNextInstruction(at);
            rewrite_instruction(rewrite, at);
        }
}

/* The functions that nothing names, until all are named: they are not looked at, nor compiled. */
static void drop_unused(LLVMModuleRef module, LLVMValueRef entry)
{
    LLVMValueRef next;
    bool dropped = true;

    while (dropped) {
        dropped = false;
        for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = next) {
            next = LLVMGetNextFunction(f);
            if (f != entry && !LLVMGetFirstUse(f)) {
                LLVMDeleteFunction(f);
                dropped = true;
            }
        }
    }
}

bool function_is_named(LLVMValueRef function)
{
    for (LLVMUseRef use = LLVMGetFirstUse(function); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (!LLVMIsACallInst(user))
            return true;
        for (unsigned i = 0; i < LLVMGetNumArgOperands(user); i++)
            if (LLVMGetOperand(user, i) == function)
                return true;
    }
    return false;
}

/* ---- what can't be called ---- */

/* Functions that calls may lead to, as they are found; a mark at each that is there. */
struct reached {
    LLVMModuleRef module;
    LLVMValueRef *functions;
    uint32_t count;
    LLVMAttributeRef mark;
};

#define MARK "vireo-reached"

static bool is_marked(LLVMValueRef function)
{
    return LLVMGetStringAttributeAtIndex(function, LLVMAttributeFunctionIndex, MARK,
                                         sizeof MARK - 1) != NULL;
}

static void reach(struct reached *reached, LLVMValueRef function)
{
    if (LLVMIsDeclaration(function) || is_marked(function))
        return;
    LLVMAddAttributeAtIndex(function, LLVMAttributeFunctionIndex, reached->mark);
    reached->functions[reached->count++] = function;
}

/* Through a pointer: all of that type that one may mean. */
static void reach_called(struct reached *reached, LLVMValueRef call)
{
    LLVMValueRef called = LLVMGetCalledValue(call);

    if (LLVMIsAFunction(called)) {
        reach(reached, called);
        return;
    }
    for (LLVMValueRef f = LLVMGetFirstFunction(reached->module); f; f = LLVMGetNextFunction(f))
        if (LLVMGlobalGetValueType(f) == LLVMGetCalledFunctionType(call) && function_is_named(f))
            reach(reached, f);
}

/* Another of its name and type, which stops. */
static void replace_body(const struct rewrite *rewrite, LLVMValueRef function,
                         LLVMAttributeRef mark)
{
    size_t length;
    char *name = strdup(LLVMGetValueName2(function, &length));
    unsigned id = LLVMLookupIntrinsicID("llvm.trap", 9);
    LLVMValueRef trap = LLVMGetIntrinsicDeclaration(rewrite->module, id, NULL, 0);
    LLVMValueRef other = LLVMAddFunction(rewrite->module, "", LLVMGlobalGetValueType(function));

    if (!name)
        abort();
    LLVMSetLinkage(other, LLVMInternalLinkage);
    LLVMAddAttributeAtIndex(other, LLVMAttributeFunctionIndex, mark);
    LLVMPositionBuilderAtEnd(rewrite->builder,
                             LLVMAppendBasicBlockInContext(rewrite->context, other, "stop"));
    LLVMBuildCall2(rewrite->builder, LLVMGlobalGetValueType(trap), trap, NULL, 0, "");
    LLVMBuildUnreachable(rewrite->builder);
    LLVMReplaceAllUsesWith(function, other);
    LLVMDeleteFunction(function);
    LLVMSetValueName2(other, name, strlen(name));
    free(name);
}

/* Functions that are only named, in a table say: what is in them nobody looks at, so they stop. */
static void stop_unreached(const struct rewrite *rewrite, LLVMValueRef entry)
{
    struct reached reached = {.module = rewrite->module};
    size_t room = 1;
    LLVMValueRef next;

    for (LLVMValueRef f = LLVMGetFirstFunction(rewrite->module); f; f = LLVMGetNextFunction(f)) {
        LLVMRemoveStringAttributeAtIndex(f, LLVMAttributeFunctionIndex, MARK, sizeof MARK - 1);
        room++;
    }
    reached.mark = LLVMCreateStringAttribute(rewrite->context, MARK, sizeof MARK - 1, "", 0);
    reached.functions = calloc(room, sizeof(LLVMValueRef));
    if (!reached.functions)
        abort();
    reach(&reached, entry);
    for (uint32_t i = 0; i < reached.count; i++)
        for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(reached.functions[i]); block;
             block = LLVMGetNextBasicBlock(block))
            for (LLVMValueRef at = LLVMGetFirstInstruction(block); at;
                 at = LLVMGetNextInstruction(at))
                if (LLVMIsACallInst(at))
                    reach_called(&reached, at);
    free(reached.functions);
    for (LLVMValueRef f = LLVMGetFirstFunction(rewrite->module); f; f = next) {
        next = LLVMGetNextFunction(f);
        if (!LLVMIsDeclaration(f) && !is_marked(f))
            replace_body(rewrite, f, reached.mark);
    }
}

/*
 * The same without attributes, which the C interface neither shows nor clears: clang's "pragma
 * section" writes there where the variable lies, which may be what is not writable.
 */
static LLVMValueRef rewrite_variable(const struct rewrite *rewrite, LLVMValueRef global)
{
    size_t length, count;
    LLVMValueRef other =
        LLVMAddGlobalInAddressSpace(rewrite->module, LLVMGlobalGetValueType(global), "",
                                    LLVMGetPointerAddressSpace(LLVMTypeOf(global)));
    LLVMValueMetadataEntry *all = LLVMGlobalCopyAllMetadata(global, &count);
    char *name = strdup(LLVMGetValueName2(global, &length));

    if (!name)
        abort();
    for (unsigned i = 0; i < count; i++)
        LLVMGlobalSetMetadata(other, LLVMValueMetadataEntriesGetKind(all, i),
                              LLVMValueMetadataEntriesGetMetadata(all, i));
    LLVMDisposeValueMetadataEntries(all);
    if (LLVMGetInitializer(global))
        LLVMSetInitializer(other, LLVMGetInitializer(global));
    LLVMSetGlobalConstant(other, LLVMIsGlobalConstant(global));
    LLVMSetLinkage(other, LLVMGetLinkage(global));
    LLVMSetThreadLocalMode(other, LLVMGetThreadLocalMode(global));
    LLVMSetAlignment(other, LLVMGetAlignment(global));
    LLVMSetSection(other, LLVMGetSection(global)); /* refused by the verifier */
    LLVMReplaceAllUsesWith(global, other);
    LLVMDeleteGlobal(global);
    LLVMSetValueName2(other, name, length);
    free(name);
    return other;
}

void normalise_module(LLVMModuleRef module, LLVMValueRef entry)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    struct rewrite rewrite = {
        .module = module,
        .context = context,
        .builder = LLVMCreateBuilderInContext(context),
        .byval = LLVMGetEnumAttributeKindForName("byval", 5),
        .debug = LLVMGetMDKindIDInContext(context, "dbg", 3),
    };

    drop_unused(module, entry);
    stop_unreached(&rewrite, entry);
    drop_unused(module, entry);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        bool intrinsic = LLVMGetIntrinsicID(f) != 0;
        /* What an intrinsic is, its attributes say; LLVM writes them itself. */
        if (!intrinsic)
            rewrite_function(&rewrite, f);
        if (!LLVMIsDeclaration(f) && f != entry)
            make_internal(f);
        if (intrinsic)
            continue;
        LLVMSetFunctionCallConv(f, LLVMCCallConv);
        LLVMSetGC(f, NULL);
        if (LLVMHasPersonalityFn(f))
            LLVMSetPersonalityFn(f, NULL);
    }
    LLVMValueRef last = LLVMGetLastGlobal(module), next = LLVMGetFirstGlobal(module);
    for (LLVMValueRef g = next; g; g = next) {
        next = g == last ? NULL : LLVMGetNextGlobal(g);
        g = rewrite_variable(&rewrite, g);
        drop_global_metadata(&rewrite, g);
        LLVMValueRef initial = LLVMGetInitializer(g);
        if (!initial)
            continue;
        LLVMSetInitializer(g, rebuilt(initial, 0));
        if (LLVMGetAlignment(g) > GLOBAL_ALIGNMENT_MAX)
            LLVMSetAlignment(g, GLOBAL_ALIGNMENT_MAX);
        make_internal(g);
    }
    LLVMDisposeBuilder(rewrite.builder);
}
