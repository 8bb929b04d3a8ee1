/* A struct_ops: its map is the kernel's while it is attached. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "base/err.h"
#include "bpf/broker_internal.h"
#include "bpf/kernel_types.h"

/* Linux 6.4; the headers may be older. */
#define ATTACH_STRUCT_OPS 44

/* The name of the kernel's structure, by which the policy has it: its value's type is
 * "bpf_struct_ops_NAME". */
static int operations_name(const struct object_map *map, char *name, size_t size)
{
    static const char prefix[] = "bpf_struct_ops_";
    const struct btf *types = kernel_types();
    const struct btf_type *type = types ? btf__type_by_id(types, map->kernel_value) : NULL;
    const char *found = type ? btf__name_by_offset(types, type->name_off) : NULL;
    int r = found && strncmp(found, prefix, sizeof prefix - 1) == 0 ? 0 : -EINVAL;

    if (r == 0)
        snprintf(name, size, "%s", found + sizeof prefix - 1);
    return r;
}

static int check_operations(const struct session *session, const struct object_map *map,
                            struct err *err)
{
    char name[128];

    if (session->instance.policy.attach_count == 0)
        return 0;
    int r = operations_name(map, name, sizeof name);
    return r < 0 ? r
                 : policy_check_point(&session->instance.policy,
                                      (uint32_t)bpf_kind_find("struct_ops"), name, err);
}

/* A struct_ops is the kernel's from here to its link's end. */
static int register_operations(struct object_map *map)
{
    const uint32_t first = 0;

    if (map->link >= 0)
        return -EBUSY;
    /* The value is written once; after that it waits for links. */
    if (!map->written && bpf_map_update_elem(map->fd, &first, map->operations, BPF_ANY) < 0)
        return -errno;
    map->written = true;
    int fd = bpf_link_create(map->fd, 0, (enum bpf_attach_type)ATTACH_STRUCT_OPS, NULL);
    if (fd < 0)
        return -errno;
    map->link = fd;
    return 0;
}

int operations_attach(const struct session *session, struct object_map *map, struct err *err)
{
    int r = check_operations(session, map, err);

    return r < 0 ? r : register_operations(map);
}
