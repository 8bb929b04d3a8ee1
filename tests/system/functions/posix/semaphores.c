/* sem_overview(7): semaphores without a name in shared memory, and those with one. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>

#include "check.h"

struct shared {
    sem_t mutex, items;
    volatile int count;
};

static void without_name(struct shared *shared)
{
    int value;

    TRY(sem_init(&shared->mutex, 1, 1));
    TRY(sem_init(&shared->items, 1, 0));
    TRY(sem_getvalue(&shared->mutex, &value));
    say("value", value);
    TRY(sem_trywait(&shared->items));
    TRY(sem_wait(&shared->mutex));
    TRY(sem_trywait(&shared->mutex));
    TRY(sem_post(&shared->mutex));
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            for (int k = 0; k < 500; k++) {
                sem_wait(&shared->mutex);
                int seen = shared->count;
                if (k % 50 == 0)
                    sched_yield();
                shared->count = seen + 1;
                sem_post(&shared->mutex);
            }
            sem_post(&shared->items);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++)
        TRY(sem_wait(&shared->items));
    say("count", shared->count);
    for (int i = 0; i < 4; i++)
        CHECK(end_of(children[i]) == 0);
}

static void timed(struct shared *shared)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    TRY(sem_timedwait(&shared->items, &at));
    at.tv_nsec = 1000000000;
    TRY(sem_timedwait(&shared->items, &at));
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 5;
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        _exit(sem_post(&shared->items));
    }
    TRY(sem_timedwait(&shared->items, &at));
    CHECK(end_of(pid) == 0);
    handled = 0;
    handle(SIGUSR1, 0);
    pid_t to = getpid();
    pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        kill(to, SIGUSR1);
        _exit(0);
    }
    TRY(sem_wait(&shared->items));
    CHECK(handled == 1);
    end_of(pid);
    /* Who is killed while it waits takes nothing. */
    pid = fork();
    if (pid == 0)
        _exit(sem_wait(&shared->items));
    sleep_ms(30);
    kill(pid, SIGKILL);
    CHECK(end_of(pid) == 100 + SIGKILL);
    TRY(sem_post(&shared->items));
    TRY(sem_trywait(&shared->items));
    TRY(sem_destroy(&shared->items));
    TRY(sem_init(&shared->items, 1, (unsigned)SEM_VALUE_MAX + 1u));
    sem_init(&shared->items, 1, SEM_VALUE_MAX);
    TRY(sem_post(&shared->items));
}

static void named(void)
{
    const char *name = "/vireo-semaphores";
    int value;

    sem_unlink(name);
    CHECK(sem_open(name, 0) == SEM_FAILED && errno == ENOENT);
    sem_t *one = sem_open(name, O_CREAT | O_EXCL, 0600, 2);
    CHECK(one != SEM_FAILED);
    CHECK(sem_open(name, O_CREAT | O_EXCL, 0600, 2) == SEM_FAILED && errno == EEXIST);
    CHECK(sem_open("/vireo/below", O_CREAT, 0600, 1) == SEM_FAILED);
    pid_t pid = fork();
    if (pid == 0) {
        sem_t *other = sem_open(name, O_CREAT, 0600, 7);
        _exit(other == SEM_FAILED ? 1 : sem_wait(other) == 0 ? 0 : 2);
    }
    CHECK(end_of(pid) == 0);
    TRY(sem_getvalue(one, &value));
    say("value", value);
    TRY(sem_unlink(name));
    TRY(sem_unlink(name));
    TRY(sem_post(one));
    sem_t *fresh = sem_open(name, O_CREAT, 0600, 0);
    TRY(sem_trywait(fresh));
    TRY(sem_trywait(one));
    TRY(sem_close(one));
    TRY(sem_close(fresh));
    TRY(sem_unlink(name));
}

int main(void)
{
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return 1;
    without_name(shared);
    timed(shared);
    named();
    return 0;
}
