/* wait(2), waitid(2), exit(3), atexit(3). */
#include "check.h"

static void none(void)
{
    siginfo_t info;

    TRY(wait(NULL));
    TRY(waitpid(-1, NULL, WNOHANG));
    TRY(waitpid(0, NULL, 0));
    TRY(waitpid(getppid(), NULL, WNOHANG));
    TRY(waitpid(-1, NULL, 0x10000000));
    TRY(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    TRY(waitid(P_ALL, 0, &info, 0));
}

static pid_t child(int status)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(status);
    return pid;
}

static void statuses(void)
{
    static const int codes[] = {0, 1, 7, 127, 128, 134, 255, 256, -1};
    int status;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        pid_t pid = child(codes[i]);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && !WIFSIGNALED(status) && !WIFSTOPPED(status));
        say("status", WEXITSTATUS(status));
        TRY(waitpid(pid, &status, 0));
    }
}

static void signalled(void)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGKILL, SIGUSR1,  SIGUSR2,
                                  SIGALRM, SIGTERM, SIGPIPE, SIGXCPU, SIGVTALRM};
    int status;

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                pause();
        sleep_ms(2);
        kill(pid, signals[i]);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFSIGNALED(status) && !WIFEXITED(status) && WTERMSIG(status) == signals[i]);
    }
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGTERM);
        _exit(3);
    }
    CHECK(end_of(pid) == 100 + SIGTERM);
}

static void stopped(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    TRY(waitpid(pid, &status, WNOHANG | WUNTRACED));
    kill(pid, SIGSTOP);
    CHECK(waitpid(pid, &status, WUNTRACED) == pid);
    CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP && !WIFEXITED(status));
    TRY(waitpid(pid, &status, WNOHANG | WUNTRACED));
    kill(pid, SIGCONT);
    CHECK(waitpid(pid, &status, WCONTINUED) == pid);
    CHECK(WIFCONTINUED(status));
    TRY(waitpid(pid, &status, WNOHANG));
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid);
}

static void group(void)
{
    int status;
    pid_t pid = child(9);

    CHECK(waitpid(0, &status, 0) == pid);
    pid_t first = child(1), second = fork();
    if (second == 0) {
        sleep_ms(100);
        _exit(2);
    }
    CHECK(wait(&status) == first);
    TRY(waitpid(-1, &status, WNOHANG));
    CHECK(waitpid(-1, &status, 0) == second);
    TRY(wait(&status));
    /* Another's child is not one's own. */
    int fds[2];
    pipe(fds);
    pid = fork();
    if (pid == 0) {
        pid_t own = child(0);
        write(fds[1], &own, sizeof own);
        sleep_ms(50);
        _exit(end_of(own));
    }
    pid_t grandchild;
    read(fds[0], &grandchild, sizeof grandchild);
    TRY(waitpid(grandchild, &status, 0));
    CHECK(end_of(pid) == 0);
    close(fds[0]);
    close(fds[1]);
}

static void ids(void)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0) {
        sleep_ms(50);
        _exit(5);
    }
    memset(&info, 0, sizeof info);
    TRY(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
    CHECK(info.si_pid == 0);
    TRY(waitid(P_PID, (id_t)pid, &info, WEXITED));
    CHECK(info.si_pid == pid && info.si_signo == SIGCHLD && info.si_code == CLD_EXITED);
    say("status", info.si_status);
    pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    kill(pid, SIGKILL);
    TRY(waitid(P_ALL, 0, &info, WEXITED));
    CHECK(info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGKILL);
}

static void ignored(void)
{
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = child(0);
    sleep_ms(50);
    TRY(waitpid(pid, NULL, 0));
    TRY(kill(pid, 0));
    signal(SIGCHLD, SIG_DFL);
}

static volatile pid_t told_pid;
static volatile int told_code, told_status;

static void on_child(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    told_pid = info->si_pid;
    told_code = info->si_code;
    told_status = info->si_status;
}

static void told(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_child;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGCHLD, &action, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        _exit(11);
    }
    TRY(pause());
    CHECK(told_pid == pid && told_code == CLD_EXITED && told_status == 11);
    CHECK(end_of(pid) == 11);
    signal(SIGCHLD, SIG_DFL);
}

static void interrupted(void)
{
    pid_t to = getpid(), pid = fork();

    handled = 0;
    if (pid == 0) {
        sleep_ms(50);
        kill(to, SIGUSR1);
        sleep_ms(50);
        _exit(4);
    }
    handle(SIGUSR1, 0);
    TRY(wait(NULL));
    CHECK(handled == 1);
    CHECK(end_of(pid) == 4);
}

static int to_parent;

static void at_exit_one(void)
{
    write(to_parent, "1", 1);
}

static void at_exit_two(void)
{
    write(to_parent, "2", 1);
}

static void exits(void)
{
    char text[16];
    int fds[2];

    pipe(fds);
    to_parent = fds[1];
    for (int by_exit = 0; by_exit < 2; by_exit++) {
        pid_t pid = fork();
        if (pid == 0) {
            atexit(at_exit_one);
            atexit(at_exit_two);
            if (by_exit)
                exit(6);
            _exit(6);
        }
        CHECK(end_of(pid) == 6);
    }
    close(fds[1]);
    ssize_t n = read(fds[0], text, sizeof text);
    say("handlers", n);
    CHECK(n == 2 && memcmp(text, "21", 2) == 0);
    close(fds[0]);
}

/* Who has lost its parent has another. */
static void orphan(void)
{
    int fds[2];
    char seen;

    pipe(fds);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t middle = getpid();
        if (fork() == 0) {
            for (int i = 0; i < 100 && getppid() == middle; i++)
                sleep_ms(5);
            seen = getppid() != middle;
            write(fds[1], &seen, 1);
            _exit(0);
        }
        _exit(0);
    }
    CHECK(end_of(pid) == 0);
    read(fds[0], &seen, 1);
    say("has another parent", seen);
    close(fds[0]);
    close(fds[1]);
    /* Where that is this process, the next run in it must not find it. */
    while (wait(NULL) > 0)
        ;
}

int main(void)
{
    none();
    statuses();
    signalled();
    stopped();
    group();
    ids();
    ignored();
    told();
    interrupted();
    exits();
    orphan();
    return 0;
}
