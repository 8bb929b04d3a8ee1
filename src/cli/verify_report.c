/* The verifier's report, for people. It comes out of a sandbox that untrusted input went into:
 * every text is made printable. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "cli/verify_report.h"

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value;

    return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static uint64_t number_of(struct json_object *object, const char *key)
{
    struct json_object *value;

    return json_object_object_get_ex(object, key, &value) ? json_object_get_uint64(value) : 0;
}

static struct json_object *list_of(struct json_object *object, const char *key)
{
    struct json_object *value;

    return json_object_object_get_ex(object, key, &value) &&
                   json_object_is_type(value, json_type_array)
               ? value
               : NULL;
}

static size_t length_of(struct json_object *list)
{
    return list ? json_object_array_length(list) : 0;
}

static void print_text(const char *text)
{
    _cleanup_(freep) char *safe = strdup(text);

    if (!safe)
        return;
    text_make_printable(safe, strlen(safe), 0);
    fputs(safe, stdout);
}

static bool is_open(struct json_object *item)
{
    return strcmp(text_of(item, "state"), "proved") != 0;
}

static void print_place(struct json_object *item, const char *source)
{
    const char *file = text_of(item, "file");

    print_text(*file ? file : source);
    if (number_of(item, "line") > 0)
        printf(":%llu", (unsigned long long)number_of(item, "line"));
    fputs(": ", stdout);
}

static void print_item(struct json_object *item, const char *source, const char *before)
{
    print_place(item, source);
    fputs(before, stdout);
    print_text(text_of(item, "what"));
    fputs("\n    ", stdout);
    print_text(text_of(item, "change"));
    putchar('\n');
}

/* A number of steps as a person reads it: three digits of it and a power of ten. */
static void print_count(uint64_t count)
{
    if (count < 1000000)
        printf("%llu", (unsigned long long)count);
    else
        printf("%.1e", (double)count);
}

static void print_bounds(struct json_object *report)
{
    struct json_object *bounds;

    if (!json_object_object_get_ex(report, "bounds", &bounds))
        return;
    fputs("  at most ", stdout);
    print_count(number_of(bounds, "instructions"));
    printf(" instructions and %llu bytes of stack\n",
           (unsigned long long)number_of(bounds, "stack_bytes"));
}

/* Lines that open obligations repeat are said once for each kind. */
static bool said_before(struct json_object *list, size_t index)
{
    struct json_object *item = json_object_array_get_idx(list, index);

    for (size_t i = 0; i < index; i++) {
        struct json_object *earlier = json_object_array_get_idx(list, i);
        if (is_open(earlier) && number_of(earlier, "line") == number_of(item, "line") &&
            strcmp(text_of(earlier, "what"), text_of(item, "what")) == 0 &&
            strcmp(text_of(earlier, "file"), text_of(item, "file")) == 0)
            return true;
    }
    return false;
}

static void print_example(struct json_object *report)
{
    struct json_object *example;

    if (!json_object_object_get_ex(report, "counterexample", &example))
        return;
    fputs("confirmed: it fails when it is run", stdout);
    if (*text_of(example, "in"))
        printf(" with a body of %llu bytes (", (unsigned long long)number_of(example, "in_len"));
    if (*text_of(example, "in"))
        print_text(text_of(example, "in"));
    if (*text_of(example, "in"))
        printf(") and room for %llu", (unsigned long long)number_of(example, "out_cap"));
    printf(", at line %llu\n", (unsigned long long)number_of(example, "line"));
}

void verify_report_print(struct json_object *report, const char *source)
{
    struct json_object *refusals = list_of(report, "refusals"),
                       *open = list_of(report, "obligations");
    bool proved = strcmp(text_of(report, "verdict"), "proved") == 0;

    print_text(text_of(report, "verdict"));
    fputs(": ", stdout);
    if (*text_of(report, "entry")) {
        print_text(text_of(report, "entry"));
        fputs(" of ", stdout);
    }
    print_text(source);
    if (*text_of(report, "reason")) {
        fputs(": ", stdout);
        print_text(text_of(report, "reason"));
    }
    if (open)
        printf(" (%llu of %llu obligations)",
               (unsigned long long)number_of(report, "obligations_proved"),
               (unsigned long long)number_of(report, "obligations_total"));
    putchar('\n');
    for (size_t i = 0; i < length_of(refusals); i++)
        print_item(json_object_array_get_idx(refusals, i), source, "not accepted: ");
    for (size_t i = 0; i < length_of(open); i++)
        if (is_open(json_object_array_get_idx(open, i)) && !said_before(open, i))
            print_item(json_object_array_get_idx(open, i), source, "");
    print_example(report);
    if (proved)
        print_bounds(report);
}

/* Of a line: no obligation, all proved, some open. */
enum mark { MARK_NONE, MARK_PROVED, MARK_OPEN };

static enum mark mark_of(struct json_object *obligations, uint64_t line)
{
    enum mark mark = MARK_NONE;

    for (size_t i = 0; i < length_of(obligations); i++) {
        struct json_object *item = json_object_array_get_idx(obligations, i);
        if (number_of(item, "line") != line)
            continue;
        if (is_open(item))
            return MARK_OPEN;
        mark = MARK_PROVED;
    }
    return mark;
}

static void print_below(struct json_object *list, uint64_t line, bool all)
{
    for (size_t i = 0; i < length_of(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (number_of(item, "line") != line || (!all && (!is_open(item) || said_before(list, i))))
            continue;
        fputs("        ^ ", stdout);
        print_text(text_of(item, "what"));
        fputs(": ", stdout);
        print_text(text_of(item, "change"));
        putchar('\n');
    }
}

int verify_report_annotate(struct json_object *report, const char *path)
{
    static const char *const marks[] = {"  ", "ok", "!!"};
    struct json_object *obligations = list_of(report, "obligations");
    _cleanup_(freep) char *text = NULL;
    struct err err = {0};
    uint64_t number = 0;
    size_t size;

    if (fd_read_file(AT_FDCWD, path, SOURCE_MAX_BYTES, &text, &size, &err) < 0)
        return cli_error(&err, NULL);
    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        number++;
        printf("%s %5llu ", marks[mark_of(obligations, number)], (unsigned long long)number);
        text_make_printable(line, strlen(line), 1);
        puts(line);
        print_below(obligations, number, false);
        print_below(list_of(report, "refusals"), number, true);
        line = end ? end + 1 : NULL;
    }
    return CLI_OK;
}
