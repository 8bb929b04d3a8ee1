/*
 * The process wall: a template in namespaces of its own, with an empty root, as its function's uid;
 * instances are its forks. What stands round a pVM is put up in two places: spawn.c before the
 * guest program is executed, guest/template.c and guest/instance.c after it.
 *
 * The network namespace is the caller's: the supervisor lives in an empty one (no interface is up
 * in it, lo neither) and shares it with every template. Sharing is safe because no table has a call
 * that makes a socket, and abstract UNIX sockets, the only names in it, can't be reached without
 * one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "cgroup/cgroup.h"
#include "guest/template.h"
#include "pvm/template_internal.h"
#include "pvm/spawn.h"
#include "vkernel/scheduling.h"

/* To be linked and ready; a library of the largest size takes well under a second. */
#define READY_TIMEOUT_MS 10000
#define WASM_PAGE_BYTES 65536u

/* Appends a NUL-terminated string to the message's text. */
static int setup_add_text(struct guest_setup *setup, const char *text)
{
    size_t length = strlen(text) + 1;

    if (length > sizeof setup->text - setup->text_bytes)
        return -E2BIG;
    memcpy(setup->text + setup->text_bytes, text, length);
    setup->text_bytes += (uint32_t)length;
    return 0;
}

/* The variables, in place: a secret has no other copy here than the one that is wiped. */
static int setup_add_env(struct guest_setup *setup, const struct pvm_template_options *options,
                         struct err *err)
{
    const struct manifest *manifest = options->manifest;
    uint32_t before = setup->text_bytes;

    for (uint32_t i = 0; i < manifest->env_count; i++) {
        const struct manifest_env *env = &manifest->env[i];
        const char *value = env->file[0] && options->secrets ? options->secrets[i] : env->value;
        if (env->file[0] && (!options->secrets || !value))
            return err_say(err, -EINVAL, "cannot pass the environment of '%s': '%s' has no value",
                           options->function, env->name);
        size_t room = sizeof setup->text - setup->text_bytes;
        int n = snprintf(setup->text + setup->text_bytes, room, "%s=%s", env->name, value);
        if (n < 0 || (size_t)n >= room ||
            setup->text_bytes + (uint32_t)n + 1 - before > GRANT_ENV_TOTAL_BYTES)
            return err_say(err, -E2BIG,
                           "cannot pass the environment of '%s': with '%s' it is longer than %d "
                           "bytes",
                           options->function, env->name, GRANT_ENV_TOTAL_BYTES);
        setup->text_bytes += (uint32_t)n + 1;
    }
    setup->env_count = manifest->env_count;
    if (manifest->listen_count == 0)
        return 0;
    /* As systemd says it, but that there they begin at 3. */
    char line[64];
    snprintf(line, sizeof line, "LISTEN_FDS=%u", manifest->listen_count);
    int r = setup_add_text(setup, line);
    snprintf(line, sizeof line, "LISTEN_FDS_FIRST=%u", 3 + manifest->file_count);
    if (r == 0)
        r = setup_add_text(setup, line);
    setup->env_count += 2;
    return r < 0 ? err_set(err, r, "cannot pass the environment of '%s'", options->function) : 0;
}

/* Its text may hold secrets. */
void guest_setup_freep(struct guest_setup **setup)
{
    if (*setup)
        explicit_bzero(*setup, sizeof **setup);
    free(*setup);
}

/* adaptive begins as normal: its group has done nothing yet. `called`: by a channel. */
static void setup_scheduling(struct guest_setup *setup, const struct vkernel *vkernel, bool called)
{
    enum vkernel_policy policy = vkernel->sched.policy;
    bool is_default = policy == VKERNEL_POLICY_DEFAULT;

    if (is_default && vkernel->sched.slice_us == 0 && !called)
        return;
    struct vk_sched sched = is_default ? vk_sched_own(called, vkernel->sched.slice_us)
                                       : vk_sched_of(policy, vkernel->sched.slice_us);
    setup->sched_said = 1;
    setup->sched_policy = sched.policy;
    setup->slice_ns = sched.slice_ns;
}

/* Frames of the first tier are so many times larger, at most: so is its call stack. */
#define QUICK_FRAMES 8

int template_setup_fill(struct guest_setup *setup, const struct pvm_template_options *options,
                        struct err *err)
{
    const struct manifest *manifest = options->manifest;
    uint64_t pages = manifest->limits.memory_bytes / WASM_PAGE_BYTES;

    setup->type = GUEST_SETUP;
    setup->protocol = GUEST_PROTOCOL;
    setup->memory_pages_max = pages > 65535 ? 65535 : (uint32_t)pages;
    setup->stack_bytes = manifest->limits.stack_bytes * (options->quick ? QUICK_FRAMES : 1);
    setup->http_cgi = manifest->http_cgi;
    setup->grants = pvm_grants(manifest, options->bounds) |
                    (options->real_stdio ? GUEST_GRANT_STDIO : 0) |
                    (options->live ? GUEST_GRANT_UPDATE : 0);
    if (options->bounds) {
        /* Below the manifest's limit of time it says nothing new above it. */
        if (!manifest->limits.timeout_ms || options->bounds->cpu_ms < manifest->limits.timeout_ms)
            setup->cpu_ms =
                options->bounds->cpu_ms < UINT32_MAX ? (uint32_t)options->bounds->cpu_ms : 0;
        setup->touch_stack_bytes = options->bounds->stack_bytes;
    } else {
        setup->grants |= GUEST_GRANT_CODE;
    }
    setup->native = options->native;
    setup->listen_count = manifest->listen_count;
    setup->pids_max = manifest->limits.pids;
    bool connects = setup->grants & (GUEST_GRANT_CONNECT | GUEST_GRANT_PROVED_CONNECT);
    setup->connect_count = connects ? manifest->connect_count : 0;
    setup->dependency_count = manifest->dependency_count;
    for (uint32_t i = 0; i < manifest->dependency_count; i++)
        memcpy(setup->dependencies[i], manifest->dependencies[i].name,
               sizeof setup->dependencies[i]);
    setup->depth_max = manifest->family.depth;
    setup->own_groups = manifest->family.own_groups;
    memcpy(setup->connects, manifest->connect, sizeof setup->connects);
    snprintf(setup->function, sizeof setup->function, "%s", options->function);

    for (size_t i = 0; i < options->arg_count; i++) {
        if (i == RUN_ARGS_MAX || setup_add_text(setup, options->args[i]) < 0)
            return err_set(err, -E2BIG, "cannot pass the arguments of '%s'", options->function);
    }
    setup->arg_count = (uint32_t)options->arg_count;
    /* What its blank has already is not sent, nor kept to be sent, with each fork. */
    setup->own_wall = options->own_wall;
    int r = options->own_wall && !options->blank ? 0 : setup_add_env(setup, options, err);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        struct guest_grant_file *file = &setup->files[i];
        snprintf(file->path, sizeof file->path, "%s", manifest->files[i].path);
        file->writable = manifest->files[i].writable;
        if (!manifest->files[i].host[0]) {
            file->tmpfs_bytes = manifest->files[i].size_bytes;
            file->writable = 1;
        }
    }
    setup->file_count = manifest->file_count;
    setup_scheduling(setup, &manifest->vkernel, !options->real_stdio && !manifest->listen_count);
    setup->learn = options->learn;
    int flags;
    r = vkernel_huge_pages(&manifest->vkernel, &flags, err);
    setup->huge_pages = (uint32_t)(flags + 1);
    if (r == 0)
        r = vk_sched_check_slice(&manifest->vkernel, err);
    return r == 0 ? template_filter_fill(setup, manifest, err) : r;
}

static int spawn_guest(const struct pvm_template_options *options, int control,
                       struct spawned *ret_process, struct err *err)
{
    const struct manifest *manifest = options->manifest;
    struct spawn_mount mounts[GRANT_FILES_MAX];
    size_t mount_count = 0;
    bool has_tmp = false;
    char *argv[] = {(char[]){"vireo-guest"}, NULL};
    char *envp[] = {NULL};

    for (uint32_t i = 0; i < manifest->file_count; i++) {
        if (!manifest->files[i].host[0]) {
            has_tmp = true;
            continue;
        }
        const char *path = manifest->files[i].path;
        mounts[mount_count++] = (struct spawn_mount){
            .source = manifest->files[i].host,
            .target = strcmp(path, "/") == 0 ? GUEST_ROOT_MOUNT : path,
            .writable = manifest->files[i].writable,
            .root_owned = options->real_stdio && !options->rootless,
            .no_symlinks = true,
        };
    }
    struct spawn_options spawn = {
        .namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
                      CLONE_NEWTIME | (options->real_stdio ? CLONE_NEWNET | CLONE_NEWCGROUP : 0),
        .mounts = mounts,
        .mount_count = mount_count,
        .program_fd = options->guest_program_fd,
        .argv = argv,
        .envp = envp,
        .keep_capabilities = has_tmp, /* the guest keeps CAP_SYS_ADMIN of its own namespace only */
        /* What bounds its connections, whatever its run time does. */
        .rlimit_descriptors = manifest->connect_count ? 256 : 1024,
    };
    return template_spawn(options, control, &spawn, ret_process, err);
}

static int set_up(struct pvm_template *template, const struct pvm_template_options *options,
                  struct err *err)
{
    _cleanup_(guest_setup_freep) struct guest_setup *setup = calloc(1, sizeof *setup);
    int fds[1 + GRANT_LISTEN_MAX + DEPENDENCIES_MAX] = {options->library_fd};
    size_t count = options->blank ? 0 : 1;

    if (!setup)
        return err_set(err, -ENOMEM, "cannot set up template of '%s'", options->function);
    int r = template_setup_fill(setup, options, err);
    if (r < 0)
        return r;
    setup->blank = options->blank;
    for (uint32_t i = 0; i < options->manifest->listen_count; i++)
        fds[count++] = options->listeners[i];
    for (uint32_t i = 0; i < options->manifest->dependency_count; i++)
        fds[count++] = options->dependencies[i];
    r = fd_send(template->control, setup, sizeof *setup, fds, count);
    return r < 0 ? err_set(err, r, "cannot set up template of '%s'", options->function) : 0;
}

const struct wall wall_process = {spawn_guest, set_up, READY_TIMEOUT_MS};
