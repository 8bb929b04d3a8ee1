/* vireo-contain's main loop: the program is this alone. */
#pragma once

struct contain;
struct talk;

/* Serves until the supervisor closes the socket GUEST_CONTROL_FD; the exit status. */
int launcher_main(void);

/* The function's way of talking. */
const struct talk *talk_of(const struct contain *contain);
/* A procfs of the caller's pid namespace at /proc. 0 or -errno. */
int contain_mount_proc(void);
