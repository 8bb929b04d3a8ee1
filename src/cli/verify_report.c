/* The verifier's report, for people. It comes out of a sandbox that untrusted input went into:
 * every text is made printable. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/problem.h"
#include "cli/table.h"
#include "cli/verify_report.h"

/* Of a counterexample's body the report has so many at most. */
#define EXAMPLE_SHOWN_BYTES 64

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

static void print_example(struct json_object *report, const char *source)
{
    struct json_object *example;

    if (!json_object_object_get_ex(report, "counterexample", &example))
        return;
    unsigned long long bytes = number_of(example, "in_len");
    fputs("confirmed: it fails when it is run", stdout);
    if (json_object_object_get_ex(example, "in_len", NULL)) {
        printf(bytes == 0   ? " with an empty body"
               : bytes == 1 ? " with a body of %llu byte ("
                            : " with a body of %llu bytes (",
               bytes);
        print_text(text_of(example, "in"));
        printf("%s%s and room for %llu", bytes > EXAMPLE_SHOWN_BYTES ? "..." : "",
               bytes > 0 ? ")" : "", (unsigned long long)number_of(example, "out_cap"));
    }
    fputs(", at ", stdout);
    print_text(*text_of(example, "file") ? text_of(example, "file") : source);
    if (number_of(example, "line") > 0)
        printf(":%llu", (unsigned long long)number_of(example, "line"));
    putchar('\n');
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
    print_example(report, source);
    if (proved)
        print_bounds(report);
}

/* ---- the source with marks ---- */

/* Of a line: no obligation, all proved, some open. */
enum mark { MARK_NONE, MARK_PROVED, MARK_OPEN };

static bool is_at(struct json_object *item, const char *file, uint64_t line)
{
    return number_of(item, "line") == line && strcmp(text_of(item, "file"), file) == 0;
}

static enum mark mark_of(struct json_object *obligations, const char *file, uint64_t line)
{
    enum mark mark = MARK_NONE;

    for (size_t i = 0; i < length_of(obligations); i++) {
        struct json_object *item = json_object_array_get_idx(obligations, i);
        if (!is_at(item, file, line))
            continue;
        if (is_open(item))
            return MARK_OPEN;
        mark = MARK_PROVED;
    }
    return mark;
}

static void print_below(struct json_object *list, const char *file, uint64_t line, bool all)
{
    for (size_t i = 0; i < length_of(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (!is_at(item, file, line) || (!all && (!is_open(item) || said_before(list, i))))
            continue;
        fputs("        ^ ", stdout);
        print_text(text_of(item, "what"));
        fputs(": ", stdout);
        print_text(text_of(item, "change"));
        putchar('\n');
    }
}

/* `name` is what the report calls it. */
static void print_lines(struct json_object *report, const char *name, char *text)
{
    static const char *const marks[] = {"  ", "ok", "!!"};
    struct json_object *obligations = list_of(report, "obligations");
    uint64_t number = 0;

    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        number++;
        printf("%s %5llu ", marks[mark_of(obligations, name, number)], (unsigned long long)number);
        text_make_printable(line, strlen(line), 1);
        puts(line);
        print_below(obligations, name, number, false);
        print_below(list_of(report, "refusals"), name, number, true);
        line = end ? end + 1 : NULL;
    }
}

/* Every file that the report names, once: a list of texts. */
static struct json_object *files_of(struct json_object *report)
{
    static const char *const lists[] = {"obligations", "refusals"};
    struct json_object *files = json_object_new_array();

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct json_object *list = list_of(report, lists[i]);
        for (size_t j = 0; j < length_of(list); j++) {
            const char *file = text_of(json_object_array_get_idx(list, j), "file");
            size_t at = 0;
            while (at < length_of(files) &&
                   strcmp(json_object_get_string(json_object_array_get_idx(files, at)), file) != 0)
                at++;
            if (*file && at == length_of(files))
                json_object_array_add(files, json_object_new_string(file));
        }
    }
    return files;
}

/* Compilers that are given an absolute path name it so: what is left of it below the folder. */
static const char *name_below(const char *folder, const char *name)
{
    _cleanup_(freep) char *path = realpath(folder, NULL);
    size_t length = path ? strlen(path) : 0;

    return length > 1 && strncmp(name, path, length) == 0 && name[length] == '/' ? name + length + 1
                                                                                 : name;
}

/* A regular file below a folder, whatever the name says; -errno. */
static int read_below(int folder, const char *name, char **ret_text)
{
    _cleanup_(closep) int fd =
        fd_open_resolve(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    struct stat stat;

    if (fd < 0 || fstat(fd, &stat) < 0)
        return -errno;
    if (!S_ISREG(stat.st_mode) || stat.st_size > SOURCE_MAX_BYTES)
        return -EINVAL;
    _cleanup_(freep) char *text = calloc(1, (size_t)stat.st_size + 1);
    if (!text || fd_read_full(fd, text, (size_t)stat.st_size) < 0)
        return -EIO;
    *ret_text = steal_ptr(&text);
    return 0;
}

/*
 * Of a folder or of IR: all that the report names below `folder`. The names come out of the
 * sandbox: what is no file there (a header of the system's, what IR made up) is left out.
 */
static int annotate_folder(struct json_object *report, const char *folder)
{
    _cleanup_(closep) int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(json_freep) struct json_object *files = files_of(report);
    struct err err = {0};
    size_t shown = 0;

    if (dir < 0) {
        err_set(&err, -errno, "cannot read '%s'", folder);
        return cli_error(&err, NULL);
    }
    for (size_t i = 0; i < length_of(files); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(files, i));
        _cleanup_(freep) char *text = NULL;
        if (read_below(dir, name_below(folder, name), &text) < 0)
            continue;
        printf("%s", shown++ ? "\n" : "");
        print_text(name);
        puts(":");
        print_lines(report, name, text);
    }
    if (shown == 0 && length_of(files) > 0) {
        err_say(&err, -ENOENT, "cannot annotate: no source that the report names is below '%s'",
                folder);
        return cli_error(&err, NULL);
    }
    return CLI_OK;
}

int verify_report_annotate(struct json_object *report, const char *path, bool ir)
{
    _cleanup_(freep) char *text = NULL, *folder = NULL;
    const char *name = strrchr(path, '/');
    struct err err = {0};
    struct stat stat_of;
    size_t size;

    if (stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode))
        return annotate_folder(report, path);
    if (ir) {
        folder = name ? strndup(path, (size_t)(name - path) + 1) : strdup(".");
        return folder ? annotate_folder(report, folder) : CLI_FAILED;
    }
    if (fd_read_file(AT_FDCWD, path, SOURCE_MAX_BYTES, &text, &size, &err) < 0)
        return cli_error(&err, NULL);
    print_lines(report, name ? name + 1 : path, text);
    return CLI_OK;
}
