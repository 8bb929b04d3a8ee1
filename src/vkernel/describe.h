/* Virtual kernels for people and programs: as JSON, and what becomes of a system call. */
#pragma once

#include "vkernel/syscalls.h"
#include "vkernel/vkernel.h"

struct err;
struct json_object;

/* {KEY: {value, said, live}} of every key that one of this home has; the caller's. */
struct json_object *vkernel_json(const struct vkernel *vkernel, enum vkernel_home home);

/*
 * What becomes of `call` (a name or number) where the wall has the table `wall` and `vkernel` makes
 * it stricter: its rules, those of the two, and whose word ours is. With `arguments` ("1,0x10",
 * NULL: none) also the verdict of exactly these. The caller's object. -EINVAL with the reason.
 */
int vkernel_explain(const struct vkernel *vkernel, const struct vk_table *wall, const char *call,
                    const char *arguments, struct json_object **ret_object, struct err *err);
