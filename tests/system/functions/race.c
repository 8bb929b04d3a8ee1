/*
 * A handler for races: the body says what is done. Its answer begins with its version, and names
 * the request, so that nobody gets another's.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vireo/function.h>

#define VERSION "one"

static int calls;

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Children that answer their parent by a queue: how many of `count` it heard of, and waited for. */
static int forks(int count)
{
    struct {
        long type;
        char text[16];
    } message = {1, "born"};
    int queue = msgget(IPC_PRIVATE, 0600), heard = 0, waited = 0;
    pid_t children[8];

    for (int i = 0; i < count; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            msgsnd(queue, &message, sizeof message.text, 0);
            _exit(7);
        }
    }
    for (int i = 0; i < count; i++) {
        int status = 0;
        heard += msgrcv(queue, &message, sizeof message.text, 0, 0) == sizeof message.text;
        /* Not any child: an orphan of another call may be process 1's, too. */
        waited += waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) &&
                  WEXITSTATUS(status) == 7;
    }
    msgctl(queue, IPC_RMID, NULL);
    return heard == count && waited == count;
}

/* A grandchild without a parent, that lives on. */
static int orphan(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (fork() == 0) {
            sleep_ms(3000);
            fprintf(stderr, "the orphan of %s, its parent is %d\n", VERSION, (int)getppid());
            _exit(0);
        }
        _exit(0);
    }
    return waitpid(pid, NULL, 0) == pid;
}

static int bomb(void)
{
    for (;;)
        fork();
    return 0;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    char request[64] = "";
    int well = 1;

    if (in_len >= sizeof request)
        return -1;
    memcpy(request, in, in_len);
    calls++;
    if (strncmp(request, "fork", 4) == 0)
        well = forks(3);
    else if (strncmp(request, "slow", 4) == 0)
        sleep_ms(20);
    else if (strncmp(request, "orphan", 6) == 0)
        well = orphan();
    else if (strncmp(request, "bomb", 4) == 0)
        well = bomb();
    return snprintf((char *)out, out_cap, "%s: %s: %s, call %d", VERSION, request,
                    well ? "well" : "failed", calls);
}
