/*
 * Uprobes and USDT probes: places in a file, by its path in the machine's root. Which places a name
 * means is the reader's to say (symbol.c, usdt.c): an ELF file is not parsed here.
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

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"
#include "bpf/reader.h"

#define LINKS_FOLLOWED 16
#ifdef __x86_64__
#define LIBRARIES "/usr/lib/x86_64-linux-gnu"
#else
#define LIBRARIES "/usr/lib/aarch64-linux-gnu"
#endif

/* What "/path:function+16,1234" or "/path:provider:name,1234" says. */
struct place {
    char path[256];
    char symbol[128]; /* "": the offset is the file's; of USDT "provider:name" */
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

/* The last colon in front of `end`. */
static const char *colon_before(const char *text, const char *end)
{
    return memrchr(text, ':', (size_t)(end - text));
}

static int read_place(const char *point, bool usdt, struct place *place)
{
    const char *colon = colon_before(point, point + strlen(point)), *at;
    uint64_t number;

    if (usdt && colon)
        colon = colon_before(point, colon);
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

/* A path without empty parts and "."; -ENAMETOOLONG. */
static int make_plain(const char *path, char plain[static PATH_MAX])
{
    size_t used = 0;

    while (*(path += strspn(path, "/"))) {
        size_t length = strcspn(path, "/");
        if (used + length + 2 > PATH_MAX)
            return -ENAMETOOLONG;
        if (length != 1 || *path != '.')
            used += (size_t)snprintf(plain + used, PATH_MAX - used, "/%.*s", (int)length, path);
        path += length;
    }
    plain[used] = '\0';
    return 0;
}

/* The first part of `rest` goes to the end of `whole`; ".." takes one from there. */
static int move_part(char whole[static PATH_MAX], char *rest)
{
    size_t used = strlen(whole), length = strcspn(rest + 1, "/");

    if (used + length + 2 > PATH_MAX)
        return -ENAMETOOLONG;
    if (length == 2 && memcmp(rest + 1, "..", 2) == 0)
        *(used ? strrchr(whole, '/') : whole) = '\0';
    else
        snprintf(whole + used, PATH_MAX - used, "/%.*s", (int)length, rest + 1);
    memmove(rest, rest + 1 + length, strlen(rest + 1 + length) + 1);
    return 0;
}

/* The path from `root` with no link left in it. */
static int follow_links(int root, const char *path, char whole[static PATH_MAX])
{
    char rest[PATH_MAX], target[PATH_MAX], next[2 * PATH_MAX];
    int r = make_plain(path, rest);

    whole[0] = '\0';
    for (int followed = 0; r == 0 && rest[0] && followed < LINKS_FOLLOWED;) {
        r = move_part(whole, rest);
        if (r < 0 || !whole[0])
            continue;
        ssize_t n = readlinkat(root, whole + 1, target, sizeof target - 1);
        if (n < 0) {
            r = errno == EINVAL ? 0 : -errno; /* no link */
            continue;
        }
        target[n] = '\0';
        *(target[0] == '/' ? whole : strrchr(whole, '/')) = '\0';
        snprintf(next, sizeof next, "%s%s", target, rest);
        r = make_plain(next, rest);
        followed++;
    }
    return r < 0 ? r : rest[0] ? -ELOOP : 0;
}

/*
 * The directory of a file and its last name, with no link left in it: the kernel looks the name up
 * once more, from this process's working directory, for it takes no descriptor. *ret_led: links
 * have led to it, and `whole` is where it is.
 */
static int find_whole(int root, const char *path, int *ret_folder, char name[static NAME_MAX + 1],
                      char whole[static PATH_MAX], bool *ret_led)
{
    char plain[PATH_MAX];
    int r = make_plain(path, plain);

    if (r == 0)
        r = follow_links(root, path, whole);
    if (r < 0)
        return r;
    char *slash = strrchr(whole, '/');
    if (!slash || strlen(slash + 1) > NAME_MAX)
        return -EINVAL;
    snprintf(name, NAME_MAX + 1, "%s", slash + 1);
    *slash = '\0';
    /* Whoever puts a link there meanwhile is not followed. */
    *ret_folder = fd_open_resolve(root, whole[0] ? whole + 1 : ".", O_PATH | O_DIRECTORY,
                                  RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    *slash = '/';
    *ret_led = strcmp(plain, whole) != 0;
    return *ret_folder < 0 ? *ret_folder : 0;
}

/* As libbpf has it: a name alone is looked for where programs and libraries are; any other path
 * that is not absolute begins where who started the module was. A file that links have led to must
 * be where the policy lets probes be, too, unless a name alone was asked for: -EXDEV. */
static int find_file(const struct session *session, uint32_t kind, const char *point,
                     const struct place *place, int *ret_folder, char name[static NAME_MAX + 1])
{
    static const char *const programs[] = {"/usr/bin", "/usr/sbin"};
    static const char *const libraries[] = {"/usr/lib64", "/usr/lib", LIBRARIES};
    const char *path = place->path;
    bool library = strstr(path, ".so") != NULL;
    const char *const *folders = library ? libraries : programs;
    size_t count = library ? ARRAY_LEN(libraries) : ARRAY_LEN(programs);
    char asked[2 * PATH_MAX], whole[PATH_MAX], real[PATH_MAX + 400];
    struct err err = {0};
    bool led = false;

    if (strchr(path, '/')) {
        snprintf(asked, sizeof asked, "%s/%s", path[0] == '/' ? "" : session->instance.directory,
                 path);
        int r = find_whole(session->root_fd, asked, ret_folder, name, whole, &led);
        if (r < 0 || !led)
            return r;
        snprintf(real, sizeof real, "%s%s", whole, point + strlen(path));
        if (policy_check_place(&session->instance.policy, kind, real, &err) == 0)
            return 0;
        closep(ret_folder);
        *ret_folder = -1;
        return -EXDEV;
    }
    for (size_t i = 0; i < count; i++) {
        _cleanup_(closep) int folder = -1;
        snprintf(asked, sizeof asked, "%s/%s", folders[i], path);
        if (find_whole(session->root_fd, asked, &folder, name, whole, &led) == 0 &&
            faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            *ret_folder = steal_fd(&folder);
            return 0;
        }
    }
    return -ENOENT;
}

/* What is asked for of places in one file: as many of each as `count`. */
struct probes {
    const char *name; /* in the folder that this process is in */
    uint64_t offsets[READER_PLACES_MAX], counters[READER_PLACES_MAX], cookies[READER_PLACES_MAX];
    uint32_t count;
    bool returns;
    int pid;
};

/*
 * A link of its own kind (Linux 6.6): events of perf_event_open(2) in files are for CAP_SYS_ADMIN.
 * The attributes are spelled out: the headers may be older.
 */
static int link_probes(const struct probes *probes, struct object_program *program)
{
    char path[NAME_MAX + 3];
    struct {
        uint32_t program, target, type, flags;
        uint64_t path, offsets, counters, cookies;
        uint32_t count, probe_flags, pid, reserved;
    } attributes = {.program = (uint32_t)program->fd,
                    .type = program->attach_type,
                    .path = (uintptr_t)path,
                    .offsets = (uintptr_t)probes->offsets,
                    .counters = (uintptr_t)probes->counters,
                    .cookies = (uintptr_t)probes->cookies,
                    .count = probes->count,
                    .probe_flags = probes->returns,
                    .pid = probes->pid < 0 ? 0 : (uint32_t)probes->pid};

    snprintf(path, sizeof path, "./%s", probes->name);
    int fd = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes);
    return object_program_keep(program, fd < 0 ? -errno : fd);
}

/* The file, whose folder is this process's working directory from here on. */
static int open_file(const struct session *session, uint32_t kind, const char *point,
                     const struct place *place, char name[static NAME_MAX + 1], int *ret_file)
{
    _cleanup_(closep) int folder = -1;

    int r = goes_up(place->path) ? -EINVAL : find_file(session, kind, point, place, &folder, name);
    if (r < 0)
        return r;
    _cleanup_(closep) int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 || fchdir(folder) < 0)
        return -errno;
    *ret_file = steal_fd(&file);
    return 0;
}

/* The places that a point names; NULL: it says the one place itself, in bytes of the file. The
 * file's folder is the working directory then. */
static int look_up(const struct session *session, uint32_t kind, const char *point,
                   uint32_t question, struct place *place, char name[static NAME_MAX + 1],
                   struct reader_places **ret_places)
{
    _cleanup_(closep) int file = -1;
    struct err err = {0};

    if (session->root_fd < 0)
        return -EPERM;
    int r = read_place(point, question == READER_USDT, place);
    if (r == 0)
        r = open_file(session, kind, point, place, name, &file);
    return r < 0 || !place->symbol[0]
               ? r
               : fetch_places(session, file, question, place->symbol, ret_places, &err);
}

int attach_uprobe(const struct session *session, struct object_program *program, const char *point)
{
    static struct probes probes;
    _cleanup_(freep) struct reader_places *places = NULL;
    char name[NAME_MAX + 1];
    struct place place;

    int r = look_up(session, program->kind, point, READER_FUNCTIONS, &place, name, &places);
    if (r < 0)
        return r;
    probes = (struct probes){.name = name,
                             .offsets = {place.offset},
                             .count = places ? places->count : 1,
                             .returns = strcmp(bpf_kinds[program->kind].name, "uretprobe") == 0,
                             .pid = place.pid};
    for (uint32_t i = 0; places && i < places->count; i++)
        probes.offsets[i] = places->places[i].offset + place.offset;
    return link_probes(&probes, program);
}

/* The map in which its programs look for arguments; NULL: they look for none. */
static const struct object_map *arguments_map(struct object *object)
{
    const struct object_map *map = object_map_find(object, "__bpf_usdt_specs");

    return map && map->shown.type == BPF_MAP_TYPE_ARRAY &&
                   map->shown.key_bytes == sizeof(uint32_t) &&
                   map->shown.value_bytes == sizeof(struct reader_arguments)
               ? map
               : NULL;
}

/* The number there, which the probe's cookie says; places that are alike have one. */
static int put_arguments(struct object *object, const struct object_map *map,
                         const struct reader_places *places, uint32_t index, uint64_t *cookies)
{
    const struct reader_arguments *arguments = &places->places[index].arguments;

    for (uint32_t i = 0; i < index; i++)
        if (memcmp(&places->places[i].arguments, arguments, sizeof *arguments) == 0) {
            cookies[index] = cookies[i];
            return 0;
        }
    if (object->usdt_count >= map->shown.entries)
        return -E2BIG;
    const uint32_t number = object->usdt_count++;
    cookies[index] = number;
    return bpf_map_update_elem(map->fd, &number, arguments, BPF_ANY) < 0 ? -errno : 0;
}

int attach_usdt(const struct session *session, struct object *object,
                struct object_program *program, const char *point)
{
    static struct probes probes;
    _cleanup_(freep) struct reader_places *places = NULL;
    const struct object_map *map = arguments_map(object);
    char name[NAME_MAX + 1];
    struct place place;

    int r = look_up(session, program->kind, point, READER_USDT, &place, name, &places);
    if (r < 0 || !places)
        return r < 0 ? r : -EINVAL;
    probes = (struct probes){.name = name, .count = places->count, .pid = place.pid};
    for (uint32_t i = 0; i < places->count && r == 0; i++) {
        probes.offsets[i] = places->places[i].offset;
        probes.counters[i] = places->places[i].counter;
        r = map ? put_arguments(object, map, places, i, probes.cookies) : 0;
    }
    return r < 0 ? r : link_probes(&probes, program);
}
