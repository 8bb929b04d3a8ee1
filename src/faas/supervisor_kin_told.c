/*
 * What members say of keys and what they are refused: counted, and told in the log with both
 * identities, one line a second of a sort and family.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "faas/supervisor_kin_internal.h"
#include "pvm/members.h"

/* Lines of the log about one family. */
#define LOG_EVERY_NS KIN_SECOND_NS

/* The member's name for people, by the process that the kernel says sent it. */
static const char *member_name(const struct kin *kin, pid_t sender, char *text, size_t size)
{
    pid_t inner = pvm_inner_pid(sender);

    if (inner > 1)
        snprintf(text, size, "%llu.%d", (unsigned long long)kin->instance->id, (int)inner);
    else
        snprintf(text, size, "%llu", (unsigned long long)kin->instance->id);
    return text;
}

/* At most one line a second of a sort and family; what is left out is counted. */
static bool may_log(struct kin_log *log)
{
    int64_t now_ns = clock_now_ns();

    if (log->logged_ns && now_ns - log->logged_ns < LOG_EVERY_NS) {
        log->unlogged++;
        return false;
    }
    log->logged_ns = now_ns;
    return true;
}

static const char *kind_name(const struct kin_message *message)
{
    return message->kind == KIN_QUEUE ? "message queue" : "shared memory";
}

/* Of another family; NULL: nobody has it, or this one does. */
static const struct instance *key_holder(struct supervisor *supervisor, const struct kin *kin,
                                         const struct kin_message *message)
{
    uint64_t family = kin_keys_holder(&supervisor->keys, kin->instance->id, message->kind,
                                      message->key, clock_now_ns());

    return family ? &supervisor->instances[family % INSTANCES_MAX] : NULL;
}

/* A line about a key that another family has. */
struct key_line {
    int level;
    const char *did, *whose, *end;
};

static void key_told(struct kin *kin, struct kin_log *log, const struct key_line *line,
                     const struct kin_message *message, pid_t sender, const struct instance *holder)
{
    const struct instance *instance = kin->instance;
    char name[48];

    if (!may_log(log))
        return;
    log_line(line->level,
             "pVM %s of '%s' (uid %u) %s %s %#x%s pVM %llu of '%s' (uid %u)%s (%llu more like it "
             "not shown)",
             member_name(kin, sender, name, sizeof name), instance->slot->name, instance->slot->uid,
             line->did, kind_name(message), (unsigned)message->key, line->whose,
             (unsigned long long)holder->id, holder->slot->name, holder->slot->uid, line->end,
             (unsigned long long)log->unlogged);
    log->unlogged = 0;
}

/*
 * The key that another family has, too, is made here as the kernel makes it: in this family's
 * namespace. It is no refusal, for who comes second would learn of the first, and could be kept
 * from its own keys by anybody; but it is counted, and told where the two are of different
 * functions.
 */
void kin_key_wanted(struct supervisor *supervisor, struct kin *kin,
                    const struct kin_message *message, pid_t sender)
{
    static const struct key_line line = {LOG_NOTICE, "made", ", which",
                                         " has, too: each has its own"};
    const struct instance *holder = key_holder(supervisor, kin, message);
    int r = kin_keys_want(&kin->keys, message->kind, message->key, clock_now_ns());

    kin_namespace_open(kin, sender);
    kin_reply(kin, message->ticket, -r);
    if (r < 0 || !holder)
        return;
    supervisor->ipc_same_key++;
    if (holder->slot->uid != kin->instance->slot->uid)
        key_told(kin, &kin->same_log, &line, message, sender, holder);
}

void kin_key_sought(struct supervisor *supervisor, struct kin *kin,
                    const struct kin_message *message, pid_t sender)
{
    static const struct key_line line = {LOG_WARNING, "asked for", " of", ": refused"};
    const struct instance *holder = key_holder(supervisor, kin, message);

    if (holder) {
        supervisor->ipc_refused++;
        key_told(kin, &kin->key_log, &line, message, sender, holder);
    }
    kin_reply(kin, message->ticket, holder ? EPERM : 0);
}

void kin_fork_refused(struct supervisor *supervisor, struct kin *kin,
                      const struct kin_message *message, pid_t sender)
{
    const struct function *function = kin->instance->slot->function;
    char name[48];

    supervisor->forks_refused++;
    if (!function || !may_log(&kin->fork_log))
        return;
    log_line(LOG_WARNING, "pVM %s of '%s': fork refused at %u %s (%llu more like it not shown)",
             member_name(kin, sender, name, sizeof name), kin->instance->slot->name,
             message->kind ? function->manifest.family.depth : function->manifest.limits.pids,
             message->kind ? "generations (family: depth)" : "members (limits: pids)",
             (unsigned long long)kin->fork_log.unlogged);
    kin->fork_log.unlogged = 0;
}

void kin_group_refused(struct supervisor *supervisor, struct kin *kin, pid_t pid, const char *why)
{
    char name[48];

    supervisor->member_groups_refused++;
    if (!may_log(&kin->group_log))
        return;
    log_line(LOG_WARNING,
             "pVM %s of '%s' stays in its parent's control group: %s (%llu more like it not shown)",
             member_name(kin, pid, name, sizeof name), kin->instance->slot->name, why,
             (unsigned long long)kin->group_log.unlogged);
    kin->group_log.unlogged = 0;
}
