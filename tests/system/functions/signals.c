/* A plain UNIX program about signals: what it prints is what it prints when gcc builds it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t got, children;
static int fds[2];

static void note(int number)
{
    got = number;
}

static void note_child(int number)
{
    (void)number;
    children++;
}

static void note_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    got = number == info->si_signo ? number : -1;
}

static int status_of(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static pid_t sending;

/*
 * A child that sends its parent SIGUSR1 after a while, then a byte; or again and again until
 * interrupted(), for on a busy machine the first may come before the parent waits.
 */
static pid_t sender(int byte)
{
    sending = fork();
    if (sending == 0) {
        do {
            usleep(30000);
            kill(getppid(), SIGUSR1);
        } while (!byte);
        usleep(30000);
        write(fds[1], &(char){(char)byte}, 1);
        _exit(0);
    }
    got = 0;
    return sending;
}

static void interrupted(const char *name, long result)
{
    const char *said = result < 0 ? strerror(errno) : "done";

    printf("%s: %s, got %d\n", name, said, (int)got);
    if (sending > 0)
        kill(sending, SIGKILL);
    sending = 0;
    while (wait(NULL) > 0 || errno == EINTR)
        ;
}

static void waits(void)
{
    struct sigaction action = {.sa_handler = note};
    int queue = msgget(IPC_PRIVATE, 0600);
    struct {
        long type;
        char text[8];
    } message;
    char byte;

    sigaction(SIGUSR1, &action, NULL);
    sender(0);
    interrupted("read", read(fds[0], &byte, 1));
    sender(0);
    interrupted("msgrcv", msgrcv(queue, &message, sizeof message.text, 0, 0));
    interrupted("wait", waitpid(sender(0), NULL, 0) < 0 ? -1 : 0);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    sender('y');
    interrupted("read that begins again", read(fds[0], &byte, 1));
    sender(0);
    interrupted("pause", pause());
    sender(0);
    while (!got)
        time(NULL);
    interrupted("a loop", 0);
}

static void masks(void)
{
    sigset_t set, before, none;

    sigemptyset(&set);
    sigemptyset(&none);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &before);
    got = 0;
    kill(getpid(), SIGUSR1);
    printf("blocked: %d\n", (int)got);
    sigprocmask(SIG_SETMASK, &before, NULL);
    printf("let through: %d\n", (int)got);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sender('x');
    interrupted("sigsuspend", sigsuspend(&none));

    /* None is lost between the look and the wait. */
    got = 0;
    pid_t parent = getpid(), child = fork();
    int turns = 0;
    for (; turns < 1000; turns++) {
        if (child)
            kill(child, SIGUSR1);
        while (!got)
            sigsuspend(&none);
        got = 0;
        if (!child)
            kill(parent, SIGUSR1);
    }
    if (!child)
        _exit(0);
    status_of(child);
    sigprocmask(SIG_SETMASK, &before, NULL);
    printf("%d there and back\n", turns);
}

static void dispositions(void)
{
    struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO | SA_RESETHAND};
    pid_t pid = fork();

    if (pid == 0) {
        sleep(10);
        _exit(1);
    }
    kill(pid, SIGTERM);
    printf("default: signal %d\n", WTERMSIG(status_of(pid)));
    pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_IGN);
        kill(getpid(), SIGTERM);
        _exit(4);
    }
    printf("ignored: exit %d\n", WEXITSTATUS(status_of(pid)));
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &action);
    printf("once: %d %d\n", (int)got, action.sa_handler == SIG_DFL);
    pid = fork();
    if (pid == 0)
        raise(SIGUSR2);
    printf("raised: signal %d\n", WTERMSIG(status_of(pid)));
    signal(SIGCHLD, note_child);
    printf("children: %d\n", (int)children);
    if (fork() == 0)
        _exit(0);
    while (!children)
        usleep(1000);
    printf("a child has ended: %d\n", wait(NULL) > 0);
}

/* Blocked ones are looked at, and taken without a handler. */
static void taken(void)
{
    const struct timespec soon = {.tv_nsec = 20000000};
    siginfo_t info = {0};
    sigset_t set, before, now;
    int number = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &before);
    sigpending(&now);
    printf("pending: %d\n", sigismember(&now, SIGUSR1));
    kill(getpid(), SIGUSR1);
    sigpending(&now);
    printf("pending: %d %d\n", sigismember(&now, SIGUSR1), sigismember(&now, SIGTERM));
    printf("sigwait: %d", sigwait(&set, &number));
    printf(" %d\n", number == SIGUSR1);
    interrupted("sigtimedwait", sigtimedwait(&set, NULL, &soon));
    pid_t pid = fork();
    if (pid == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    number = sigwaitinfo(&set, &info);
    printf("sigwaitinfo: %d %d\n", number == SIGUSR1, info.si_pid == pid);
    printf("sigwait: %d", sigwait(&set, &number));
    printf(" %d\n", number == SIGCHLD && wait(NULL) == pid);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void timers(void)
{
    const struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    struct itimerval left;
    int ticks = 0;

    signal(SIGALRM, note);
    printf("alarm: %u\n", alarm(100));
    printf("alarm: %u\n", alarm(1));
    got = 0;
    interrupted("pause", pause());
    setitimer(ITIMER_REAL, &often, NULL);
    for (; ticks < 5; ticks++, got = 0)
        while (!got)
            pause();
    setitimer(ITIMER_REAL, &never, &left);
    printf("ticks: %d, each of %d us\n", ticks, (int)left.it_interval.tv_usec);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        alarm(1);
        sleep(10);
        _exit(1);
    }
    printf("by default: signal %d\n", WTERMSIG(status_of(pid)) == SIGALRM);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (pipe(fds) < 0)
        return 1;
    /* Before any handler is set. */
    pid_t pid = fork();
    if (pid == 0) {
        usleep(30000);
        _exit(0);
    }
    printf("waited: %d\n", wait(NULL) == pid);
    waits();
    masks();
    dispositions();
    taken();
    timers();
    return 0;
}
