/* fork(2): what is the child's own, and what is one of both. */
#include <fcntl.h>

#include "check.h"

static int global = 1;
static char path[64];

int main(void)
{
    int local = 1, fds[2];
    int *heap = malloc(sizeof *heap);
    char text[32] = "";

    *heap = 1;
    setenv("FORKED", "no", 1);
    pipe(fds);
    snprintf(path, sizeof path, "/tmp/forked-%d", (int)getpid());
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    CHECK(fd >= 0);
    write(fd, "0123456789", 10);
    lseek(fd, 0, SEEK_SET);
    pid_t me = getpid(), pid = fork();
    if (pid == 0) {
        global = local = *heap = 2;
        setenv("FORKED", "yes", 1);
        read(fd, text, 4);
        struct {
            pid_t own, parent;
        } who = {getpid(), getppid()};
        write(fds[1], &who, sizeof who);
        _exit(global + local + *heap);
    }
    CHECK(pid > 0 && pid != me);
    CHECK(end_of(pid) == 6);
    CHECK(global == 1 && local == 1 && *heap == 1);
    CHECK(strcmp(getenv("FORKED"), "no") == 0);
    struct {
        pid_t own, parent;
    } who;
    read(fds[0], &who, sizeof who);
    CHECK(who.own == pid && who.parent == me);
    /* One open file: where it is read is one place. */
    TRY(lseek(fd, 0, SEEK_CUR));
    TRY(read(fd, text, sizeof text));
    CHECK(memcmp(text, "456789", 6) == 0);
    pid = fork();
    if (pid == 0) {
        close(fd);
        unlink(path);
        _exit(0);
    }
    end_of(pid);
    TRY(lseek(fd, 0, SEEK_SET));
    TRY(open(path, O_RDONLY));
    close(fd);
    /* Flags of an open pipe are one, too. */
    pid = fork();
    if (pid == 0) {
        fcntl(fds[0], F_SETFL, O_NONBLOCK);
        _exit(0);
    }
    end_of(pid);
    TRY(read(fds[0], text, 1));
    /* Generations, each of which adds one. */
    int depth = 0;
    for (int i = 0; i < 3; i++) {
        pid = fork();
        if (pid != 0) {
            int below = end_of(pid);
            if (depth > 0)
                _exit(below);
            say("below", below);
            break;
        }
        if (++depth == 3)
            _exit(depth);
    }
    /* At once. */
    pid_t all[5];
    for (int i = 0; i < 5; i++) {
        all[i] = fork();
        if (all[i] == 0) {
            sleep_ms(10 * (5 - i));
            _exit(i);
        }
    }
    for (int i = 0; i < 5; i++)
        CHECK(end_of(all[i]) == i);
    pid = vfork();
    if (pid == 0)
        _exit(3);
    CHECK(end_of(pid) == 3);
    return 0;
}
