/* Kprobes: a function of the kernel by its name, or all that a pattern has, by one link. */
#include <errno.h>
#include <fnmatch.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "bpf/broker_internal.h"
#include "bpf/events.h"

#define NAMES_MAX 1024 /* of one link */

#ifdef __x86_64__
#define SYSTEM_CALL "__x64_sys_"
#else
#define SYSTEM_CALL "__arm64_sys_"
#endif

static bool returns(const struct bpf_kind *kind)
{
    return strcmp(kind->name, "kretprobe") == 0;
}

/* "function" or "function+0x10"; *ret_length is the name's. */
static int read_point(const char *point, size_t *ret_length, uint64_t *ret_offset)
{
    static const char digits[] = "0123456789abcdefABCDEFxX";
    const char *plus = strchr(point, '+');
    char *end = NULL;

    *ret_offset = 0;
    *ret_length = plus ? (size_t)(plus - point) : strlen(point);
    if (!plus)
        return 0;
    if (plus[1] < '0' || plus[1] > '9' || plus[1 + strspn(plus + 1, digits)] != '\0')
        return -EINVAL;
    *ret_offset = strtoull(plus + 1, &end, 0);
    return *end || *ret_offset > EVENT_OFFSET_MAX ? -EINVAL : 0;
}

int attach_kprobe(const struct session *session, struct object_program *program, const char *point)
{
    const struct bpf_kind *kind = &bpf_kinds[program->kind];
    struct event_request request = {.kind = EVENT_KPROBE, .returns = returns(kind)};
    size_t length;

    (void)session;
    int r = read_point(point, &length, &request.number);
    if (r < 0)
        return r;
    snprintf(request.function, sizeof request.function, "%s%.*s",
             strstr(kind->section, "syscall") ? SYSTEM_CALL : "", (int)length, point);
    return open_and_link(program, &request);
}

struct functions {
    char *names[NAMES_MAX];
    uint32_t count;
};

static void functions_clear(struct functions *functions)
{
    while (functions->count > 0)
        free(functions->names[--functions->count]);
}

static int add(struct functions *functions, const char *name)
{
    if (functions->count == NAMES_MAX)
        return -E2BIG;
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    functions->names[functions->count++] = copy;
    return 0;
}

/* The kernel's own of that pattern. What a compiler has split off has a dot in its name, and is
 * not meant; what two files of the kernel have under one name is named once. */
static int find(const char *pattern, struct functions *functions)
{
    _cleanup_(fclosep) FILE *list = fopen(BROKER_FUNCTIONS, "re");
    char line[512];
    int r = 0;

    if (!list)
        return errno == ENOENT ? -EOPNOTSUPP : -errno; /* a kernel without ftrace */
    while (r == 0 && fgets(line, sizeof line, list)) {
        line[strcspn(line, " \t\n")] = '\0';
        if (is_kernel_name(line, 0) && fnmatch(pattern, line, 0) == 0 &&
            (functions->count == 0 || strcmp(functions->names[functions->count - 1], line) != 0))
            r = add(functions, line);
    }
    return r == 0 && functions->count == 0 ? -ENOENT : r;
}

int attach_kprobes(const struct session *session, struct object_program *program, const char *point)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_*?";
    static struct functions functions;
    size_t length = strlen(point);

    (void)session;
    if (length == 0 || length > 100 || point[strspn(point, good)] != '\0')
        return -EINVAL;
    int r = strpbrk(point, "*?") ? find(point, &functions) : add(&functions, point);
    if (r == 0) {
        LIBBPF_OPTS(bpf_link_create_opts, options,
                    .kprobe_multi = {
                        .flags = returns(&bpf_kinds[program->kind]) ? BPF_F_KPROBE_MULTI_RETURN : 0,
                        .cnt = functions.count,
                        .syms = (const char **)functions.names});
        int fd = bpf_link_create(program->fd, 0, BPF_TRACE_KPROBE_MULTI, &options);
        r = object_program_keep(program, fd < 0 ? -errno : fd);
    }
    functions_clear(&functions);
    return r;
}
