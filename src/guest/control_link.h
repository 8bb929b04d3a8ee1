/* Doing what a message to link says, in whatever kind of instance. */
#pragma once

#include <stddef.h>

#include "guest/control.h"

struct host;
struct link_tree;

/*
 * Links the libraries in `fds` with native code (`tree`) or with the translated program of `host`,
 * while none of its code runs (`frame` is NULL), or it waits at an update point, whose frame that
 * is. *ret_answer is what the supervisor is to be told. The descriptors stay the caller's. 0, or
 * -errno: nothing was linked.
 */
int control_link(struct host *host, struct link_tree *tree, const struct control_link *message,
                 const int *fds, size_t fd_count, const void *frame,
                 struct control_linked *ret_answer);
