/*
 * Calls of what the allow-list serves (src/allow): each becomes what its contract says, and nothing
 * of its code is looked at. What it reads must be there and set, what it may write must be
 * writable; what it answers is anything that the contract allows.
 */
#include <string.h>

#include "allow/allow.h"
#include "guest/platform.h"
#include "verify/lower_call.h"

static vid integer(struct lowering *low, enum operation op, unsigned width, vid a, vid b)
{
    return lower_emit(low, op, KIND_INT, width, b ? 2 : 1, (vid[]){a, b}, 0, 0);
}

static vid compare(struct lowering *low, enum predicate predicate, vid a, vid b)
{
    return lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){a, b}, predicate, 0);
}

/* A size, which is not signed, as 64 bits. */
static vid size_of(const struct call *call, const struct allow_param *parameter)
{
    if (parameter->size == ALLOW_FIXED)
        return program_const(call->low->program, 64, parameter->most);
    vid size = call_argument(call, parameter->size);

    return value_at(call->low->program, size)->width < 64 ? integer(call->low, OP_ZEXT, 64, size, 0)
                                                          : size;
}

/* Each byte is looked at, and nothing is made of it. */
static void read_bytes(const struct call *call, vid from, vid size)
{
    struct lowering *low = call->low;
    struct byte_loop loop = loop_begin(low);

    loop_body(low, &loop, compare(low, ICMP_ULT, loop.at, size));
    vid address = loop_address(low, &loop, from);
    lower_emit(low, OP_LOAD, KIND_INT, 8, 1, &address, 0, 0);
    loop_end(low, &loop, 1);
}

static void write_bytes(const struct call *call, vid to, vid size)
{
    struct lowering *low = call->low;
    vid byte = lower_emit(low, OP_UNKNOWN, KIND_INT, 8, 0, NULL, 0, 0);

    value_at(low->program, byte)->imm2 = width_mask(8);
    lower_emit(low, OP_MEMSET, KIND_VOID, 0, 3, (vid[]){to, byte, size}, 0, 0);
}

/* Any answer that the contract allows, of 32 bits. What is counted is never more than a message. */
static vid answer_of(const struct call *call, const struct allow_entry *entry)
{
    struct lowering *low = call->low;
    struct program *program = low->program;
    vid any = lower_emit(low, OP_UNKNOWN, KIND_INT, 32, 0, NULL, 0, 0);

    value_at(program, any)->imm2 = width_mask(32);
    if (entry->result == ALLOW_STATUS)
        return integer(low, OP_SMIN, 32, any, program_const(program, 32, 0));
    if (entry->result != ALLOW_COUNT)
        return any;
    vid most =
        program_const(program, 64, entry->layer == ALLOW_PLATFORM ? PLATFORM_DATA_MAX : INT32_MAX);
    const struct allow_param counted = {.size = entry->result_of};
    vid room = integer(low, OP_UMIN, 64, size_of(call, &counted), most);
    return integer(low, OP_SMIN, 32, any, integer(low, OP_TRUNC, 32, room, 0));
}

static bool type_matches(const struct call *call, const struct allow_entry *entry, unsigned count)
{
    LLVMTypeRef type = LLVMGetCalledFunctionType(call->instruction), parameters[ALLOW_PARAMS];

    if (LLVMIsFunctionVarArg(type) || LLVMCountParamTypes(type) != count ||
        call->result_count != 1 || call->result[0].kind != KIND_INT || call->result[0].width != 32)
        return false;
    LLVMGetParamTypes(type, parameters);
    for (unsigned i = 0; i < count; i++) {
        enum allow_kind kind = entry->params[i].kind;
        LLVMTypeKind is = LLVMGetTypeKind(parameters[i]);
        bool number = kind == ALLOW_VALUE || kind == ALLOW_LONG || kind == ALLOW_SIZE;
        unsigned width = kind == ALLOW_LONG ? 64 : 32;
        if (number ? is != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(parameters[i]) != width
                   : is != LLVMPointerTypeKind)
            return false;
    }
    return true;
}

bool call_allowed(const struct call *call)
{
    const struct allow_entry *entry = allow_find_native(call->name);
    struct lowering *low = call->low;
    unsigned count = 0;

    /* What is risky is for translated code alone. */
    if (!entry || entry->layer == ALLOW_RISKY)
        return false;
    while (count < ALLOW_PARAMS && entry->params[count].kind != ALLOW_END)
        count++;
    if (!type_matches(call, entry, count))
        program_refuse(low->program, lower_place(low), "include its header",
                       "a call of '%s' as another type than it has", call->name);
    for (unsigned i = 0; i < count; i++)
        if (entry->params[i].kind == ALLOW_READ)
            read_bytes(call, call_argument(call, i), size_of(call, &entry->params[i]));
    vid answer = answer_of(call, entry);
    for (unsigned i = 0; i < count; i++) {
        vid zero = program_const(low->program, 32, 0);
        if (entry->params[i].kind == ALLOW_WRITE)
            write_bytes(call, call_argument(call, i),
                        integer(low, OP_ZEXT, 64, integer(low, OP_SMAX, 32, answer, zero), 0));
        else if (entry->params[i].kind == ALLOW_FILL)
            write_bytes(call, call_argument(call, i), size_of(call, &entry->params[i]));
    }
    call_give(call, answer, 0);
    return true;
}
