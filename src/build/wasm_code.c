/*
 * Walks WebAssembly instructions by their immediates: what each is, not what it does to the stack
 * (wasm2c's validator does that, in its sandbox). What wasm2c 1.0.32 has no code for is refused
 * here by name, since its own message would be about an unexpected opcode.
 */
#include <errno.h>

#include "base/err.h"
#include "build/wasm.h"

/* Instructions with an immediate or a meaning of their own; the rest are ranges. */
enum {
    OP_BLOCK = 0x02,
    OP_LOOP = 0x03,
    OP_IF = 0x04,
    OP_ELSE = 0x05,
    OP_END = 0x0b,
    OP_BR = 0x0c,
    OP_BR_IF = 0x0d,
    OP_BR_TABLE = 0x0e,
    OP_CALL = 0x10,
    OP_CALL_INDIRECT = 0x11,
    OP_SELECT_TYPED = 0x1c,
    OP_LOCAL_GET = 0x20,
    OP_LOCAL_TEE = 0x22,
    OP_GLOBAL_GET = 0x23,
    OP_GLOBAL_SET = 0x24,
    OP_TABLE_GET = 0x25,
    OP_TABLE_SET = 0x26,
    OP_LOAD_FIRST = 0x28,
    OP_STORE_LAST = 0x3e,
    OP_MEMORY_SIZE = 0x3f,
    OP_MEMORY_GROW = 0x40,
    OP_I32_CONST = 0x41,
    OP_I64_CONST = 0x42,
    OP_F32_CONST = 0x43,
    OP_F64_CONST = 0x44,
    OP_NUMERIC_FIRST = 0x45,
    OP_NUMERIC_LAST = 0xc4, /* i64.extend32_s, of the sign extension feature */
    OP_REF_NULL = 0xd0,
    OP_REF_IS_NULL = 0xd1,
    OP_REF_FUNC = 0xd2,
    OP_PREFIX_MISC = 0xfc,
};

/* The feature that an instruction belongs to when wasm2c lacks it, else NULL. */
static const char *feature_of(uint8_t op)
{
    switch (op) {
    case 0x06: /* try */
    case 0x07: /* catch */
    case 0x08: /* throw */
    case 0x09: /* rethrow */
    case 0x0a: /* throw_ref */
    case 0x18: /* delegate */
    case 0x19: /* catch_all */
    case 0x1f: /* try_table */
        return "exceptions";
    case 0x12: /* return_call */
    case 0x13: /* return_call_indirect */
        return "tail calls";
    case 0x14: /* call_ref */
    case 0x15: /* return_call_ref */
    case 0xd4: /* ref.as_non_null */
    case 0xd5: /* br_on_null */
    case 0xd6: /* br_on_non_null */
        return "typed function references";
    case 0xd3: /* ref.eq */
    case 0xfb:
        return "garbage collection";
    case 0xfd:
        return "SIMD";
    case 0xfe:
        return "threads";
    default:
        return NULL;
    }
}

static int index_read(struct wasm_reader *reader, const char *what, uint32_t count)
{
    size_t start = reader->at;
    uint32_t index;
    int r = wasm_u32(reader, what, &index);

    if (r < 0)
        return r;
    if (index >= count)
        return wasm_refuse(reader, start, "there is no %s %u (there are %u)", what, index, count);
    return 0;
}

static int any_index(struct wasm_reader *reader, const char *what)
{
    uint32_t index;

    return wasm_u32(reader, what, &index);
}

/* A byte that names memory 0, or what one memory more would make of it. */
static int memory_index(struct wasm_reader *reader)
{
    uint8_t index;
    int r = wasm_byte(reader, "a memory index", &index);

    if (r < 0)
        return r;
    if (index != 0)
        return wasm_refuse_feature(reader, reader->at - 1, "multiple memories",
                                   "memory index 0x%02x", index);
    return 0;
}

static int memory_argument(struct wasm_reader *reader)
{
    size_t start = reader->at;
    uint32_t align, offset;
    int r = wasm_u32(reader, "an alignment", &align);

    if (r < 0)
        return r;
    if (align & 0x40)
        return wasm_refuse_feature(reader, start, "multiple memories", "a memory index");
    if (align > 3)
        return wasm_refuse(reader, start, "an alignment of 2^%u is too large", align);
    return wasm_u32(reader, "an offset", &offset);
}

/* 0x40 for none, a value type, or the index of a type. */
static int block_type(struct wasm_reader *reader, const struct wasm_module *module)
{
    size_t start = reader->at;
    uint8_t byte;
    int64_t index;
    int r = wasm_byte(reader, "a block's type", &byte);

    if (r < 0)
        return r;
    if (byte == 0x40)
        return 0;
    reader->at = start;
    /* A one-byte negative number is a value type. */
    if ((byte & 0xc0) == 0x40)
        return wasm_value_type(reader, &byte);
    r = wasm_signed(reader, "a block's type", 33, &index);
    if (r < 0)
        return r;
    if (index < 0 || index >= module->type_count)
        return wasm_refuse(reader, start, "there is no type %lld", (long long)index);
    return 0;
}

static int branch_table(struct wasm_reader *reader)
{
    uint32_t count;
    int r = wasm_count(reader, "a branch table", UINT32_MAX, &count);

    for (uint64_t i = 0; r == 0 && i <= count; i++) /* and the default */
        r = any_index(reader, "a branch");
    return r;
}

static int typed_select(struct wasm_reader *reader)
{
    uint32_t count;
    uint8_t type;
    int r = wasm_count(reader, "a select's types", WASM_SIGNATURE_MAX, &count);

    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = wasm_value_type(reader, &type);
    return r;
}

/* Saturating conversions, bulk memory and tables: prefix 0xfc. */
static int misc_instruction(struct wasm_reader *reader, const struct wasm_module *module,
                            size_t start)
{
    uint32_t op;
    int r = wasm_u32(reader, "an instruction", &op);

    if (r < 0)
        return r;
    switch (op) {
    case 0 ... 7: /* trunc_sat */
        return 0;
    case 8: /* memory.init */
        r = any_index(reader, "a data segment");
        return r < 0 ? r : memory_index(reader);
    case 9: /* data.drop */
        return any_index(reader, "a data segment");
    case 10: /* memory.copy */
        r = memory_index(reader);
        return r < 0 ? r : memory_index(reader);
    case 11: /* memory.fill */
        return memory_index(reader);
    case 12: /* table.init */
        r = any_index(reader, "an element segment");
        return r < 0 ? r : index_read(reader, "table", module->table_count);
    case 13: /* elem.drop */
        return any_index(reader, "an element segment");
    case 14: /* table.copy */
        r = index_read(reader, "table", module->table_count);
        return r < 0 ? r : index_read(reader, "table", module->table_count);
    case 15: /* table.grow */
    case 16: /* table.size */
    case 17: /* table.fill */
        return index_read(reader, "table", module->table_count);
    default:
        return wasm_refuse(reader, start, "there is an unknown instruction 0xfc %u", op);
    }
}

static int prefixed_refuse(struct wasm_reader *reader, size_t start, uint8_t op)
{
    uint32_t second = 0;

    /* The number behind a prefix names the instruction; it may be missing. */
    if (op >= 0xfb && reader->at < reader->end && reader->module[reader->at] < 0x80) {
        second = reader->module[reader->at];
        return wasm_refuse_feature(reader, start, feature_of(op), "instruction 0x%02x %u", op,
                                   second);
    }
    return wasm_refuse_feature(reader, start, feature_of(op), "instruction 0x%02x", op);
}

/* One instruction; the blocks that it opens or closes are counted in *depth. */
static int instruction(struct wasm_reader *reader, const struct wasm_module *module,
                       uint32_t local_count, uint32_t *depth)
{
    size_t start = reader->at;
    int64_t constant;
    uint8_t op;
    int r = wasm_byte(reader, "an instruction", &op);

    if (r < 0)
        return r;
    switch (op) {
    case OP_BLOCK:
    case OP_LOOP:
    case OP_IF:
        if (++*depth > WASM_DEPTH_MAX)
            return wasm_refuse(reader, start, "blocks are nested deeper than %u", WASM_DEPTH_MAX);
        return block_type(reader, module);
    case OP_END:
        --*depth;
        return 0;
    case 0x00: /* unreachable */
    case 0x01: /* nop */
    case OP_ELSE:
    case 0x0f: /* return */
    case 0x1a: /* drop */
    case 0x1b: /* select */
    case OP_REF_IS_NULL:
    case OP_NUMERIC_FIRST ... OP_NUMERIC_LAST:
        return 0;
    case OP_BR:
    case OP_BR_IF:
        return index_read(reader, "block to branch to", *depth);
    case OP_BR_TABLE:
        return branch_table(reader);
    case OP_REF_FUNC:
        reader->ref_func_seen = true;
        return index_read(reader, "function", module->function_count);
    case OP_CALL:
        return index_read(reader, "function", module->function_count);
    case OP_CALL_INDIRECT:
        r = index_read(reader, "type", module->type_count);
        return r < 0 ? r : index_read(reader, "table", module->table_count);
    case OP_SELECT_TYPED:
        return typed_select(reader);
    case OP_LOCAL_GET ... OP_LOCAL_TEE:
        return index_read(reader, "local", local_count);
    case OP_GLOBAL_GET:
    case OP_GLOBAL_SET:
        return any_index(reader, "a global");
    case OP_TABLE_GET:
    case OP_TABLE_SET:
        return index_read(reader, "table", module->table_count);
    case OP_LOAD_FIRST ... OP_STORE_LAST:
        return memory_argument(reader);
    case OP_MEMORY_SIZE:
    case OP_MEMORY_GROW:
        return memory_index(reader);
    case OP_I32_CONST:
        return wasm_signed(reader, "a constant", 32, &constant);
    case OP_I64_CONST:
        return wasm_signed(reader, "a constant", 64, &constant);
    case OP_F32_CONST:
        return wasm_skip(reader, "a constant", 4);
    case OP_F64_CONST:
        return wasm_skip(reader, "a constant", 8);
    case OP_REF_NULL:
        return wasm_reference_type(reader);
    case OP_PREFIX_MISC:
        return misc_instruction(reader, module, start);
    default:
        if (feature_of(op))
            return prefixed_refuse(reader, start, op);
        return wasm_refuse(reader, start, "there is an unknown instruction 0x%02x", op);
    }
}

static int locals(struct wasm_reader *reader, uint32_t *local_count)
{
    uint32_t groups;
    int r = wasm_count(reader, "a function's locals", WASM_LOCALS_MAX, &groups);

    for (uint32_t i = 0; r == 0 && i < groups; i++) {
        size_t start = reader->at;
        uint32_t count;
        uint8_t type;
        r = wasm_u32(reader, "a function's locals", &count);
        if (r < 0)
            return r;
        if (count > WASM_LOCALS_MAX - *local_count)
            return wasm_refuse(reader, start, "a function has more than %u locals",
                               WASM_LOCALS_MAX);
        *local_count += count;
        r = wasm_value_type(reader, &type);
    }
    return r;
}

int wasm_body(struct wasm_reader *reader, const struct wasm_module *module,
              const struct wasm_type *type)
{
    uint32_t local_count = type->param_count;
    uint32_t depth = 1; /* the body itself is a block */
    int r = locals(reader, &local_count);

    while (r == 0 && depth > 0)
        r = instruction(reader, module, local_count, &depth);
    if (r < 0)
        return r;
    if (reader->at != reader->end)
        return wasm_refuse(reader, reader->at, "a function goes on behind its end");
    return 0;
}

/* One constant or global, then `end`: more is the extended-const feature. */
int wasm_constant(struct wasm_reader *reader, const struct wasm_module *module)
{
    size_t start = reader->at;
    uint32_t depth = 1;
    uint8_t op;
    int r = wasm_byte(reader, "a constant expression", &op);

    if (r < 0)
        return r;
    if (feature_of(op))
        return prefixed_refuse(reader, start, op);
    switch (op) {
    case OP_I32_CONST:
    case OP_I64_CONST:
    case OP_F32_CONST:
    case OP_F64_CONST:
    case OP_GLOBAL_GET:
    case OP_REF_NULL:
    case OP_REF_FUNC:
        reader->at = start;
        r = instruction(reader, module, 0, &depth);
        break;
    default:
        return wasm_refuse(reader, start, "instruction 0x%02x is not constant", op);
    }
    if (r < 0)
        return r;

    size_t second = reader->at;
    r = wasm_byte(reader, "a constant expression", &op);
    if (r < 0)
        return r;
    if (feature_of(op))
        return prefixed_refuse(reader, second, op);
    if (op != OP_END)
        return wasm_refuse_feature(reader, second, "extended constant expressions",
                                   "instruction 0x%02x", op);
    return 0;
}
