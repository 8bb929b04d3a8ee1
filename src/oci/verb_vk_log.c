/* vk log: what containers' kernel logs have, from their files: also of those that ended. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/runtime.h"
#include "vkernel/view_protocol.h"

DEFINE_CLEANUP(struct oci_state, oci_state_close)

/* "NUMBER TIME_US WHO TEXT", as vkernel/view_log.c writes it; NULL: it is being written. */
static struct json_object *line_json(const char *id, const char *line)
{
    char *at;
    uint64_t number = strtoull(line, &at, 10);
    uint64_t time_us = *at == ' ' ? strtoull(at + 1, &at, 10) : 0;
    const char *who = *at == ' ' ? at + 1 : NULL;
    const char *text = who ? strchr(who, ' ') : NULL;

    if (!text)
        return NULL;
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "id", json_object_new_string(id));
    json_object_object_add(object, "number", json_object_new_uint64(number));
    json_object_object_add(object, "time_us", json_object_new_uint64(time_us));
    json_object_object_add(object, "from", json_object_new_string_len(who, (int)(text - who)));
    json_object_object_add(object, "text", json_object_new_string(text + 1));
    return object;
}

static int read_half(const struct oci_state *state, const char *name, char **ret_text,
                     struct err *err)
{
    size_t size = 0;

    if (faccessat(state->fd, name, F_OK, 0) < 0) {
        *ret_text = NULL;
        return 0;
    }
    return fd_read_file(state->fd, name, VIEW_LOG_FILE_BYTES + 4096, ret_text, &size, err);
}

static void add_lines(struct json_object *array, const char *id, char *text)
{
    for (char *rest = text, *line; rest && (line = strsep(&rest, "\n"));) {
        struct json_object *object = rest ? line_json(id, line) : NULL;
        if (object)
            json_object_array_add(array, object);
    }
}

/* The half whose first line is older comes first. */
static int add_log(struct json_object *array, const struct oci_state *state, struct err *err)
{
    _cleanup_(freep) char *first = NULL, *second = NULL;
    int r = read_half(state, VIEW_LOG_FIRST, &first, err);

    if (r == 0)
        r = read_half(state, VIEW_LOG_SECOND, &second, err);
    if (r < 0)
        return r;
    bool turned = first && second && *first && *second &&
                  strtoull(second, NULL, 10) < strtoull(first, NULL, 10);
    add_lines(array, state->id, turned ? second : first);
    add_lines(array, state->id, turned ? first : second);
    return 0;
}

int vk_log(struct runtime *runtime, char **words, int count, struct err *err)
{
    struct json_object *array = json_object_new_array();
    char **ids = NULL;
    size_t id_count = 0;
    int r = count > 0 ? 0 : oci_state_ids(runtime->root, &ids, &id_count, err);

    for (size_t i = 0; r == 0 && i < (count > 0 ? 1 : id_count); i++) {
        _cleanup_(oci_state_closep) struct oci_state *state = NULL;
        r = oci_state_open(runtime->root, count > 0 ? words[0] : ids[i], &state, err);
        if (r == 0)
            r = add_log(array, state, err);
        /* One that was removed meanwhile is no failure. */
        if (r == -ENOENT && count == 0) {
            r = 0;
            *err = (struct err){0};
        }
    }
    for (size_t i = 0; i < id_count; i++)
        free(ids[i]);
    free(ids);
    if (r == 0)
        puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(array);
    return r;
}
