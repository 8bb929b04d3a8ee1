/*
 * How a fork of the template becomes an instance: it drops what it still holds, and loads its
 * filter. What it does then is in instance_calls.c.
 *
 * System calls between the fork and the first tenant instruction, for a channel: write to each v1
 * group, mmap of the channel, dup3, close_range twice, capset with prctl, getrandom, seccomp.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/landlock.h"
#include "guest/instance.h"
#include "guest/instance_calls.h"
#include "guest/lockdown.h"
#include "guest/linker.h"
#include "guest/native.h"
#include "guest/native_posix.h"
#include "guest/native_stdio.h"
#include "guest/place.h"
#include "guest/seccomp.h"
#include "guest/update_point.h"
#include "guest/wasi.h"
#include "guest/wasm_internal.h"

/* ---- in the template ---- */

int instance_prepare(struct template_state *state, struct err *err)
{
    const struct library_face *face = library_face(state->library);
    struct wasi_directory directories[GRANT_FILES_MAX];
    int listeners[GRANT_LISTEN_MAX];
    struct wasi_options options = {
        .args = state->args,
        .arg_count = state->setup.arg_count,
        .env = state->env,
        .env_count = state->setup.env_count,
        .directories = directories,
        .directory_count = state->setup.file_count,
        .listeners = listeners,
        .listener_count = state->setup.listen_count,
        .connector = instance_connector_fd(state),
        .connects = state->setup.connects,
        .connect_count = state->setup.connect_count,
        .real_stdio = (state->setup.grants & GUEST_GRANT_STDIO) != 0,
        .platform = -1,
    };

    if (state->setup.grants & GUEST_GRANT_PLATFORM)
        options.platform = instance_platform_fd(state);
    if (!face->start && !instance_is_handler(state))
        return err_say(err, -ENOEXEC, "cannot run library: it has neither _start nor a handler");
    for (uint32_t i = 0; i < state->setup.file_count; i++)
        directories[i] = (struct wasi_directory){
            .fd = INSTANCE_FIRST_DIRECTORY_FD + (int)i,
            .path = state->setup.files[i].path,
            .writable = state->setup.files[i].writable != 0,
        };
    for (uint32_t i = 0; i < state->setup.listen_count; i++)
        listeners[i] = INSTANCE_FIRST_DIRECTORY_FD + (int)(state->setup.file_count + i);
    int r = wasi_new(&options, &state->wasi, err);
    if (r == 0 && library_is_native(face))
        r = native_prepare(&state->buffers, err);
    if (r == 0 && library_is_native(face))
        r = native_stdio_open(err);
    if (r < 0)
        return r;
    native_environment(state->wasi);
    state->host.library = state->library;
    state->host.wasi = state->wasi;
    state->host.memory_pages_max = state->setup.memory_pages_max;
    /*
     * The call stack is reserved here, once. The library is not entered: its initial memory and
     * tables are put in place by its own code, which is translated tenant code, and the template,
     * which has no filter and holds the control socket, runs none.
     */
    r = wasm_stack_prepare();
    return r < 0 ? err_set(err, r, "cannot reserve the call stack") : 0;
}

/* ---- becoming an instance ---- */

static void enter_groups(const struct instance_fds *fds)
{
    for (size_t i = 0; i < fds->task_count; i++) {
        /* "0" is the writer; alone in its thread group it is moved without a grace period. */
        if (write(fds->tasks[i], "0", 1) != 1)
            instance_give_up();
    }
}

/* Only INSTANCE_EVENT_FD (or 0, 1, 2 of a run) and what is granted stay open. */
static struct channel *keep_descriptors(const struct template_state *state,
                                        const struct instance_fds *fds,
                                        struct family_options *family)
{
    unsigned first_kept = INSTANCE_FIRST_DIRECTORY_FD;
    unsigned first_unused =
        INSTANCE_FIRST_DIRECTORY_FD + state->setup.file_count + state->setup.listen_count;

    if (fds->connector >= 0 && dup3(fds->connector, (int)first_unused++, O_CLOEXEC) < 0)
        instance_give_up();
    if (fds->platform >= 0 && dup3(fds->platform, (int)first_unused++, O_CLOEXEC) < 0)
        instance_give_up();
    if (fds->bpf >= 0 && dup3(fds->bpf, (int)first_unused++, O_CLOEXEC) < 0)
        instance_give_up();
    if (fds->control >= 0 && dup3(fds->control, (int)first_unused, O_CLOEXEC) < 0)
        instance_give_up();
    if (fds->control >= 0)
        first_unused++;
    if (fds->kin >= 0 && kin_take(fds->kin, fds->kin_page, (int)first_unused++, family) < 0)
        instance_give_up();
    struct channel *channel = NULL;

    if (fds->memory >= 0) {
        channel = mmap(place_of_channel(), CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
                       fds->memory, 0);
        if (channel == MAP_FAILED || dup3(fds->event, INSTANCE_EVENT_FD, O_CLOEXEC) < 0)
            instance_give_up();
        first_kept = INSTANCE_EVENT_FD;
        if (syscall(__NR_close_range, 0, 2, 0) < 0)
            instance_give_up();
    } else {
        for (int i = 0; i < 3; i++) {
            if (dup2(fds->stdio[i], i) < 0)
                instance_give_up();
        }
    }
    for (uint32_t i = 0; i < state->setup.file_count; i++) {
        if (fds->tmp[i] >= 0 &&
            dup3(fds->tmp[i], INSTANCE_FIRST_DIRECTORY_FD + (int)i, O_CLOEXEC) < 0)
            instance_give_up();
    }
    if (first_kept > 3 && syscall(__NR_close_range, 3, first_kept - 1, 0) < 0)
        instance_give_up();
    if (syscall(__NR_close_range, first_unused, ~0u, 0) < 0)
        instance_give_up();
    return channel;
}

/* Fresh canary for this process and fresh auxiliary random bytes: siblings share the template's. */
static void renew_secrets(void)
{
    struct {
        unsigned char auxiliary[16];
        unsigned long canary;
    } random;
    unsigned char *auxiliary = (unsigned char *)getauxval(AT_RANDOM);

    if (syscall(__NR_getrandom, &random, sizeof random, 0) != sizeof random)
        instance_give_up();
    if (auxiliary)
        memcpy(auxiliary, random.auxiliary, sizeof random.auxiliary);
    /* The low byte stays zero, so that a string function can't run past it. musl has no pointer
     * guard (the word behind belongs to its thread structure): nothing here stores mangled
     * pointers. */
    random.canary &= ~0xfful;
    __asm__ volatile("mov %0, %%fs:0x28" : : "r"(random.canary));
    explicit_bzero(&random, sizeof random);
}

static void restrict_files(const struct template_state *state)
{
    struct landlock_directory directories[GRANT_FILES_MAX];

    if (!state->has_tmp)
        return; /* done in the template */
    for (uint32_t i = 0; i < state->setup.file_count; i++)
        directories[i] = (struct landlock_directory){
            .fd = INSTANCE_FIRST_DIRECTORY_FD + (int)i,
            .writable = state->setup.files[i].tmpfs_bytes || state->setup.files[i].writable,
        };
    if (landlock_files(directories, state->setup.file_count, false) < 0)
        instance_give_up();
}

static void set_scheduling(const struct template_state *state)
{
    const struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period; /* the first version of linux/sched/types.h's */
    } attributes = {.size = sizeof attributes,
                    .policy = state->setup.sched_policy,
                    .runtime = state->setup.slice_ns};

    if (state->setup.sched_said)
        syscall(__NR_sched_setattr, 0, &attributes, 0);
}

void instance_run(struct template_state *state, const struct guest_fork *fork,
                  const struct instance_fds *fds)
{
    enter_groups(fds);
    struct family_options family = family_options_of(&state->setup);
    struct channel *channel = family.channel = keep_descriptors(state, fds, &family);
    state->control = fds->control >= 0 ? instance_control_fd(state) : -1;
    if (state->control >= 0 && !channel)
        update_point_open(&state->host, state->control, state->tree, state->setup.function);
    state->host.bpf_socket = fds->bpf >= 0 ? instance_bpf_fd(state) : -1;
    restrict_files(state);
    /* Of its own user namespace (isolation: request) or the template's: all go, for good. */
    if (lockdown_capabilities(0) < 0)
        instance_give_up();
    renew_secrets();
    if (state->setup.grants & (GUEST_GRANT_FORK | GUEST_GRANT_IPC)) {
        state->host.family = &state->family;
        if (family_open(&state->family, &family) < 0 || family_outside_open(&state->host) < 0)
            instance_give_up();
    }
    if ((fork->flags & GUEST_FORK_NEAR) &&
        sched_setaffinity(0, sizeof state->processors, &state->processors) < 0)
        instance_give_up();
    set_scheduling(state);
    if (state->setup.huge_pages &&
        prctl(PR_SET_THP_DISABLE, 1, state->setup.huge_pages - 1, 0, 0) < 0)
        instance_give_up();
    wasm_stack_touch(state->setup.touch_stack_bytes);
    if (native_limit_cpu(state->setup.cpu_ms) < 0)
        instance_give_up();
    if (seccomp_load_program(state->setup.filter, state->setup.filter_count,
                             state->setup.learn != 0) < 0)
        instance_give_up();
    if (channel)
        instance_serve(state, channel, (fork->flags & GUEST_FORK_ONE_CALL) != 0);
    instance_run_once(state);
}
