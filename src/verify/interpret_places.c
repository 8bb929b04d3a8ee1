/*
 * Where objects lie in a run: by chance, one behind the other or apart, as a linker, a stack and
 * whoever calls may put them. What depends on it is a number then, and differs from run to run.
 */
#include "verify/interpret_internal.h"

#define FIRST_ADDRESS (UINT64_C(1) << 20)
#define FUNCTION_BYTES 16 /* at least one: no two begin at the same place */

static uint64_t next_chance(struct interpreter *i)
{
    i->places = i->places * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return i->places >> 20;
}

void interpreter_scatter(struct interpreter *interpreter, uint64_t seed)
{
    interpreter->places = seed | 1;
    interpreter->bases =
        program_alloc((struct program *)interpreter->program, interpreter->program->object_count,
                      sizeof *interpreter->bases);
}

/* Of two programs made of one source objects have the same numbers, sizes, and so places. */
void interpreter_lay_out(struct interpreter *i)
{
    bool upwards = next_chance(i) % 2;
    uint64_t at = FIRST_ADDRESS + (next_chance(i) << 4);

    for (uint32_t k = 1; k < i->program->object_count; k++) {
        const struct object *object = &i->program->objects[k];
        uint64_t size = object->function     ? FUNCTION_BYTES
                        : object->size_value ? i->sizes[k]
                                             : object->size;
        uint64_t unit = object->alignment ? object->alignment : 1, gap = next_chance(i);
        gap = gap % 4 < 2 ? 0 : gap / 4 % 65;
        if (upwards) {
            i->bases[k] = (at + gap + unit - 1) & -unit;
            at = i->bases[k] + size;
        } else {
            at = i->bases[k] = (at - gap - size) & -unit;
        }
    }
}
