/* Types: which are on the list, how large they are, what lies between their fields. */
#include <string.h>

#include "verify/lower.h"

uint64_t lower_size(struct lowering *low, LLVMTypeRef type)
{
    if (!LLVMTypeIsSized(type))
        program_refuse(low->program, lower_place(low), "use a complete type",
                       "a type without size");
    uint64_t size = LLVMABISizeOfType(low->layout, type);
    if (size > (uint64_t)1 << 31)
        program_refuse(low->program, lower_place(low), "make it smaller",
                       "a type of more than 2 GiB");
    return size;
}

static void add_scalars(struct lowering *low, LLVMTypeRef type, uint64_t offset,
                        struct scalar ret[PARTS_MAX], uint32_t *count)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);

    if (*count == PARTS_MAX)
        program_refuse(low->program, lower_place(low), "pass it by address",
                       "a structure of more than %d parts as a value", PARTS_MAX);
    switch (kind) {
    case LLVMIntegerTypeKind:
        if (LLVMGetIntTypeWidth(type) <= 64) {
            ret[(*count)++] = (struct scalar){KIND_INT, LLVMGetIntTypeWidth(type), offset};
            return;
        }
        program_refuse(low->program, lower_place(low), "use integers of at most 64 bits",
                       "an integer of %u bits", LLVMGetIntTypeWidth(type));
    case LLVMFloatTypeKind:
    case LLVMDoubleTypeKind:
        ret[(*count)++] = (struct scalar){KIND_FLOAT, kind == LLVMFloatTypeKind ? 32 : 64, offset};
        return;
    case LLVMPointerTypeKind:
        if (LLVMGetPointerAddressSpace(type) == 0) {
            ret[(*count)++] = (struct scalar){KIND_POINTER, 64, offset};
            return;
        }
        program_refuse(low->program, lower_place(low), "use ordinary pointers",
                       "a pointer into another address space");
    case LLVMStructTypeKind:
        for (unsigned i = 0; i < LLVMCountStructElementTypes(type); i++)
            add_scalars(low, LLVMStructGetTypeAtIndex(type, i),
                        offset + LLVMOffsetOfElement(low->layout, type, i), ret, count);
        return;
    case LLVMArrayTypeKind:
        for (unsigned i = 0; i < LLVMGetArrayLength(type); i++)
            add_scalars(low, LLVMGetElementType(type),
                        offset + i * lower_size(low, LLVMGetElementType(type)), ret, count);
        return;
    case LLVMX86_FP80TypeKind:
    case LLVMFP128TypeKind:
        program_refuse(low->program, lower_place(low), "use double", "long double");
    case LLVMVectorTypeKind:
    case LLVMScalableVectorTypeKind:
        program_refuse(low->program, lower_place(low), "use arrays and loops", "a vector type");
    default:
        program_refuse(low->program, lower_place(low), "use integers, float, double and pointers",
                       "a type that is not on the list (kind %d)", (int)kind);
    }
}

uint32_t lower_type(struct lowering *low, LLVMTypeRef type, struct scalar ret[PARTS_MAX])
{
    uint32_t count = 0;

    if (LLVMGetTypeKind(type) != LLVMVoidTypeKind)
        add_scalars(low, type, 0, ret, &count);
    return count;
}

static void clear_padding(struct lowering *low, LLVMTypeRef type, uint8_t *map, uint64_t size)
{
    uint64_t bytes = LLVMABISizeOfType(low->layout, type);

    if (bytes > size)
        return;
    if (LLVMGetTypeKind(type) == LLVMStructTypeKind) {
        for (unsigned i = 0; i < LLVMCountStructElementTypes(type); i++) {
            uint64_t offset = LLVMOffsetOfElement(low->layout, type, i);
            clear_padding(low, LLVMStructGetTypeAtIndex(type, i), map + offset, size - offset);
        }
    } else if (LLVMGetTypeKind(type) == LLVMArrayTypeKind) {
        uint64_t step = LLVMABISizeOfType(low->layout, LLVMGetElementType(type));
        for (unsigned i = 0; step > 0 && i < LLVMGetArrayLength(type); i++)
            clear_padding(low, LLVMGetElementType(type), map + i * step, size - i * step);
    } else {
        memset(map, 0, bytes);
    }
}

uint8_t *lower_padding(struct lowering *low, LLVMTypeRef type, uint64_t size)
{
    uint64_t step = lower_size(low, type);

    if (size == 0 || size > 64 << 10 || step == 0)
        return NULL;
    uint8_t *map = program_alloc(low->program, size, 1);
    memset(map, 1, size);
    for (uint64_t at = 0; at + step <= size; at += step)
        clear_padding(low, type, map + at, size - at);
    return memchr(map, 1, size) ? map : NULL;
}

uint32_t lower_stride(struct lowering *low, LLVMTypeRef type)
{
    while (LLVMGetTypeKind(type) == LLVMArrayTypeKind)
        type = LLVMGetElementType(type);
    uint64_t size = LLVMTypeIsSized(type) ? LLVMABISizeOfType(low->layout, type) : 1;
    return size == 0 || size > 1 << 20 ? 1 : (uint32_t)size;
}
