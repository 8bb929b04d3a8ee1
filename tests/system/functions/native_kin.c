/*
 * What a family of native code does and what it may not: the body says what is tried, the answer
 * what came of it.
 */
#include <errno.h>
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
#include <time.h>
#include <unistd.h>

#include <vireo/function.h>
#include <vireo/platform.h>

#define KEY 0x7711

static volatile int rang;

static void on_signal(int number)
{
    (void)number;
    rang++;
}

static const char *name_of(int error)
{
    return error == 0        ? "none"
           : error == EPERM  ? "EPERM"
           : error == EAGAIN ? "EAGAIN"
           : error == ENOENT ? "ENOENT"
           : error == EINVAL ? "EINVAL"
                             : "another";
}

static const char *error_of(long result)
{
    return name_of(result < 0 ? errno : 0);
}

static int end_of(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static int granted(char *out, size_t room)
{
    int fds[2];
    struct sigaction action = {.sa_handler = on_signal};
    long forked = fork();
    const char *fork_error = error_of(forked);

    if (forked == 0)
        _exit(0);
    const char *wait_error = error_of(forked > 0 ? wait(NULL) : waitpid(-1, NULL, 0));
    const char *kill_error = error_of(kill(getpid(), 0));
    const char *pipe_error = error_of(pipe(fds));
    const char *queue_error = error_of(msgget(KEY, IPC_CREAT | 0600));
    const char *memory_error = error_of(shmget(KEY, 4096, IPC_CREAT | 0600));
    /* A handler for oneself needs no grant. */
    sigaction(SIGUSR1, &action, NULL);
    rang = 0;
    raise(SIGUSR1);
    return snprintf(out, room, "fork %s wait %s kill %s pipe %s queue %s memory %s raised %d",
                    fork_error, wait_error, kill_error, pipe_error, queue_error, memory_error,
                    rang);
}

static int *stack_of(int depth)
{
    volatile int room[4096];

    room[0] = depth;
    return depth < 0 ? NULL : stack_of(depth + 1) + room[0];
}

static int ends(char *out, size_t room)
{
    int results[5], count = 0;

    for (int how = 0; how < 5; how++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (how == 0)
                exit(42);
            if (how == 1)
                *(volatile int *)16 = 1;
            if (how == 2)
                _exit(stack_of(0) != NULL);
            if (how == 3)
                abort();
            if (how == 4) /* getppid is allowed, uname is not */
                __asm__ volatile("syscall" : : "a"(63L), "D"(out) : "rcx", "r11", "memory");
            return 0;
        }
        results[count++] = end_of(pid);
    }
    return snprintf(out, room, "ends %d %d %d %d %d", results[0], results[1], results[2],
                    results[3], results[4]);
}

/* No host function is called while it waits: the handler comes between two instructions. */
static int loops(char *out, size_t room)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct timespec from, now;
    size_t sum = 0;

    rang = 0;
    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    clock_gettime(CLOCK_MONOTONIC, &from);
    do {
        for (int i = 0; i < 1000; i++)
            sum += strlen(out + (sum & 1));
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (!rang && now.tv_sec - from.tv_sec < 5);
    (void)sum;
    return snprintf(out, room, "rang %d", rang);
}

static int rang_wrong;

static int has(const char *key, const char *value)
{
    char kept[16];

    return vireo_kv_get(key, 1, kept, sizeof kept) == 5 && memcmp(kept, value, 5) == 0;
}

static void on_alarm_ask(int number)
{
    (void)number;
    rang++;
    rang_wrong += !has("b", "other");
}

/* The handler asks the platform, whatever it came into: most of the time, a question. */
static int asks(char *out, size_t room)
{
    struct sigaction action = {.sa_handler = on_alarm_ask, .sa_flags = SA_RESTART};
    const struct itimerval none = {0}, each = {{0, 700}, {0, 700}};
    struct timespec from, now;
    int wrong = vireo_kv_put("a", 1, "first", 5) + vireo_kv_put("b", 1, "other", 5);

    rang = rang_wrong = 0;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each, NULL);
    clock_gettime(CLOCK_MONOTONIC, &from);
    do {
        wrong += !has("a", "first");
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (rang < 200 && now.tv_sec - from.tv_sec < 6);
    setitimer(ITIMER_REAL, &none, NULL);
    return snprintf(out, room, "wrong %d and %d, rang %s", wrong, rang_wrong,
                    rang < 200 ? "seldom" : "often");
}

static void *told;

static void on_told(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    told = info->si_value.sival_ptr;
}

/* A pointer as a signal's value; children that nobody is to wait for; flags that are not kept. */
static int actions(char *out, size_t room)
{
    struct sigaction action = {.sa_sigaction = on_told, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction known = {.sa_flags = 0};
    int status;

    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGUSR2, NULL, &known);
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_ptr = out});
    action.sa_flags = SA_SIGINFO | 0x800;
    const char *other = error_of(sigaction(SIGUSR2, &action, NULL));
    action = (struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGCHLD, &action, NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    long waited = waitpid(pid, &status, 0);
    const char *nobody = waited < 0 && errno == ECHILD ? "ECHILD" : "waited for";
    action.sa_flags = 0;
    sigaction(SIGCHLD, &action, NULL);
    return snprintf(out, room, "pointer %d stack %d child %s flag %s", told == out,
                    known.sa_flags == (SA_SIGINFO | SA_ONSTACK), nobody, other);
}

/* Each generation forks the next one; the last one's refusal comes back by exit statuses. */
static int deep(char *out, size_t room)
{
    int generation = 0;

    for (;;) {
        pid_t pid = fork();
        if (pid == 0) {
            generation++;
            continue;
        }
        int below = pid < 0 ? generation : end_of(pid);
        if (generation > 0)
            _exit(below);
        return snprintf(out, room, "generations %d", below);
    }
}

static int bomb(char *out, size_t room)
{
    pid_t children[64];
    int count = 0;

    while (count < 64) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                pause();
        if (pid < 0)
            break;
        children[count++] = pid;
    }
    const char *error = name_of(errno);
    for (int i = 0; i < count; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    return snprintf(out, room, "forked %d then %s", count, error);
}

static int kept(char *out, size_t room)
{
    int queue = msgget(KEY, IPC_CREAT | 0600), memory = shmget(KEY, 4096, IPC_CREAT | 0600);

    write(2, "keys are kept\n", 14);
    sleep_ms(3000);
    return snprintf(out, room, "kept %d", queue >= 0 && memory >= 0);
}

static int sought(char *out, size_t room)
{
    const char *queue = error_of(msgget(KEY, 0)), *memory = error_of(shmget(KEY, 0, 0));
    const char *nobodys = error_of(shmget(KEY + 1, 0, 0));

    return snprintf(out, room, "queue %s memory %s nobody's %s", queue, memory, nobodys);
}

static long raw(long number, long a, long b, long c)
{
    long r;

    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return r;
}

/* What members say to the daemon. The socket is the first descriptor behind what the manifest
 * grants: guest/kin.h. */
static int say(uint32_t type, int key)
{
    const uint32_t word[5] = {type, 1, 1 /* a queue */, (uint32_t)key};

    return raw(1 /* write */, 4, (long)word, sizeof word) == sizeof word;
}

/* Without end: each word is one of a refused fork. */
static int talks(char *out, size_t room)
{
    struct timespec from, now;
    long said = 0;

    clock_gettime(CLOCK_MONOTONIC, &from);
    do {
        if (say(5 /* KIN_FORK_REFUSED */, 0))
            said++;
        else
            sleep_ms(1);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - from.tv_sec < 4);
    return snprintf(out, room, "said %s", said > 100 ? "much" : "little");
}

#define KILLED 0x7740

/* Members that are killed: when they have said that they make a key; when it is made; when it is
 * removed, and not yet said so. */
static int killed(char *out, size_t room)
{
    int ended = 0, more = 0;

    for (int how = 0; how < 3; how++) {
        pid_t pid = fork();
        if (pid == 0) {
            if (how < 2)
                say(1 /* KIN_KEY_WANTED */, KILLED + how);
            if (how == 1)
                raw(68 /* msgget */, KILLED + how, IPC_CREAT | 0600, 0);
            if (how == 2)
                raw(71 /* msgctl */, msgget(KILLED + how, IPC_CREAT | 0600), IPC_RMID, 0);
            raw(62 /* kill */, getpid(), SIGKILL, 0);
        }
        ended += end_of(pid) == 1000 + SIGKILL;
    }
    /* The first is waited for so long. */
    sleep_ms(2100);
    while (more < 300 && msgget(KILLED + 100 + more, IPC_CREAT | 0600) >= 0)
        more++;
    const char *error = name_of(errno == ENOSPC ? 0 : errno);
    for (int i = 0; i < more; i++)
        msgctl(msgget(KILLED + 100 + i, 0), IPC_RMID, NULL);
    return snprintf(out, room, "killed %d, room for %d, then %s", ended, more, error);
}

static int sought_killed(char *out, size_t room)
{
    const char *wanted = error_of(msgget(KILLED, 0)), *made = error_of(msgget(KILLED + 1, 0));
    const char *removed = error_of(msgget(KILLED + 2, 0));

    return snprintf(out, room, "wanted %s made %s removed %s", wanted, made, removed);
}

/* What the wall would kill for is refused before. */
static int improper(char *out, size_t room)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    struct shmid_ds known;
    int count = 0;

    count += shmget(IPC_PRIVATE, 4096, SHM_HUGETLB | 0600) < 0 && errno == EINVAL;
    count += shmat(id, NULL, SHM_EXEC) == (void *)-1 && errno == EINVAL;
    count += shmat(id, out, SHM_REMAP) == (void *)-1 && errno == EINVAL;
    count += shmctl(id, IPC_SET, &known) < 0 && errno == EPERM;
    count += shmctl(id, SHM_LOCK, NULL) < 0 && errno == EINVAL;
    count += shmget(IPC_PRIVATE, (size_t)1 << 40, 0600) < 0 && errno == EINVAL;
    shmctl(id, IPC_RMID, NULL);
    return snprintf(out, room, "refused %d", count);
}

/* For those who ask from outside. */
static int count_to(char *out, size_t room, int end)
{
    int sum = 0;

    for (int i = 0; i < end; i++) {
        sum += i;
        sleep_ms(10);
    }
    int n = snprintf(out, room, "counted %d in %s\n", sum, getpid() == 1 ? "the root" : "a child");
    write(2, out, (size_t)n);
    if (getpid() != 1)
        exit(7);
    return n;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out_bytes, size_t out_cap)
{
    char *out = (char *)out_bytes, body[64] = "";

    memcpy(body, in, in_len < sizeof body ? in_len : sizeof body - 1);
    if (strcmp(body, "granted") == 0)
        return granted(out, out_cap);
    if (strcmp(body, "ends") == 0)
        return ends(out, out_cap);
    if (strcmp(body, "loops") == 0)
        return loops(out, out_cap);
    if (strcmp(body, "asks") == 0)
        return asks(out, out_cap);
    if (strcmp(body, "actions") == 0)
        return actions(out, out_cap);
    if (strcmp(body, "deep") == 0)
        return deep(out, out_cap);
    if (strcmp(body, "bomb") == 0)
        return bomb(out, out_cap);
    if (strcmp(body, "kept") == 0)
        return kept(out, out_cap);
    if (strcmp(body, "sought") == 0)
        return sought(out, out_cap);
    if (strcmp(body, "talks") == 0)
        return talks(out, out_cap);
    if (strcmp(body, "killed") == 0)
        return killed(out, out_cap);
    if (strcmp(body, "sought killed") == 0)
        return sought_killed(out, out_cap);
    if (strcmp(body, "improper") == 0)
        return improper(out, out_cap);
    if (strncmp(body, "count ", 6) == 0)
        return count_to(out, out_cap, atoi(body + 6));
    if (strcmp(body, "exit") == 0)
        exit(3);
    return -1;
}
