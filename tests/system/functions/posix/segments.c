/* shmget(2), shmop(2), shmctl(2). */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "check.h"

#define KEY ((key_t)0x5623)
#define NOWHERE ((void *)-1)

static void names(void)
{
    TRY(shmget(KEY, 4096, 0));
    TRY(shmget(KEY, 0, IPC_CREAT | 0600));
    int id = shmget(KEY, 10000, IPC_CREAT | 0600);
    CHECK(id >= 0);
    CHECK(shmget(KEY, 0, 0) == id && shmget(KEY, 10000, 0) == id && shmget(KEY, 1, 0) == id);
    TRY(shmget(KEY, 10001, 0));
    TRY(shmget(KEY, 10000, IPC_CREAT | IPC_EXCL | 0600));
    int own = shmget(IPC_PRIVATE, 1, 0600), other = shmget(IPC_PRIVATE, 1, 0600);
    CHECK(own >= 0 && other >= 0 && own != other);
    TRY(shmctl(own, IPC_RMID, NULL));
    TRY(shmctl(other, IPC_RMID, NULL));
    TRY(shmctl(id, IPC_RMID, NULL));
    TRY(shmget(KEY, 0, 0));
}

static void bad(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600), local = 0;

    CHECK(shmat(-1, NULL, 0) == NOWHERE && errno == EINVAL);
    TRY(shmdt(&local));
    TRY(shmctl(-1, IPC_RMID, NULL));
    TRY(shmctl(id, 12345, NULL));
    char *at = shmat(id, NULL, 0);
    TRY(shmdt(at));
    TRY(shmdt(at));
    TRY(shmctl(id, IPC_RMID, NULL));
    CHECK(shmat(id, NULL, 0) == NOWHERE && (errno == EINVAL || errno == EIDRM));
    CHECK(shmctl(id, IPC_RMID, NULL) < 0 && (errno == EINVAL || errno == EIDRM));
}

static void shared(void)
{
    int id = shmget(IPC_PRIVATE, 100000, IPC_CREAT | 0640), nonzero = 0;
    struct shmid_ds known;
    unsigned char *at = shmat(id, NULL, 0);

    for (int i = 0; i < 100000; i++)
        nonzero += at[i] != 0;
    say("nonzero", nonzero);
    TRY(shmctl(id, IPC_STAT, &known));
    say("bytes", (long)known.shm_segsz);
    say("attached", (long)known.shm_nattch);
    CHECK((known.shm_perm.mode & 0777) == 0640);
    CHECK(known.shm_cpid == getpid() && known.shm_lpid == getpid());
    CHECK(known.shm_atime > 0 && known.shm_ctime > 0);
    int fds[2], back[2];
    char byte;
    pipe(fds);
    pipe(back);
    pid_t pid = fork();
    if (pid == 0) {
        at[0] = 1;
        at[99999] = 2;
        unsigned char *again = shmat(id, NULL, 0);
        again[1] = again != at ? 3 : 0;
        write(fds[1], "x", 1);
        read(back[0], &byte, 1);
        shmdt(again);
        write(fds[1], "x", 1);
        read(back[0], &byte, 1);
        _exit(0);
    }
    read(fds[0], &byte, 1);
    CHECK(at[0] == 1 && at[1] == 3 && at[99999] == 2);
    shmctl(id, IPC_STAT, &known);
    say("attached", (long)known.shm_nattch);
    CHECK(known.shm_lpid == pid);
    write(back[1], "x", 1);
    read(fds[0], &byte, 1);
    shmctl(id, IPC_STAT, &known);
    say("attached", (long)known.shm_nattch);
    write(back[1], "x", 1);
    end_of(pid);
    shmctl(id, IPC_STAT, &known);
    say("attached", (long)known.shm_nattch);
    /* Removed, it lives on where it is attached. */
    TRY(shmctl(id, IPC_RMID, NULL));
    TRY(shmctl(id, IPC_STAT, &known));
    at[5] = 5;
    CHECK(at[5] == 5 && at[0] == 1);
    TRY(shmdt(at));
    CHECK(shmctl(id, IPC_STAT, &known) < 0 && (errno == EINVAL || errno == EIDRM));
}

static void read_only(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    char *at = shmat(id, NULL, 0);

    at[0] = 'r';
    const char *only = shmat(id, NULL, SHM_RDONLY);
    CHECK(only != NOWHERE && only[0] == 'r');
    at[0] = 's';
    CHECK(only[0] == 's');
    pid_t pid = fork();
    if (pid == 0) {
        *(volatile char *)(size_t)only = 'x';
        _exit(0);
    }
    CHECK(end_of(pid) != 0 && at[0] == 's');
    shmdt(at);
    shmdt(only);
    shmctl(id, IPC_RMID, NULL);
}

/* Places are given back: a thousand times is no more than once. */
static void again(void)
{
    int failed = 0;

    for (int i = 0; i < 1000; i++) {
        int id = shmget(IPC_PRIVATE, 65536, 0600);
        char *at = shmat(id, NULL, 0);
        if (at == NOWHERE || at[0] != 0)
            failed++;
        else
            at[0] = 1;
        shmdt(at);
        shmctl(id, IPC_RMID, NULL);
    }
    say("failed", failed);
}

int main(void)
{
    names();
    bad();
    shared();
    read_only();
    again();
    return 0;
}
