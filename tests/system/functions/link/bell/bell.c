/* A library with a family: its child and its signals' handler are of the version that made them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP 1
#define PUBLIC __attribute__((visibility("default")))

struct question {
    long type;
    long number;
};

static int queue = -1;
static long *shared;
static pid_t child;
static volatile long rang;

static void on_bell(int number)
{
    (void)number;
    rang += STEP;
}

/* A child that answers with its own step, for ever. */
PUBLIC int bell_start(void)
{
    struct sigaction action = {.sa_handler = on_bell};
    struct question question;

    if (child > 0)
        return 0;
    queue = msgget(IPC_PRIVATE, 0600);
    shared = shmat(shmget(IPC_PRIVATE, 4096, 0600), NULL, 0);
    sigaction(SIGUSR1, &action, NULL);
    child = fork();
    if (child < 0 || queue < 0 || shared == (void *)-1)
        return -1;
    if (child > 0)
        return 1;
    while (msgrcv(queue, &question, sizeof question.number, 1, 0) >= 0) {
        *shared += STEP;
        question.type = 2;
        question.number += STEP;
        msgsnd(queue, &question, sizeof question.number, 0);
    }
    _exit(0);
}

/* What the child made of it, what lies in the shared memory, how often the bell rang here. */
PUBLIC void bell_ring(long *answer, long *in_memory, long *here)
{
    struct question question = {1, 100};

    msgsnd(queue, &question, sizeof question.number, 0);
    msgrcv(queue, &question, sizeof question.number, 2, 0);
    kill(getpid(), SIGUSR1);
    *answer = question.number;
    *in_memory = *shared;
    *here = rang;
}

/* Ends the child: its exit status, or a thousand and the signal. */
PUBLIC int bell_end(void)
{
    int status = 0;

    kill(child, SIGTERM);
    waitpid(child, &status, 0);
    child = 0;
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}
