/*
 * A plain UNIX program about memory that processes share and what is said of a child's end: what it
 * prints is what it prints when gcc builds it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return status;
}

static void mapped(void)
{
    int *shared = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int *own = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED || own == MAP_FAILED) {
        printf("mmap: %s\n", strerror(errno));
        return;
    }
    printf("zero: %d %d\n", shared[24999], own[1249]);
    pid_t pid = fork();
    if (pid == 0) {
        shared[24999] = own[1249] = 42;
        _exit(0);
    }
    status_of(pid);
    printf("of a child: %d, %d\n", shared[24999], own[1249]);
    printf("unmapped: %d %d\n", munmap(shared, 100000), munmap(own, 5000));
    printf("no mapping: %d\n",
           mmap(NULL, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void told(void)
{
    siginfo_t info;

    pid_t pid = fork();
    if (pid == 0)
        _exit(7);
    printf("waitid: %d", waitid(P_PID, pid, &info, WEXITED));
    printf(", %d, %d, %d\n", info.si_pid == pid, info.si_code == CLD_EXITED, info.si_status);
    pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    printf("nobody yet: %d", waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    printf(", %d\n", info.si_pid);
    kill(pid, SIGKILL);
    printf("killed: %d", waitid(P_ALL, 0, &info, WEXITED));
    printf(", %d, %d, %d\n", info.si_pid == pid, info.si_code == CLD_KILLED,
           info.si_status == SIGKILL);
    printf("none: %d", waitid(P_ALL, 0, &info, WEXITED));
    printf(", %d\n", errno == ECHILD);
}

/* Of a child that writes where nobody reads. */
static void broken(const char *what, void (*action)(int))
{
    int fds[2];

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return;
    char byte;
    ssize_t n = read(fds[0], &byte, 1);
    printf("empty: %zd, %d\n", n, errno == EAGAIN);
    close(fds[0]);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, action);
        _exit(write(fds[1], "x", 1) < 0 && errno == EPIPE ? 5 : 6);
    }
    int status = status_of(pid);
    printf("%s: exit %d, signal %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
           WIFSIGNALED(status) ? WTERMSIG(status) == SIGPIPE : 0);
    close(fds[1]);
}

static void noted(int signal)
{
    (void)signal;
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    /* Before the heap is used at all: it must not take what is shared for its own. */
    int id = shmget(IPC_PRIVATE, 64, IPC_CREAT | 0600);
    char *segment = shmat(id, NULL, 0);
    if (segment == (void *)-1)
        return 1;
    memset(segment, 's', 64);
    char *heap = malloc(1 << 20);
    memset(heap, 'h', 1 << 20);
    printf("beside the heap: %c %c\n", segment[0], segment[63]);
    shmdt(segment);
    shmctl(id, IPC_RMID, NULL);
    free(heap);
    mapped();
    told();
    broken("by default", SIG_DFL);
    broken("ignored", SIG_IGN);
    broken("handled", noted);
    return 0;
}
