/*
 * Uprobes: a place in a file, by its path in the machine's root. Which place a function's name
 * means is the reader's to say (symbol.c): an ELF file is not parsed here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

#define LINKS_FOLLOWED 16
#ifdef __x86_64__
#define LIBRARIES "/usr/lib/x86_64-linux-gnu"
#else
#define LIBRARIES "/usr/lib/aarch64-linux-gnu"
#endif

/* What "/path:function+16,1234" says. */
struct place {
    char path[256];
    char symbol[128]; /* "": the offset is the file's */
    uint64_t offset;
    int pid; /* -1: every process */
};

static int read_hex(const char *text, const char *ends, uint64_t *ret_number, const char **ret_end)
{
    char *end;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    *ret_number = strtoull(text, &end, 0);
    *ret_end = end;
    return errno || !strchr(ends, *end) ? -EINVAL : 0;
}

static int read_place(const char *point, struct place *place)
{
    const char *colon = strrchr(point, ':'), *at;
    uint64_t number;

    *place = (struct place){.pid = -1};
    if (!colon || colon == point || (size_t)(colon - point) >= sizeof place->path)
        return -EINVAL;
    memcpy(place->path, point, (size_t)(colon - point));
    at = colon + 1;
    if (*at < '0' || *at > '9') {
        size_t length = strcspn(at, "+,");
        if (length == 0 || length >= sizeof place->symbol)
            return -EINVAL;
        memcpy(place->symbol, at, length);
        at += length;
        at += *at == '+';
    }
    if (*at && *at != ',' && read_hex(at, ",", &place->offset, &at) < 0)
        return -EINVAL;
    if (*at == ',') {
        if (read_hex(at + 1, "", &number, &at) < 0 || number == 0 || number > INT_MAX)
            return -EINVAL;
        place->pid = (int)number;
    }
    return 0;
}

/* A pattern of the policy's is held against the path as it is written. */
static bool goes_up(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")); at += 2)
        if ((at == path || at[-1] == '/') && (at[2] == '\0' || at[2] == '/'))
            return true;
    return false;
}

/*
 * The directory of a file and its last name, with no link left in it: the kernel looks the name up
 * once more, from this process's working directory, for it takes no descriptor.
 */
static int find_whole(int root, const char *path, int *ret_folder, char name[static NAME_MAX + 1])
{
    char whole[PATH_MAX], target[PATH_MAX];

    snprintf(whole, sizeof whole, "%s", path);
    for (int followed = 0; followed < LINKS_FOLLOWED; followed++) {
        char *slash = strrchr(whole, '/');
        const char *last = slash ? slash + 1 : whole;
        if (!*last || strlen(last) > NAME_MAX || strcmp(last, "..") == 0)
            return -EINVAL;
        snprintf(name, NAME_MAX + 1, "%s", last);
        if (slash)
            *(slash == whole ? slash + 1 : slash) = '\0';
        _cleanup_(closep) int folder =
            fd_open_resolve(root, slash ? whole : ".", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
        if (folder < 0)
            return folder;
        ssize_t n = readlinkat(folder, name, target, sizeof target - 1);
        if (n < 0) {
            *ret_folder = steal_fd(&folder);
            return 0;
        }
        target[n] = '\0';
        char next[2 * PATH_MAX + 2];
        snprintf(next, sizeof next, "%s/%s", target[0] == '/' ? "" : slash ? whole : ".", target);
        if (strlen(next) >= sizeof whole)
            return -ENAMETOOLONG;
        snprintf(whole, sizeof whole, "%s", next);
    }
    return -ELOOP;
}

/* As libbpf has it: a name alone is looked for where programs and libraries are; any other path
 * that is not absolute begins where who started the module was. */
static int find_file(const struct session *session, const char *path, int *ret_folder,
                     char name[static NAME_MAX + 1])
{
    static const char *const programs[] = {"/usr/bin", "/usr/sbin"};
    static const char *const libraries[] = {"/usr/lib64", "/usr/lib", LIBRARIES};
    bool library = strstr(path, ".so") != NULL;
    const char *const *folders = library ? libraries : programs;
    size_t count = library ? ARRAY_LEN(libraries) : ARRAY_LEN(programs);
    char whole[PATH_MAX];

    if (path[0] == '/')
        return find_whole(session->root_fd, path, ret_folder, name);
    if (strchr(path, '/')) {
        snprintf(whole, sizeof whole, "%s/%s", session->instance.directory, path);
        return find_whole(session->root_fd, whole, ret_folder, name);
    }
    for (size_t i = 0; i < count; i++) {
        _cleanup_(closep) int folder = -1;
        snprintf(whole, sizeof whole, "%s/%s", folders[i], path);
        if (find_whole(session->root_fd, whole, &folder, name) == 0 &&
            faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            *ret_folder = steal_fd(&folder);
            return 0;
        }
    }
    return -ENOENT;
}

/*
 * A link of its own kind (Linux 6.6): events of perf_event_open(2) in files are for CAP_SYS_ADMIN.
 * The attributes are spelled out: the headers may be older.
 */
static int link_probe(const struct place *place, const char *name, bool returns,
                      struct object_program *program)
{
    char path[NAME_MAX + 3];
    struct {
        uint32_t program, target, type, flags;
        uint64_t path, offsets, counters, cookies;
        uint32_t count, probe_flags, pid, reserved;
    } attributes = {.program = (uint32_t)program->fd,
                    .type = program->attach_type,
                    .path = (uintptr_t)path,
                    .offsets = (uintptr_t)&place->offset,
                    .count = 1,
                    .probe_flags = returns,
                    .pid = place->pid < 0 ? 0 : (uint32_t)place->pid};

    snprintf(path, sizeof path, "./%s", name);
    int fd = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

int attach_uprobe(const struct session *session, struct object_program *program, const char *point)
{
    bool returns = strcmp(bpf_kinds[program->kind].name, "uretprobe") == 0;
    char name[NAME_MAX + 1];
    _cleanup_(closep) int folder = -1;
    struct err err = {0};
    struct place place;
    uint64_t start = 0;

    if (session->root_fd < 0)
        return -EPERM;
    int r = read_place(point, &place);
    if (r == 0 && goes_up(place.path))
        r = -EINVAL;
    if (r == 0)
        r = find_file(session, place.path, &folder, name);
    if (r < 0)
        return r;
    _cleanup_(closep) int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 || fchdir(folder) < 0)
        return -errno;
    if (place.symbol[0])
        r = fetch_symbol(session->instance.owner, file, place.symbol, &start, &err);
    place.offset += start;
    return r < 0 ? r : link_probe(&place, name, returns, program);
}
