/* Memory, building and constant folding of struct program. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/program.h"

#define CHUNK_BYTES ((size_t)1 << 18)

struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

struct arena {
    struct chunk *chunks;
};

static _Noreturn void give_up(struct program *program)
{
    program->out_of_memory = true;
    if (!program->stop)
        abort(); /* our own mistake: whoever builds a program sets it */
    longjmp(*program->stop, 1);
}

struct program *program_new(void)
{
    struct program *program = calloc(1, sizeof *program);

    if (!program)
        return NULL;
    program->arena = calloc(1, sizeof *program->arena);
    if (!program->arena) {
        free(program);
        return NULL;
    }
    return program;
}

void program_free(struct program *program)
{
    if (!program)
        return;
    for (struct chunk *chunk = program->arena->chunks; chunk;) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(program->arena);
    free(program->values);
    free(program->blocks);
    free(program->objects);
    free(program);
}

void *program_alloc(struct program *program, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > (size_t)1 << 31)
        give_up(program);
    bytes = (bytes + 15) & ~(size_t)15;
    struct chunk *chunk = program->arena->chunks;
    if (!chunk || chunk->size - chunk->used < bytes) {
        size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        chunk = calloc(1, sizeof *chunk + room);
        if (!chunk)
            give_up(program);
        chunk->size = room;
        chunk->next = program->arena->chunks;
        program->arena->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return memory;
}

static void *duplicate(struct program *program, const void *from, size_t count, size_t size)
{
    void *copy = program_alloc(program, count + 1, size);

    if (count > 0)
        memcpy(copy, from, count * size);
    return copy;
}

static void copy_block(struct program *program, struct block *block)
{
    block->values = duplicate(program, block->values, block->count, sizeof *block->values);
    block->targets = duplicate(program, block->targets, block->target_count, sizeof(uint32_t));
    if (block->exit == EXIT_SWITCH && block->target_count > 0)
        block->cases = duplicate(program, block->cases, block->target_count - 1, sizeof(uint64_t));
    block->predecessors =
        duplicate(program, block->predecessors, block->predecessor_count, sizeof(uint32_t));
}

struct program *program_copy(struct program *program)
{
    struct program *copy = duplicate(program, program, 1, sizeof *copy);

    copy->values = duplicate(program, program->values, program->value_count, sizeof *copy->values);
    copy->blocks = duplicate(program, program->blocks, program->block_count, sizeof *copy->blocks);
    copy->objects =
        duplicate(program, program->objects, program->object_count, sizeof *copy->objects);
    for (vid v = 0; v < copy->value_count; v++)
        copy->values[v].operands =
            duplicate(program, copy->values[v].operands, copy->values[v].count, sizeof(vid));
    for (uint32_t b = 0; b < copy->block_count; b++)
        copy_block(program, &copy->blocks[b]);
    return copy;
}

void vid_list_push(struct program *program, struct vid_list *list, vid item)
{
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 8;
        vid *larger = program_alloc(program, room, sizeof *larger);
        if (list->count > 0)
            memcpy(larger, list->items, list->count * sizeof *larger);
        list->items = larger;
        list->room = room;
    }
    list->items[list->count++] = item;
}

static char *format_text(struct program *program, const char *format, va_list args)
{
    char text[512];

    vsnprintf(text, sizeof text, format, args);
    char *copy = program_alloc(program, strlen(text) + 1, 1);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

char *program_text(struct program *program, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *text = format_text(program, format, args);
    va_end(args);
    return text;
}

static void note(struct program *program, struct place place, const char *change, char *what)
{
    for (uint32_t i = 0; i < program->refusal_count; i++)
        if (strcmp(program->refusals[i].what, what) == 0 &&
            program->refusals[i].place.line == place.line)
            return;
    if (program->refusal_count == REFUSALS_MAX)
        return;
    program->refusals[program->refusal_count++] = (struct refusal){
        .place = place, .what = what, .change = program_text(program, "%s", change)};
}

void program_note_refusal(struct program *program, struct place place, const char *change,
                          const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(program, place, change, format_text(program, format, args));
    va_end(args);
}

void program_refuse(struct program *program, struct place place, const char *change,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(program, place, change, format_text(program, format, args));
    va_end(args);
    longjmp(*program->stop, 1);
}

/* Room for one more in an array that grows; what is new in it is zeroed. */
static void *grow(struct program *program, void *array, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return array;
    uint32_t wanted = *room ? *room * 2 : 256;
    void *larger = realloc(array, wanted * size);
    if (!larger)
        give_up(program);
    memset((char *)larger + *room * size, 0, (wanted - *room) * size);
    *room = wanted;
    return larger;
}

uint32_t program_add_block(struct program *program)
{
    if (program->block_count >= PROGRAM_BLOCKS_MAX)
        program_refuse(program, (struct place){0}, "make it smaller, or split it in two functions",
                       "a function of more than %d blocks, with all that it calls",
                       PROGRAM_BLOCKS_MAX);
    program->blocks = grow(program, program->blocks, program->block_count, &program->block_room,
                           sizeof *program->blocks);
    return program->block_count++;
}

uint32_t program_add_object(struct program *program, const char *name)
{
    if (program->object_count >= PROGRAM_OBJECTS_MAX)
        program_refuse(program, (struct place){0}, "use fewer variables",
                       "more than %d objects in memory", PROGRAM_OBJECTS_MAX);
    program->objects = grow(program, program->objects, program->object_count, &program->object_room,
                            sizeof *program->objects);
    program->objects[program->object_count].name = program_text(program, "%s", name);
    return program->object_count++;
}

vid program_add_value(struct program *program, enum operation op, enum value_kind kind,
                      unsigned width, const vid *operands, unsigned count)
{
    if (program->value_count >= PROGRAM_VALUES_MAX)
        program_refuse(program, (struct place){0}, "make it smaller, or split it in two functions",
                       "a function of more than %d instructions, with all that it calls",
                       PROGRAM_VALUES_MAX);
    program->values = grow(program, program->values, program->value_count, &program->value_room,
                           sizeof *program->values);
    vid id = program->value_count++;
    struct value *value = value_at(program, id);
    *value = (struct value){.op = (uint8_t)op,
                            .kind = (uint8_t)kind,
                            .width = (uint8_t)width,
                            .count = (uint16_t)count,
                            .block = UINT32_MAX};
    if (count > 0) {
        vid *copy = program_alloc(program, count, sizeof *copy);
        if (operands)
            memcpy(copy, operands, count * sizeof *copy);
        value_at(program, id)->operands = copy;
    }
    return id;
}

vid program_const(struct program *program, unsigned width, uint64_t imm)
{
    vid id = program_add_value(program, OP_CONST, KIND_INT, width, NULL, 0);

    value_at(program, id)->imm = imm & width_mask(width);
    return id;
}

void block_append(struct program *program, uint32_t block, vid value)
{
    struct block *to = &program->blocks[block];

    if (to->count == to->room) {
        uint32_t room = to->room ? to->room * 2 : 8;
        vid *larger = program_alloc(program, room, sizeof *larger);
        if (to->count > 0)
            memcpy(larger, to->values, to->count * sizeof *larger);
        to->values = larger;
        to->room = room;
    }
    to->values[to->count++] = value;
    value_at(program, value)->block = block;
}

static bool fold(const struct program *program, enum operation op, unsigned sub, unsigned width,
                 const vid *operands, unsigned count, uint64_t *ret)
{
    uint64_t bits[3];

    if (count == 0 || count > 3)
        return false;
    for (unsigned i = 0; i < count; i++) {
        const struct value *operand = value_at(program, operands[i]);
        if (operand->op != OP_CONST || operand->kind != KIND_INT)
            return false;
        bits[i] = operand->imm;
    }
    return operation_evaluate(op, sub, width, value_at(program, operands[0])->width, bits, ret);
}

vid program_append(struct program *program, uint32_t block, enum operation op, enum value_kind kind,
                   unsigned width, const vid *operands, unsigned count, unsigned sub, uint64_t imm,
                   struct place place)
{
    uint64_t folded;

    if (kind == KIND_INT && fold(program, op, sub, width, operands, count, &folded))
        return program_const(program, width, folded);
    vid id = program_add_value(program, op, kind, width, operands, count);
    struct value *value = value_at(program, id);
    value->sub = (uint8_t)sub;
    value->imm = imm;
    value->place = place;
    block_append(program, block, id);
    return id;
}

void block_jump(struct program *program, uint32_t block, uint32_t target, struct place place)
{
    uint32_t *targets = program_alloc(program, 1, sizeof *targets);
    struct block *from = &program->blocks[block];

    targets[0] = target;
    from->exit = EXIT_JUMP;
    from->targets = targets;
    from->target_count = 1;
    from->place = place;
}

void block_branch(struct program *program, uint32_t block, vid condition, uint32_t yes, uint32_t no,
                  struct place place)
{
    uint32_t *targets = program_alloc(program, 2, sizeof *targets);
    struct block *from = &program->blocks[block];

    targets[0] = yes;
    targets[1] = no;
    from->exit = EXIT_BRANCH;
    from->condition = condition;
    from->targets = targets;
    from->target_count = 2;
    from->place = place;
}
