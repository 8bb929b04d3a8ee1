/*
 * What a module may import: functions of WASI preview 1 and of module "vireo", each with the one
 * type that the host's function has. The translated code calls the host directly, so that a wrong
 * type would be a call with wrong registers: it is refused here, and a test compares the names with
 * guest/library_symbols.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/wasm.h"

#define WASI "wasi_snapshot_preview1"

/* Types as the witx files of WASI preview 1 lower them: pointers and sizes are i, offsets I. */
const struct wasm_host_function wasm_host_functions[] = {
    {"callback-wrapper", "wasm_bpf_buffer_poll", "Iiiiii", "i"},
    /* What a compiler makes of a function without a module's name: modules of wasm-bpf's first
     * headers, and TinyGo's. */
    {"env", "wasm_attach_bpf_program", "Iii", "i"},
    {"env", "wasm_bpf_buffer_poll", "Iiiiiii", "i"},
    {"env", "wasm_bpf_map_fd_by_name", "Ii", "i"},
    {"env", "wasm_bpf_map_operate", "iiiiiI", "i"},
    {"env", "wasm_close_bpf_object", "I", "i"},
    {"env", "wasm_load_bpf_object", "ii", "I"},
    {"vireo", "connect", "ii", "i"},
    {"vireo", "dup", "ii", "i"},
    {"vireo", "exec", "iiiiii", "i"},
    {"vireo", "fork", "", "i"},
    {"vireo", "getpid", "", "i"},
    {"vireo", "getppid", "", "i"},
    {"vireo", "http", "iiiiii", "i"},
    {"vireo", "http_any", "iiiiii", "i"},
    {"vireo", "kill", "ii", "i"},
    {"vireo", "kv_delete", "ii", "i"},
    {"vireo", "kv_get", "iiii", "i"},
    {"vireo", "kv_put", "iiii", "i"},
    {"vireo", "msgctl", "iii", "i"},
    {"vireo", "msgget", "ii", "i"},
    {"vireo", "msgrcv", "iiiii", "i"},
    {"vireo", "msgsnd", "iiii", "i"},
    {"vireo", "pipe", "i", "i"},
    {"vireo", "queue_push", "iiii", "i"},
    {"vireo", "raise", "i", "i"},
    {"vireo", "request_text", "iii", "i"},
    {"vireo", "request_header", "iiii", "i"},
    {"vireo", "response_status", "i", "i"},
    {"vireo", "semaphore", "iiI", "i"},
    {"vireo", "shmat", "iii", "i"},
    {"vireo", "shmctl", "iii", "i"},
    {"vireo", "shmdt", "i", "i"},
    {"vireo", "shmget", "iii", "i"},
    {"vireo", "response_header", "iiii", "i"},
    {"vireo", "siginfo", "i", "i"},
    {"vireo", "sigmask", "iIi", "i"},
    {"vireo", "signal", "iiiIi", "i"},
    {"vireo", "sigpending", "i", "i"},
    {"vireo", "sigqueue", "iii", "i"},
    {"vireo", "sigsuspend", "I", "i"},
    {"vireo", "sigwait", "IIi", "i"},
    {"vireo", "sql", "iiiiii", "i"},
    {"vireo", "timer", "IIi", "i"},
    {"vireo", "update_point", "", "i"},
    {"vireo", "updates", "", "i"},
    {"vireo", "wait", "i", "i"},
    {"vireo", "waitpid", "iii", "i"},
    {WASI, "args_get", "ii", "i"},
    {WASI, "args_sizes_get", "ii", "i"},
    {WASI, "clock_res_get", "ii", "i"},
    {WASI, "clock_time_get", "iIi", "i"},
    {WASI, "environ_get", "ii", "i"},
    {WASI, "environ_sizes_get", "ii", "i"},
    {WASI, "fd_advise", "iIIi", "i"},
    {WASI, "fd_allocate", "iII", "i"},
    {WASI, "fd_close", "i", "i"},
    {WASI, "fd_datasync", "i", "i"},
    {WASI, "fd_fdstat_get", "ii", "i"},
    {WASI, "fd_fdstat_set_flags", "ii", "i"},
    {WASI, "fd_fdstat_set_rights", "iII", "i"},
    {WASI, "fd_filestat_get", "ii", "i"},
    {WASI, "fd_filestat_set_size", "iI", "i"},
    {WASI, "fd_filestat_set_times", "iIIi", "i"},
    {WASI, "fd_pread", "iiiIi", "i"},
    {WASI, "fd_prestat_dir_name", "iii", "i"},
    {WASI, "fd_prestat_get", "ii", "i"},
    {WASI, "fd_pwrite", "iiiIi", "i"},
    {WASI, "fd_read", "iiii", "i"},
    {WASI, "fd_readdir", "iiiIi", "i"},
    {WASI, "fd_renumber", "ii", "i"},
    {WASI, "fd_seek", "iIii", "i"},
    {WASI, "fd_sync", "i", "i"},
    {WASI, "fd_tell", "ii", "i"},
    {WASI, "fd_write", "iiii", "i"},
    {WASI, "path_create_directory", "iii", "i"},
    {WASI, "path_filestat_get", "iiiii", "i"},
    {WASI, "path_filestat_set_times", "iiiiIIi", "i"},
    {WASI, "path_link", "iiiiiii", "i"},
    {WASI, "path_open", "iiiiiIIii", "i"},
    {WASI, "path_readlink", "iiiiii", "i"},
    {WASI, "path_remove_directory", "iii", "i"},
    {WASI, "path_rename", "iiiiii", "i"},
    {WASI, "path_symlink", "iiiii", "i"},
    {WASI, "path_unlink_file", "iii", "i"},
    {WASI, "poll_oneoff", "iiii", "i"},
    {WASI, "proc_exit", "i", ""},
    {WASI, "proc_raise", "i", "i"},
    {WASI, "random_get", "ii", "i"},
    {WASI, "sched_yield", "", "i"},
    {WASI, "sock_accept", "iii", "i"},
    {WASI, "sock_recv", "iiiiii", "i"},
    {WASI, "sock_send", "iiiii", "i"},
    {WASI, "sock_shutdown", "ii", "i"},
    {"vireo_bpf", "batch", "iiiii", "i"},
    {"vireo_bpf", "copy", "iIiii", "i"},
    {"vireo_bpf", "create_map", "ii", "I"},
    {"vireo_bpf", "detach", "Ii", "i"},
    {"vireo_bpf", "global", "Iiiii", "i"},
    {"vireo_bpf", "iterate", "Iiiii", "i"},
    {"vireo_bpf", "join", "i", "I"},
    {"vireo_bpf", "keep", "Iii", "i"},
    {"vireo_bpf", "load_program", "iiiii", "I"},
    {"vireo_bpf", "open", "i", "I"},
    {"vireo_bpf", "pin", "ii", "i"},
    {"vireo_bpf", "replace", "IiIi", "i"},
    {"vireo_bpf", "send", "iii", "i"},
    {"vireo_bpf", "set", "iiii", "i"},
    {"vireo_bpf", "share", "Ii", "i"},
    {"vireo_bpf", "statistics", "Iii", "i"},
    {"vireo_bpf", "take", "Iiiii", "i"},
    {"vireo_bpf", "take_over", "Iii", "i"},
    {"vireo_bpf", "unpin", "i", "i"},
    {"wasm_bpf", "wasm_attach_bpf_program", "Iii", "i"},
    {"wasm_bpf", "wasm_attach_bpf_program_fd", "Iii", "i"},
    {"wasm_bpf", "wasm_bpf_buffer_poll", "Iiiiiii", "i"},
    {"wasm_bpf", "wasm_bpf_map_fd_by_name", "Ii", "i"},
    {"wasm_bpf", "wasm_bpf_map_operate", "iiiiiI", "i"},
    {"wasm_bpf", "wasm_close_bpf_object", "I", "i"},
    {"wasm_bpf", "wasm_load_bpf_object", "ii", "I"},
};
const size_t wasm_host_function_count = ARRAY_LEN(wasm_host_functions);

static bool name_is(const char *name, uint32_t bytes, const char *wanted)
{
    return bytes == strlen(wanted) && memcmp(name, wanted, bytes) == 0;
}

static bool name_begins(const char *name, uint32_t bytes, const char *wanted)
{
    size_t length = strlen(wanted);

    return bytes >= length && memcmp(name, wanted, length) == 0;
}

static char type_letter(uint8_t type)
{
    switch (type) {
    case WASM_I32:
        return 'i';
    case WASM_I64:
        return 'I';
    case WASM_F32:
        return 'f';
    case WASM_F64:
        return 'F';
    default:
        return '?';
    }
}

static bool types_are(const uint8_t *types, uint16_t count, const char *wanted)
{
    if (strlen(wanted) != count)
        return false;
    for (uint16_t i = 0; i < count; i++)
        if (type_letter(types[i]) != wanted[i])
            return false;
    return true;
}

bool wasm_type_is(const struct wasm_reader *reader, const struct wasm_type *type,
                  const char *params, const char *results)
{
    return types_are(reader->module + type->params_at, type->param_count, params) &&
           types_are(reader->module + type->results_at, type->result_count, results);
}

bool wasm_type_text(const struct wasm_reader *reader, const struct wasm_type *type, char *text,
                    size_t size)
{
    size_t used = 0;

    if ((size_t)type->param_count + type->result_count + 2 > size || type->result_count > 1)
        return false;
    for (uint16_t i = 0; i < type->param_count; i++)
        text[used++] = type_letter(reader->module[type->params_at + i]);
    text[used++] = ':';
    for (uint16_t i = 0; i < type->result_count; i++)
        text[used++] = type_letter(reader->module[type->results_at + i]);
    text[used] = '\0';
    return !strchr(text, '?');
}

/* Modules that we know by name and don't have: the message says what to do. */
static int module_refuse(struct wasm_reader *reader, size_t offset, const char *module,
                         uint32_t module_bytes, const char *name, uint32_t name_bytes)
{
    struct wasm_shown shown_module = wasm_show(module, module_bytes);
    struct wasm_shown shown_name = wasm_show(name, name_bytes);
    const char *hint = "a module may import functions of " WASI ", vireo, vireo_bpf and wasm_bpf";

    if (name_is(module, module_bytes, "wasi_unstable"))
        hint = "that is WASI preview 0; build it for preview 1 (" WASI ")";
    else if (name_begins(module, module_bytes, "wasi:"))
        hint = "that is WASI preview 2; build it for preview 1 (" WASI ")";
    else if (name_is(module, module_bytes, "wasi"))
        hint = "that is WASI threads, which is not supported";
    return wasm_refuse(reader, offset, "it imports '%s.%s' (%s)", shown_module.text,
                       shown_name.text, hint);
}

/* "i32 i64" from "iI". */
static void types_text(const char *letters, char *text, size_t size)
{
    static const struct {
        char letter;
        const char *name;
    } names[] = {{'i', "i32"}, {'I', "i64"}, {'f', "f32"}, {'F', "f64"}};
    size_t used = 0;

    text[0] = '\0';
    for (; *letters; letters++)
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            if (names[i].letter == *letters && used + 5 < size)
                used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
                                         names[i].name);
}

static int type_refuse(struct wasm_reader *reader, size_t offset,
                       const struct wasm_host_function *function)
{
    char params[64], results[16];

    types_text(function->params, params, sizeof params);
    types_text(function->results, results, sizeof results);
    return wasm_refuse(reader, offset,
                       "it imports '%s.%s' with another type than the host's, (%s) -> (%s),",
                       function->module, function->name, params, results);
}

int wasm_import_check(struct wasm_reader *reader, size_t offset, const char *module,
                      uint32_t module_bytes, const char *name, uint32_t name_bytes,
                      const struct wasm_type *type)
{
    bool known_module = false;

    for (size_t i = 0; i < wasm_host_function_count; i++) {
        const struct wasm_host_function *function = &wasm_host_functions[i];
        if (!name_is(module, module_bytes, function->module))
            continue;
        known_module = !name_is(module, module_bytes, "env");
        if (!name_is(name, name_bytes, function->name))
            continue;
        if (!wasm_type_is(reader, type, function->params, function->results))
            return type_refuse(reader, offset, function);
        return 0;
    }
    if (known_module)
        return wasm_refuse(reader, offset, "it imports '%s.%s', which does not exist",
                           wasm_show(module, module_bytes).text, wasm_show(name, name_bytes).text);
    return module_refuse(reader, offset, module, module_bytes, name, name_bytes);
}
