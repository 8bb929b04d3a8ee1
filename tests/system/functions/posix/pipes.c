/* pipe(2), pipe(7), read(2), write(2), dup(2), poll(2), fcntl(2) of pipes. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "check.h"

static char block[200000];
static int fds[2];

static void fresh(void)
{
    if (pipe(fds) < 0)
        exit(1);
}

static void ends(void)
{
    close(fds[0]);
    close(fds[1]);
}

static void nonblocking(int fd, int on)
{
    int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static void directions(void)
{
    struct stat status;
    char byte;

    fresh();
    CHECK(fds[0] != fds[1]);
    TRY(read(fds[1], &byte, 1));
    TRY(write(fds[0], "x", 1));
    TRY(lseek(fds[0], 0, SEEK_SET));
    TRY(pread(fds[0], &byte, 1, 0));
    TRY(pwrite(fds[1], "x", 1, 0));
    TRY(fstat(fds[0], &status));
    CHECK((fcntl(fds[0], F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK((fcntl(fds[1], F_GETFL) & O_ACCMODE) == O_WRONLY);
    CHECK((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
    TRY(write(fds[1], "", 0));
    TRY(read(fds[0], &byte, 0));
    TRY(write(fds[1], "abc", 3));
    TRY(read(fds[0], block, 100));
    TRY(close(fds[1]));
    TRY(close(fds[1]));
    TRY(read(fds[0], &byte, 1));
    TRY(read(fds[0], &byte, 1));
    TRY(close(fds[0]));
    TRY(read(fds[0], &byte, 1));
    TRY(write(fds[1], &byte, 1));
    TRY(fcntl(fds[0], F_GETFL));
    int two[2];
    TRY(pipe2(two, O_NONBLOCK));
    CHECK((fcntl(two[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(two[1], F_GETFL) & O_NONBLOCK) != 0);
    close(two[0]);
    close(two[1]);
    TRY(pipe2(two, 0x40000000));
}

static void capacity(void)
{
    long total = 0;
    ssize_t n;

    printf("PIPE_BUF %d\n", PIPE_BUF);
    fresh();
    nonblocking(fds[0], 1);
    nonblocking(fds[1], 1);
    TRY(read(fds[0], block, 1));
    while ((n = write(fds[1], block, 4096)) > 0)
        total += n;
    say("until full", total);
    say("then", n);
    TRY(write(fds[1], block, 1));
    TRY(read(fds[0], block, 100));
    /* What is not atomic may be cut, what is atomic not. */
    TRY(write(fds[1], block, PIPE_BUF));
    TRY(read(fds[0], block, 4096));
    TRY(write(fds[1], block, PIPE_BUF));
    TRY(write(fds[1], block, PIPE_BUF));
    ends();
    fresh();
    nonblocking(fds[1], 1);
    TRY(write(fds[1], block, sizeof block));
    TRY(write(fds[1], block, sizeof block));
    ends();
}

static void broken(void)
{
    fresh();
    close(fds[0]);
    handled = 0;
    handle(SIGPIPE, 0);
    TRY(write(fds[1], "x", 1));
    CHECK(handled == 1);
    signal(SIGPIPE, SIG_IGN);
    TRY(write(fds[1], "x", 1));
    TRY(write(fds[1], "", 0));
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        write(fds[1], "x", 1);
        _exit(1);
    }
    CHECK(end_of(pid) == 100 + SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
    close(fds[1]);
}

/* Four writers, each of its own letter: no block is a mixture. */
static void atomic(void)
{
    int mixed = 0, blocks = 0;
    size_t used = 0;
    ssize_t n;

    fresh();
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            char mine[PIPE_BUF];
            memset(mine, 'a' + i, sizeof mine);
            for (int k = 0; k < 50; k++)
                write(fds[1], mine, sizeof mine);
            _exit(0);
        }
    }
    close(fds[1]);
    while ((n = read(fds[0], block + used, PIPE_BUF - used)) > 0) {
        used += (size_t)n;
        if (used < PIPE_BUF)
            continue;
        for (size_t i = 1; i < used; i++)
            mixed += block[i] != block[0];
        blocks++;
        used = 0;
    }
    say("end", n);
    say("blocks", blocks);
    say("mixed", mixed);
    say("rest", (long)used);
    for (int i = 0; i < 4; i++)
        wait(NULL);
    close(fds[0]);
}

/* A signal after a while, from a child. */
static pid_t disturb(int number)
{
    pid_t to = getpid(), pid = fork();

    if (pid == 0) {
        sleep_ms(60);
        kill(to, number);
        _exit(0);
    }
    return pid;
}

static void interrupted(void)
{
    char byte;
    pid_t pid;

    fresh();
    handled = 0;
    handle(SIGUSR1, 0);
    pid = disturb(SIGUSR1);
    TRY(read(fds[0], &byte, 1));
    CHECK(handled == 1);
    end_of(pid);
    nonblocking(fds[1], 1);
    write(fds[1], block, sizeof block);
    nonblocking(fds[1], 0);
    pid = disturb(SIGUSR1);
    TRY(write(fds[1], block, 100));
    CHECK(handled == 2);
    end_of(pid);
    ends();
    /* Of what is written in part it says how much. */
    fresh();
    pid = disturb(SIGUSR1);
    TRY(write(fds[1], block, sizeof block));
    end_of(pid);
    ends();
    /* With SA_RESTART it goes on. */
    fresh();
    handle(SIGUSR1, SA_RESTART);
    pid_t to = getpid();
    pid = fork();
    if (pid == 0) {
        sleep_ms(60);
        kill(to, SIGUSR1);
        sleep_ms(60);
        write(fds[1], "y", 1);
        _exit(0);
    }
    TRY(read(fds[0], &byte, 1));
    CHECK(byte == 'y' && handled == 4);
    end_of(pid);
    ends();
}

static int events_of(int fd, short asked)
{
    struct pollfd at = {.fd = fd, .events = asked};

    poll(&at, 1, 0);
    return (at.revents & POLLIN ? 1 : 0) | (at.revents & POLLOUT ? 2 : 0) |
           (at.revents & POLLHUP ? 4 : 0) | (at.revents & POLLERR ? 8 : 0) |
           (at.revents & POLLNVAL ? 16 : 0);
}

static void polled(void)
{
    fresh();
    TRY(events_of(fds[0], POLLIN));
    TRY(events_of(fds[1], POLLOUT));
    write(fds[1], "x", 1);
    TRY(events_of(fds[0], POLLIN));
    nonblocking(fds[1], 1);
    write(fds[1], block, sizeof block);
    TRY(events_of(fds[1], POLLOUT));
    read(fds[0], block, sizeof block);
    close(fds[1]);
    TRY(events_of(fds[0], POLLIN) & 4);
    close(fds[0]);
    fresh();
    close(fds[0]);
    CHECK((events_of(fds[1], POLLOUT) & 12) != 0);
    close(fds[1]);
    TRY(events_of(fds[1], POLLIN | POLLOUT));
    struct pollfd some[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    TRY(poll(some, 2, -1));
    CHECK(some[0].revents == POLLNVAL && some[1].revents == POLLOUT);
    /* Nothing is asked for: only the end is told, also where something is left to read. */
    fresh();
    TRY(events_of(fds[0], 0));
    write(fds[1], "x", 1);
    TRY(events_of(fds[0], 0));
    struct pollfd end[2] = {{.fd = fds[0], .events = 0}, {.fd = fds[0], .events = 0}};
    TRY(poll(end, 2, 50));
    pid_t holder = fork();
    if (holder == 0) {
        usleep(100000);
        _exit(0);
    }
    close(fds[1]);
    TRY(poll(end, 2, -1));
    CHECK((end[0].revents & (POLLHUP | POLLIN)) == POLLHUP && end[0].events == 0);
    end_of(holder);
    close(fds[0]);
    struct pollfd none = {.fd = -1, .events = POLLIN};
    TRY(poll(&none, 1, 10));
    CHECK(none.revents == 0);
    TRY(poll(NULL, 0, 10));
}

static void doubled(void)
{
    char byte;
    int copy;

    fresh();
    copy = dup(fds[1]);
    CHECK(copy >= 0 && copy != fds[1]);
    close(fds[1]);
    TRY(write(copy, "d", 1));
    TRY(read(fds[0], &byte, 1));
    TRY(dup2(copy, copy) == copy);
    TRY(dup2(fds[1], copy));
    TRY(dup2(copy, -1));
    TRY(dup(fds[1]));
    /* The target is closed first. */
    int other[2];
    pipe(other);
    CHECK(dup2(copy, other[1]) == other[1]);
    TRY(read(other[0], &byte, 1));
    TRY(write(other[1], "e", 1));
    close(copy);
    TRY(read(fds[0], &byte, 1));
    close(other[1]);
    TRY(read(fds[0], &byte, 1));
    close(other[0]);
    close(fds[0]);
    /* A child's copies count. */
    fresh();
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        sleep_ms(50);
        write(fds[1], "c", 1);
        _exit(0);
    }
    close(fds[1]);
    TRY(read(fds[0], &byte, 1));
    TRY(read(fds[0], &byte, 1));
    end_of(pid);
    close(fds[0]);
    fresh();
    pid = fork();
    if (pid == 0) {
        dup2(fds[1], 1);
        close(fds[0]);
        close(fds[1]);
        printf("by standard output");
        exit(0);
    }
    close(fds[1]);
    TRY(read(fds[0], block, 100));
    CHECK(memcmp(block, "by standard output", 18) == 0);
    end_of(pid);
    close(fds[0]);
}

static void vectors(void)
{
    char a[3], b[4];
    struct iovec out[] = {{"abc", 3}, {"", 0}, {"defg", 4}}, in[] = {{a, 3}, {b, 4}};

    fresh();
    TRY(writev(fds[1], out, 3));
    TRY(readv(fds[0], in, 2));
    CHECK(memcmp(a, "abc", 3) == 0 && memcmp(b, "defg", 4) == 0);
    ends();
}

static void many(void)
{
    int all[2000], count = 0;

    while (count < 1000 && pipe(all + 2 * count) == 0)
        count++;
    CHECK(count == 1000 || errno == EMFILE);
    while (count-- > 0) {
        close(all[2 * count]);
        close(all[2 * count + 1]);
    }
    TRY(pipe(fds));
    ends();
}

int main(void)
{
    directions();
    capacity();
    broken();
    atomic();
    interrupted();
    polled();
    doubled();
    vectors();
    many();
    return 0;
}
