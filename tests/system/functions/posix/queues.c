/* msgget(2), msgop(2), msgctl(2). */
#define _GNU_SOURCE
#include <sys/ipc.h>
#include <sys/msg.h>

#include "check.h"

static struct {
    long type;
    char text[8193];
} message;

#define KEY ((key_t)(0x5600 + KEY_OF_RUN))
#define KEY_OF_RUN 17

static int queue;

static int put(long type, const char *text, int flags)
{
    message.type = type;
    strcpy(message.text, text);
    return msgsnd(queue, &message, strlen(text), flags);
}

/* The text that came, or the error. */
static void take(const char *what, size_t room, long type, int flags)
{
    memset(&message, 0, sizeof message);
    errno = 0;
    ssize_t n = msgrcv(queue, &message, room, type, flags);
    int error = errno;
    if (n < 0)
        printf("%s: %s\n", what, error_name(error));
    else
        printf("%s: %ld '%.*s' of type %ld\n", what, (long)n, (int)n, message.text,
               (long)message.type);
    fflush(stdout);
}

static void names(void)
{
    int id;

    TRY(msgget(KEY, 0));
    id = msgget(KEY, IPC_CREAT | 0600);
    CHECK(id >= 0);
    CHECK(msgget(KEY, 0) == id);
    CHECK(msgget(KEY, IPC_CREAT | 0600) == id);
    TRY(msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
    int own = msgget(IPC_PRIVATE, 0600), other = msgget(IPC_PRIVATE, 0600);
    CHECK(own >= 0 && other >= 0 && own != other);
    TRY(msgctl(own, IPC_RMID, NULL));
    TRY(msgctl(other, IPC_RMID, NULL));
    TRY(msgctl(id, IPC_RMID, NULL));
    TRY(msgget(KEY, 0));
    TRY(ftok("/tmp/no/such/file", 1));
    CHECK(ftok("/tmp", 1) == ftok("/tmp", 1) && ftok("/tmp", 1) != ftok("/tmp", 2));
}

static void bad(void)
{
    message.type = 1;
    TRY(msgsnd(-1, &message, 1, 0));
    TRY(msgrcv(-1, &message, 1, 0, IPC_NOWAIT));
    TRY(msgctl(-1, IPC_RMID, NULL));
    TRY(put(0, "x", 0));
    TRY(put(-1, "x", 0));
    message.type = 1;
    TRY(msgsnd(queue, &message, 8193, 0));
    TRY(msgsnd(queue, &message, (size_t)-1, 0));
    TRY(msgrcv(queue, &message, (size_t)-1, 0, IPC_NOWAIT));
    TRY(msgctl(queue, 12345, NULL));
    take("none", 10, 0, IPC_NOWAIT);
    take("none of a type", 10, 5, IPC_NOWAIT);
}

static void order(void)
{
    TRY(put(3, "three", 0));
    TRY(put(1, "one", 0));
    TRY(put(2, "two", 0));
    TRY(put(1, "uno", 0));
    TRY(put(5, "", 0));
    take("of type 2", 100, 2, IPC_NOWAIT);
    take("up to 2", 100, -2, IPC_NOWAIT);
    take("up to 3", 100, -3, IPC_NOWAIT);
    take("up to 2, none", 100, -2, IPC_NOWAIT);
    take("any but 3", 100, 3, IPC_NOWAIT | MSG_EXCEPT);
    take("any but 3, none", 100, 3, IPC_NOWAIT | MSG_EXCEPT);
    take("too short", 2, 0, IPC_NOWAIT);
    take("cut", 2, 0, IPC_NOWAIT | MSG_NOERROR);
    take("gone", 2, 0, IPC_NOWAIT | MSG_NOERROR);
    message.type = 1;
    memset(message.text, 'x', sizeof message.text);
    TRY(msgsnd(queue, &message, 8192, 0));
    TRY(msgrcv(queue, &message, 8192, 0, 0));
    put(0x7fffffff, "large", 0);
    take("large type", 100, 0x7fffffff, 0);
}

static void full(void)
{
    int count = 0;

    message.type = 1;
    while (msgsnd(queue, &message, 1024, IPC_NOWAIT) == 0)
        count++;
    say("full", -1);
    say("after", count);
    struct msqid_ds known;
    TRY(msgctl(queue, IPC_STAT, &known));
    say("messages", (long)known.msg_qnum);
    say("bytes at most", (long)known.msg_qbytes);
    CHECK(known.msg_lspid == getpid() && known.msg_stime > 0);
    CHECK((known.msg_perm.mode & 0777) == 0600);
    handled = 0;
    handle(SIGALRM, SA_RESTART);
    alarm(1);
    TRY(msgsnd(queue, &message, 1024, 0));
    CHECK(handled == 1);
    /* Who waits for room gets it. */
    pid_t pid = fork();
    if (pid == 0)
        _exit(msgsnd(queue, &message, 1024, 0) == 0 ? 0 : 1);
    sleep_ms(30);
    TRY(msgrcv(queue, &message, 1024, 0, 0));
    CHECK(end_of(pid) == 0);
    TRY(msgctl(queue, IPC_STAT, &known));
    CHECK(known.msg_lrpid == getpid() && known.msg_lspid == pid);
    while (msgrcv(queue, &message, 1024, 0, IPC_NOWAIT) >= 0)
        ;
    alarm(1);
    TRY(msgrcv(queue, &message, 1024, 0, 0));
    CHECK(handled == 2);
}

static void removed(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        ssize_t n = msgrcv(queue, &message, 10, 88, 0);
        _exit(n < 0 && errno == EIDRM ? 0 : 1);
    }
    sleep_ms(50);
    /* A receiver that is killed takes nothing with it. */
    pid_t killed = fork();
    if (killed == 0) {
        msgrcv(queue, &message, 10, 77, 0);
        _exit(1);
    }
    sleep_ms(50);
    kill(killed, SIGKILL);
    CHECK(end_of(killed) == 100 + SIGKILL);
    TRY(put(77, "kept", 0));
    take("kept", 10, 77, IPC_NOWAIT);
    TRY(msgctl(queue, IPC_RMID, NULL));
    CHECK(end_of(pid) == 0);
    CHECK(put(1, "x", IPC_NOWAIT) < 0 && (errno == EINVAL || errno == EIDRM));
    CHECK(msgrcv(queue, &message, 1, 0, IPC_NOWAIT) < 0 && (errno == EINVAL || errno == EIDRM));
}

/* A request and its answer by one queue, by type. */
static void talk(void)
{
    int sum = 0;

    queue = msgget(IPC_PRIVATE, 0600);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 100; i++) {
            msgrcv(queue, &message, 100, 1, 0);
            int number = atoi(message.text);
            snprintf(message.text, 100, "%d", number * 2);
            message.type = 2;
            msgsnd(queue, &message, 100, 0);
        }
        _exit(0);
    }
    for (int i = 0; i < 100; i++) {
        message.type = 1;
        snprintf(message.text, 100, "%d", i);
        msgsnd(queue, &message, 100, 0);
        msgrcv(queue, &message, 100, 2, 0);
        sum += atoi(message.text);
    }
    CHECK(end_of(pid) == 0);
    say("sum", sum);
    msgctl(queue, IPC_RMID, NULL);
}

int main(void)
{
    names();
    queue = msgget(IPC_PRIVATE, 0600);
    bad();
    order();
    full();
    removed();
    talk();
    return 0;
}
