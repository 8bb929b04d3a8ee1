/*
 * What a family does, by the names of POSIX: the body says what is tried, the answer what came of
 * it. With <unistd.h>, <sys/wait.h> and <signal.h> as any UNIX source has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char input[65536];
static int global = 1;

static int say_status(const char *what, int status)
{
    if (WIFEXITED(status))
        printf("%s: exit %d\n", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: signal %d\n", what, WTERMSIG(status));
    else
        printf("%s: %#x\n", what, (unsigned)status);
    return 0;
}

static int failed(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    return 0;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* The child has memory of its own, from the fork's point on. */
static int copies(void)
{
    int local = 1, status;
    char *heap = strdup("one");

    pid_t pid = fork();
    if (pid < 0)
        return failed("fork");
    if (pid == 0) {
        bool same = global == 1 && local == 1 && strcmp(heap, "one") == 0;
        global = local = 2;
        strcpy(heap, "two");
        exit(same && getppid() == 1 && getpid() > 1 ? 42 : 43);
    }
    pid_t ended = wait(&status);
    printf("pids: %d %d %d\n", getpid(), getppid(), ended == pid);
    printf("mine: %d %d %s\n", global, local, heap);
    say_status("child", status);
    errno = 0;
    return wait(&status) < 0 && errno == ECHILD ? 0 : failed("a second wait");
}

/* Four children sum a part each and send it by a pipe. */
static int sums(void)
{
    int fds[2], status;
    long total = 0, part;

    if (pipe(fds) < 0)
        return failed("pipe");
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return failed("fork");
        if (pid == 0) {
            close(fds[0]);
            part = 0;
            for (long n = i; n < 100000; n += 4)
                part += n;
            _exit(write(fds[1], &part, sizeof part) == sizeof part ? 0 : 1);
        }
    }
    close(fds[1]);
    while (read(fds[0], &part, sizeof part) == sizeof part)
        total += part;
    for (int i = 0; i < 4; i++)
        if (wait(&status) < 0 || status != 0)
            return failed("wait");
    printf("total: %ld\n", total);
    return 0;
}

static int polls(void)
{
    int fds[2];
    char byte = 0;

    if (pipe(fds) < 0)
        return failed("pipe");
    struct pollfd one = {.fd = fds[0], .events = POLLIN};
    int before = poll(&one, 1, 20);
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(50);
        _exit(write(fds[1], "x", 1) == 1 ? 0 : 1);
    }
    int after = poll(&one, 1, 5000);
    bool got = read(fds[0], &byte, 1) == 1 && byte == 'x';
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    bool again = read(fds[0], &byte, 1) < 0 && errno == EAGAIN;
    waitpid(pid, NULL, 0);
    close(fds[0]);
    bool broken = write(fds[1], "x", 1) < 0 && errno == EPIPE;
    printf("poll: %d %d %d %d %d\n", before, after, got, again, broken);
    return 0;
}

static int signals(void)
{
    static const int kinds[] = {SIGTERM, SIGKILL, SIGUSR1};
    int status;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                sleep_ms(1000);
        if (waitpid(pid, &status, WNOHANG) != 0 || kill(pid, kinds[i]) < 0 ||
            waitpid(pid, &status, 0) != pid)
            return failed("kill");
        say_status("killed", status);
    }
    /* The child's parent is the root: what would end it does nothing. */
    pid_t pid = fork();
    if (pid == 0) {
        kill(getppid(), SIGTERM);
        kill(getppid(), SIGKILL);
        _exit(kill(2000000, 0) < 0 && errno == ESRCH ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    return say_status("child", status);
}

static int trap(void)
{
    int status;

    if (fork() == 0)
        __builtin_trap();
    wait(&status);
    return say_status("trapped", status);
}

/* A grandchild whose parent ends is the root's. */
static int orphan(void)
{
    int status, fds[2], count = 0;
    pid_t parent;

    if (pipe(fds) < 0)
        return failed("pipe");
    if (fork() == 0) {
        if (fork() == 0) {
            while (getppid() != 1)
                sleep_ms(5);
            parent = getppid();
            _exit(write(fds[1], &parent, sizeof parent) > 0 ? 7 : 1);
        }
        _exit(3);
    }
    if (read(fds[0], &parent, sizeof parent) != sizeof parent)
        return failed("read");
    while (wait(&status) > 0)
        count++;
    printf("orphan: parent %d, %d ended\n", parent, count);
    return 0;
}

/* What children write is the function's log, not the answer; standard input goes on. */
static int output(void)
{
    int status;

    printf("answer of the root\n");
    fflush(stdout);
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) {
            printf("out of child %d\n", i);
            fflush(stdout);
            fprintf(stderr, "err of child %d\n", i);
            exit(0);
        }
    }
    while (wait(&status) > 0)
        ;
    fprintf(stderr, "err of the root\n");
    return 0;
}

static int flood(void)
{
    static char line[1000];
    int status;

    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            for (int j = 0; j < 1000; j++)
                write(2, line, sizeof line);
            exit(0);
        }
    while (wait(&status) > 0)
        ;
    fprintf(stderr, "end of the flood\n");
    printf("flooded\n");
    return 0;
}

static int bomb(bool gives_up)
{
    int count = 0;

    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                sleep_ms(1000);
        if (pid < 0 && errno == EAGAIN && gives_up) {
            printf("children: %d\n", count);
            return 9;
        }
        count += pid > 0;
    }
}

/* Every member forks, and goes on when it can't. */
static int spread(void)
{
    for (;;)
        fork();
}

/* Leaves a child that lives on, and says who there is. */
static int leave(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            sleep_ms(1000);
    printf("child: %d\n", pid);
    return 0;
}

static int crowd(void)
{
    int count = 0;

    for (pid_t pid = 2; pid < 40000; pid++)
        count += kill(pid, 0) == 0;
    printf("others: %d\n", count);
    return 0;
}

struct note {
    long type;
    char text[16];
};

/* Two notes from a child, taken by type; then the queue goes. */
static int queues(void)
{
    struct note note = {0};
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

    if (id < 0)
        return failed("msgget");
    if (fork() == 0) {
        struct note one = {1, "one"}, two = {2, "two"};
        _exit(msgsnd(id, &one, 3, 0) == 0 && msgsnd(id, &two, 3, 0) == 0 ? 0 : 1);
    }
    ssize_t n = msgrcv(id, &note, sizeof note.text, 2, 0);
    printf("queues: %zd %s", n, note.text);
    memset(&note, 0, sizeof note);
    n = msgrcv(id, &note, sizeof note.text, 0, 0);
    printf(" %ld %s", note.type, note.text);
    bool none = n == 3 && msgrcv(id, &note, sizeof note.text, 0, IPC_NOWAIT) < 0 && errno == ENOMSG;
    note.type = 0;
    bool bad = msgsnd(id, &note, 1, 0) < 0 && errno == EINVAL;
    bool gone = msgctl(id, IPC_RMID, NULL) == 0;
    bool again = msgsnd(id, &(struct note){1, ""}, 1, 0) < 0 && (errno == EINVAL || errno == EIDRM);
    printf(" %d %d %d %d\n", none, bad, gone, again);
    wait(NULL);
    return 0;
}

/* Fills a queue that has a name, and keeps it for a while. */
static int queue_kept(void)
{
    static struct {
        long type;
        char text[4096];
    } big = {1, ""};
    int id = msgget(4711, IPC_CREAT | IPC_EXCL | 0666);
    int count = 0;

    if (id < 0)
        return failed("kept");
    while (count < 100 && msgsnd(id, &big, sizeof big.text, IPC_NOWAIT) == 0)
        count++;
    bool full = count < 100 && errno == EAGAIN;
    sleep_ms(700);
    bool mine = msgget(4711, 0) == id;
    msgctl(id, IPC_RMID, NULL);
    printf("kept: full %d, then %d\n", full, mine);
    return 0;
}

/* Takes its time, with a child. */
static int linger(void)
{
    int status;

    if (fork() == 0) {
        sleep_ms(700);
        _exit(5);
    }
    if (wait(&status) < 0)
        return failed("wait");
    return say_status("lingered", status);
}

/* Signals to all whom they may reach, from a child and from the root. */
static int massacre(void)
{
    pid_t pid = fork();

    for (pid_t other = 1; other < 40000; other++)
        if (other != getpid())
            kill(other, SIGKILL);
    kill(-1, SIGKILL);
    kill(0, SIGKILL);
    if (pid == 0)
        _exit(1);
    printf("massacred: %d\n", wait(NULL) == pid);
    return 0;
}

/* `mib` in the parent, which the child then writes all of. */
static int memory(size_t mib)
{
    char *held = malloc(mib << 20);
    int status;

    if (!held)
        return failed("malloc");
    memset(held, 1, mib << 20);
    pid_t pid = fork();
    if (pid < 0)
        return failed("fork");
    if (pid == 0) {
        memset(held, 2, mib << 20);
        _exit(held[5] == 2 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    say_status(held[5] == 1 ? "child" : "mixed up", status);
    return 0;
}

/* The rest of standard input is the child's too. */
static int rest(void)
{
    int fds[2], status;
    char text[16] = "";

    if (pipe(fds) < 0)
        return failed("pipe");
    if (fork() == 0) {
        ssize_t n = read(0, text, sizeof text - 1);
        _exit(write(fds[1], text, n > 0 ? (size_t)n : 0) == n ? 0 : 1);
    }
    wait(&status);
    ssize_t n = read(fds[0], text, sizeof text - 1);
    printf("child: %.*s", (int)n, text);
    n = read(0, text, sizeof text - 1);
    printf("root: %.*s", (int)n, text);
    return 0;
}

int main(void)
{
    /* One byte at a time, so that what follows the line stays where it is. */
    for (size_t i = 0; i < sizeof input - 1 && read(0, input + i, 1) == 1 && input[i] != '\n'; i++)
        ;
    input[strcspn(input, "\n")] = '\0';
    if (strcmp(input, "copies") == 0)
        return copies();
    if (strcmp(input, "sums") == 0)
        return sums();
    if (strcmp(input, "polls") == 0)
        return polls();
    if (strcmp(input, "signals") == 0)
        return signals();
    if (strcmp(input, "trap") == 0)
        return trap();
    if (strcmp(input, "orphan") == 0)
        return orphan();
    if (strcmp(input, "output") == 0)
        return output();
    if (strcmp(input, "flood") == 0)
        return flood();
    if (strcmp(input, "bomb") == 0)
        return bomb(true);
    if (strcmp(input, "bomb for ever") == 0)
        return bomb(false);
    if (strcmp(input, "spread") == 0)
        return spread();
    if (strcmp(input, "leave") == 0)
        return leave();
    if (strcmp(input, "crowd") == 0)
        return crowd();
    if (strcmp(input, "queues") == 0)
        return queues();
    if (strcmp(input, "queue kept") == 0)
        return queue_kept();
    if (strcmp(input, "queue sought") == 0)
        return msgget(4711, 0) < 0 ? failed("sought") : 1;
    if (strcmp(input, "linger") == 0)
        return linger();
    if (strcmp(input, "massacre") == 0)
        return massacre();
    if (strcmp(input, "rest") == 0)
        return rest();
    if (strncmp(input, "memory ", 7) == 0)
        return memory(strtoul(input + 7, NULL, 10));
    printf("unknown: '%s'\n", input);
    return 1;
}
