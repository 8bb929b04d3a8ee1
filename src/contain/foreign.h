/*
 * A container that another OCI runtime makes (runc, crun), of the same configuration in the same
 * keeper: `create` ahead, which ends right before the user's program, and `start` when the program
 * is wanted. What stands round it stays ours: groups, network, user namespace, channel, metering.
 *
 * The runtime runs confined: inside the keeper's namespaces, and under the function's system-call
 * filter, which the container inherits from it.
 */
#pragma once

struct err;
struct keeper;

/* Writes config.json beside the image's root, where the runtime reads it. Once, in the launcher. */
int foreign_prepare(const char *config, struct err *err);
/*
 * `create`, with what is on 0, 1 and 2 for the program: fills keeper->place. A second process waits
 * for foreign_go() to become `start`, since the keeper can execute nothing by then. Its end of a
 * pipe is keeper->hold.
 */
int foreign_create(struct keeper *keeper, struct err *err);
/* `start`: returns when the program was executed, or with what the runtime says. */
int foreign_go(struct keeper *keeper, struct err *err);
