/*
 * The platform's process: started when the operator allows any function its layer; the pair of
 * sockets that each instance and it have; what functions keep, in STATE/platform/ID, which goes
 * with them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/platform.h"
#include "faas/supervisor.h"
#include "faas/supervisor_audit.h"
#include "faas/supervisor_outside.h"
#include "guest/template.h"
#include "pvm/spawn.h"

#define DIRECTORY "platform"
#define PROCESSES 16384
#define PASSWORD_MAX_BYTES 256

static bool serves(const struct function *function)
{
    return (function->manifest.layers & ALLOW_BIT(ALLOW_PLATFORM)) != 0;
}

/* ---- what is kept ---- */

static void dirp_close(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* Files of one function's directory: there is no directory in it. */
static void each_file(int directory_fd, void (*each)(int fd, const char *name, uid_t uid),
                      uid_t uid)
{
    int again = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(dirp_close) DIR *directory = again < 0 ? NULL : fdopendir(again);
    const struct dirent *entry;

    while (directory && (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(directory_fd, entry->d_name, uid);
}

static void remove_file(int fd, const char *name, uid_t uid)
{
    (void)uid;
    unlinkat(fd, name, 0);
}

static void own_file(int fd, const char *name, uid_t uid)
{
    if (fchownat(fd, name, uid, uid, AT_SYMLINK_NOFOLLOW) < 0)
        log_line(LOG_WARNING, "cannot give '%s' to the platform: %s", name, strerror(errno));
}

static void kept_remove(struct supervisor *supervisor, uint32_t function_id)
{
    char name[16];

    snprintf(name, sizeof name, "%" PRIu32, function_id);
    _cleanup_(closep) int fd =
        openat(supervisor->platform_data_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    each_file(fd, remove_file, 0);
    unlinkat(supervisor->platform_data_fd, name, AT_REMOVEDIR);
}

/* At the start: what belongs to no function goes; the rest is the platform's, whose uid may be
 * another one now. CAP_CHOWN, CAP_DAC_OVERRIDE. */
static int kept_open(struct supervisor *supervisor, uid_t uid, struct err *err)
{
    char path[512];
    const struct dirent *entry;

    snprintf(path, sizeof path, "%s/" DIRECTORY, supervisor->config.state_dir);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot make '%s'", path);
    supervisor->platform_data_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (supervisor->platform_data_fd < 0 || fchown(supervisor->platform_data_fd, uid, uid) < 0)
        return err_set(err, -errno, "cannot open '%s'", path);
    _cleanup_(dirp_close) DIR *directory = opendir(path);
    while (directory && (entry = readdir(directory))) {
        char *end;
        unsigned long id = strtoul(entry->d_name, &end, 10);
        if (*end || id == 0 || id > UINT32_MAX)
            continue;
        /* An empty registry may stand in for a damaged one that will be put back. */
        if (!function_find_id(supervisor, (uint32_t)id)) {
            if (supervisor->function_count > 0)
                kept_remove(supervisor, (uint32_t)id);
            continue;
        }
        _cleanup_(closep) int fd = openat(supervisor->platform_data_fd, entry->d_name,
                                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchown(fd, uid, uid) < 0)
            return err_set(err, -errno, "cannot open '%s/%s'", path, entry->d_name);
        each_file(fd, own_file, uid);
    }
    return 0;
}

/* ---- the process ---- */

/* Redis's password, if there is one, as a file that only the program gets. */
static int password_open(const struct supervisor_config *config, int *ret_fd, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t size = 0;

    if (config->redis_password[0]) {
        int r =
            fd_read_file(AT_FDCWD, config->redis_password, PASSWORD_MAX_BYTES, &text, &size, err);
        if (r < 0)
            return r;
    }
    int r = fd_sealed_copy("vireo-password", text, size, ret_fd, err);
    if (text)
        explicit_bzero(text, size);
    return r;
}

static int spawn(struct supervisor *supervisor, int socket, struct spawned *ret_process,
                 struct err *err)
{
    struct supervisor_config *config = &supervisor->config;
    char *argv[6 + ARRAY_LEN(config->allow_connect)] = {(char[]){"vireo-platform"}};
    char bytes[24], queue[16], data[512], listen[256];
    _cleanup_(closep) int password = -1;

    int r = password_open(config, &password, err);
    if (r < 0)
        return r;
    const int fds[] = {-1, -1, 2, socket, password};
    snprintf(bytes, sizeof bytes, "%" PRIu64, config->platform_bytes);
    snprintf(queue, sizeof queue, "%" PRIu32, config->platform_queue);
    snprintf(data, sizeof data, "%s/" DIRECTORY, config->state_dir);
    snprintf(listen, sizeof listen, "%s", config->listen);
    argv[1] = bytes;
    argv[2] = queue;
    argv[3] = listen;
    argv[4] = config->redis;
    for (unsigned i = 0; i < config->allow_connect_count; i++)
        argv[5 + i] = config->allow_connect_text[i];
    const struct spawn_mount mounts[] = {
        {.source = data, .target = PLATFORM_DATA, .writable = true},
        /* Certificates, for HTTPS. */
        {.source = "/etc/ssl", .target = "/etc/ssl", .optional = true},
        {.source = "/usr/share/ca-certificates",
         .target = "/usr/share/ca-certificates",
         .optional = true},
    };
    const struct broker_program program = {.what = "platform",
                                           .program_fd = supervisor->platform_fd,
                                           .uid_offset = UID_PLATFORM,
                                           .mounts = mounts,
                                           .mount_count = ARRAY_LEN(mounts),
                                           .fds = fds,
                                           .fd_count = ARRAY_LEN(fds),
                                           .argv = argv,
                                           .processes = PROCESSES};
    return broker_spawn(supervisor, &program, ret_process, err);
}

/* What runs in a container, a call from its start to its end: that has no grants of this kind, so
 * that no program runs another. */
static bool is_program(struct supervisor *supervisor, const char *name)
{
    const struct function *function = function_find(supervisor, name);

    return function && function->manifest.container.word_count > 0 &&
           function->manifest.container.talk == MANIFEST_STDIO;
}

static void fill(struct supervisor *supervisor, const struct function *function, uint64_t id,
                 struct platform_instance *message)
{
    const struct manifest *manifest = &function->manifest;

    memset(message, 0, sizeof *message);
    message->type = PLATFORM_INSTANCE;
    message->function_id = function->row.id;
    message->id = id;
    message->generation = function->generation;
    message->allowed = supervisor->allowed;
    message->timeout_ms = manifest->limits.timeout_ms;
    message->connect_count = manifest->connect_count;
    message->queue_count = manifest->queue_count;
    memcpy(message->function, function->row.name, strlen(function->row.name));
    memcpy(message->connects, manifest->connect, sizeof message->connects);
    memcpy(message->queue, manifest->queue, sizeof message->queue);
    for (uint32_t i = 0; i < manifest->exec_count; i++)
        if (is_program(supervisor, manifest->exec[i]))
            memcpy(message->exec[message->exec_count++], manifest->exec[i],
                   sizeof message->exec[0]);
}

/* Messages that wait since before are sent, whether their function is called or not. */
static void started(struct supervisor *supervisor)
{
    static struct platform_instance message;

    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++)
        for (const struct function *at = supervisor->by_id[i]; at; at = at->next_id) {
            if (!serves(at) || at->refused || at->manifest.queue_count == 0)
                continue;
            fill(supervisor, at, 0, &message);
            fd_send(supervisor->platform.socket.fd, &message, sizeof message, NULL, 0);
        }
}

/* Its instances' sockets are dead: they end, and the next call has a live one. */
static void worker_ended(struct supervisor *supervisor, uint32_t function_id)
{
    struct template_slot *slot = supervisor->templates;

    while (slot) {
        struct template_slot *next = slot->next;
        if (slot->function && slot->function->row.id == function_id)
            template_end(supervisor, slot);
        slot = next;
    }
}

static void report_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct platform_report report;

    (void)source;
    (void)events;
    if (!broker_report(supervisor, &supervisor->platform, &report, sizeof report) ||
        report.type != PLATFORM_REPORT)
        return;
    const struct function *function = function_find_id(supervisor, report.function_id);
    for (enum allow_served i = 0; i < ALLOW_SERVED && function; i++) {
        const struct audit_use use = {.uses = report.use[i].uses,
                                      .denied = report.use[i].denied,
                                      .limited = report.use[i].limited};
        if (use.uses)
            audit_note(supervisor, function->row.name, allow_served_name(i), &use);
    }
    if (report.ended)
        worker_ended(supervisor, report.function_id);
    else if (report.forgotten && !function_find_id(supervisor, report.function_id))
        kept_remove(supervisor, report.function_id);
}

int platform_open(struct supervisor *supervisor, struct err *err)
{
    if (!supervisor->config.allow_layers[ALLOW_PLATFORM][0][0])
        return 0;
    supervisor->platform.what = "platform";
    supervisor->platform.spawn = spawn;
    supervisor->platform.serves = serves;
    supervisor->platform.started = started;
    supervisor->platform.socket.ready = report_ready;
    int r = kept_open(supervisor, supervisor->uid_first + UID_PLATFORM, err);
    return r < 0 ? r : broker_open(supervisor, &supervisor->platform, err);
}

void platform_close(struct supervisor *supervisor)
{
    broker_close(supervisor, &supervisor->platform);
    closep(&supervisor->platform_data_fd);
    supervisor->platform_data_fd = -1;
}

int platform_pair(struct supervisor *supervisor, const struct function *function, uint64_t id,
                  int *ret_fd, struct err *err)
{
    static struct platform_instance message;

    *ret_fd = -1;
    /* Proved code that asks it nothing has no socket to it. */
    if (!(function->current->grants & GUEST_GRANT_PLATFORM))
        return 0;
    fill(supervisor, function, id, &message);
    return broker_pair(&supervisor->platform, function->row.name, &message, sizeof message, false,
                       ret_fd, err);
}

void platform_forget(struct supervisor *supervisor, uint32_t function_id)
{
    static struct platform_instance message;

    if (supervisor->platform_data_fd < 0)
        return;
    message.type = PLATFORM_FORGET;
    message.function_id = function_id;
    /* Without a process there is no worker. */
    if (supervisor->platform.socket.fd < 0 ||
        fd_send(supervisor->platform.socket.fd, &message, sizeof message, NULL, 0) < 0)
        kept_remove(supervisor, function_id);
}
