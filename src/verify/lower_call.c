/* Calls: of functions in the module (copied in), of intrinsics and of the C library's functions
 * that are on the list. */
#include <string.h>

#include "verify/lower_call.h"

vid call_argument(const struct call *call, unsigned index)
{
    return lower_scalar(call->low, LLVMGetOperand(call->instruction, index));
}

void call_give(const struct call *call, vid first, vid second)
{
    struct lowered *lowered =
        map_add(call->low->program, &call->low->frame->map, call->instruction);

    lowered->count = call->result_count;
    lowered->parts[0] = first;
    lowered->parts[1] = second;
}

static vid emit_int(const struct call *call, enum operation op, unsigned width, unsigned sub,
                    unsigned count, const vid *operands)
{
    return lower_emit(call->low, op, KIND_INT, width, count, operands, sub, 0);
}

static unsigned result_width(const struct call *call)
{
    return call->result[0].width;
}

static void call_nothing(const struct call *call, unsigned op)
{
    (void)call;
    (void)op;
}

static void call_lifetime(const struct call *call, unsigned op)
{
    struct program *program = call->low->program;
    vid pointer = call_argument(call, 1);

    if (value_at(program, pointer)->op != OP_OBJECT)
        program_refuse(program, lower_place(call->low), "compile it with -O0",
                       "the life of a part of a variable");
    uint32_t object = (uint32_t)value_at(program, pointer)->imm;
    if (!program->objects[object].stack)
        program_refuse(program, lower_place(call->low), "leave it out",
                       "the life of what is no local variable");
    if (op == OP_BEGIN && !program->objects[object].scoped) /* lower_alloca() did not see it */
        program_refuse(program, lower_place(call->low), "compile it with -O0",
                       "the life of a part of a variable");
    if (op == OP_END)
        program->objects[object].scoped = true;
    lower_emit(call->low, (enum operation)op, KIND_VOID, 0, 0, NULL, 0, object);
}

/*
 * memset(&variable, byte, sizeof variable): LLVM writes the address of a variable's very first part
 * as it writes the variable's, so that its size says which is meant.
 */
static bool is_whole_variable(const struct call *call, vid *ret_address)
{
    LLVMValueRef at = LLVMGetOperand(call->instruction, 0),
                 length = LLVMGetOperand(call->instruction, 2);

    while (LLVMIsAConstantExpr(at)) {
        LLVMOpcode op = LLVMGetConstOpcode(at);
        for (int i = 1; op == LLVMGetElementPtr && i < LLVMGetNumOperands(at); i++)
            if (!LLVMIsNull(LLVMGetOperand(at, (unsigned)i)))
                return false;
        if (op != LLVMGetElementPtr && op != LLVMBitCast)
            return false;
        at = LLVMGetOperand(at, 0);
    }
    if (!LLVMIsAGlobalVariable(at) || !LLVMIsAConstantInt(length) ||
        LLVMConstIntGetZExtValue(length) != lower_size(call->low, LLVMGlobalGetValueType(at)))
        return false;
    *ret_address = lower_scalar(call->low, at);
    return true;
}

/* memset, memcpy, memmove; of `sub` 2 the function's result is its first argument. */
static void call_memory(const struct call *call, unsigned op)
{
    struct lowering *low = call->low;
    bool copy = op != OP_MEMSET;
    vid operands[3];

    if (strncmp(call->name, "llvm.", 5) == 0 && !LLVMIsNull(LLVMGetOperand(call->instruction, 3)))
        program_refuse(low->program, lower_place(low), "leave 'volatile' out", "a volatile access");
    for (unsigned i = 0; i < 3; i++)
        operands[i] = call_argument(call, i);
    unsigned width = value_at(low->program, operands[2])->width;
    if (width < 64)
        operands[2] = emit_int(call, OP_ZEXT, 64, 0, 1, &operands[2]);
    vid destination = operands[0];
    if (!copy && is_whole_variable(call, &destination))
        operands[0] = destination;
    if (!copy && value_at(low->program, operands[1])->width > 8)
        operands[1] = emit_int(call, OP_TRUNC, 8, 0, 1, &operands[1]);
    lower_emit(low, copy ? OP_MEMCPY : OP_MEMSET, KIND_VOID, 0, 3, operands,
               strstr(call->name, "memmove") ? COPY_MOVE : COPY_APART, 0);
    if (call->result_count == 1)
        call_give(call, operands[0], 0);
}

static void call_binary(const struct call *call, unsigned op)
{
    vid operands[] = {call_argument(call, 0), call_argument(call, 1)};

    call_give(call, emit_int(call, (enum operation)op, result_width(call), 0, 2, operands), 0);
}

static void call_unary(const struct call *call, unsigned op)
{
    vid operand = call_argument(call, 0);
    LLVMValueRef zero_is_poison =
        op == OP_CTLZ || op == OP_CTTZ ? LLVMGetOperand(call->instruction, 1) : NULL;

    if (op == OP_BSWAP && result_width(call) % 16 != 0)
        program_refuse(call->low->program, lower_place(call->low), "use 16, 32 or 64 bits",
                       "a byte swap of %u bits", result_width(call));
    if (zero_is_poison && !LLVMIsNull(zero_is_poison)) {
        vid zero = program_const(call->low->program, result_width(call), 0);
        lower_require(call->low, emit_int(call, OP_ICMP, 1, ICMP_NE, 2, (vid[]){operand, zero}),
                      PLACE_CONTRACT);
    }
    call_give(call, emit_int(call, (enum operation)op, result_width(call), 0, 1, &operand), 0);
}

/* abs(x); that of the smallest number is itself, whatever the flag says: -fwrapv. */
static void call_absolute(const struct call *call, unsigned op)
{
    (void)op;
    unsigned width = result_width(call);
    vid operand = call_argument(call, 0), zero = program_const(call->low->program, width, 0);
    vid negated = emit_int(call, OP_SUB, width, 0, 2, (vid[]){zero, operand});
    vid negative = emit_int(call, OP_ICMP, 1, ICMP_SLT, 2, (vid[]){operand, zero});

    call_give(call, emit_int(call, OP_SELECT, width, 0, 3, (vid[]){negative, negated, operand}), 0);
}

/* fshl and fshr with one operand twice and by a constant: rotation. Else any value. */
static void call_funnel(const struct call *call, unsigned left)
{
    struct lowering *low = call->low;
    unsigned width = result_width(call);
    vid high = call_argument(call, 0), lower = call_argument(call, 1), by = call_argument(call, 2);

    if (value_is_const(low->program, by)) {
        unsigned amount = (unsigned)(value_at(low->program, by)->imm % width);
        if (!left)
            amount = amount ? width - amount : 0;
        if (amount == 0) {
            call_give(call, left ? high : lower, 0);
            return;
        }
        vid up = program_const(low->program, width, amount);
        vid down = program_const(low->program, width, width - amount);
        vid a = emit_int(call, OP_SHL, width, 0, 2, (vid[]){high, up});
        vid b = emit_int(call, OP_LSHR, width, 0, 2, (vid[]){lower, down});
        call_give(call, emit_int(call, OP_OR, width, 0, 2, (vid[]){a, b}), 0);
        return;
    }
    program_refuse(low->program, lower_place(low), "rotate by a constant",
                   "a rotation by a computed amount");
}

static void call_saturating(const struct call *call, unsigned add)
{
    unsigned width = result_width(call);
    vid a = call_argument(call, 0), b = call_argument(call, 1);
    vid result = emit_int(call, add ? OP_ADD : OP_SUB, width, 0, 2, (vid[]){a, b});
    vid wrapped = emit_int(call, OP_ICMP, 1, ICMP_ULT, 2, add ? (vid[]){result, a} : (vid[]){a, b});
    vid limit = program_const(call->low->program, width, add ? UINT64_MAX : 0);

    call_give(call, emit_int(call, OP_SELECT, width, 0, 3, (vid[]){wrapped, limit, result}), 0);
}

/* Of a signed product of 64 bits by a constant: outside of what the constant leaves room for. */
static vid product_overflows(const struct call *call, vid a, vid b)
{
    struct lowering *low = call->low;
    vid by = value_is_const(low->program, a) ? a : b, other = by == a ? b : a;
    int64_t factor = (int64_t)value_at(low->program, by)->imm;

    if (!value_is_const(low->program, by) || factor <= 0 || result_width(call) != 64)
        program_refuse(low->program, lower_place(low), "use unsigned numbers, or compare first",
                       "an overflow check of a signed product of 64 bits");
    vid most = program_const(low->program, 64, (uint64_t)(INT64_MAX / factor));
    vid least = program_const(low->program, 64, (uint64_t)(INT64_MIN / factor));
    vid above = emit_int(call, OP_ICMP, 1, ICMP_SGT, 2, (vid[]){other, most});
    vid below = emit_int(call, OP_ICMP, 1, ICMP_SLT, 2, (vid[]){other, least});
    return emit_int(call, OP_OR, 1, 0, 2, (vid[]){above, below});
}

/* {a op b, did it overflow}: __builtin_add_overflow() and its like. Computed in twice the width,
 * or, of 64 bits, by comparing. */
static void call_overflow(const struct call *call, unsigned op)
{
    struct lowering *low = call->low;
    unsigned width = result_width(call);
    bool is_signed = call->name[5] == 's';
    vid a = call_argument(call, 0), b = call_argument(call, 1);
    vid result = emit_int(call, (enum operation)op, width, 0, 2, (vid[]){a, b}), overflow;

    if (width <= 32) {
        enum operation extend = is_signed ? OP_SEXT : OP_ZEXT;
        vid wide_a = emit_int(call, extend, 64, 0, 1, &a);
        vid wide_b = emit_int(call, extend, 64, 0, 1, &b);
        vid wide = emit_int(call, (enum operation)op, 64, 0, 2, (vid[]){wide_a, wide_b});
        vid back = emit_int(call, extend, 64, 0, 1, &result);
        overflow = emit_int(call, OP_ICMP, 1, ICMP_NE, 2, (vid[]){wide, back});
    } else if (op == OP_ADD && !is_signed) {
        overflow = emit_int(call, OP_ICMP, 1, ICMP_ULT, 2, (vid[]){result, a});
    } else if (op == OP_SUB && !is_signed) {
        overflow = emit_int(call, OP_ICMP, 1, ICMP_ULT, 2, (vid[]){a, b});
    } else if (op == OP_MUL && !is_signed) {
        /* b != 0 and a > MAX / b. */
        vid zero = program_const(low->program, width, 0),
            one = program_const(low->program, width, 1);
        vid nonzero = emit_int(call, OP_ICMP, 1, ICMP_NE, 2, (vid[]){b, zero});
        vid divisor = emit_int(call, OP_UMAX, width, 0, 2, (vid[]){b, one});
        vid most = emit_int(call, OP_UDIV, width, 0, 2,
                            (vid[]){program_const(low->program, width, UINT64_MAX), divisor});
        vid more = emit_int(call, OP_ICMP, 1, ICMP_UGT, 2, (vid[]){a, most});
        overflow = emit_int(call, OP_AND, 1, 0, 2, (vid[]){nonzero, more});
    } else if (op != OP_MUL) {
        /* It is smaller than a if and only if b is negative (of a - b: positive). */
        vid zero = program_const(low->program, width, 0);
        vid less = emit_int(call, OP_ICMP, 1, ICMP_SLT, 2, (vid[]){result, a});
        vid should =
            emit_int(call, OP_ICMP, 1, op == OP_ADD ? ICMP_SLT : ICMP_SGT, 2, (vid[]){b, zero});
        overflow = emit_int(call, OP_XOR, 1, 0, 2, (vid[]){less, should});
    } else {
        overflow = product_overflows(call, a, b);
    }
    call_give(call, result, overflow);
}

static void call_float(const struct call *call, unsigned sub)
{
    vid operands[3];
    unsigned count = LLVMGetNumArgOperands(call->instruction);

    if (count > 3 || call->result_count != 1 || call->result[0].kind != KIND_FLOAT)
        program_refuse(call->low->program, lower_place(call->low), "include <math.h>",
                       "a call of '%s' with other arguments than it has", call->name);
    for (unsigned i = 0; i < count; i++)
        operands[i] = call_argument(call, i);
    call_give(call,
              lower_emit(call->low, count == 1 ? OP_FUNARY : OP_FBINARY, KIND_FLOAT,
                         result_width(call), count > 2 ? 2 : count, operands, sub, 0),
              0);
}

/* What always stops: it must not be reached. */
void call_stop(const struct call *call, unsigned op)
{
    (void)op;
    lower_require(call->low, program_const(call->low->program, 1, 0), PLACE_UNREACHABLE);
}

static void call_expect(const struct call *call, unsigned op)
{
    (void)op;
    call_give(call, call_argument(call, 0), 0);
}

/* assume(x) is a promise: it becomes something to prove, and tells nothing. */
static void call_assume(const struct call *call, unsigned op)
{
    (void)op;
    lower_require(call->low, call_argument(call, 0), PLACE_CONTRACT);
}

static void call_constant_p(const struct call *call, unsigned op)
{
    (void)op;
    call_give(call, program_const(call->low->program, 1, 0), 0);
}

/* A name that ends in "*" stands for all that begin so. */
static const struct {
    const char *name;
    void (*lower)(const struct call *call, unsigned op);
    unsigned op;
    const char *signature; /* signature_matches(); of intrinsics LLVM has looked */
} TABLE[] = {
    {"llvm.dbg.*", call_nothing, 0, NULL},
    {"llvm.lifetime.start.*", call_lifetime, OP_BEGIN, NULL},
    {"llvm.lifetime.end.*", call_lifetime, OP_END, NULL},
    {"llvm.memset.*", call_memory, OP_MEMSET, NULL},
    {"llvm.memcpy.*", call_memory, OP_MEMCPY, NULL},
    {"llvm.memmove.*", call_memory, OP_MEMCPY, NULL},
    {"memset", call_memory, OP_MEMSET, "ppil"},
    {"memcpy", call_memory, OP_MEMCPY, "pppl"},
    {"memmove", call_memory, OP_MEMCPY, "pppl"},
    {"llvm.umin.*", call_binary, OP_UMIN, NULL},
    {"llvm.umax.*", call_binary, OP_UMAX, NULL},
    {"llvm.smin.*", call_binary, OP_SMIN, NULL},
    {"llvm.smax.*", call_binary, OP_SMAX, NULL},
    {"llvm.ctpop.*", call_unary, OP_CTPOP, NULL},
    {"llvm.ctlz.*", call_unary, OP_CTLZ, NULL},
    {"llvm.cttz.*", call_unary, OP_CTTZ, NULL},
    {"llvm.bswap.*", call_unary, OP_BSWAP, NULL},
    {"llvm.abs.*", call_absolute, 0, NULL},
    {"abs", call_absolute, 0, "ii"},
    {"labs", call_absolute, 0, "ll"},
    {"llabs", call_absolute, 0, "ll"},
    {"llvm.fshl.*", call_funnel, 1, NULL},
    {"llvm.fshr.*", call_funnel, 0, NULL},
    {"llvm.uadd.sat.*", call_saturating, 1, NULL},
    {"llvm.usub.sat.*", call_saturating, 0, NULL},
    {"llvm.uadd.with.overflow.*", call_overflow, OP_ADD, NULL},
    {"llvm.usub.with.overflow.*", call_overflow, OP_SUB, NULL},
    {"llvm.umul.with.overflow.*", call_overflow, OP_MUL, NULL},
    {"llvm.sadd.with.overflow.*", call_overflow, OP_ADD, NULL},
    {"llvm.ssub.with.overflow.*", call_overflow, OP_SUB, NULL},
    {"llvm.smul.with.overflow.*", call_overflow, OP_MUL, NULL},
    {"llvm.expect.*", call_expect, 0, NULL},
    {"llvm.assume", call_assume, 0, NULL},
    {"llvm.is.constant.*", call_constant_p, 0, NULL},
    {"llvm.donothing", call_nothing, 0, NULL},
    {"llvm.experimental.noalias.scope.decl", call_nothing, 0, NULL},
    {"llvm.trap", call_stop, 0, NULL},
    {"llvm.debugtrap", call_stop, 0, NULL},
    {"llvm.ubsantrap", call_stop, 0, NULL},
    {"abort", call_exit, 0, "v"},
    {"exit", call_exit, 0, "vi"},
    {"_exit", call_exit, 0, "vi"},
    {"__assert_fail", call_stop, 0, "vppip"},
    {"llvm.fabs.*", call_float, FLOAT_ABS, NULL},
    {"llvm.sqrt.*", call_float, FLOAT_SQRT, NULL},
    {"llvm.floor.*", call_float, FLOAT_FLOOR, NULL},
    {"llvm.ceil.*", call_float, FLOAT_CEIL, NULL},
    {"llvm.trunc.*", call_float, FLOAT_TRUNC, NULL},
    {"llvm.round.*", call_float, FLOAT_ROUND, NULL},
    {"llvm.rint.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.nearbyint.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.minnum.*", call_float, FLOAT_MIN, NULL},
    {"llvm.maxnum.*", call_float, FLOAT_MAX, NULL},
    {"llvm.copysign.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.fma.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.fmuladd.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.pow.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.exp.*", call_float, FLOAT_EXP, NULL},
    {"llvm.exp2.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.log.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.log2.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.log10.*", call_float, FLOAT_OTHER, NULL},
    {"llvm.sin.*", call_float, FLOAT_UNIT, NULL},
    {"llvm.cos.*", call_float, FLOAT_UNIT, NULL},
    {"sqrt", call_float, FLOAT_SQRT, "dd"},
    {"sqrtf", call_float, FLOAT_SQRT, "ff"},
    {"fabs", call_float, FLOAT_ABS, "dd"},
    {"fabsf", call_float, FLOAT_ABS, "ff"},
    {"floor", call_float, FLOAT_FLOOR, "dd"},
    {"floorf", call_float, FLOAT_FLOOR, "ff"},
    {"ceil", call_float, FLOAT_CEIL, "dd"},
    {"ceilf", call_float, FLOAT_CEIL, "ff"},
    {"trunc", call_float, FLOAT_TRUNC, "dd"},
    {"truncf", call_float, FLOAT_TRUNC, "ff"},
    {"round", call_float, FLOAT_ROUND, "dd"},
    {"roundf", call_float, FLOAT_ROUND, "ff"},
    {"fmin", call_float, FLOAT_MIN, "ddd"},
    {"fminf", call_float, FLOAT_MIN, "fff"},
    {"fmax", call_float, FLOAT_MAX, "ddd"},
    {"fmaxf", call_float, FLOAT_MAX, "fff"},
    {"fmod", call_float, FLOAT_OTHER, "ddd"},
    {"fmodf", call_float, FLOAT_OTHER, "fff"},
    {"sin", call_float, FLOAT_UNIT, "dd"},
    {"sinf", call_float, FLOAT_UNIT, "ff"},
    {"cos", call_float, FLOAT_UNIT, "dd"},
    {"cosf", call_float, FLOAT_UNIT, "ff"},
    {"tan", call_float, FLOAT_OTHER, "dd"},
    {"tanf", call_float, FLOAT_OTHER, "ff"},
    {"asin", call_float, FLOAT_ANGLE, "dd"},
    {"acos", call_float, FLOAT_ANGLE, "dd"},
    {"atan", call_float, FLOAT_ANGLE, "dd"},
    {"atanf", call_float, FLOAT_ANGLE, "ff"},
    {"atan2", call_float, FLOAT_ANGLE, "ddd"},
    {"atan2f", call_float, FLOAT_ANGLE, "fff"},
    {"sinh", call_float, FLOAT_OTHER, "dd"},
    {"cosh", call_float, FLOAT_OTHER, "dd"},
    {"tanh", call_float, FLOAT_UNIT, "dd"},
    {"exp", call_float, FLOAT_EXP, "dd"},
    {"expf", call_float, FLOAT_EXP, "ff"},
    {"exp2", call_float, FLOAT_OTHER, "dd"},
    {"log", call_float, FLOAT_OTHER, "dd"},
    {"logf", call_float, FLOAT_OTHER, "ff"},
    {"log2", call_float, FLOAT_OTHER, "dd"},
    {"log10", call_float, FLOAT_OTHER, "dd"},
    {"pow", call_float, FLOAT_OTHER, "ddd"},
    {"powf", call_float, FLOAT_OTHER, "fff"},
    {"hypot", call_float, FLOAT_OTHER, "ddd"},
    {"cbrt", call_float, FLOAT_OTHER, "dd"},
    {"copysign", call_float, FLOAT_OTHER, "ddd"},
    {"fma", call_float, FLOAT_OTHER, "dddd"},
    {"vireo_response_status", call_response, 0, "ii"},
    {"vireo_response_header", call_response, 2, "ipp"},
    {"printf", call_format, 0, "ip."},
    {"fprintf", call_format, 1, "isp."},
    {"puts", call_puts, 0, "ip"},
    {"wprintf", call_format, CALL_WIDE | 0, "ip."},
    {"fwprintf", call_format, CALL_WIDE | 1, "isp."},
    {"snprintf", call_snprintf, 0, "iplp."},
    {"sprintf", call_sprintf, 0, "ipp."},
    {"fputs", call_puts, 0, "ips"},
    {"putchar", call_number, 0, "ii"},
    {"putc", call_number, 0, "iis"},
    {"fputc", call_number, 0, "iis"},
    {"getchar", call_getchar, 0, "i"},
    {"getc", call_getchar, 0, "is"},
    {"fgetc", call_getchar, 0, "is"},
    {"scanf", call_scan, 0, "ip."},
    {"fscanf", call_scan, 1, "isp."},
    {"sscanf", call_scan, 1, "ipp."},
    {"__isoc99_scanf", call_scan, 0, "ip."},
    {"__isoc99_fscanf", call_scan, 1, "isp."},
    {"__isoc99_sscanf", call_scan, 1, "ipp."},
    {"time", call_time, 0, "lp"},
    {"clock", call_number, 0, "l"},
    {"atof", call_of_text, 0, "dp"},
    {"fflush", call_number, 0, "iS"},
    {"rand", call_number, 31, "i"},
    {"srand", call_nothing, 0, "vi"},
    {"fgets", call_fgets, 0, "ppis"},
    {"fgetws", call_fgets, 1, "ppis"},
    {"__VERIFIER_nondet_*", call_nondet, 0, NULL},
    {"__VERIFIER_assume", call_end_unless, 0, "vi"},
};

static bool letter_matches(char letter, LLVMTypeRef type)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);

    switch (letter) {
    case 'v':
        return kind == LLVMVoidTypeKind;
    case 'i':
        return kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 32;
    case 'l':
        return kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 64;
    case 'f':
        return kind == LLVMFloatTypeKind;
    case 'd':
        return kind == LLVMDoubleTypeKind;
    default:
        return kind == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(type) == 0;
    }
}

/*
 * A letter for the result and each parameter ("s": one of the streams, "S": that or null), "." for
 * more of any type. Who passes half a register leaves the rest to chance, and the library reads it.
 * (C's "()" is no list of parameters: it will do for none.)
 */
static bool signature_matches(LLVMValueRef at, const char *signature)
{
    LLVMTypeRef type = LLVMGetCalledFunctionType(at), parameters[8];
    unsigned by_value = LLVMGetEnumAttributeKindForName("byval", 5);
    size_t count = strlen(signature) - 1;
    bool open = signature[count] == '.';

    count -= open;
    if (LLVMCountParamTypes(type) != count || count > sizeof parameters / sizeof *parameters ||
        !letter_matches(signature[0], LLVMGetReturnType(type)) ||
        (LLVMIsFunctionVarArg(type) && !open && (count > 0 || LLVMGetNumArgOperands(at) > 0)))
        return false;
    LLVMGetParamTypes(type, parameters);
    for (unsigned i = 0; i < count; i++)
        if (!letter_matches(signature[1 + i], parameters[i]) ||
            LLVMGetEnumAttributeAtIndex(LLVMGetCalledValue(at), i + 1, by_value))
            return false;
    for (unsigned i = 0; i < LLVMGetNumArgOperands(at); i++)
        if (LLVMGetCallSiteEnumAttribute(at, i + 1, by_value))
            return false;
    return true;
}

/* Where the library takes a stream no other address will do. */
static void require_streams(const struct call *call, const char *signature)
{
    struct lowering *low = call->low;

    for (unsigned i = 0; signature && signature[0] && signature[1 + i]; i++)
        if (signature[1 + i] == 's' || signature[1 + i] == 'S')
            lower_require(low,
                          lower_is_stream(low, call_argument(call, i), signature[1 + i] == 'S'),
                          PLACE_CONTRACT);
}

static bool name_matches(const char *pattern, const char *name)
{
    size_t length = strlen(pattern);

    return pattern[length - 1] == '*' ? strncmp(pattern, name, length - 1) == 0
                                      : strcmp(pattern, name) == 0;
}

/* Nothing comes behind the call: whatever it is does no harm where it must not be reached. Rust's
 * panics are such. */
static bool never_returns(LLVMValueRef at)
{
    LLVMValueRef next = LLVMGetNextInstruction(at);

    return next && LLVMIsAUnreachableInst(next);
}

void lower_call(struct lowering *low, LLVMValueRef at)
{
    LLVMValueRef called = LLVMGetCalledValue(at);
    struct call call = {.low = low, .instruction = at};
    size_t length;

    if (!LLVMIsAFunction(called)) {
        lower_call_pointer(low, at);
        return;
    }
    if (LLVMGetCalledFunctionType(at) != LLVMGlobalGetValueType(called))
        program_refuse(low->program, lower_place(low), "declare the function as it is defined",
                       "a call of '%s' as another type than it has",
                       LLVMGetValueName2(called, &length));
    if (!LLVMIsDeclaration(called)) {
        lower_call_defined(low, at, called);
        return;
    }
    call.name = LLVMGetValueName2(called, &length);
    if (strncmp(call.name, "llvm.dbg.", 9) == 0)
        return;
    call.result_count = lower_type(low, LLVMTypeOf(at), call.result);
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++)
        if (name_matches(TABLE[i].name, call.name)) {
            if (TABLE[i].signature && !signature_matches(call.instruction, TABLE[i].signature))
                program_refuse(low->program, lower_place(low), "include its header",
                               "a call of '%s' as another type than the library has", call.name);
            require_streams(&call, TABLE[i].signature);
            TABLE[i].lower(&call, TABLE[i].op);
            return;
        }
    if (call_allowed(&call))
        return;
    if (never_returns(at)) {
        call_stop(&call, 0);
        return;
    }
    if (strcmp(call.name, "llvm.stacksave") == 0 || strcmp(call.name, "llvm.stackrestore") == 0)
        program_refuse(low->program, lower_place(low), "use an array of a fixed size",
                       "an array whose size is computed");
    if (strcmp(call.name, "malloc") == 0 || strcmp(call.name, "calloc") == 0 ||
        strcmp(call.name, "realloc") == 0 || strcmp(call.name, "free") == 0)
        program_refuse(low->program, lower_place(low), "use a static array as the pool",
                       "a call of '%s'", call.name);
    program_refuse(low->program, lower_place(low), "define it in this source, or do without it",
                   "a call of '%s', which is not on the list", call.name);
}
