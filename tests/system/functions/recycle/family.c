/*
 * Keeps its request's body wherever a family can keep something: a queue, shared memory, a file of
 * its private folder, a pipe, a child's memory, its environment; and sets a timer, a mask and a
 * handler. With the body "look" it says what it finds of all that.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vireo/function.h>

#define QUEUE_KEY 0x51
#define MEMORY_KEY 0x52
#define FIRST_FD 3

static int child;

static void on_signal(int number)
{
    (void)number;
}

struct found {
    int queue, memory, file, pipe, timer, handler, child, variable;
};

static struct found plant(const char *secret)
{
    struct {
        long type;
        char text[64];
    } message = {1, ""};
    struct itimerval timer = {{100, 0}, {100, 0}};
    struct found done = {0};
    sigset_t set;
    int fds[2];

    snprintf(message.text, sizeof message.text, "%s", secret);
    int queue = msgget(QUEUE_KEY, IPC_CREAT | 0600);
    done.queue = queue >= 0 && msgsnd(queue, &message, sizeof message.text, 0) == 0;
    char *shared = shmat(shmget(MEMORY_KEY, 65536, IPC_CREAT | 0600), NULL, 0);
    done.memory = shared != (char *)-1;
    if (done.memory)
        strcpy(shared, secret);
    int file = open("/tmp/secret", O_CREAT | O_WRONLY, 0600);
    done.file = file >= 0 && write(file, secret, strlen(secret)) > 0;
    done.pipe = pipe(fds) == 0 && write(fds[1], secret, strlen(secret)) > 0;
    done.timer = setitimer(ITIMER_REAL, &timer, NULL) == 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    done.handler = signal(SIGUSR1, on_signal) == SIG_DFL && sigprocmask(SIG_BLOCK, &set, NULL) == 0;
    kill(getpid(), SIGUSR2);
    done.variable = setenv("SECRET", secret, 1) == 0;
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    done.child = child > 0;
    return done;
}

static struct found look(void)
{
    struct found found = {0};
    sigset_t set, waiting;
    char byte;

    found.queue = msgget(QUEUE_KEY, 0) >= 0 || errno != ENOENT;
    found.memory = shmget(MEMORY_KEY, 0, 0) >= 0 || errno != ENOENT;
    found.file = access("/tmp/secret", F_OK) == 0;
    /* Any descriptor but the standard streams and the folder. */
    for (int fd = FIRST_FD + 1; fd < 64; fd++)
        found.pipe += fcntl(fd, F_GETFL) >= 0 || read(fd, &byte, 1) >= 0;
    found.timer = alarm(0) != 0;
    sigprocmask(SIG_BLOCK, NULL, &set);
    sigpending(&waiting);
    found.handler = signal(SIGUSR1, SIG_DFL) != SIG_DFL || sigismember(&set, SIGUSR2) ||
                    sigismember(&waiting, SIGUSR2);
    for (int pid = 2; pid < 64; pid++)
        found.child += kill(pid, 0) == 0;
    found.child += wait(NULL) >= 0 || child != 0;
    found.variable = getenv("SECRET") != NULL;
    return found;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char secret[64] = "";

    if (in_len >= sizeof secret)
        return -1;
    memcpy(secret, in, in_len);
    const int looks = strcmp(secret, "look") == 0;
    const struct found found = looks ? look() : plant(secret);
    return snprintf(
        (char *)out, out_cap,
        "%s: queue %d memory %d file %d pipe %d timer %d handler %d child %d variable %d",
        looks ? "found" : "planted", found.queue, found.memory, found.file, found.pipe, found.timer,
        found.handler, found.child, found.variable);
}
