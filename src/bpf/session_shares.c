/* Objects that several modules have: what the policy grants of them (shares.c). */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/err.h"
#include "bpf/broker_internal.h"

static int check_name(const struct session *session, const struct request *request,
                      char name[static BROKER_NAME_MAX + 1], struct err *err)
{
    if (!session_name(request->first, request->head.first_bytes, name) ||
        strlen(name) > POLICY_SHARE_NAME_MAX)
        return -EINVAL;
    if (!policy_has_share(&session->instance.policy, name))
        return err_say(err, -EPERM, "cannot share '%s': it is not granted (bpf: share)", name);
    return 0;
}

bool serve_share(struct session *session, const struct request *request)
{
    struct object *object = session_object(session, request->head.object);
    char name[BROKER_NAME_MAX + 1];
    struct err err = {0};

    if (!object)
        return session_answer_error(session, -EBADF, NULL);
    int r = check_name(session, request, name, &err);
    if (r == 0 && (r = share_put(session, object, name)) < 0)
        err_set(&err, r, "cannot share '%s'", name);
    return session_answer_result(session, r, &err);
}

/* It counts here as well: the last one has it alone. */
static int join(const struct session *session, const char *name, struct object **ret_object)
{
    struct bpf_policy left;
    int r = share_join(session, name, ret_object);

    if (r < 0)
        return r;
    struct object *object = *ret_object;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < object->guest_maps; i++)
        bytes += object_map_bytes(&object->maps[i]);
    account_left(&session->instance.policy, &left);
    if (object->map_count > left.map_count || bytes > left.map_bytes)
        return -EDQUOT;
    return account_open(object, object->map_count, bytes);
}

bool serve_join(struct session *session, const struct request *request)
{
    char name[BROKER_NAME_MAX + 1];
    struct object *object = NULL;
    struct err err = {0};
    int r = check_name(session, request, name, &err);

    if (r == 0 && (r = join(session, name, &object)) < 0)
        err_set(&err, r, "cannot join '%s'", name);
    return session_take(session, r, object, &err);
}
