/* Constants, globals and addresses. */
#include <string.h>

#include "verify/lower.h"

static vid address_of_object(struct lowering *low, uint32_t object)
{
    vid id = program_add_value(low->program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);

    value_at(low->program, id)->imm = object;
    return id;
}

/* The initial content of a global, written into bytes; addresses into cells. */
struct image {
    struct lowering *low;
    uint8_t *bytes;
    uint64_t size;
    struct pointer_cell *cells;
    uint32_t cell_count, cell_room;
};

static uint32_t global_object(struct lowering *low, LLVMValueRef global);

/* An address that nothing may be accessed at: a function's, one object each. */
static uint32_t function_object(struct lowering *low, LLVMValueRef function)
{
    struct lowered *known = map_find(&low->globals, function);
    size_t length;

    if (known)
        return known->parts[0];
    const char *name = LLVMGetValueName2(function, &length);
    /* Of the library's functions some are one under two names. */
    if (LLVMIsDeclaration(function))
        program_refuse(low->program, lower_place(low), "define the function in this source",
                       "the address of '%s', which is defined elsewhere", name);
    uint32_t id = program_add_object(low->program, name);
    struct object *object = &low->program->objects[id];
    object->readonly = object->unsplit = object->function = true;
    object->stride = 1;
    struct lowered *entry = map_add(low->program, &low->globals, function);
    entry->count = 1;
    entry->parts[0] = id;
    return id;
}

static const char *const STREAMS[] = {"stdin", "stdout", "stderr"};

/* stdin and its like: an address at which nothing may be accessed, as a function's. */
static bool stream_object(struct lowering *low, LLVMValueRef global, const char *name,
                          uint32_t *ret)
{
    struct program *program = low->program;
    bool is_one = false;

    for (size_t i = 0; i < sizeof STREAMS / sizeof *STREAMS; i++)
        is_one = is_one || strcmp(name, STREAMS[i]) == 0;
    if (!is_one)
        return false;
    uint32_t file = program_add_object(program, "FILE"), id = program_add_object(program, name);
    program->objects[file].readonly = program->objects[file].unsplit = true;
    program->objects[file].function = true;
    program->objects[file].stride = 1;
    struct object *object = &program->objects[id];
    object->size = object->stride = 8;
    object->readonly = true;
    object->bytes = program_alloc(program, 8 + 8, 1);
    object->cells = program_alloc(program, 1, sizeof *object->cells);
    object->cells[0].object = file;
    object->cell_count = 1;
    struct lowered *entry = map_add(program, &low->globals, global);
    entry->count = 1;
    entry->parts[0] = *ret = id;
    return true;
}

static void put_bits(struct image *image, uint64_t offset, uint64_t bits, uint64_t size)
{
    if (size > 8 || offset + size > image->size)
        program_refuse(image->low->program, lower_place(image->low), "write it in another way",
                       "an initial value that is not on the list");
    memcpy(image->bytes + offset, &bits, size);
}

/* A constant address as an object and an offset in it. */
static bool constant_address(struct lowering *low, LLVMValueRef value, uint32_t *ret_object,
                             int64_t *ret_addend)
{
    if (LLVMIsAGlobalVariable(value)) {
        *ret_object = global_object(low, value);
        *ret_addend = 0;
        return true;
    }
    if (!LLVMIsAConstantExpr(value))
        return false;
    if (LLVMGetConstOpcode(value) == LLVMBitCast)
        return constant_address(low, LLVMGetOperand(value, 0), ret_object, ret_addend);
    if (LLVMGetConstOpcode(value) != LLVMGetElementPtr ||
        !constant_address(low, LLVMGetOperand(value, 0), ret_object, ret_addend))
        return false;
    LLVMTypeRef type = LLVMGetElementType(LLVMTypeOf(LLVMGetOperand(value, 0)));
    for (int i = 1; i < LLVMGetNumOperands(value); i++) {
        LLVMValueRef index = LLVMGetOperand(value, (unsigned)i);
        if (!LLVMIsAConstantInt(index))
            return false;
        int64_t number = LLVMConstIntGetSExtValue(index), step;
        if (i > 1 && LLVMGetTypeKind(type) == LLVMStructTypeKind) {
            step = (int64_t)LLVMOffsetOfElement(low->layout, type, (unsigned)number);
            type = LLVMStructGetTypeAtIndex(type, (unsigned)number);
        } else {
            if (i > 1)
                type = LLVMGetElementType(type);
            if (__builtin_mul_overflow(number, (int64_t)lower_size(low, type), &step))
                return false;
        }
        if (__builtin_add_overflow(*ret_addend, step, ret_addend))
            return false;
    }
    return true;
}

static void put_address(struct image *image, uint64_t offset, LLVMValueRef value)
{
    struct lowering *low = image->low;
    struct pointer_cell cell = {.offset = offset};

    if (LLVMIsAFunction(value))
        cell.object = function_object(low, value);
    else if (!constant_address(low, value, &cell.object, &cell.addend))
        program_refuse(low->program, lower_place(low), "use the address of a variable",
                       "an address made of a number");
    if (image->cell_count == image->cell_room) {
        uint32_t room = image->cell_room ? image->cell_room * 2 : 16;
        struct pointer_cell *larger = program_alloc(low->program, room, sizeof *larger);
        if (image->cell_count > 0)
            memcpy(larger, image->cells, image->cell_count * sizeof *larger);
        image->cells = larger;
        image->cell_room = room;
    }
    image->cells[image->cell_count++] = cell;
}

/*
 * The bits as the object has them: as a number, a float would go through a double, which makes a
 * signalling NaN quiet.
 */
static uint64_t float_bits(LLVMValueRef value)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    unsigned width = LLVMGetTypeKind(type) == LLVMFloatTypeKind ? 32 : 64;
    LLVMTypeRef integer = LLVMIntTypeInContext(LLVMGetTypeContext(type), width);

    return LLVMConstIntGetZExtValue(LLVMConstBitCast(value, integer));
}

static void put_constant(struct image *image, uint64_t offset, LLVMValueRef value)
{
    struct lowering *low = image->low;
    LLVMTypeRef type = LLVMTypeOf(value);

    if (LLVMIsNull(value) || LLVMIsUndef(value))
        return; /* zeroed already; what is left undefined becomes zero in the object */
    switch (LLVMGetTypeKind(type)) {
    case LLVMIntegerTypeKind:
        if (LLVMIsAConstantInt(value)) {
            put_bits(image, offset, LLVMConstIntGetZExtValue(value), lower_size(low, type));
            return;
        }
        break;
    case LLVMFloatTypeKind:
    case LLVMDoubleTypeKind:
        if (LLVMIsAConstantFP(value)) {
            put_bits(image, offset, float_bits(value), lower_size(low, type));
            return;
        }
        break;
    case LLVMPointerTypeKind:
        put_address(image, offset, value);
        return;
    case LLVMArrayTypeKind: {
        uint64_t step = lower_size(low, LLVMGetElementType(type));
        bool data = LLVMIsAConstantDataArray(value);
        for (unsigned i = 0; i < LLVMGetArrayLength(type); i++)
            put_constant(image, offset + i * step,
                         data ? LLVMGetElementAsConstant(value, i) : LLVMGetOperand(value, i));
        return;
    }
    case LLVMStructTypeKind:
        for (unsigned i = 0; i < LLVMCountStructElementTypes(type); i++)
            put_constant(image, offset + LLVMOffsetOfElement(low->layout, type, i),
                         LLVMGetOperand(value, i));
        return;
    default:
        break;
    }
    program_refuse(low->program, lower_place(low), "write it in another way",
                   "an initial value that is not on the list");
}

/* Does all that names it, or a part of it, only read there? Then it is as good as constant. */
static bool is_only_read(LLVMValueRef address, unsigned depth)
{
    for (LLVMUseRef use = LLVMGetFirstUse(address); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        bool part = LLVMIsAGetElementPtrInst(user) || LLVMIsABitCastInst(user) ||
                    (LLVMIsAConstantExpr(user) && (LLVMGetConstOpcode(user) == LLVMBitCast ||
                                                   LLVMGetConstOpcode(user) == LLVMGetElementPtr));
        if (LLVMIsALoadInst(user) && !LLVMGetVolatile(user))
            continue;
        if (!part || depth == 0 || !is_only_read(user, depth - 1))
            return false;
    }
    return true;
}

static uint32_t global_object(struct lowering *low, LLVMValueRef global)
{
    struct lowered *known = map_find(&low->globals, global);
    struct program *program = low->program;
    size_t length;

    if (known)
        return known->parts[0];
    const char *name = LLVMGetValueName2(global, &length);
    LLVMValueRef initial = LLVMGetInitializer(global);
    uint32_t stream;
    if (!initial && stream_object(low, global, name, &stream))
        return stream;
    if (!initial)
        program_refuse(program, lower_place(low), "define it in this source",
                       "the variable '%s', which is defined elsewhere", name);
    LLVMLinkage linkage = LLVMGetLinkage(global);
    if (linkage != LLVMExternalLinkage && linkage != LLVMInternalLinkage &&
        linkage != LLVMPrivateLinkage && linkage != LLVMCommonLinkage &&
        linkage != LLVMLinkOnceODRLinkage)
        program_refuse(program, lower_place(low), "define it without attributes",
                       "the linkage of '%s'", name);
    LLVMTypeRef type = LLVMGlobalGetValueType(global);
    uint64_t size = lower_size(low, type);
    if (size > 64 << 20)
        program_refuse(program, lower_place(low), "make it smaller", "'%s', of more than 64 MiB",
                       name);
    uint32_t id = program_add_object(program, *name ? name : "constant");
    struct lowered *entry = map_add(program, &low->globals, global);
    entry->count = 1;
    entry->parts[0] = id;
    struct image image = {.low = low, .bytes = program_alloc(program, size + 8, 1), .size = size};
    put_constant(&image, 0, initial);
    struct object *object = &program->objects[id];
    object->size = size;
    object->readonly = LLVMIsGlobalConstant(global) || is_only_read(global, 6);
    object->bytes = image.bytes;
    object->cells = image.cells;
    object->cell_count = image.cell_count;
    object->stride = lower_stride(low, type);
    object->padding = lower_padding(low, type, size);
    object->alignment = LLVMGetAlignment(global);
    object->place = (struct place){.line = LLVMGetDebugLocLine(global)};
    return id;
}

vid lower_is_stream(struct lowering *low, vid pointer, bool null_too)
{
    struct program *program = low->program;
    vid any = program_const(program, 1, 0);

    for (size_t i = 0; i < sizeof STREAMS / sizeof *STREAMS + null_too; i++) {
        bool null = i == sizeof STREAMS / sizeof *STREAMS;
        LLVMValueRef global = null ? NULL : LLVMGetNamedGlobal(low->module, STREAMS[i]);
        if (!null && (!global || LLVMGetInitializer(global)))
            continue;
        vid it = null ? program_add_value(program, OP_NULL, KIND_POINTER, 64, NULL, 0)
                      : address_of_object(
                            low, program->objects[global_object(low, global)].cells[0].object);
        vid same = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){pointer, it}, ICMP_EQ, 0);
        any = lower_emit(low, OP_OR, KIND_INT, 1, 2, (vid[]){any, same}, 0, 0);
    }
    return any;
}

/* The bytes of so many elements are a number that a pointer can be moved by: none that came round
 * to the array again. */
static void require_subscript(struct lowering *low, vid number, uint64_t size)
{
    const struct value *value = value_at(low->program, number);
    uint64_t most = INT64_MAX / size;

    if (value_is_const(low->program, number) ||
        ((value->op == OP_SEXT || value->op == OP_ZEXT) && size < UINT64_C(1) << 31 &&
         value_at(low->program, value->operands[0])->width <= 32))
        return;
    vid highest = program_const(low->program, 64, most);
    vid lowest = program_const(low->program, 64, -most);
    vid below = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){number, highest}, ICMP_SLE, 0);
    vid above = lower_emit(low, OP_ICMP, KIND_INT, 1, 2, (vid[]){number, lowest}, ICMP_SGE, 0);
    lower_require(low, lower_emit(low, OP_AND, KIND_INT, 1, 2, (vid[]){below, above}, 0, 0),
                  PLACE_SUBSCRIPT);
}

/* index * size, as i64. */
static vid scaled(struct lowering *low, LLVMValueRef index, uint64_t size)
{
    vid number = lower_scalar(low, index);
    unsigned width = value_at(low->program, number)->width;

    if (width != 64)
        number = lower_emit(low, width < 64 ? OP_SEXT : OP_TRUNC, KIND_INT, 64, 1, &number, 0, 0);
    if (size > 1)
        require_subscript(low, number, size);
    vid operands[] = {number, program_const(low->program, 64, size)};
    return size == 1 ? number : lower_emit(low, OP_MUL, KIND_INT, 64, 2, operands, 0, 0);
}

static vid advance(struct lowering *low, vid pointer, vid by)
{
    vid operands[] = {pointer, by};

    if (value_is(low->program, by, 0))
        return pointer;
    return lower_emit(low, OP_PTRADD, KIND_POINTER, 64, 2, operands, 0, 0);
}

static bool is_zero(LLVMValueRef index)
{
    return LLVMIsAConstantInt(index) && LLVMConstIntGetZExtValue(index) == 0;
}

/*
 * What LLVM makes of "t + 16 - 1" for an array of 16: element -1 of the array behind it. No
 * subscript says that (clang compiles no constant one that is outside), so the place has the bounds
 * of where it began.
 */
static bool is_folded(LLVMValueRef gep, unsigned at, LLVMTypeRef array)
{
    LLVMValueRef index = LLVMGetOperand(gep, at);

    return at == 2 && LLVMIsAConstantInt(LLVMGetOperand(gep, 1)) &&
           !is_zero(LLVMGetOperand(gep, 1)) && LLVMIsAConstantInt(index) &&
           LLVMConstIntGetZExtValue(index) >= LLVMGetArrayLength(array);
}

static vid narrow(struct lowering *low, vid pointer, uint64_t size)
{
    return size == 0 ? pointer : lower_emit(low, OP_NARROW, KIND_POINTER, 64, 1, &pointer, 0, size);
}

/*
 * An address computation. What C says of a subscript is kept: a[i] of an array stays in that
 * array, a field's address in that field. (&a[0][0] and a[0] may walk the whole of a, and the
 * address of a structure in an array the whole of that: much code does, and the object's own
 * bounds hold.)
 */
vid lower_address(struct lowering *low, LLVMValueRef gep)
{
    vid pointer = lower_scalar(low, LLVMGetOperand(gep, 0));
    LLVMTypeRef type = LLVMGetGEPSourceElementType(gep);
    unsigned count = (unsigned)LLVMGetNumOperands(gep);

    if (!LLVMTypeIsSized(type))
        program_refuse(low->program, lower_place(low), "use a complete type",
                       "a type without size");
    if (!is_zero(LLVMGetOperand(gep, 1)))
        pointer = advance(low, pointer, scaled(low, LLVMGetOperand(gep, 1), lower_size(low, type)));
    for (unsigned i = 2; i < count; i++) {
        LLVMValueRef index = LLVMGetOperand(gep, i);
        if (LLVMGetTypeKind(type) == LLVMStructTypeKind) {
            unsigned field = (unsigned)LLVMConstIntGetZExtValue(index);
            uint64_t offset = LLVMOffsetOfElement(low->layout, type, field);
            type = LLVMStructGetTypeAtIndex(type, field);
            pointer = advance(low, pointer, program_const(low->program, 64, offset));
            pointer = narrow(low, pointer, lower_size(low, type));
            continue;
        }
        if (LLVMGetTypeKind(type) != LLVMArrayTypeKind)
            program_refuse(low->program, lower_place(low), "use arrays and loops", "a vector type");
        if (!is_zero(index) && LLVMGetArrayLength(type) > 0 && !is_folded(gep, i, type))
            pointer = narrow(low, pointer, lower_size(low, type));
        type = LLVMGetElementType(type);
        if (is_zero(index))
            continue;
        pointer = advance(low, pointer, scaled(low, index, lower_size(low, type)));
        if (LLVMGetTypeKind(type) == LLVMArrayTypeKind)
            pointer = narrow(low, pointer, lower_size(low, type));
    }
    return pointer;
}

static vid lower_constant_scalar(struct lowering *low, LLVMValueRef value)
{
    struct program *program = low->program;
    LLVMTypeRef type = LLVMTypeOf(value);

    if (LLVMIsAConstantInt(value))
        return program_const(program, LLVMGetIntTypeWidth(type), LLVMConstIntGetZExtValue(value));
    if (LLVMIsAConstantFP(value)) {
        vid id = program_add_value(program, OP_CONST, KIND_FLOAT,
                                   LLVMGetTypeKind(type) == LLVMFloatTypeKind ? 32 : 64, NULL, 0);
        value_at(program, id)->imm = float_bits(value);
        return id;
    }
    if (LLVMIsAConstantPointerNull(value))
        return program_add_value(program, OP_NULL, KIND_POINTER, 64, NULL, 0);
    if (LLVMIsAGlobalVariable(value))
        return address_of_object(low, global_object(low, value));
    if (LLVMIsAFunction(value))
        return address_of_object(low, function_object(low, value));
    if (LLVMIsAConstantExpr(value)) {
        LLVMOpcode op = LLVMGetConstOpcode(value);
        if (op == LLVMGetElementPtr)
            return lower_address(low, value);
        if (op == LLVMBitCast && LLVMGetTypeKind(type) == LLVMPointerTypeKind)
            return lower_scalar(low, LLVMGetOperand(value, 0));
        if (op == LLVMPtrToInt) {
            vid pointer = lower_scalar(low, LLVMGetOperand(value, 0));
            return lower_emit(low, OP_PTRTOINT, KIND_INT, LLVMGetIntTypeWidth(type), 1, &pointer, 0,
                              0);
        }
        program_refuse(program, lower_place(low),
                       op == LLVMIntToPtr ? "use an array instead of an address"
                                          : "write it in another way",
                       op == LLVMIntToPtr ? "an address made of a number"
                                          : "a constant that is not on the list");
    }
    program_refuse(program, lower_place(low), "give it a value before it is used",
                   LLVMIsUndef(value) || LLVMIsPoison(value)
                       ? "an undefined value"
                       : "a constant that is not on the list");
}

const struct lowered *lower_operand(struct lowering *low, LLVMValueRef value)
{
    struct program *program = low->program;
    struct lowered *known = map_find(&low->frame->map, value);
    struct scalar scalars[PARTS_MAX];

    if (known)
        return known;
    if (!LLVMIsConstant(value))
        program_refuse(program, lower_place(low), "write it in another way",
                       "a value that is not on the list");
    struct lowered *lowered = program_alloc(program, 1, sizeof *lowered);
    LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(value));
    if (kind != LLVMStructTypeKind && kind != LLVMArrayTypeKind) {
        lower_type(low, LLVMTypeOf(value), scalars);
        lowered->count = 1;
        lowered->parts[0] = lower_constant_scalar(low, value);
        return lowered;
    }
    /* A structure as a value: parts that are undefined have no value, and using one is refused. */
    lowered->count = lower_type(low, LLVMTypeOf(value), scalars);
    if (LLVMIsUndef(value) || LLVMIsPoison(value))
        return lowered;
    for (uint32_t i = 0; i < lowered->count; i++) {
        if (!LLVMIsNull(value))
            program_refuse(program, lower_place(low), "write it in another way",
                           "a constant structure as a value");
        if (scalars[i].kind == KIND_POINTER)
            lowered->parts[i] = program_add_value(program, OP_NULL, KIND_POINTER, 64, NULL, 0);
        else
            lowered->parts[i] = program_const(program, scalars[i].width, 0);
        value_at(program, lowered->parts[i])->kind = (uint8_t)scalars[i].kind;
    }
    return lowered;
}

vid lower_scalar(struct lowering *low, LLVMValueRef value)
{
    const struct lowered *lowered = lower_operand(low, value);

    if (lowered->count != 1 || lowered->parts[0] == 0)
        program_refuse(low->program, lower_place(low), "give it a value before it is used",
                       lowered->count == 1 ? "an undefined value" : "a structure as a value");
    return lowered->parts[0];
}
