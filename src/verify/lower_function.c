/* Calls of functions that the module defines: they are copied in. */
#include <string.h>

#include "verify/lower_call.h"
#include "verify/normalise.h"

/* That a pointer may mean. */
#define TARGETS_MAX 12

static LLVMTypeRef by_value(LLVMAttributeRef attribute)
{
    return attribute ? LLVMGetTypeAttributeValue(attribute) : NULL;
}

/* Both sides must say the same of it: code passes it as the call says, and finds it as the function
 * does. */
static bool agrees_on_copy(LLVMValueRef call, LLVMValueRef function, unsigned index)
{
    unsigned kind = LLVMGetEnumAttributeKindForName("byval", 5);

    return by_value(LLVMGetCallSiteEnumAttribute(call, index + 1, kind)) ==
           by_value(LLVMGetEnumAttributeAtIndex(function, index + 1, kind));
}

/* A structure passed by value: the callee has a copy of its own. */
static vid copy_by_value(struct lowering *low, LLVMValueRef function, unsigned index, vid pointer)
{
    unsigned kind = LLVMGetEnumAttributeKindForName("byval", 5);
    LLVMAttributeRef attribute = LLVMGetEnumAttributeAtIndex(function, index + 1, kind);

    if (!attribute)
        return pointer;
    LLVMTypeRef type = LLVMGetTypeAttributeValue(attribute);
    uint64_t size = lower_size(low, type);
    uint32_t object = lower_local(low, "argument", size, lower_stride(low, type));
    lower_emit(low, OP_BEGIN, KIND_VOID, 0, 0, NULL, 0, object);
    vid copy = program_add_value(low->program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);
    value_at(low->program, copy)->imm = object;
    vid operands[] = {copy, pointer, program_const(low->program, 64, size)};
    lower_emit(low, OP_MEMCPY, KIND_VOID, 0, 3, operands, 0, 0);
    return copy;
}

/* Copies a function in where it is called; what it gives. */
static void copy_in(struct lowering *low, LLVMValueRef at, LLVMValueRef function,
                    struct lowered *ret)
{
    unsigned count = LLVMGetNumArgOperands(at);
    size_t length;

    lower_screen_function(low, function, LLVMGetValueName2(function, &length));
    if (count > 64)
        program_refuse(low->program, lower_place(low), "pass a structure by address",
                       "a call with more than 64 arguments");
    const struct lowered **arguments =
        program_alloc(low->program, count + 1, sizeof(struct lowered *));
    for (unsigned i = 0; i < count; i++) {
        if (i < LLVMCountParams(function) &&
            (LLVMTypeOf(LLVMGetOperand(at, i)) != LLVMTypeOf(LLVMGetParam(function, i)) ||
             !agrees_on_copy(at, function, i)))
            program_refuse(low->program, lower_place(low), "declare the function as it is defined",
                           "a call of '%s' with other arguments than it has",
                           LLVMGetValueName2(function, &length));
        struct lowered *copy = program_alloc(low->program, 1, sizeof *copy);
        *copy = *lower_operand(low, LLVMGetOperand(at, i));
        if (copy->count == 1 && i < LLVMCountParams(function) && copy->parts[0])
            copy->parts[0] = copy_by_value(low, function, i, copy->parts[0]);
        arguments[i] = copy;
    }
    lower_inline(low, function, arguments, count, ret);
}

static void give_result(struct lowering *low, LLVMValueRef at, const struct lowered *result)
{
    struct lowered *lowered = map_add(low->program, &low->frame->map, at);

    lowered->count = result->count;
    memcpy(lowered->parts, result->parts, sizeof result->parts);
}

void lower_call_defined(struct lowering *low, LLVMValueRef at, LLVMValueRef function)
{
    struct lowered result = {0};

    copy_in(low, at, function, &result);
    give_result(low, at, &result);
}

/* ---- through pointers: as a choice among all functions that the pointer may mean ---- */

static bool is_running(const struct lowering *low, LLVMValueRef function)
{
    for (const struct frame *f = low->frame; f; f = f->caller)
        if (f->function == function)
            return true;
    return false;
}

/* One that calls itself through the pointer is none of them: it must not be the one. */
static unsigned find_targets(const struct lowering *low, LLVMTypeRef type,
                             LLVMValueRef targets[TARGETS_MAX + 1])
{
    unsigned count = 0;

    for (LLVMValueRef f = LLVMGetFirstFunction(low->module); f; f = LLVMGetNextFunction(f))
        if (!LLVMIsDeclaration(f) && LLVMGlobalGetValueType(f) == type && function_is_named(f) &&
            !is_running(low, f) && count <= TARGETS_MAX)
            targets[count++] = f;
    return count;
}

struct choice {
    uint32_t blocks[TARGETS_MAX]; /* where each comes back */
    struct lowered results[TARGETS_MAX];
    unsigned count;
};

static void join_results(struct lowering *low, LLVMValueRef at, uint32_t after,
                         const struct choice *choice)
{
    struct lowered joined = {.count = choice->results[0].count};
    struct scalar scalars[PARTS_MAX];

    for (unsigned i = 0; i < choice->count; i++)
        block_jump(low->program, choice->blocks[i], after, lower_place(low));
    low->block = after;
    lower_type(low, LLVMTypeOf(at), scalars);
    for (uint32_t part = 0; part < joined.count; part++) {
        struct pending_phi *pending;
        joined.parts[part] =
            lower_phi(low, scalars[part].kind, scalars[part].width, choice->count, &pending);
        for (unsigned i = 0; i < choice->count; i++) {
            pending->blocks[i] = choice->blocks[i];
            pending->values[i] = choice->results[i].parts[part];
        }
    }
    give_result(low, at, &joined);
}

void lower_call_pointer(struct lowering *low, LLVMValueRef at)
{
    struct program *program = low->program;
    LLVMValueRef targets[TARGETS_MAX + 1];
    struct choice choice = {0};
    unsigned count = find_targets(low, LLVMGetCalledFunctionType(at), targets);

    if (count == 0 || count > TARGETS_MAX)
        program_refuse(program, lower_place(low), "call it directly, or choose with switch",
                       "a call through a pointer");
    vid pointer = lower_scalar(low, LLVMGetCalledValue(at));
    for (unsigned i = 0; i < count; i++) {
        uint32_t call = program_add_block(program), other = program_add_block(program);
        vid operands[] = {pointer, lower_scalar(low, targets[i])};
        vid same = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, operands, ICMP_EQ, 0);
        block_branch(program, low->block, same, call, other, lower_place(low));
        low->block = call;
        copy_in(low, at, targets[i], &choice.results[i]);
        choice.blocks[choice.count++] = low->block;
        low->block = other;
    }
    lower_require(low, program_const(program, 1, 0), PLACE_UNREACHABLE);
    program->blocks[low->block].exit = EXIT_UNREACHABLE;
    program->blocks[low->block].place = lower_place(low);
    join_results(low, at, program_add_block(program), &choice);
}
