/* Symbol maps: what may follow what, and what is no map. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/symbol_map.h"

#define STACK 4096u
#define SLACK_AT 8192u

struct row {
    uint32_t kind;
    const char *name, *type;
    uint32_t flags, address, size, ordinal;
};

/* A map of these rows, which are in order. malloc'ed. */
static struct symbol_map_header *map_of(const struct row *rows, uint32_t count)
{
    uint32_t text = 1;

    for (uint32_t i = 0; i < count; i++)
        text += (uint32_t)(strlen(rows[i].name) + strlen(rows[i].type) + 2);
    size_t size =
        (sizeof(struct symbol_map_header) + count * sizeof(struct symbol) + text + 7) & ~(size_t)7;
    struct symbol_map_header *header = calloc(1, size);
    assert_non_null(header);
    *header = (struct symbol_map_header){
        .magic = SYMBOL_MAP_MAGIC,
        .version = SYMBOL_MAP_VERSION,
        .bytes = (uint32_t)size,
        .symbol_count = count,
        .text_bytes = text,
        .stack_bytes = STACK,
        .table_size = 10,
        .slack_at = SLACK_AT,
        .slack_next = SLACK_AT,
        .slack_end = SLACK_AT + 4096,
    };
    struct symbol *symbols = (struct symbol *)(header + 1);
    char *words = (char *)(symbols + count);
    for (uint32_t i = 0, at = 1; i < count; i++) {
        symbols[i] = (struct symbol){.kind = rows[i].kind,
                                     .name = at,
                                     .ordinal = rows[i].ordinal,
                                     .flags = rows[i].flags,
                                     .address = rows[i].address,
                                     .size = rows[i].size,
                                     .align = 1};
        at += (uint32_t)strlen(strcpy(words + at, rows[i].name)) + 1;
        symbols[i].type = at;
        at += (uint32_t)strlen(strcpy(words + at, rows[i].type)) + 1;
    }
    return header;
}

static void expect(const struct row *from, uint32_t from_count, const struct row *to,
                   uint32_t to_count, bool back, const char *refusal)
{
    _cleanup_(freep) struct symbol_map_header *one = map_of(from, from_count);
    _cleanup_(freep) struct symbol_map_header *two = map_of(to, to_count);
    struct symbol_map a, b;
    struct err err = {0};

    if (symbol_map_read(one, one->bytes, &a, &err) < 0 ||
        symbol_map_read(two, two->bytes, &b, &err) < 0)
        fail_msg("%s", err.message);
    int r = symbol_map_compare(&a, &b, back, &err);
    if (!refusal) {
        if (r < 0)
            fail_msg("%s", err.message);
        return;
    }
    assert_int_equal(r, -EPERM);
    if (!strstr(err.message, refusal))
        fail_msg("'%s' does not say '%s'", err.message, refusal);
}

#define OURS SYMBOL_OURS
#define PUBLIC (SYMBOL_OURS | SYMBOL_EXTERNAL)

static const struct row version_1[] = {
    {SYMBOL_STRUCTURE, "struct item", "int a@0; char* name@4; 8 bytes", OURS, 0, 0, 0},
    {SYMBOL_FUNCTION, "add", "int (int, int)", PUBLIC, 0, 0, 0},
    {SYMBOL_FUNCTION, "called", "void (int)", OURS | SYMBOL_TABLE, 3, 0, 0},
    {SYMBOL_FUNCTION, "helper", "int ()", OURS, 0, 0, 0},
    {SYMBOL_VARIABLE, "count", "int", OURS, 4096, 4, 0},
    {SYMBOL_VARIABLE, "items", "struct item[2]", OURS, 4100, 16, 0},
    {SYMBOL_VARIABLE, "library", "", 0, 4200, 8, 0},
    {SYMBOL_CONSTANT, "words of 3 bytes", "", 0, 5000, 3, 0},
};
#define ROWS ((uint32_t)ARRAY_LEN(version_1))

/* version_1 with one row changed. */
static void changed(uint32_t at, struct row row, const char *refusal)
{
    struct row rows[ROWS];

    memcpy(rows, version_1, sizeof rows);
    rows[at] = row;
    expect(version_1, ROWS, rows, ROWS, false, refusal);
}

/* version_1 without one row. */
static void removed(uint32_t at, bool back, const char *refusal)
{
    struct row rows[ROWS];

    memcpy(rows, version_1, sizeof rows);
    memmove(&rows[at], &rows[at + 1], (ROWS - at - 1) * sizeof *rows);
    expect(version_1, ROWS, rows, ROWS - 1, back, refusal);
}

static void what_is_gone_is_named(void **state)
{
    (void)state;
    expect(version_1, ROWS, version_1, ROWS, false, NULL);
    removed(1, false, "function 'add' was removed");
    removed(2, false, "function 'called' was removed");
    removed(4, false, "variable 'count' was removed");
}

static void what_nobody_can_hold_may_go(void **state)
{
    (void)state;
    removed(0, false, NULL); /* a structure that is used no more */
    removed(3, false, NULL); /* a static function without an address */
}

/* A build against a version keeps all that has a place there: something may point to it. */
static void what_has_a_place_keeps_it(void **state)
{
    (void)state;
    removed(6, false, "variable 'library' has no place any more: it was not built against");
    removed(7, false, "has no place any more: it was not built against the other");
}

static void a_step_back_may_lose_what_was_added(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++)
        removed(i, true, NULL);
}

static void what_has_changed_is_named(void **state)
{
    (void)state;
    changed(0,
            (struct row){SYMBOL_STRUCTURE, "struct item", "int a@0; int name@4; 8 bytes", OURS, 0,
                         0, 0},
            "fields of 'struct item' changed: 'char* name@4' to 'int name@4'");
    changed(1, (struct row){SYMBOL_FUNCTION, "add", "long (int, int)", PUBLIC, 0, 0, 0},
            "signature of function 'add' changed: int (int, int) to long (int, int)");
    changed(3, (struct row){SYMBOL_FUNCTION, "helper", "long ()", OURS, 0, 0, 0}, NULL);
    changed(4, (struct row){SYMBOL_VARIABLE, "count", "long", OURS, 4096, 4, 0},
            "type of variable 'count' changed: int to long");
    changed(6, (struct row){SYMBOL_VARIABLE, "library", "", 0, 4200, 16, 0},
            "size of variable 'library' changed: 8 to 16 bytes");
}

static void a_map_that_lies_of_places_is_refused(void **state)
{
    (void)state;
    changed(4, (struct row){SYMBOL_VARIABLE, "count", "int", OURS, 6000, 4, 0},
            "variable 'count' lies elsewhere");
    changed(2, (struct row){SYMBOL_FUNCTION, "called", "void (int)", OURS | SYMBOL_TABLE, 4, 0, 0},
            "function 'called' has another index");
    changed(7, (struct row){SYMBOL_CONSTANT, "words of 3 bytes", "", 0, 5100, 3, 0},
            "constant 'words of 3 bytes' lies elsewhere");
}

/* ---- no maps ---- */

static void refused(struct symbol_map_header *header, size_t size, const char *why)
{
    struct symbol_map map;
    struct err err = {0};

    assert_int_equal(symbol_map_read(header, size, &map, &err), -EBADMSG);
    if (!strstr(err.message, why))
        fail_msg("'%s' does not say '%s'", err.message, why);
    free(header);
}

static void damaged_maps_are_refused(void **state)
{
    struct symbol_map_header *map;
    struct symbol *symbols;

    (void)state;
    map = map_of(version_1, ROWS);
    refused(map, map->bytes - 8, "parts");
    map = map_of(version_1, ROWS);
    map->magic++;
    refused(map, map->bytes, "another version");
    map = map_of(version_1, ROWS);
    map->symbol_count += 1000;
    refused(map, map->bytes, "parts");
    map = map_of(version_1, ROWS);
    map->slack_end = map->slack_at - 1;
    refused(map, map->bytes, "slack");
    for (int lie = 0; lie < 6; lie++) {
        static const char *const why[] = {"no kind", "text lies", "text lies",
                                          "table",   "data",      "order"};
        map = map_of(version_1, ROWS);
        symbols = (struct symbol *)(map + 1);
        switch (lie) {
        case 0:
            symbols[0].kind = 9;
            break;
        case 1:
            symbols[1].name = map->text_bytes;
            break;
        case 2:
            symbols[1].type = UINT32_MAX;
            break;
        case 3:
            symbols[2].address = map->table_size;
            break;
        case 4:
            symbols[4].size = UINT32_MAX;
            break;
        case 5:
            symbols[3].name = symbols[1].name;
            break;
        }
        refused(map, map->bytes, why[lie]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_gone_is_named),
        cmocka_unit_test(what_nobody_can_hold_may_go),
        cmocka_unit_test(what_has_a_place_keeps_it),
        cmocka_unit_test(a_step_back_may_lose_what_was_added),
        cmocka_unit_test(what_has_changed_is_named),
        cmocka_unit_test(a_map_that_lies_of_places_is_refused),
        cmocka_unit_test(damaged_maps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
