/*
 * What it costs to make a key and to remove what it names: of a queue and of a segment, and to ask
 * for one that nobody has. Built as a function, and by gcc for UNIX's own: one source. Prints a
 * line for each round and thing: NAME MICROSECONDS. A function's is told to the daemon, which
 * listens to 1,000 messages a second of one family: so it rests between two rounds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <time.h>

#define PAUSE_NS 10000000 /* seven messages a round: 700 a second */

static double now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void must(int good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

static void one_round(key_t key)
{
    double begin = now_us();
    int queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    double made = now_us();

    must(queue >= 0, "msgget");
    printf("make-queue %.2f\n", made - begin);
    must(msgctl(queue, IPC_RMID, NULL) == 0, "msgctl");
    printf("remove-queue %.2f\n", now_us() - made);
    begin = now_us();
    int segment = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600);
    made = now_us();
    must(segment >= 0, "shmget");
    printf("make-memory %.2f\n", made - begin);
    must(shmctl(segment, IPC_RMID, NULL) == 0, "shmctl");
    printf("remove-memory %.2f\n", now_us() - made);
    begin = now_us();
    must(msgget(key, 0) < 0 && errno == ENOENT, "msgget");
    printf("seek %.2f\n", now_us() - begin);
}

int main(int argc, char **argv)
{
    const struct timespec pause = {0, PAUSE_NS};
    int rounds = argc > 1 ? atoi(argv[1]) : 50;
    key_t key = argc > 2 ? (key_t)atoi(argv[2]) : 4711;

    /* A function of the daemon's has its number of rounds as the body of the call. */
    if (argc < 2 && scanf("%d", &rounds) != 1)
        return 1;
    for (int i = 0; i < rounds; i++) {
        one_round(key);
        nanosleep(&pause, NULL);
    }
    return 0;
}
