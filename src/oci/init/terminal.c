/*
 * The terminal: made by the container's own devpts, so that its number means something inside; no
 * path of it is ever opened, the other end comes from the master itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include "oci/init/init.h"
#include "oci/init/mount_calls.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int open_pair(struct init *init, int root, int *ret_master, int *ret_slave)
{
    int unlock = 0;

    _cleanup_(closep) int master = beneath_open(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
    if (master < 0)
        return err_set(&init->err, master,
                       "cannot make a terminal: open '/dev/pts/ptmx' (is devpts mounted?)");
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
        return err_set(&init->err, -errno, "cannot unlock the terminal");
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return err_set(&init->err, -errno, "cannot open the terminal");
    *ret_master = steal_fd(&master);
    *ret_slave = slave;
    return 0;
}

/* /dev/console is the terminal: its file is made, and the terminal mounted on it. A link that the
 * image has there is covered, not followed (CVE-2025-52565). */
static int mount_console(struct init *init, int slave)
{
    _cleanup_(closep) int target = beneath_entry(init->root_fd, "/dev/console", false);
    if (target < 0)
        return err_set(&init->err, target, "cannot make '/dev/console'");
    _cleanup_(closep) int tree =
        call_open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int r = tree < 0 ? tree : call_move_mount(tree, target);
    return r < 0 ? err_set(&init->err, r, "cannot mount the terminal on '/dev/console'") : 0;
}

static int hand_over(struct init *init, int master)
{
    static const char name[] = "/dev/ptmx";
    int r;

    if (init->plan->process.console_fd < 0)
        r = init_tell(init, INIT_TERMINAL, 0, master);
    else
        r = fd_send(init->plan->process.console_fd, name, sizeof name - 1, &master, 1);
    return r < 0 ? err_set(&init->err, r, "cannot send the terminal to its console socket") : 0;
}

int init_terminal(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    const struct winsize size = {.ws_row = process->rows, .ws_col = process->columns};
    _cleanup_(closep) int master = -1;
    _cleanup_(closep) int slave = -1;

    if (!process->terminal)
        return 0;
    _cleanup_(closep) int slash = -1;
    int root = init->root_fd;
    if (root < 0)
        root = slash = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = root < 0 ? -errno : open_pair(init, root, &master, &slave);
    if (r < 0)
        return r;
    if ((size.ws_row || size.ws_col) && ioctl(slave, TIOCSWINSZ, &size) < 0)
        return err_set(&init->err, -errno, "cannot set the size of the terminal");
    if (process->uid && fchown(slave, process->uid, (gid_t)-1) < 0 && errno != EPERM &&
        errno != EINVAL)
        return err_set(&init->err, -errno, "cannot give the terminal to user %u", process->uid);
    if (init->plan->root && (init->plan->own_mounts || init->plan->host_root))
        r = mount_console(init, slave);
    if (r == 0)
        r = hand_over(init, master);
    if (r < 0)
        return r;
    if (setsid() < 0 && errno != EPERM)
        return err_set(&init->err, -errno, "cannot make a session");
    if (ioctl(slave, TIOCSCTTY, 0) < 0)
        return err_set(&init->err, -errno, "cannot take the terminal");
    for (int fd = 0; fd < 3; fd++)
        if (dup2(slave, fd) < 0)
            return err_set(&init->err, -errno, "cannot put the terminal on descriptor %d", fd);
    return 0;
}
