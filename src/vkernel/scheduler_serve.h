/* vireo-sched's loop: it holds the scheduler, and takes groups' policies for it. */
#pragma once

struct err;
struct scheduler;

/* The socket, before the scheduler is there: what is set meanwhile waits in it. -EADDRINUSE: one
 * of us is there already. CAP_DAC_OVERRIDE. */
int scheduler_listen(int *ret_fd, struct err *err);
/* The root of the v2 tree. -ENOTSUP: its CPU controller is v1's, and sched_ext knows groups by it.
 */
int scheduler_groups(int *ret_root_fd, struct err *err);
/* Policies of groups that were told before (scheduler.h's attribute). It takes the descriptor.
 * CAP_SYS_ADMIN. */
int scheduler_adopt(struct scheduler *scheduler, int root_fd, struct err *err);
/* What is left needs no right: nobody's uid, and the calls of scheduler_serve(). */
int scheduler_confine(struct err *err);
/* Until the kernel takes the scheduler back; always an error, with the kernel's reason. */
int scheduler_serve(struct scheduler *scheduler, int listen_fd, struct err *err);
