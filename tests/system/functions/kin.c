/*
 * What members of a family share, and what becomes of it when one ends: the body says what is
 * tried, the answer what came of it. By the names that any UNIX source uses.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char input[256];

static int failed(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    return 0;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static int status_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* A child that attaches it by its key, and one that has it attached already. */
static int shared(void)
{
    key_t key = ftok("/tmp", 'k');
    int id = shmget(key, 200000, IPC_CREAT | IPC_EXCL | 0600);
    char *mine = id < 0 ? NULL : shmat(id, NULL, 0);

    if (key == -1 || !mine || mine == (void *)-1)
        return failed("shm");
    mine[0] = 'a';
    pid_t pid = fork();
    if (pid == 0) {
        char *again = shmat(shmget(key, 0, 0), NULL, 0);
        if (again == (void *)-1 || again == mine || again[0] != 'a')
            _exit(1);
        again[199999] = 'z';
        mine[1] = 'b';
        _exit(shmdt(again));
    }
    int status = status_of(pid);
    struct shmid_ds known;
    bool told =
        shmctl(id, IPC_STAT, &known) == 0 && known.shm_segsz == 200000 && known.shm_nattch == 1;
    bool same = mine[1] == 'b' && mine[199999] == 'z';
    char *copy = malloc(300000);
    bool apart = copy + 300000 <= mine || copy >= mine + 200000;
    shmdt(mine);
    /* The place is plain memory again, then the segment's once more. */
    bool gone = mine[1] == 0;
    char *back = shmat(id, NULL, SHM_RDONLY);
    printf("shared: %d %d %d %d %d %d\n", status, told, same, apart, gone,
           back == mine && back[1] == 'b');
    shmctl(id, IPC_RMID, NULL);
    return shmget(key, 0, 0) < 0 && errno == ENOENT ? 0 : failed("still there");
}

static int improper(void)
{
    char here[16];
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    bool where = shmat(id, here, 0) == (void *)-1 && errno == EINVAL;
    bool flags = shmat(id, NULL, 0100000) == (void *)-1 && errno == EINVAL;
    bool none = shmat(id + 1, NULL, 0) == (void *)-1 && (errno == EINVAL || errno == EIDRM);
    bool free_place = shmdt(here) < 0 && errno == EINVAL;
    bool large = shmget(IPC_PRIVATE, 1u << 30, 0600) < 0 && errno == EINVAL;
    bool huge = shmget(IPC_PRIVATE, 2u << 20, 04000 | 0600) < 0 && errno == EINVAL;
    int count = 0;

    while (count < 1000 && shmat(id, NULL, 0) != (void *)-1)
        count++;
    printf("refused: %d %d %d %d %d %d, after %d\n", where, flags, none, free_place, large, huge,
           count);
    return 0;
}

/* A key that another family seeks meanwhile. */
static int kept(void)
{
    int id = shmget(4712, 4096, IPC_CREAT | IPC_EXCL | 0666);
    int queue = msgget(4713, IPC_CREAT | IPC_EXCL | 0666);

    if (id < 0 || queue < 0)
        return failed("kept");
    sleep_ms(3000);
    shmctl(id, IPC_RMID, NULL);
    msgctl(queue, IPC_RMID, NULL);
    printf("kept\n");
    return 0;
}

static int sought(void)
{
    int memory = shmget(4712, 0, 0) < 0 ? errno : 0;
    int queue = msgget(4713, 0) < 0 ? errno : 0;
    int nobodys = shmget(4714, 0, 0) < 0 ? errno : 0;
    /* One of its own by the same name is its own. */
    int own = shmget(4712, 4096, IPC_CREAT | 0600);
    char *at = shmat(own, NULL, 0);

    printf("memory: %s, ", strerror(memory));
    printf("queue: %s, ", strerror(queue));
    printf("nobody's: %s, own: %d\n", strerror(nobodys), at != (void *)-1 && at[0] == 0);
    shmctl(own, IPC_RMID, NULL);
    return 0;
}

#define MANY 0x9000
#define MANY_AGAIN 0x9800

/* As many keys as a family may have; one that is removed makes room for another. */
static int many(void)
{
    int ids[300], made = 0;

    while (made < 300 && (ids[made] = msgget(MANY + made, IPC_CREAT | 0600)) >= 0)
        made++;
    int error = errno, last = msgget(MANY + made - 1, 0);
    msgctl(ids[0], IPC_RMID, NULL);
    int again = shmget(MANY_AGAIN, 4096, IPC_CREAT | IPC_EXCL | 0600);
    sleep_ms(3000);
    printf("many: %d then %s, %d %d\n", made, strerror(error), last == ids[made - 1], again >= 0);
    shmctl(again, IPC_RMID, NULL);
    for (int i = 1; i < made; i++)
        msgctl(ids[i], IPC_RMID, NULL);
    return 0;
}

static int sought_many(void)
{
    int last = msgget(MANY + 255, 0) < 0 ? errno : 0, removed = msgget(MANY, 0) < 0 ? errno : 0;
    int again = shmget(MANY_AGAIN, 0, 0) < 0 ? errno : 0;
    int beyond = msgget(MANY + 256, 0) < 0 ? errno : 0;

    printf("last: %s, ", strerror(last));
    printf("removed: %s, ", strerror(removed));
    printf("again: %s, ", strerror(again));
    printf("beyond: %s\n", strerror(beyond));
    return 0;
}

#define FLOOD 0xa000
#define FLOOD_MS 3000
#define FLOODERS 4

static long now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/*
 * Keys as fast as they are to be had, by four members at once: two make and remove queues, one
 * segments, and one asks for keys that nobody has. Says how often, and how long it was.
 */
static int keys_flood(void)
{
    int counts = shmget(IPC_PRIVATE, 4096, 0600), made = 0;
    volatile int *done = shmat(counts, NULL, 0);
    long begin = now_ms();

    if (counts < 0 || done == (void *)-1)
        return failed("flood");
    for (int i = 0; i < FLOODERS; i++)
        if (fork() == 0) {
            while (now_ms() - begin < FLOOD_MS) {
                int id = i == 0   ? msgget(FLOOD + 999, 0)
                         : i == 1 ? shmget(FLOOD + i, 4096, IPC_CREAT | IPC_EXCL | 0600)
                                  : msgget(FLOOD + i, IPC_CREAT | IPC_EXCL | 0600);
                if (id < 0 && errno != EAGAIN && errno != ENOENT)
                    _exit(1);
                done[i] += id >= 0 || errno == ENOENT;
                if (id >= 0 && (i == 1 ? shmctl(id, IPC_RMID, NULL) : msgctl(id, IPC_RMID, NULL)))
                    _exit(2);
            }
            _exit(0);
        }
    for (int i = 0, status = 0; i < FLOODERS; i++)
        if (wait(&status) < 0 || status != 0)
            return failed("a member of the flood");
    for (int i = 1; i < FLOODERS; i++)
        made += done[i];
    printf("flood: %d made, %d sought, %ld ms\n", made, done[0], now_ms() - begin);
    shmctl(counts, IPC_RMID, NULL);
    return 0;
}

/* A neighbour's own, meanwhile. Who was not answered within a second asks again. */
static int keys_made(int wanted)
{
    int made = 0, late = 0;

    while (made < wanted && late < 5) {
        int id = msgget(FLOOD + 500 + made, IPC_CREAT | IPC_EXCL | 0600);
        if (id < 0 && errno != EAGAIN)
            return failed("msgget");
        late += id < 0;
        if (id < 0)
            continue;
        if (msgget(FLOOD + 500 + made, 0) != id || msgctl(id, IPC_RMID, NULL) < 0)
            return failed("its own");
        made++;
    }
    printf("keys: %d\n", made);
    return 0;
}

/* Made so that nobody may look at it: the number of its rounds has no limit. */
static int unreadable(void)
{
    int rounds = 0, id;

    while (rounds < 400 && (id = msgget(MANY, IPC_CREAT | IPC_EXCL | 0200)) >= 0 &&
           msgctl(id, IPC_RMID, NULL) == 0)
        rounds++;
    printf("unreadable: %d\n", rounds);
    return 0;
}

#define KILLED 0xb000
#define KILLED_KEYS 64

/* Which of these are there (1), another family's (p), nobody's (0). */
static void say_killed(const char *what)
{
    char text[KILLED_KEYS + 1] = "";

    for (int i = 0; i < KILLED_KEYS; i++)
        text[i] = msgget(KILLED + i, 0) >= 0 ? '1'
                  : errno == EPERM           ? 'p'
                  : errno == ENOENT          ? '0'
                                             : '?';
    printf("%s: %s\n", what, text);
}

/* Members that make and remove keys are killed at it, wherever they are. */
static int killed(int rounds)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    volatile int *done = shmat(id, NULL, 0);

    for (int round = 0; round < rounds; round++) {
        done[0] = 0;
        pid_t pid = fork();
        if (pid == 0)
            for (int i = round * 7;; i++) {
                int queue = msgget(KILLED + i % KILLED_KEYS, IPC_CREAT | 0600);
                done[0]++;
                if (queue >= 0 && i % 3 > 0)
                    msgctl(queue, IPC_RMID, NULL);
                done[0]++;
            }
        while (done[0] < 4)
            sleep_ms(1);
        nanosleep(&(struct timespec){0, round * 7000}, NULL);
        kill(pid, SIGKILL);
        status_of(pid);
    }
    shmctl(id, IPC_RMID, NULL);
    /* Who was killed before it made what it wanted is waited for so long. */
    sleep_ms(2100);
    say_killed("there");
    return 0;
}

/* None of them counts that is not there. */
static int killed_rest(void)
{
    int there = 0, more = 0;

    for (int i = 0; i < KILLED_KEYS; i++)
        there += msgget(KILLED + i, 0) >= 0;
    while (more < 300 && msgget(MANY + more, IPC_CREAT | 0600) >= 0)
        more++;
    printf("together: %d, then %s\n", there + more, strerror(errno));
    for (int i = 0; i < more; i++)
        msgctl(msgget(MANY + i, 0), IPC_RMID, NULL);
    for (int i = 0; i < KILLED_KEYS; i++)
        if (msgget(KILLED + i, 0) >= 0)
            msgctl(msgget(KILLED + i, 0), IPC_RMID, NULL);
    say_killed("then");
    return 0;
}

/* Asks when the daemon is held, which is soon: nobody can say whose it is. */
static int late(void)
{
    sleep_ms(1500);
    int memory = shmget(4714, 0, 0) < 0 ? errno : 0;
    int id = msgget(4714, IPC_CREAT | 0600), made = id < 0 ? errno : 0;
    printf("memory: %s, ", strerror(memory));
    printf("queue: %s\n", strerror(made));
    msgctl(id, IPC_RMID, NULL);
    return 0;
}

/* So many children at once: each begins with a question for its group. */
static int crowd(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return failed("fork");
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
    printf("crowd: %d\n", rounds);
    return 0;
}

/* Generations, as many as there may be. */
static int deep(void)
{
    int depth = 0;

    for (;;) {
        pid_t pid = fork();
        if (pid < 0)
            _exit(errno == EAGAIN ? depth : 200);
        if (pid > 0) {
            int status = status_of(pid);
            if (depth > 0)
                _exit(status);
            printf("generations: %d\n", status);
            return 0;
        }
        depth++;
    }
}

/* A writer that is killed in the middle: of a pipe's message, of a queue's, of shared memory's. */
static int torn(void)
{
    int id = shmget(IPC_PRIVATE, 8192, 0600);
    int queue = msgget(IPC_PRIVATE, 0600);
    volatile int *shared_words = shmat(id, NULL, 0);
    struct {
        long type;
        char text[4096];
    } message = {1, ""};
    char text[64];
    int fds[2];

    if (id < 0 || queue < 0 || pipe(fds) < 0)
        return failed("torn");
    pid_t pid = fork();
    if (pid == 0) {
        write(fds[1], "half of a mess", 14);
        for (;;) {
            /* The kernel has a message whole or not at all. */
            msgsnd(queue, &message, sizeof message.text, 0);
            shared_words[0]++;
        }
    }
    close(fds[1]);
    while (shared_words[0] < 2)
        sleep_ms(1);
    kill(pid, SIGKILL);
    int status = status_of(pid);
    ssize_t first = read(fds[0], text, sizeof text), second = read(fds[0], text, sizeof text);
    int whole = 0, broken = 0;
    ssize_t n;
    while ((n = msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT)) >= 0)
        *(n == sizeof message.text ? &whole : &broken) += 1;
    printf("torn: %d, pipe %d then %d, queue %d whole %d broken\n", status, (int)first, (int)second,
           whole == shared_words[0] || whole == shared_words[0] + 1, broken);
    msgctl(queue, IPC_RMID, NULL);
    shmctl(id, IPC_RMID, NULL);
    return 0;
}

/* Nobody reads: every writer waits at the queue's limit, none takes more memory. */
static int queue_flood(void)
{
    static struct {
        long type;
        char text[8000];
    } message = {1, ""};
    int queue = msgget(IPC_PRIVATE, 0600), count = 0, ended = 0;
    pid_t writers[3];

    for (int i = 0; i < 3; i++) {
        writers[i] = fork();
        if (writers[i] == 0)
            for (;;)
                msgsnd(queue, &message, sizeof message.text, 0);
    }
    sleep_ms(100);
    for (int i = 0; i < 3; i++) {
        kill(writers[i], SIGKILL);
        ended += status_of(writers[i]) == 1009;
    }
    while (msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT) >= 0)
        count++;
    printf("flooded: %d ended, %d messages\n", ended, count);
    msgctl(queue, IPC_RMID, NULL);
    return 0;
}

/* Every signal that may be asked for, by kill() and with a value: none makes a member fork. */
static int forged(void)
{
    int sent = 0, extra = 0;
    pid_t me = getpid(), pid = fork();

    if (pid == 0) {
        for (int number = 32; number <= 64; number++) {
            sent += kill(me, number) == 0;
            sent += sigqueue(me, number, (union sigval){.sival_int = number}) == 0;
        }
        _exit(sent);
    }
    sent = status_of(pid);
    sleep_ms(50);
    while (waitpid(-1, NULL, WNOHANG) >= 0)
        extra++;
    printf("forged: %d sent, %d forks\n", sent, extra);
    return 0;
}

/* Works for a while, for somebody to fork it meanwhile: each of the two says where it came to. */
static int count(int rounds)
{
    int sum = 0;

    for (int i = 0; i < rounds; i++) {
        sum += i;
        sleep_ms(10);
    }
    fprintf(stderr, "counted %d in %s\n", sum, getpid() == 1 ? "the root" : "a child");
    printf("counted %d\n", sum);
    return 7;
}

int main(void)
{
    ssize_t n = read(0, input, sizeof input - 1);

    input[n > 0 ? n : 0] = '\0';
    if (strcmp(input, "shared") == 0)
        return shared();
    if (strcmp(input, "improper") == 0)
        return improper();
    if (strcmp(input, "kept") == 0)
        return kept();
    if (strcmp(input, "sought") == 0)
        return sought();
    if (strcmp(input, "many") == 0)
        return many();
    if (strcmp(input, "sought many") == 0)
        return sought_many();
    if (strcmp(input, "unreadable") == 0)
        return unreadable();
    if (strcmp(input, "keys flood") == 0)
        return keys_flood();
    if (strncmp(input, "keys ", 5) == 0)
        return keys_made(atoi(input + 5));
    if (strncmp(input, "killed ", 7) == 0)
        return killed(atoi(input + 7));
    if (strcmp(input, "those killed") == 0) {
        say_killed("there");
        return 0;
    }
    if (strcmp(input, "rest of killed") == 0)
        return killed_rest();
    if (strcmp(input, "late") == 0)
        return late();
    if (strncmp(input, "crowd ", 6) == 0)
        return crowd(atoi(input + 6));
    if (strcmp(input, "deep") == 0)
        return deep();
    if (strcmp(input, "torn") == 0)
        return torn();
    if (strcmp(input, "queue flood") == 0)
        return queue_flood();
    if (strcmp(input, "forged") == 0)
        return forged();
    if (strncmp(input, "count ", 6) == 0)
        return count(atoi(input + 6));
    printf("unknown: '%s'\n", input);
    return 1;
}
