/*
 * Function types as small numbers: two types get the same number exactly when they are the same.
 * call_indirect compares these numbers, so a collision would be type confusion; hence a table of
 * the types themselves, compared whole. The hash only finds the place to look.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "guest/wasm_internal.h"

/* Of all libraries of the process; TinyGo's and Go's modules have hundreds. */
#define TYPES_MAX 8192u
/* Places at first, enough for a module of C: each instance fills them anew, and they share a page
 * with what else it writes. */
#define FIRST_PLACES 64u
/* As in browsers' limits: parameters, and results, of one function. */
#define TYPE_VALUES_MAX 1000u

struct function_type {
    uint32_t number;
    uint16_t params, results;
    uint8_t values[]; /* wasm_rt_type_t of each */
};

/* Open addressing, at most half full; never removed from. */
static struct function_type *first_slots[FIRST_PLACES];
static struct function_type **slots = first_slots;
static uint32_t slot_count = FIRST_PLACES;
static uint32_t type_count;
static bool incomplete;

void wasm_types_begin(void)
{
    incomplete = false;
}

bool wasm_types_complete(void)
{
    return !incomplete;
}

/* FNV-1a. */
static uint32_t hash_type(uint32_t params, uint32_t results, const uint8_t *values)
{
    uint32_t hash = 2166136261u;

    hash = (hash ^ params) * 16777619u;
    hash = (hash ^ results) * 16777619u;
    for (uint32_t i = 0; i < params + results; i++)
        hash = (hash ^ values[i]) * 16777619u;
    return hash;
}

/* Four times the places. False when there is no memory: the old ones stay. */
static bool grow_slots(void)
{
    uint32_t count = slot_count * 4;
    struct function_type **grown = calloc(count, sizeof(struct function_type *));

    if (!grown)
        return false;
    for (uint32_t i = 0; i < slot_count; i++) {
        struct function_type *type = slots[i];
        if (!type)
            continue;
        uint32_t slot = hash_type(type->params, type->results, type->values) % count;
        while (grown[slot])
            slot = (slot + 1) % count;
        grown[slot] = type;
    }
    if (slots != first_slots)
        free(slots);
    slots = grown;
    slot_count = count;
    return true;
}

/* The number is never 0; what does not fit gets 0, and the library that asked is refused. */
static uint32_t intern_type(uint32_t params, uint32_t results, const uint8_t *values)
{
    uint32_t slot = hash_type(params, results, values) % slot_count;

    for (; slots[slot]; slot = (slot + 1) % slot_count) {
        const struct function_type *type = slots[slot];
        if (type->params == params && type->results == results &&
            memcmp(type->values, values, params + results) == 0)
            return type->number;
    }
    if (type_count >= slot_count / 2) {
        if (!grow_slots()) {
            incomplete = true;
            return 0;
        }
        return intern_type(params, results, values);
    }
    struct function_type *type =
        type_count < TYPES_MAX ? malloc(sizeof *type + params + results) : NULL;
    if (!type) {
        incomplete = true;
        return 0;
    }
    type->number = ++type_count;
    type->params = (uint16_t)params;
    type->results = (uint16_t)results;
    memcpy(type->values, values, params + results);
    slots[slot] = type;
    return type->number;
}

uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...)
{
    uint8_t values[2 * TYPE_VALUES_MAX];
    va_list args;

    if (params > TYPE_VALUES_MAX || results > TYPE_VALUES_MAX) {
        incomplete = true;
        return 0;
    }
    va_start(args, results);
    for (uint32_t i = 0; i < params + results; i++)
        values[i] = (uint8_t)va_arg(args, int);
    va_end(args);
    return intern_type(params, results, values);
}

static int type_of_letter(char letter)
{
    return letter == 'i'   ? WASM_RT_I32
           : letter == 'I' ? WASM_RT_I64
           : letter == 'f' ? WASM_RT_F32
                           : WASM_RT_F64;
}

uint32_t wasm_type_number(const char *type)
{
    const char *results = strchr(type, ':');
    uint8_t values[TYPE_VALUES_MAX];
    uint32_t count = 0;

    for (const char *at = type; *at && count < TYPE_VALUES_MAX; at++)
        if (at != results)
            values[count++] = (uint8_t)type_of_letter(*at);
    uint32_t params = results ? (uint32_t)(results - type) : count;
    return params <= count ? intern_type(params, count - params, values) : 0;
}
