/*
 * The container wall: a template that is vireo-contain (contain/contain.h), in namespaces of its
 * own as its function's uid. It keeps its capabilities in that user namespace, which is what lets
 * it mount and clone for containers; on the host it has none, as every template.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "build/manifest.h"
#include "cgroup/cgroup.h"
#include "contain/contain.h"
#include "guest/template.h"
#include "pvm/spawn.h"
#include "pvm/template_internal.h"
#include "vkernel/scheduling.h"
#include "vkernel/syscalls.h"

/* An image of the largest size is unpacked meanwhile. */
#define CONTAINER_READY_MS 60000
#define SCRATCH_BYTES (64u << 10)

_Static_assert((int)MANIFEST_HTTP == (int)CONTAIN_HTTP &&
                   (int)MANIFEST_LAMBDA == (int)CONTAIN_LAMBDA,
               "one order");

/* May hold secrets. */
static void contain_setup_freep(struct contain_setup **setup)
{
    if (*setup)
        explicit_bzero(*setup, sizeof **setup);
    free(*setup);
}

static int add_text(struct contain_setup *setup, const char *name, const char *value)
{
    size_t room = sizeof setup->text - setup->text_bytes;
    int n = snprintf(setup->text + setup->text_bytes, room, "%s%s%s", name, value ? "=" : "",
                     value ? value : "");

    if (n < 0 || (size_t)n >= room)
        return -E2BIG;
    setup->text_bytes += (uint32_t)n + 1;
    return 0;
}

static int fill_texts(struct contain_setup *setup, const struct pvm_template_options *options,
                      struct err *err)
{
    const struct manifest *manifest = options->manifest;
    const char *word = manifest->container.command;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < manifest->container.word_count; i++) {
        r = add_text(setup, word, NULL);
        word += strlen(word) + 1;
    }
    for (uint32_t i = 0; r == 0 && i < manifest->env_count; i++) {
        const struct manifest_env *env = &manifest->env[i];
        const char *value = env->file[0] && options->secrets ? options->secrets[i] : env->value;
        r = value ? add_text(setup, env->name, value) : -EINVAL;
    }
    setup->arg_count = manifest->container.word_count;
    setup->env_count = manifest->env_count;
    return r < 0 ? err_set(err, r, "cannot pass command and environment of '%s'", options->function)
                 : 0;
}

/* The n-th granted directory of the host, as the launcher sees it. */
static void grant_path(uint32_t index, char *path, size_t size)
{
    snprintf(path, size, "/grants/%u", index);
}

static enum contain_runtime runtime_of(const char *path)
{
    const char *name = path ? strrchr(path, '/') : NULL;

    return !name ? CONTAIN_OWN : strcmp(name, "/runc") == 0 ? CONTAIN_RUNC : CONTAIN_CRUN;
}

static int fill(struct contain_setup *setup, const struct pvm_template_options *options,
                struct err *err)
{
    const struct manifest *manifest = options->manifest;

    setup->type = GUEST_SETUP;
    setup->protocol = CONTAIN_PROTOCOL;
    setup->talk = (uint32_t)manifest->container.talk;
    setup->runtime = (uint32_t)runtime_of(options->container_runtime);
    setup->http_cgi = manifest->http_cgi;
    setup->started = manifest->container.started;
    setup->timeout_ms = manifest->limits.timeout_ms;
    setup->memory_bytes = manifest->limits.memory_bytes;
    setup->mount_count = manifest->file_count;
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        struct contain_mount *mount = &setup->mounts[i];
        memcpy(mount->path, manifest->files[i].path, sizeof mount->path);
        mount->size_bytes = manifest->files[i].size_bytes;
        mount->writable = manifest->files[i].writable;
        if (manifest->files[i].host[0])
            grant_path(i, mount->source, sizeof mount->source);
    }
    memcpy(setup->directory, manifest->container.directory, sizeof setup->directory);
    snprintf(setup->function, sizeof setup->function, "%s", options->function);
    memcpy(setup->version, manifest->version, sizeof setup->version);
    setup->vkernel = manifest->vkernel;
    if (!setup->vkernel.syscalls.profile[0])
        strcpy(setup->vkernel.syscalls.profile, VK_CONTAINER_PROFILE);
    int r = vk_sched_check_slice(&setup->vkernel, err);
    return r < 0 ? r : fill_texts(setup, options, err);
}

/*
 * What the launcher needs of the host: its libraries, device nodes that containers get, and procfs
 * and sysfs, which the kernel wants to see before it lets a user namespace mount its own.
 */
static const struct spawn_mount HOST[] = {
    {.source = "/usr/lib", .target = "/usr/lib", .exec = true},
    {.source = "/usr/lib64", .target = "/usr/lib64", .exec = true, .optional = true},
    {.source = "/usr/lib", .target = "/lib", .exec = true},
    {.source = "/usr/lib64", .target = "/lib64", .exec = true, .optional = true},
    {.source = "/dev/null", .target = "/dev/null", .device = true, .writable = true},
    {.source = "/dev/zero", .target = "/dev/zero", .device = true, .writable = true},
    {.source = "/dev/full", .target = "/dev/full", .device = true, .writable = true},
    {.source = "/dev/random", .target = "/dev/random", .device = true, .writable = true},
    {.source = "/dev/urandom", .target = "/dev/urandom", .device = true, .writable = true},
    {.source = "/dev/tty", .target = "/dev/tty", .device = true, .writable = true},
    {.source = "/proc", .target = "/proc", .writable = true},
    {.source = "/sys", .target = "/sys"},
    {.target = CONTAIN_SCRATCH, .tmpfs_bytes = SCRATCH_BYTES, .writable = true},
};

static int spawn_launcher(const struct pvm_template_options *options, int control,
                          struct spawned *ret_process, struct err *err)
{
    const struct manifest *manifest = options->manifest;
    struct spawn_mount mounts[ARRAY_LEN(HOST) + 2 + GRANT_FILES_MAX];
    char grants[GRANT_FILES_MAX][64];
    char *argv[] = {(char[]){"vireo-contain"}, NULL}, *envp[] = {NULL};
    size_t count = ARRAY_LEN(HOST);

    memcpy(mounts, HOST, sizeof HOST);
    mounts[count++] = (struct spawn_mount){.source = options->image_directory,
                                           .target = CONTAIN_IMAGE,
                                           .writable = true,
                                           .exec = true};
    if (options->container_runtime)
        mounts[count++] = (struct spawn_mount){
            .source = options->container_runtime, .target = CONTAIN_RUNTIME, .exec = true};
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        if (!manifest->files[i].host[0])
            continue;
        grant_path(i, grants[i], sizeof grants[i]);
        mounts[count++] = (struct spawn_mount){.source = manifest->files[i].host,
                                               .target = grants[i],
                                               .writable = manifest->files[i].writable,
                                               .exec = true,
                                               .no_symlinks = true};
    }
    struct spawn_options spawn = {
        .namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
        .mounts = mounts,
        .mount_count = count,
        .program_fd = options->guest_program_fd,
        .argv = argv,
        .envp = envp,
        .keep_capabilities = true,
        .rlimit_descriptors = 1024,
    };
    return template_spawn(options, control, &spawn, ret_process, err);
}

static int set_up(struct pvm_template *template, const struct pvm_template_options *options,
                  struct err *err)
{
    _cleanup_(contain_setup_freep) struct contain_setup *setup = calloc(1, sizeof *setup);

    if (!setup)
        return err_set(err, -ENOMEM, "cannot set up template of '%s'", options->function);
    int r = fill(setup, options, err);
    if (r < 0)
        return r;
    r = fd_send(template->control, setup, sizeof *setup, &options->library_fd, 1);
    return r < 0 ? err_set(err, r, "cannot set up template of '%s'", options->function) : 0;
}

const struct wall wall_container = {
    .spawn = spawn_launcher, .set_up = set_up, .ready_ms = CONTAINER_READY_MS, .told_first = true};
