/*
 * What it costs two members of a family to say something to each other, and to be done with each
 * other. Built as a function, and by gcc for UNIX's own: one source. Prints a line for each round
 * and thing: NAME MICROSECONDS. "near" is between parent and child, who have talked before;
 * "first" the first time that they use a thing; "far" the first time that two children of one
 * parent do, who have had nothing to do with each other.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>
#if !defined __wasm__ && !defined BENCH_PVM
#include <sys/prctl.h>
#endif

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

/* Its peer is asleep by then, waiting for it. */
static void let_the_peer_wait(void)
{
    const struct timespec pause = {0, 2000000};

    nanosleep(&pause, NULL);
}

/*
 * The first use of something: `ask` in a child that has just been made, `answer` in its parent, or
 * in another child if they are to be no relatives in line. `ask` tells what it took, which `made`
 * is added to.
 */
struct first_use {
    void (*ask)(void *with);
    void (*answer)(void *with);
    void *with;
    const char *name, *name_far;
    double made;
};

static void use_first(const struct first_use *use, bool far)
{
    if (far && fork() == 0) {
        use->answer(use->with);
        _exit(0);
    }
    if (fork() == 0) {
        let_the_peer_wait();
        double begin = now_us();
        use->ask(use->with);
        tell(far ? use->name_far : use->name, use->made + now_us() - begin);
        _exit(0);
    }
    if (!far)
        use->answer(use->with);
    while (wait(NULL) > 0)
        ;
}

/* ---- pipes ---- */

struct pipes {
    int there[2], back[2];
};

static double pipes_make(struct pipes *pipes)
{
    double begin = now_us();

    must(pipe(pipes->there) == 0 && pipe(pipes->back) == 0);
    return now_us() - begin;
}

static void pipes_close(struct pipes *pipes)
{
    close(pipes->there[0]), close(pipes->there[1]);
    close(pipes->back[0]), close(pipes->back[1]);
}

static void ask_pipe(void *with)
{
    const struct pipes *pipes = with;
    char byte = 0;

    must(write(pipes->there[1], &byte, 1) == 1 && read(pipes->back[0], &byte, 1) == 1);
}

static void answer_pipe(void *with)
{
    const struct pipes *pipes = with;
    char byte;

    must(read(pipes->there[0], &byte, 1) == 1 && write(pipes->back[1], &byte, 1) == 1);
}

/* Two pipes made, and then a byte there and back; the fork between is not counted. */
static void pipes(void)
{
    struct pipes pipes;
    double made = pipes_make(&pipes);
    char byte;

    if (fork() == 0) {
        close(pipes.there[1]);
        while (read(pipes.there[0], &byte, 1) == 1)
            must(write(pipes.back[1], &byte, 1) == 1);
        _exit(0);
    }
    ask_pipe(&pipes);
    double begin = now_us();
    for (int i = 0; i < TURNS; i++)
        ask_pipe(&pipes);
    tell("pipe-near", made + (now_us() - begin) / TURNS);
    pipes_close(&pipes);
    wait(NULL);
    for (int far = 0; far < 2; far++) {
        made = pipes_make(&pipes);
        use_first(
            &(struct first_use){ask_pipe, answer_pipe, &pipes, "pipe-first", "pipe-far", made},
            far);
        pipes_close(&pipes);
    }
}

/* ---- message queues ---- */

static void one_message(int queue)
{
    struct message message = {.type = 1};

    must(msgsnd(queue, &message, sizeof message.text, 0) == 0);
    must(msgrcv(queue, &message, sizeof message.text, 2, 0) == sizeof message.text);
}

static void answer_message(int queue)
{
    struct message message;

    must(msgrcv(queue, &message, sizeof message.text, 1, 0) == sizeof message.text);
    message.type = 2;
    must(msgsnd(queue, &message, sizeof message.text, 0) == 0);
}

static void ask_queue(void *with)
{
    one_message(msgget(*(key_t *)with, 0600));
}

static void answer_queue(void *with)
{
    answer_message(msgget(*(key_t *)with, 0600));
}

static void queues(key_t key)
{
    int queue = msgget(key, IPC_CREAT | 0600);

    must(queue >= 0);
    if (fork() == 0) {
        for (int i = 0; i <= TURNS; i++)
            answer_message(queue);
        _exit(0);
    }
    one_message(queue);
    double begin = now_us();
    for (int i = 0; i < TURNS; i++)
        one_message(queue);
    tell("queue-near", (now_us() - begin) / TURNS);
    wait(NULL);
    for (int far = 0; far < 2; far++)
        use_first(&(struct first_use){.ask = ask_queue,
                                      .answer = answer_queue,
                                      .with = &key,
                                      .name = "queue-first",
                                      .name_far = "queue-far"},
                  far);
    msgctl(queue, IPC_RMID, NULL);
}

/* ---- shared memory ---- */

/* Its turn when the word is `mine`; then it is the other's. */
static void turn(volatile int *word, int mine, int others)
{
    while (*word != mine)
        sched_yield();
    *word = others;
}

static volatile int *attach(key_t key)
{
    volatile int *words = shmat(shmget(key, 0, 0600), NULL, 0);

    must(words != (void *)-1);
    return words;
}

static void ask_memory(void *with)
{
    volatile int *words = attach(*(key_t *)with);

    words[1] = 1;
    turn(words + 1, 2, 0);
}

static void answer_memory(void *with)
{
    volatile int *words = attach(*(key_t *)with);

    turn(words + 1, 1, 2);
    while (words[1] != 0) /* not gone before it is seen */
        sched_yield();
    shmdt((void *)words);
}

static void shared(key_t key)
{
    int segment = shmget(key, 65536, IPC_CREAT | 0600);
    volatile int *words = shmat(segment, NULL, 0);

    must(segment >= 0 && words != (void *)-1);
    words[0] = words[1] = 0;
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
    shmdt((void *)words);
    for (int far = 0; far < 2; far++)
        use_first(&(struct first_use){.ask = ask_memory,
                                      .answer = answer_memory,
                                      .with = &key,
                                      .name = "memory-first",
                                      .name_far = "memory-far"},
                  far);
    shmctl(segment, IPC_RMID, NULL);
}

/* ---- ends ---- */

/*
 * A child that waits is killed, or told to end; its parent has waited for it. Who does that is the
 * parent, or "far" its brother, who has never had to do with it: then the time goes from what he
 * does to the parent's having waited.
 */
static void end_it(pid_t pid, int signal, int go)
{
    must(signal ? kill(pid, signal) == 0 : write(go, "", 1) == 1);
}

static void ends(const char *name, int signal, bool far)
{
    int ready[2], go[2], begun[2];
    double begin;
    char byte;

    must(pipe(ready) == 0 && pipe(go) == 0 && pipe(begun) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        must(write(ready[1], "", 1) == 1);
        _exit((int)read(go[0], &byte, 1));
    }
    must(read(ready[0], &byte, 1) == 1);
    pid_t brother = far ? fork() : -1;
    if (brother == 0) {
        let_the_peer_wait();
        begin = now_us();
        end_it(pid, signal, go[1]);
        must(write(begun[1], &begin, sizeof begin) == sizeof begin);
        _exit(0);
    }
    sched_yield();
    begin = now_us();
    if (!far)
        end_it(pid, signal, go[1]);
    must(waitpid(pid, NULL, 0) == pid);
    double end = now_us();
    if (far) {
        must(read(begun[0], &begin, sizeof begin) == sizeof begin);
        must(waitpid(brother, NULL, 0) == brother);
    }
    tell(name, end - begin);
    close(ready[0]), close(ready[1]), close(go[0]), close(go[1]), close(begun[0]), close(begun[1]);
}

/* A grandchild whose parent has ended ends, told by who has adopted it and waits for it. */
static void orphan_ends(void)
{
    int ready[2], go[2];
    char byte;

    must(pipe(ready) == 0 && pipe(go) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        if (fork() == 0) {
            must(write(ready[1], "", 1) == 1);
            _exit((int)read(go[0], &byte, 1));
        }
        _exit(0);
    }
    must(waitpid(parent, NULL, 0) == parent && read(ready[0], &byte, 1) == 1);
    sched_yield();
    double begin = now_us();
    must(write(go[1], "", 1) == 1);
    must(wait(NULL) > 0);
    tell("exit-far", now_us() - begin);
    close(ready[0]), close(ready[1]), close(go[0]), close(go[1]);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 50;
    key_t key = argc > 2 ? (key_t)atoi(argv[2]) : 4711;

#if !defined __wasm__ && !defined BENCH_PVM
    /* Orphans are its own, as the root's of a family are. */
    must(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
#endif
    for (int i = 0; i < rounds; i++) {
        pipes();
        queues(key);
        shared(key);
        ends("kill-near", SIGKILL, false);
        ends("kill-far", SIGKILL, true);
        ends("exit-near", 0, false);
        orphan_ends();
    }
    return 0;
}
