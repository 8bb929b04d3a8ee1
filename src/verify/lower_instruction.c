/* One LLVM instruction becomes operations of struct program; what is not named here is refused. */
#include <stdio.h>
#include <string.h>

#include "verify/lower.h"

static void define(struct lowering *low, LLVMValueRef instruction, vid value)
{
    struct lowered *lowered = map_add(low->program, &low->frame->map, instruction);

    lowered->count = 1;
    lowered->parts[0] = value;
}

static unsigned width_of(struct lowering *low, vid value)
{
    return value_at(low->program, value)->width;
}

/* The divisor is not zero; of signed numbers the quotient fits. */
static void require_division(struct lowering *low, bool is_signed, vid a, vid b)
{
    unsigned width = width_of(low, a);
    vid zero = program_const(low->program, width, 0);
    vid good = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){b, zero}, ICMP_NE, 0);

    lower_require(low, good, PLACE_DIVISION);
    if (!is_signed)
        return;
    vid minimum = program_const(low->program, width, UINT64_C(1) << (width - 1));
    vid ones = program_const(low->program, width, UINT64_MAX);
    vid fits = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){a, minimum}, ICMP_NE, 0);
    vid other = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){b, ones}, ICMP_NE, 0);
    lower_require(low, lower_emit(low, OP_OR, KIND_INT, 1, 2, (vid[]){fits, other}, 0, 0),
                  PLACE_DIVISION);
}

static void lower_arithmetic(struct lowering *low, LLVMValueRef at, enum operation op)
{
    vid operands[] = {lower_scalar(low, LLVMGetOperand(at, 0)),
                      lower_scalar(low, LLVMGetOperand(at, 1))};
    unsigned width = width_of(low, operands[0]);

    if (op >= OP_UDIV && op <= OP_SREM)
        require_division(low, op == OP_SDIV || op == OP_SREM, operands[0], operands[1]);
    if (op >= OP_SHL && op <= OP_ASHR) {
        vid bound = program_const(low->program, width, width);
        /* A width that its own numbers can't hold (i1) admits a shift by nothing only. */
        if (width < 7 && width_mask(width) < width)
            bound = program_const(low->program, width, 1);
        lower_require(
            low, lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){operands[1], bound}, ICMP_ULT, 0),
            PLACE_SHIFT);
    }
    define(low, at, lower_emit(low, op, KIND_INT, width, 2, operands, 0, 0));
}

static void lower_compare(struct lowering *low, LLVMValueRef at)
{
    vid operands[] = {lower_scalar(low, LLVMGetOperand(at, 0)),
                      lower_scalar(low, LLVMGetOperand(at, 1))};
    enum predicate predicate =
        (enum predicate)(LLVMGetICmpPredicate(at) - LLVMIntEQ + (int)ICMP_EQ);

    define(low, at, lower_emit(low, OP_ICMP, KIND_INT, 1, 2, operands, predicate, 0));
}

static void lower_float_binary(struct lowering *low, LLVMValueRef at, enum float_operation sub)
{
    vid operands[] = {lower_scalar(low, LLVMGetOperand(at, 0)),
                      lower_scalar(low, LLVMGetOperand(at, 1))};

    define(
        low, at,
        lower_emit(low, OP_FBINARY, KIND_FLOAT, width_of(low, operands[0]), 2, operands, sub, 0));
}

static void lower_unary(struct lowering *low, LLVMValueRef at, enum operation op, unsigned sub)
{
    struct scalar scalars[PARTS_MAX];
    vid operand = lower_scalar(low, LLVMGetOperand(at, 0));

    if (lower_type(low, LLVMTypeOf(at), scalars) != 1)
        program_refuse(low->program, lower_place(low), "write it in another way",
                       "a conversion that is not on the list");
    vid result = lower_emit(low, op, scalars[0].kind, scalars[0].width, 1, &operand, sub, 0);
    define(low, at, result);
}

static void lower_bitcast(struct lowering *low, LLVMValueRef at)
{
    struct scalar from[PARTS_MAX], to[PARTS_MAX];
    LLVMValueRef operand = LLVMGetOperand(at, 0);

    lower_type(low, LLVMTypeOf(operand), from);
    lower_type(low, LLVMTypeOf(at), to);
    if (from[0].kind == to[0].kind)
        define(low, at, lower_scalar(low, operand));
    else
        lower_unary(low, at, OP_BITCAST, 0);
}

/* Does it say itself where its life begins? Until then it has none. */
static bool has_beginning(LLVMValueRef address, unsigned depth)
{
    size_t length;

    for (LLVMUseRef use = LLVMGetFirstUse(address); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (LLVMIsACallInst(user)) {
            LLVMValueRef called = LLVMGetCalledValue(user);
            if (LLVMIsAFunction(called) &&
                strncmp(LLVMGetValueName2(called, &length), "llvm.lifetime.start.", 20) == 0)
                return true;
        } else if ((LLVMIsABitCastInst(user) || LLVMIsAGetElementPtrInst(user)) && depth > 0 &&
                   has_beginning(user, depth - 1)) {
            return true;
        }
    }
    return false;
}

static void lower_alloca(struct lowering *low, LLVMValueRef at)
{
    LLVMTypeRef type = LLVMGetAllocatedType(at);
    LLVMValueRef count = LLVMGetOperand(at, 0);
    size_t length;

    if (!LLVMIsAConstantInt(count) || LLVMGetIntTypeWidth(LLVMTypeOf(count)) > 64 ||
        LLVMGetInstructionParent(at) != LLVMGetEntryBasicBlock(low->frame->function))
        program_refuse(low->program, lower_place(low), "use an array of a fixed size",
                       "an array whose size is computed");
    uint64_t elements = LLVMConstIntGetZExtValue(count), size;
    if (__builtin_mul_overflow(elements, lower_size(low, type), &size) || size > 64 << 20)
        program_refuse(low->program, lower_place(low), "make it static, or smaller",
                       "a local variable of more than 64 MiB");
    const char *name = LLVMGetValueName2(at, &length);
    char text[64];
    snprintf(text, sizeof text, "%s", *name ? name : "local");
    char *suffix = strstr(text, ".addr");
    if (suffix)
        *suffix = '\0';
    uint32_t object = lower_local(low, text, size, lower_stride(low, type));
    low->program->objects[object].padding = lower_padding(low, type, size);
    low->program->objects[object].literal = strncmp(name, ".compoundliteral", 16) == 0;
    bool begun = !has_beginning(at, 4);
    low->program->objects[object].scoped |= !begun;
    lower_emit(low, begun ? OP_BEGIN : OP_END, KIND_VOID, 0, 0, NULL, 0, object);
    vid address = program_add_value(low->program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);
    value_at(low->program, address)->imm = object;
    define(low, at, address);
}

static vid part_address(struct lowering *low, vid pointer, uint64_t offset)
{
    vid operands[] = {pointer, program_const(low->program, 64, offset)};

    return offset == 0 ? pointer : lower_emit(low, OP_PTRADD, KIND_POINTER, 64, 2, operands, 0, 0);
}

static void check_access(struct lowering *low, LLVMValueRef at, const struct scalar *scalars,
                         uint32_t count)
{
    if (LLVMGetVolatile(at))
        program_refuse(low->program, lower_place(low), "leave 'volatile' out", "a volatile access");
    if (LLVMGetOrdering(at) != LLVMAtomicOrderingNotAtomic)
        program_refuse(low->program, lower_place(low), "use ordinary variables",
                       "an atomic access");
    for (uint32_t i = 0; i < count; i++)
        if (scalars[i].width != 1 && scalars[i].width != 8 && scalars[i].width != 16 &&
            scalars[i].width != 32 && scalars[i].width != 64)
            program_refuse(low->program, lower_place(low), "use integers of 8, 16, 32 or 64 bits",
                           "an integer of %u bits in memory", scalars[i].width);
}

/* An i1 is a byte in memory, 0 or 1. */
static vid load_bit(struct lowering *low, vid address)
{
    vid byte = lower_emit(low, OP_LOAD, KIND_INT, 8, 1, &address, 0, 0);
    vid operands[] = {byte, program_const(low->program, 8, 1)};

    lower_require(low, lower_emit(low, OP_ICMP, KIND_INT, 1, 2, operands, ICMP_ULE, 0),
                  PLACE_CONTRACT);
    return lower_emit(low, OP_TRUNC, KIND_INT, 1, 1, &byte, 0, 0);
}

static void lower_load(struct lowering *low, LLVMValueRef at)
{
    struct scalar scalars[PARTS_MAX];
    uint32_t count = lower_type(low, LLVMTypeOf(at), scalars);
    vid pointer = lower_scalar(low, LLVMGetOperand(at, 0));

    check_access(low, at, scalars, count);
    struct lowered *lowered = map_add(low->program, &low->frame->map, at);
    lowered->count = count;
    for (uint32_t i = 0; i < count; i++) {
        vid address = part_address(low, pointer, scalars[i].offset);
        lowered->parts[i] = scalars[i].width == 1 ? load_bit(low, address)
                                                  : lower_emit(low, OP_LOAD, scalars[i].kind,
                                                               scalars[i].width, 1, &address, 0, 0);
    }
}

static void lower_store(struct lowering *low, LLVMValueRef at)
{
    struct scalar scalars[PARTS_MAX];
    LLVMValueRef stored = LLVMGetOperand(at, 0);
    uint32_t count = lower_type(low, LLVMTypeOf(stored), scalars);
    const struct lowered *value = lower_operand(low, stored);
    vid pointer = lower_scalar(low, LLVMGetOperand(at, 1));

    check_access(low, at, scalars, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!value->parts[i])
            continue; /* undefined: what was there stays, which is one of its meanings */
        vid stored_part = value->parts[i];
        if (scalars[i].width == 1)
            stored_part = lower_emit(low, OP_ZEXT, KIND_INT, 8, 1, &stored_part, 0, 0);
        unsigned width = scalars[i].width == 1 ? 8 : scalars[i].width;
        vid operands[] = {part_address(low, pointer, scalars[i].offset), stored_part};
        lower_emit(low, OP_STORE, KIND_VOID, width, 2, operands, 0, 0);
    }
}

/* Where the scalars of the aggregate's field named by the indices begin, and how many they are. */
static void field_parts(struct lowering *low, LLVMTypeRef type, LLVMValueRef at,
                        uint32_t *ret_first, uint32_t *ret_count)
{
    struct scalar scalars[PARTS_MAX];
    const unsigned *indices = LLVMGetIndices(at);

    *ret_first = 0;
    for (unsigned i = 0; i < LLVMGetNumIndices(at); i++) {
        bool structure = LLVMGetTypeKind(type) == LLVMStructTypeKind;
        for (unsigned k = 0; k < indices[i]; k++)
            *ret_first += lower_type(
                low, structure ? LLVMStructGetTypeAtIndex(type, k) : LLVMGetElementType(type),
                scalars);
        type = structure ? LLVMStructGetTypeAtIndex(type, indices[i]) : LLVMGetElementType(type);
    }
    *ret_count = lower_type(low, type, scalars);
}

static void lower_extract(struct lowering *low, LLVMValueRef at)
{
    const struct lowered *from = lower_operand(low, LLVMGetOperand(at, 0));
    uint32_t first, count;

    field_parts(low, LLVMTypeOf(LLVMGetOperand(at, 0)), at, &first, &count);
    struct lowered *lowered = map_add(low->program, &low->frame->map, at);
    lowered->count = count;
    for (uint32_t i = 0; i < count && first + i < PARTS_MAX; i++)
        lowered->parts[i] = from->parts[first + i];
}

static void lower_insert(struct lowering *low, LLVMValueRef at)
{
    const struct lowered *into = lower_operand(low, LLVMGetOperand(at, 0));
    const struct lowered *what = lower_operand(low, LLVMGetOperand(at, 1));
    uint32_t first, count;

    field_parts(low, LLVMTypeOf(at), at, &first, &count);
    struct lowered *lowered = map_add(low->program, &low->frame->map, at);
    lowered->count = into->count;
    memcpy(lowered->parts, into->parts, sizeof lowered->parts);
    for (uint32_t i = 0; i < count && first + i < PARTS_MAX; i++)
        lowered->parts[first + i] = what->parts[i];
}

static void lower_select(struct lowering *low, LLVMValueRef at)
{
    vid condition = lower_scalar(low, LLVMGetOperand(at, 0));
    vid operands[] = {condition, lower_scalar(low, LLVMGetOperand(at, 1)),
                      lower_scalar(low, LLVMGetOperand(at, 2))};
    const struct value *value = value_at(low->program, operands[1]);

    define(
        low, at,
        lower_emit(low, OP_SELECT, (enum value_kind)value->kind, value->width, 3, operands, 0, 0));
}

static void lower_freeze(struct lowering *low, LLVMValueRef at)
{
    LLVMValueRef operand = LLVMGetOperand(at, 0);
    struct scalar scalars[PARTS_MAX];

    if (!LLVMIsUndef(operand)) {
        define(low, at, lower_scalar(low, operand));
        return;
    }
    if (lower_type(low, LLVMTypeOf(at), scalars) != 1 || scalars[0].kind == KIND_POINTER)
        program_refuse(low->program, lower_place(low), "give it a value before it is used",
                       "an undefined value");
    vid any = lower_emit(low, OP_UNKNOWN, scalars[0].kind, scalars[0].width, 0, NULL, 0, 0);
    value_at(low->program, any)->imm2 = width_mask(scalars[0].width);
    define(low, at, any);
}

static void arithmetic(struct lowering *low, LLVMValueRef at, unsigned op)
{
    lower_arithmetic(low, at, (enum operation)op);
}

static void unary(struct lowering *low, LLVMValueRef at, unsigned op)
{
    lower_unary(low, at, (enum operation)op, 0);
}

static void float_binary(struct lowering *low, LLVMValueRef at, unsigned sub)
{
    lower_float_binary(low, at, (enum float_operation)sub);
}

static void other(struct lowering *low, LLVMValueRef at, unsigned op)
{
    switch (op) {
    case LLVMAlloca:
        lower_alloca(low, at);
        return;
    case LLVMLoad:
        lower_load(low, at);
        return;
    case LLVMStore:
        lower_store(low, at);
        return;
    case LLVMGetElementPtr:
        define(low, at, lower_address(low, at));
        return;
    case LLVMBitCast:
        lower_bitcast(low, at);
        return;
    case LLVMICmp:
        lower_compare(low, at);
        return;
    case LLVMFCmp: {
        vid operands[] = {lower_scalar(low, LLVMGetOperand(at, 0)),
                          lower_scalar(low, LLVMGetOperand(at, 1))};
        define(low, at,
               lower_emit(low, OP_FCMP, KIND_INT, 1, 2, operands,
                          (unsigned)LLVMGetFCmpPredicate(at), 0));
        return;
    }
    case LLVMFNeg:
        lower_unary(low, at, OP_FUNARY, FLOAT_NEG);
        return;
    case LLVMSelect:
        lower_select(low, at);
        return;
    case LLVMExtractValue:
        lower_extract(low, at);
        return;
    case LLVMInsertValue:
        lower_insert(low, at);
        return;
    case LLVMFreeze:
        lower_freeze(low, at);
        return;
    default:
        lower_call(low, at);
        return;
    }
}

static const struct {
    LLVMOpcode opcode;
    void (*lower)(struct lowering *low, LLVMValueRef at, unsigned op);
    unsigned op;
} TABLE[] = {
    {LLVMAdd, arithmetic, OP_ADD},
    {LLVMSub, arithmetic, OP_SUB},
    {LLVMMul, arithmetic, OP_MUL},
    {LLVMUDiv, arithmetic, OP_UDIV},
    {LLVMSDiv, arithmetic, OP_SDIV},
    {LLVMURem, arithmetic, OP_UREM},
    {LLVMSRem, arithmetic, OP_SREM},
    {LLVMShl, arithmetic, OP_SHL},
    {LLVMLShr, arithmetic, OP_LSHR},
    {LLVMAShr, arithmetic, OP_ASHR},
    {LLVMAnd, arithmetic, OP_AND},
    {LLVMOr, arithmetic, OP_OR},
    {LLVMXor, arithmetic, OP_XOR},
    {LLVMZExt, unary, OP_ZEXT},
    {LLVMSExt, unary, OP_SEXT},
    {LLVMTrunc, unary, OP_TRUNC},
    {LLVMSIToFP, unary, OP_SITOFP},
    {LLVMUIToFP, unary, OP_UITOFP},
    {LLVMFPToSI, unary, OP_FPTOSI},
    {LLVMFPToUI, unary, OP_FPTOUI},
    {LLVMFPExt, unary, OP_FCONVERT},
    {LLVMFPTrunc, unary, OP_FCONVERT},
    {LLVMPtrToInt, unary, OP_PTRTOINT},
    {LLVMFAdd, float_binary, FLOAT_ADD},
    {LLVMFSub, float_binary, FLOAT_SUB},
    {LLVMFMul, float_binary, FLOAT_MUL},
    {LLVMFDiv, float_binary, FLOAT_DIV},
    {LLVMFRem, float_binary, FLOAT_REM},
    {LLVMAlloca, other, LLVMAlloca},
    {LLVMLoad, other, LLVMLoad},
    {LLVMStore, other, LLVMStore},
    {LLVMGetElementPtr, other, LLVMGetElementPtr},
    {LLVMBitCast, other, LLVMBitCast},
    {LLVMICmp, other, LLVMICmp},
    {LLVMFCmp, other, LLVMFCmp},
    {LLVMFNeg, other, LLVMFNeg},
    {LLVMSelect, other, LLVMSelect},
    {LLVMExtractValue, other, LLVMExtractValue},
    {LLVMInsertValue, other, LLVMInsertValue},
    {LLVMFreeze, other, LLVMFreeze},
    {LLVMCall, other, LLVMCall},
};

_Noreturn static void refuse_instruction(struct lowering *low, LLVMOpcode opcode)
{
    static const struct {
        LLVMOpcode opcode;
        const char *what, *change;
    } refused[] = {
        {LLVMIntToPtr, "an address made of a number", "use an array instead of an address"},
        {LLVMAtomicRMW, "an atomic access", "use ordinary variables"},
        {LLVMAtomicCmpXchg, "an atomic access", "use ordinary variables"},
        {LLVMFence, "a memory fence", "leave it out: a function has one thread"},
        {LLVMVAArg, "variable arguments", "pass a fixed number of arguments"},
        {LLVMLandingPad, "an exception", "return an error code"},
        {LLVMExtractElement, "a vector type", "use arrays and loops"},
        {LLVMInsertElement, "a vector type", "use arrays and loops"},
        {LLVMShuffleVector, "a vector type", "use arrays and loops"},
        {LLVMIndirectBr, "a computed jump", "use switch"},
        {LLVMCallBr, "inline assembly", "write it in C"},
        {LLVMInvoke, "an exception", "return an error code"},
        {LLVMResume, "an exception", "return an error code"},
        {LLVMAddrSpaceCast, "a pointer into another address space", "use ordinary pointers"},
    };

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i].opcode == opcode)
            program_refuse(low->program, lower_place(low), refused[i].change, "%s",
                           refused[i].what);
    program_refuse(low->program, lower_place(low), "write it in another way",
                   "an instruction that is not on the list (opcode %d)", (int)opcode);
}

static bool find_opcode(LLVMOpcode opcode, size_t *ret_index)
{
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
        if (TABLE[i].opcode == opcode) {
            *ret_index = i;
            return true;
        }
    return false;
}

void lower_instruction(struct lowering *low, LLVMValueRef instruction)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);
    size_t index;

    if (!find_opcode(opcode, &index))
        refuse_instruction(low, opcode);
    TABLE[index].lower(low, instruction, TABLE[index].op);
}

void lower_screen_instruction(struct lowering *low, LLVMValueRef instruction)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(instruction);
    size_t index;

    switch (opcode) {
    case LLVMBr:
    case LLVMSwitch:
    case LLVMRet:
    case LLVMUnreachable:
    case LLVMPHI:
        return;
    case LLVMCall:
        if (LLVMIsAInlineAsm(LLVMGetCalledValue(instruction)))
            refuse_instruction(low, LLVMCallBr);
        return;
    default:
        if (!find_opcode(opcode, &index))
            refuse_instruction(low, opcode);
    }
}
