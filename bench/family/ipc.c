/*
 * What it costs two members of a family to say something to each other, and to be done with each
 * other. Built as a function, and by gcc for UNIX's own: one source. Prints a line for each round
 * and thing: NAME MICROSECONDS. "near" is between parent and child, who are ready to talk at the
 * fork; "far" between two children who find each other by a key, its first use included.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TURNS 50 /* round trips of one round; the cost of each is told */

struct message {
    long type;
    char text[64];
};

static double now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void tell(const char *name, double us)
{
    printf("%s %.2f\n", name, us);
    fflush(stdout);
}

static void must(int good)
{
    if (!good)
        exit(1);
}

/* Two pipes made, and then a byte there and back; the fork between is not counted. */
static void pipes(void)
{
    int there[2], back[2];
    char byte = 0;

    double begin = now_us();
    must(pipe(there) == 0 && pipe(back) == 0);
    double made = now_us() - begin;
    if (fork() == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            must(write(back[1], &byte, 1) == 1);
        _exit(0);
    }
    must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
    begin = now_us();
    for (int i = 0; i < TURNS; i++)
        must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
    tell("pipe-near", made + (now_us() - begin) / TURNS);
    close(there[0]), close(there[1]), close(back[0]), close(back[1]);
    wait(NULL);
}

static void echo_messages(int queue)
{
    struct message message;

    for (;;) {
        must(msgrcv(queue, &message, sizeof message.text, 1, 0) == sizeof message.text);
        message.type = 2;
        must(msgsnd(queue, &message, sizeof message.text, 0) == 0);
        if (message.text[0])
            _exit(0);
    }
}

static void one_message(int queue, char last)
{
    struct message message = {1, {last}};

    must(msgsnd(queue, &message, sizeof message.text, 0) == 0);
    must(msgrcv(queue, &message, sizeof message.text, 2, 0) == sizeof message.text);
}

static void queues(key_t key)
{
    int queue = msgget(key, IPC_CREAT | 0600);
    struct message ready = {3, {0}};

    must(queue >= 0);
    if (fork() == 0) {
        msgsnd(queue, &ready, 1, 0);
        echo_messages(queue);
    }
    must(msgrcv(queue, &ready, 1, 3, 0) == 1);
    one_message(queue, 0);
    double begin = now_us();
    for (int i = 0; i < TURNS; i++)
        one_message(queue, 0);
    tell("queue-near", (now_us() - begin) / TURNS);
    /* Its brother comes by the key. */
    if (fork() == 0) {
        begin = now_us();
        one_message(msgget(key, 0600), 1);
        tell("queue-far", now_us() - begin);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    msgctl(queue, IPC_RMID, NULL);
}

/* Its turn when the word is `mine`; then it is the other's. */
static void turn(volatile int *word, int mine, int others)
{
    while (*word != mine)
        sched_yield();
    *word = others;
}

static void shared(key_t key)
{
    int segment = shmget(key, 65536, IPC_CREAT | 0600);
    volatile int *words = shmat(segment, NULL, 0);

    must(segment >= 0 && words != (void *)-1);
    words[0] = words[1] = words[2] = 0;
    if (fork() == 0) {
        for (int i = 0; i <= TURNS; i++)
            turn(words, 1, 2);
        _exit(0);
    }
    words[0] = 1;
    turn(words, 2, 1);
    double begin = now_us();
    for (int i = 0; i < TURNS; i++)
        turn(words, 2, i == TURNS - 1 ? 3 : 1);
    tell("memory-near", (now_us() - begin) / TURNS);
    wait(NULL);
    if (fork() == 0) {
        turn(words + 1, 1, 2);
        _exit(0);
    }
    if (fork() == 0) {
        begin = now_us();
        volatile int *mine = shmat(shmget(key, 0, 0600), NULL, 0);
        mine[1] = 1;
        while (mine[1] != 2)
            sched_yield();
        tell("memory-far", now_us() - begin);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    shmdt((void *)words);
    shmctl(segment, IPC_RMID, NULL);
}

/* A child that waits is killed, or ends by itself; its parent has waited for it. */
static void ends(const char *name, int signal)
{
    int ready[2], go[2];
    char byte;

    must(pipe(ready) == 0 && pipe(go) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        must(write(ready[1], "", 1) == 1);
        _exit((int)read(go[0], &byte, 1));
    }
    must(read(ready[0], &byte, 1) == 1);
    sched_yield();
    double begin = now_us();
    if (signal)
        kill(pid, signal);
    else
        close(go[1]);
    must(waitpid(pid, NULL, 0) == pid);
    tell(name, now_us() - begin);
    close(ready[0]), close(ready[1]), close(go[0]);
    if (signal)
        close(go[1]);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 50;
    key_t key = argc > 2 ? (key_t)atoi(argv[2]) : 4711;

    for (int i = 0; i < rounds; i++) {
        pipes();
        queues(key);
        shared(key);
        ends("kill-near", SIGKILL);
        ends("exit-near", 0);
    }
    return 0;
}
