/*
 * LLVM IR to struct program: functions are copied into their callers, so that one graph is left.
 * Nothing is optimised on the way: an access that a compiler would drop as undefined is still there
 * to be refused.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/lower.h"

static uint32_t hash_pointer(const void *pointer)
{
    return (uint32_t)(((uintptr_t)pointer >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
}

static struct lowered **map_slot(struct lowered **slots, uint32_t room, LLVMValueRef key)
{
    uint32_t at = hash_pointer(key) & (room - 1);

    while (slots[at] && slots[at]->key != key)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

struct lowered *map_find(const struct value_map *map, LLVMValueRef key)
{
    return map->room ? *map_slot(map->slots, map->room, key) : NULL;
}

struct lowered *map_add(struct program *program, struct value_map *map, LLVMValueRef key)
{
    if (map->count * 2 >= map->room) {
        uint32_t room = map->room ? map->room * 2 : 64;
        struct lowered **slots = program_alloc(program, room, sizeof *slots);
        for (uint32_t i = 0; i < map->room; i++)
            if (map->slots[i])
                *map_slot(slots, room, map->slots[i]->key) = map->slots[i];
        map->slots = slots;
        map->room = room;
    }
    struct lowered **slot = map_slot(map->slots, map->room, key);
    if (!*slot) {
        *slot = program_alloc(program, 1, sizeof **slot);
        map->count++;
    }
    (*slot)->key = key;
    return *slot;
}

vid lower_emit(struct lowering *low, enum operation op, enum value_kind kind, unsigned width,
               unsigned count, const vid *operands, unsigned sub, uint64_t imm)
{
    return program_append(low->program, low->block, op, kind, width, operands, count, sub, imm,
                          lower_place(low));
}

void lower_require(struct lowering *low, vid condition, enum place_kind kind)
{
    lower_emit(low, OP_REQUIRE, KIND_VOID, 0, 1, &condition, 0, kind);
}

uint32_t lower_local(struct lowering *low, const char *name, uint64_t size, uint32_t stride)
{
    struct program *program = low->program;
    struct frame *frame = low->frame;
    uint32_t id = program_add_object(program, name);
    struct object *object = &program->objects[id];

    object->size = size;
    object->stack = true;
    object->stride = stride;
    object->place = lower_place(low);
    program->stack_bytes += (size + 15) & ~(uint64_t)15;
    if (frame->object_count == frame->object_room) {
        uint32_t room = frame->object_room ? frame->object_room * 2 : 16;
        uint32_t *larger = program_alloc(program, room, sizeof *larger);
        if (frame->object_count > 0)
            memcpy(larger, frame->objects, frame->object_count * sizeof *larger);
        frame->objects = larger;
        frame->object_room = room;
    }
    frame->objects[frame->object_count++] = id;
    return id;
}

static struct block_map_entry *find_block(struct frame *frame, LLVMBasicBlockRef block)
{
    uint32_t at = hash_pointer(block) & (frame->block_count - 1);

    while (frame->blocks[at].key && frame->blocks[at].key != block)
        at = (at + 1) & (frame->block_count - 1);
    return &frame->blocks[at];
}

static void enter_blocks(struct lowering *low, struct frame *frame)
{
    uint32_t room = 16;

    while (room < LLVMCountBasicBlocks(frame->function) * 2)
        room *= 2;
    frame->blocks = program_alloc(low->program, room, sizeof *frame->blocks);
    frame->block_count = room;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(frame->function); block;
         block = LLVMGetNextBasicBlock(block)) {
        struct block_map_entry *entry = find_block(frame, block);
        entry->key = block;
        entry->first = entry->last = program_add_block(low->program);
    }
}

/* Blocks in reverse post-order: a definition comes before its uses, but for phis. */
static uint32_t order_blocks(struct lowering *low, LLVMValueRef function, LLVMBasicBlockRef **ret)
{
    struct frame *frame = low->frame;
    uint32_t count = LLVMCountBasicBlocks(function), size = 0, place = count;
    LLVMBasicBlockRef *order = program_alloc(low->program, count + 1, sizeof(LLVMBasicBlockRef));
    LLVMBasicBlockRef *stack = program_alloc(low->program, count + 1, sizeof(LLVMBasicBlockRef));
    unsigned *next = program_alloc(low->program, count + 1, sizeof *next);

    stack[size++] = LLVMGetEntryBasicBlock(function);
    find_block(frame, stack[0])->lowered = true;
    while (size > 0) {
        LLVMValueRef end = LLVMGetBasicBlockTerminator(stack[size - 1]);
        if (!end)
            program_refuse(low->program, (struct place){0}, "compile it again",
                           "a block without end");
        if (next[size - 1] < LLVMGetNumSuccessors(end)) {
            LLVMBasicBlockRef target = LLVMGetSuccessor(end, next[size - 1]++);
            struct block_map_entry *entry = find_block(frame, target);
            if (!entry->lowered) {
                entry->lowered = true;
                next[size] = 0;
                stack[size++] = target;
            }
        } else {
            order[--place] = stack[--size];
        }
    }
    *ret = order + place;
    return count - place;
}

vid lower_phi(struct lowering *low, enum value_kind kind, unsigned width, uint32_t count,
              struct pending_phi **ret_pending)
{
    struct program *program = low->program;

    if (low->phi_count == low->phi_room) {
        uint32_t room = low->phi_room ? low->phi_room * 2 : 64;
        struct pending_phi *larger = program_alloc(program, room, sizeof *larger);
        if (low->phi_count > 0)
            memcpy(larger, low->phis, low->phi_count * sizeof *larger);
        low->phis = larger;
        low->phi_room = room;
    }
    vid phi =
        program_append(program, low->block, OP_PHI, kind, width, NULL, 0, 0, 0, lower_place(low));
    struct pending_phi *pending = &low->phis[low->phi_count++];
    *pending = (struct pending_phi){.phi = phi,
                                    .blocks = program_alloc(program, count + 1, sizeof(uint32_t)),
                                    .values = program_alloc(program, count + 1, sizeof(vid)),
                                    .count = count};
    if (ret_pending)
        *ret_pending = pending;
    return phi;
}

/* The phis of a block get their places now, their operands when all blocks are there. */
static void lower_phis(struct lowering *low, LLVMBasicBlockRef block)
{
    for (LLVMValueRef phi = LLVMGetFirstInstruction(block); phi && LLVMIsAPHINode(phi);
         phi = LLVMGetNextInstruction(phi)) {
        struct scalar scalars[PARTS_MAX];
        low->instruction = phi;
        uint32_t count = lower_type(low, LLVMTypeOf(phi), scalars);
        struct lowered *lowered = map_add(low->program, &low->frame->map, phi);
        lowered->count = count;
        for (uint32_t i = 0; i < count; i++)
            lowered->parts[i] =
                lower_phi(low, scalars[i].kind, scalars[i].width, LLVMCountIncoming(phi), NULL);
    }
}

static void fill_phis(struct lowering *low, LLVMBasicBlockRef block)
{
    struct frame *frame = low->frame;

    for (LLVMValueRef phi = LLVMGetFirstInstruction(block); phi && LLVMIsAPHINode(phi);
         phi = LLVMGetNextInstruction(phi)) {
        low->instruction = phi;
        struct lowered *lowered = map_find(&frame->map, phi);
        for (uint32_t part = 0; part < lowered->count; part++) {
            struct pending_phi *pending = NULL;
            for (uint32_t i = low->phi_count; i-- > 0 && !pending;)
                if (low->phis[i].phi == lowered->parts[part])
                    pending = &low->phis[i];
            uint32_t filled = 0;
            for (unsigned k = 0; k < LLVMCountIncoming(phi); k++) {
                struct block_map_entry *from = find_block(frame, LLVMGetIncomingBlock(phi, k));
                if (!from->lowered)
                    continue;
                low->block = from->last;
                pending->blocks[filled] = from->last;
                const struct lowered *incoming = lower_operand(low, LLVMGetIncomingValue(phi, k));
                pending->values[filled++] = incoming->parts[part];
            }
            pending->count = filled;
        }
    }
}

static void lower_body(struct lowering *low)
{
    struct frame *frame = low->frame;
    LLVMBasicBlockRef *order;

    enter_blocks(low, frame);
    uint32_t count = order_blocks(low, frame->function, &order);
    uint32_t first = find_block(frame, order[0])->first;
    block_jump(low->program, low->block, first, lower_place(low));
    for (uint32_t i = 0; i < count; i++) {
        struct block_map_entry *entry = find_block(frame, order[i]);
        low->block = entry->first;
        lower_phis(low, order[i]);
        lower_block_values(low, order[i]);
        entry->last = low->block;
    }
    /* Constants that phis name need no place; addresses made of them go to the incoming block. */
    for (uint32_t i = 0; i < count; i++)
        fill_phis(low, order[i]);
}

static uint32_t block_of(struct lowering *low, LLVMBasicBlockRef block)
{
    return find_block(low->frame, block)->first;
}

static void lower_switch(struct lowering *low, LLVMValueRef end)
{
    struct program *program = low->program;
    unsigned cases = LLVMGetNumSuccessors(end) - 1;
    vid on = lower_scalar(low, LLVMGetOperand(end, 0));
    struct block *block = &program->blocks[low->block];

    block->exit = EXIT_SWITCH;
    block->condition = on;
    block->place = lower_place(low);
    block->target_count = cases + 1;
    block->targets = program_alloc(program, cases + 1, sizeof *block->targets);
    block->cases = program_alloc(program, cases + 1, sizeof *block->cases);
    block->targets[0] = block_of(low, LLVMGetSwitchDefaultDest(end));
    for (unsigned i = 0; i < cases; i++) {
        block->cases[i] = LLVMConstIntGetZExtValue(LLVMGetOperand(end, 2 + 2 * i));
        block->targets[1 + i] =
            block_of(low, LLVMValueAsBasicBlock(LLVMGetOperand(end, 3 + 2 * i)));
    }
}

static void lower_return(struct lowering *low, LLVMValueRef end)
{
    struct frame *frame = low->frame;
    uint32_t at = frame->return_count++;

    frame->return_blocks[at] = low->block;
    frame->return_values[at].count = 0;
    if (LLVMGetNumOperands(end) == 1)
        frame->return_values[at] = *lower_operand(low, LLVMGetOperand(end, 0));
    low->program->blocks[low->block].place = lower_place(low);
}

static void lower_end(struct lowering *low, LLVMValueRef end)
{
    struct program *program = low->program;

    switch (LLVMGetInstructionOpcode(end)) {
    case LLVMBr:
        if (!LLVMIsConditional(end)) {
            block_jump(program, low->block, block_of(low, LLVMGetSuccessor(end, 0)),
                       lower_place(low));
        } else {
            vid condition = lower_scalar(low, LLVMGetCondition(end));
            block_branch(program, low->block, condition, block_of(low, LLVMGetSuccessor(end, 0)),
                         block_of(low, LLVMGetSuccessor(end, 1)), lower_place(low));
        }
        return;
    case LLVMSwitch:
        lower_switch(low, end);
        return;
    case LLVMRet:
        lower_return(low, end);
        return;
    case LLVMUnreachable:
        program->blocks[low->block].exit = EXIT_UNREACHABLE;
        program->blocks[low->block].place = lower_place(low);
        return;
    default:
        lower_screen_instruction(low, end); /* which refuses it */
        return;
    }
}

void lower_block_values(struct lowering *low, LLVMBasicBlockRef block)
{
    for (LLVMValueRef at = LLVMGetFirstInstruction(block); at; at = LLVMGetNextInstruction(at)) {
        low->instruction = at;
        if (LLVMIsAPHINode(at))
            continue;
        if (LLVMIsATerminatorInst(at))
            lower_end(low, at);
        else
            lower_instruction(low, at);
    }
}

/* Parameters, then the body; `low->block` is where control comes back to. */
void lower_inline(struct lowering *low, LLVMValueRef function,
                  const struct lowered *const *arguments, uint32_t argument_count,
                  struct lowered *ret_result)
{
    struct program *program = low->program;
    struct frame frame = {.caller = low->frame, .function = function, .call = lower_place(low)};
    LLVMValueRef call = low->instruction;
    size_t length;

    for (struct frame *f = low->frame; f; f = f->caller)
        if (f->function == function)
            program_refuse(program, lower_place(low), "use a loop with a stack of your own",
                           "recursion of '%s'", LLVMGetValueName2(function, &length));
    if (++low->depth > PROGRAM_DEPTH_MAX)
        program_refuse(program, lower_place(low), "call less deeply", "calls more than %d deep",
                       PROGRAM_DEPTH_MAX);
    /* More are for nobody: va_start() is not on the list. */
    bool more = LLVMIsFunctionVarArg(LLVMGlobalGetValueType(function));
    uint32_t parameters = LLVMCountParams(function);
    if (more ? parameters > argument_count : parameters != argument_count)
        program_refuse(program, lower_place(low), "declare the function as it is defined",
                       "a call of '%s' with other arguments than it has",
                       LLVMGetValueName2(function, &length));
    uint32_t rets = LLVMCountBasicBlocks(function);
    frame.return_blocks = program_alloc(program, rets, sizeof *frame.return_blocks);
    frame.return_values = program_alloc(program, rets, sizeof *frame.return_values);
    for (uint32_t i = 0; i < parameters; i++) {
        struct lowered *parameter = map_add(program, &frame.map, LLVMGetParam(function, i));
        parameter->count = arguments[i]->count;
        memcpy(parameter->parts, arguments[i]->parts, sizeof parameter->parts);
    }
    low->frame = &frame;
    lower_body(low);

    low->instruction = call;
    uint32_t after = program_add_block(program);
    struct scalar scalars[PARTS_MAX];
    LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(function));
    low->block = after;
    ret_result->count = lower_type(low, type, scalars);
    for (uint32_t part = 0; part < ret_result->count; part++) {
        struct pending_phi *pending;
        vid phi =
            lower_phi(low, scalars[part].kind, scalars[part].width, frame.return_count, &pending);
        for (uint32_t i = 0; i < frame.return_count; i++) {
            pending->blocks[i] = frame.return_blocks[i];
            pending->values[i] = frame.return_values[i].parts[part];
        }
        ret_result->parts[part] = phi;
    }
    /* Its locals end where it does. */
    for (uint32_t i = 0; i < frame.return_count; i++)
        block_jump(program, frame.return_blocks[i], after,
                   program->blocks[frame.return_blocks[i]].place);
    if (frame.caller)
        for (uint32_t i = 0; i < frame.object_count; i++) {
            program->objects[frame.objects[i]].scoped = true;
            lower_emit(low, OP_END, KIND_VOID, 0, 0, NULL, 0, frame.objects[i]);
        }
    low->frame = frame.caller;
    low->depth--;
}

static void resolve_phis(struct lowering *low)
{
    struct program *program = low->program;

    for (uint32_t i = 0; i < low->phi_count; i++) {
        const struct pending_phi *pending = &low->phis[i];
        struct value *phi = value_at(program, pending->phi);
        const struct block *block = &program->blocks[phi->block];
        vid *operands = program_alloc(program, block->predecessor_count + 1, sizeof *operands);
        for (uint32_t k = 0; k < block->predecessor_count; k++)
            for (uint32_t m = 0; m < pending->count; m++)
                if (pending->blocks[m] == block->predecessors[k])
                    operands[k] = pending->values[m];
        phi->operands = operands;
        phi->count = (uint16_t)block->predecessor_count;
        if (block->predecessor_count > UINT16_MAX)
            program_refuse(program, phi->place, "use fewer cases", "a join of too many paths");
        for (uint32_t k = 0; k < block->predecessor_count; k++)
            if (!operands[k])
                program_refuse(program, phi->place, "give it a value on every path",
                               "an undefined value");
    }
}

static uint32_t buffer_object(struct program *program, const char *name, vid size, bool readonly)
{
    uint32_t id = program_add_object(program, name);
    struct object *object = &program->objects[id];

    object->size_value = size;
    object->readonly = readonly;
    object->input = true;
    object->stride = 1;
    object->unsplit = true;
    return id;
}

/* handler(in, in_len, out, out_cap): two buffers that never overlap, and their lengths. */
static void handler_arguments(struct lowering *low, LLVMValueRef entry, uint64_t buffer_max,
                              struct lowered *arguments)
{
    static const char *const names[] = {"in", "out"};
    struct program *program = low->program;

    for (unsigned i = 0; i < 4; i += 2) {
        unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(LLVMGetParam(entry, i + 1)));
        vid length = lower_emit(low, OP_UNKNOWN, KIND_INT, width, 0, NULL, 0, 0);
        value_at(program, length)->imm2 = buffer_max;
        if (width < 64)
            length = lower_emit(low, OP_ZEXT, KIND_INT, 64, 1, &length, 0, 0);
        uint32_t object = buffer_object(program, names[i / 2], length, i == 0);
        if (i == 0)
            program->in_length = length;
        else
            program->out_capacity = length;
        arguments[i].count = arguments[i + 1].count = 1;
        arguments[i].parts[0] = program_add_value(program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);
        value_at(program, arguments[i].parts[0])->imm = object;
        arguments[i + 1].parts[0] =
            width < 64 ? lower_emit(low, OP_TRUNC, KIND_INT, width, 1, &length, 0, 0) : length;
    }
}

/* main(argc, argv): it is called with one argument, its name. */
static void main_arguments(struct lowering *low, struct lowered *arguments)
{
    struct program *program = low->program;
    uint32_t name = program_add_object(program, "argv[0]"),
             list = program_add_object(program, "argv");
    struct object *text = &program->objects[name], *object = &program->objects[list];

    text->size = sizeof "main";
    text->stride = 1;
    text->bytes = program_alloc(program, text->size + 8, 1);
    memcpy(text->bytes, "main", sizeof "main");
    object->size = 16;
    object->stride = 8;
    object->bytes = program_alloc(program, object->size + 8, 1);
    object->cells = program_alloc(program, 1, sizeof *object->cells);
    object->cells[0].object = name;
    object->cell_count = 1;
    text->readonly = object->readonly = true;
    arguments[0].count = arguments[1].count = 1;
    arguments[0].parts[0] = program_const(program, 32, 1);
    arguments[1].parts[0] = program_add_value(program, OP_OBJECT, KIND_POINTER, 64, NULL, 0);
    value_at(program, arguments[1].parts[0])->imm = list;
}

static bool is_main(LLVMValueRef entry)
{
    size_t length;

    return strcmp(LLVMGetValueName2(entry, &length), "main") == 0 && LLVMCountParams(entry) == 2 &&
           LLVMTypeOf(LLVMGetParam(entry, 0)) ==
               LLVMInt32TypeInContext(LLVMGetTypeContext(LLVMTypeOf(entry))) &&
           LLVMGetTypeKind(LLVMTypeOf(LLVMGetParam(entry, 1))) == LLVMPointerTypeKind;
}

static bool is_handler(LLVMValueRef entry)
{
    static const LLVMTypeKind kinds[] = {LLVMPointerTypeKind, LLVMIntegerTypeKind,
                                         LLVMPointerTypeKind, LLVMIntegerTypeKind};

    if (LLVMCountParams(entry) != 4)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        LLVMTypeRef type = LLVMTypeOf(LLVMGetParam(entry, i));
        if (LLVMGetTypeKind(type) != kinds[i])
            return false;
        if (kinds[i] == LLVMIntegerTypeKind &&
            (LLVMGetIntTypeWidth(type) < 32 || LLVMGetIntTypeWidth(type) > 64))
            return false;
    }
    return true;
}

/* What fits no register comes back where a hidden first argument says: who calls knows of none. */
static void check_answer(struct program *program, LLVMValueRef entry)
{
    LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(entry));
    LLVMTypeKind kind = LLVMGetTypeKind(type);

    if (kind != LLVMVoidTypeKind && kind != LLVMFloatTypeKind && kind != LLVMDoubleTypeKind &&
        (kind != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(type) > 64))
        program_refuse(program, (struct place){0}, "give back a number",
                       "an entry that gives back what is no number");
}

void lower_module(struct program *program, LLVMModuleRef module, LLVMValueRef entry,
                  uint64_t buffer_max)
{
    struct lowering low = {
        .program = program, .module = module, .layout = LLVMGetModuleDataLayout(module)};
    struct lowered arguments[4] = {0}, result;
    const struct lowered *pointers[4] = {&arguments[0], &arguments[1], &arguments[2],
                                         &arguments[3]};
    uint32_t count = LLVMCountParams(entry);

    program_add_value(program, OP_NONE, KIND_VOID, 0, NULL, 0); /* 0 is none */
    program_add_object(program, "nothing");
    lower_screen_module(&low);
    check_answer(program, entry);
    program->entry = low.block = program_add_block(program);
    if (is_handler(entry)) {
        program->repeated = true;
        handler_arguments(&low, entry, buffer_max, arguments);
    } else if (is_main(entry)) {
        main_arguments(&low, arguments);
    } else if (count != 0) {
        size_t length;
        program_refuse(
            program, (struct place){0}, "name a function without arguments, or a handler (--entry)",
            "arguments of '%s' that are not a handler's", LLVMGetValueName2(entry, &length));
    }
    lower_inline(&low, entry, pointers, count, &result);
    program->blocks[low.block].exit = EXIT_RETURN;
    program->blocks[low.block].condition = result.count > 0 ? result.parts[0] : 0;
    if (program->stack_bytes > PROGRAM_STACK_MAX)
        program_refuse(program, (struct place){0}, "make large arrays static",
                       "more than %d KiB of local variables", PROGRAM_STACK_MAX >> 10);
    program_link(program);
    resolve_phis(&low);
}
