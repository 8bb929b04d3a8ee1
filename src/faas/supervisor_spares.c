/*
 * Generic containers: templates of the container wall that are no function's yet. One has its uid,
 * its user, pid, mount and IPC namespaces, its group, its root with what is mounted there, a
 * network namespace and its program loaded; it becomes a function's template by that one's image,
 * command and limits, and is never another's afterwards. So eligible is whose wall differs from
 * others' in these alone: all but functions with directories of the host, which are mounted, with
 * the function's own uid, before the template has a namespace of its own.
 *
 * Made by job threads between other work, and only once a function in a container was asked for:
 * a daemon without any has none.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cgroup/cgroup.h"
#include "faas/supervisor.h"
#include "pvm/pvm.h"

#define SECOND_NS INT64_C(1000000000)

void container_spare_free(struct supervisor *supervisor, struct container_spare *spare)
{
    if (!spare)
        return;
    pvm_template_free(spare->pvm);
    if (spare->group)
        cgroup_pool_put(supervisor->pool, spare->group, true);
    if (spare->directory[0])
        container_forget(supervisor, spare->directory);
    closep(&spare->uid_lock);
    free(spare);
}

/* A manifest of nothing but that it is a container's. */
static struct manifest *bare_manifest(void)
{
    struct manifest *manifest = calloc(1, sizeof *manifest);

    if (manifest)
        manifest->container.word_count = 1;
    return manifest;
}

static int fill(struct supervisor *supervisor, struct container_spare *spare, struct err *err)
{
    static const struct cgroup_limits none;
    _cleanup_(freep) struct manifest *manifest = bare_manifest();
    char path[4096];
    uid_t uid;

    if (!manifest)
        return err_set(err, -ENOMEM, "cannot make a spare container");
    int r = pvm_uid_take(&uid, &spare->uid_lock, err);
    if (r == 0)
        r = container_directory(supervisor, uid, spare->directory, path, sizeof path, err);
    if (r == 0)
        r = cgroup_pool_take(supervisor->pool, &none, &spare->group, err);
    if (r < 0)
        return r;
    const struct pvm_template_options options = {
        .function = "spare",
        .manifest = manifest,
        .guest_program_fd = supervisor->contain_fd,
        .image_directory = path,
        .container_runtime = config_runtime(&supervisor->config),
        .uid = uid,
        .group = spare->group,
    };
    return pvm_template_spare(&options, &spare->pvm, err);
}

static void make(struct supervisor *supervisor, struct err *err)
{
    struct container_spare *spare = calloc(1, sizeof *spare);

    if (!spare) {
        err_set(err, -ENOMEM, "cannot make a spare container");
        return;
    }
    spare->uid_lock = -1;
    if (fill(supervisor, spare, err) < 0) {
        container_spare_free(supervisor, spare);
        return;
    }
    spare->next = supervisor->spares.first;
    supervisor->spares.first = spare;
    supervisor->spares.count++;
}

void container_spares_tend(struct supervisor *supervisor, struct err *err)
{
    struct container_spares *spares = &supervisor->spares;

    if (container_spares_lack(supervisor)) {
        make(supervisor, err);
        return;
    }
    while (container_spares_abound(supervisor) && spares->first) {
        struct container_spare *spare = spares->first;
        spares->first = spare->next;
        spares->count--;
        container_spare_free(supervisor, spare);
    }
}

static void note_wanted(struct container_spares *spares, unsigned most)
{
    const int64_t now = clock_now_ns();

    if (now - spares->begin_ns > SECOND_NS) {
        spares->begin_ns = now;
        spares->in_second = 0;
    }
    spares->in_second++;
    spares->last_ns = now;
    if (spares->in_second > spares->wanted && spares->wanted < most)
        spares->wanted = spares->in_second;
}

static bool is_eligible(const struct manifest *manifest)
{
    for (uint32_t i = 0; i < manifest->file_count; i++)
        if (manifest->files[i].host[0])
            return false;
    return true;
}

/* It has ended meanwhile, for want of memory perhaps. */
static bool is_dead(const struct container_spare *spare)
{
    struct pollfd control = {.fd = pvm_template_fd(spare->pvm)};

    return poll(&control, 1, 0) != 0;
}

static struct container_spare *first_alive(struct supervisor *supervisor)
{
    struct container_spares *spares = &supervisor->spares;
    struct container_spare *spare;

    while ((spare = spares->first) && is_dead(spare)) {
        spares->first = spare->next;
        spares->count--;
        container_spare_free(supervisor, spare);
    }
    return spare;
}

struct container_spare *container_spare_take(struct supervisor *supervisor,
                                             const struct manifest *manifest)
{
    struct container_spares *spares = &supervisor->spares;
    struct container_spare *spare = is_eligible(manifest) ? first_alive(supervisor) : NULL;

    spares->asked = true;
    note_wanted(spares, supervisor->config.container_spares);
    if (!spare || spares->out >= CONTAINER_SPARES_OUT)
        return NULL;
    spares->first = spare->next;
    spares->count--;
    spares->out++;
    spares->taken++;
    return spare;
}

void container_spare_ended(struct supervisor *supervisor, int uid_lock)
{
    if (uid_lock < 0)
        return;
    close(uid_lock);
    supervisor->spares.out--;
}

/* How many should wait. */
static unsigned target(const struct supervisor *supervisor)
{
    const struct supervisor_config *config = &supervisor->config;
    const unsigned wanted = supervisor->spares.wanted;

    if (!supervisor->spares.asked || !config->container_spares_by_rate)
        return supervisor->spares.asked ? config->container_spares : 0;
    if (wanted >= config->container_spares)
        return config->container_spares;
    return wanted ? wanted : 1;
}

bool container_spares_lack(const struct supervisor *supervisor)
{
    return supervisor->spares.count < target(supervisor);
}

bool container_spares_abound(const struct supervisor *supervisor)
{
    return supervisor->spares.count > target(supervisor);
}

bool container_spares_rest(struct supervisor *supervisor, int64_t *ret_ns)
{
    struct container_spares *spares = &supervisor->spares;
    const int64_t due = spares->last_ns + CONTAINER_SPARES_KEEP_SECONDS * SECOND_NS;

    *ret_ns = 0;
    if (!supervisor->config.container_spares_by_rate || spares->wanted <= 1)
        return false;
    if (clock_now_ns() < due) {
        *ret_ns = due;
        return false;
    }
    spares->wanted = 1;
    return true;
}

void container_spares_close(struct supervisor *supervisor)
{
    struct container_spares *spares = &supervisor->spares;

    while (spares->first) {
        struct container_spare *spare = spares->first;
        spares->first = spare->next;
        container_spare_free(supervisor, spare);
    }
    spares->count = 0;
}
