/* kill(2), sigaction(2), sigprocmask(2), sigpending(2), sigsuspend(2), sigwaitinfo(2), sigqueue(3),
 * alarm(2), setitimer(2), signal(7). */
#include <sys/time.h>

#include "check.h"

static void sent(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    TRY(kill(pid, 0));
    TRY(kill(pid, -1));
    TRY(kill(pid, 65));
    TRY(kill(pid, SIGKILL));
    sleep_ms(30);
    TRY(kill(pid, 0));
    TRY(kill(pid, SIGTERM));
    CHECK(end_of(pid) == 100 + SIGKILL);
    TRY(kill(pid, 0));
    TRY(kill(pid, SIGTERM));
    TRY(kill(getpid(), 0));
    handled = 0;
    handle(SIGUSR1, 0);
    TRY(kill(getpid(), SIGUSR1));
    CHECK(handled == 1);
    TRY(raise(SIGUSR1));
    CHECK(handled == 2);
    /* To all of the group. */
    int fds[2];
    char byte;
    pipe(fds);
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            write(fds[1], "r", 1);
            while (handled < 3)
                sleep_ms(1);
            _exit(20);
        }
    for (int i = 0; i < 3; i++)
        read(fds[0], &byte, 1);
    sleep_ms(20);
    TRY(kill(0, SIGUSR1));
    CHECK(handled == 3);
    for (int i = 0; i < 3; i++)
        CHECK(end_of(-1) == 20);
    close(fds[0]);
    close(fds[1]);
}

static void actions(void)
{
    struct sigaction action, former;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    TRY(sigaction(SIGKILL, &action, NULL));
    TRY(sigaction(SIGSTOP, &action, NULL));
    TRY(sigaction(0, &action, NULL));
    TRY(sigaction(65, &action, NULL));
    CHECK(signal(SIGKILL, SIG_IGN) == SIG_ERR && errno == EINVAL);
    sigaddset(&action.sa_mask, SIGUSR2);
    action.sa_flags = SA_RESTART;
    TRY(sigaction(SIGUSR1, &action, &former));
    TRY(sigaction(SIGUSR1, NULL, &former));
    CHECK(former.sa_handler == on_signal && (former.sa_flags & SA_RESTART));
    CHECK(sigismember(&former.sa_mask, SIGUSR2) == 1 && sigismember(&former.sa_mask, SIGHUP) == 0);
    CHECK(signal(SIGUSR1, SIG_IGN) == on_signal);
    TRY(raise(SIGUSR1));
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    handled = 0;
    handle(SIGUSR1, (int)SA_RESETHAND);
    raise(SIGUSR1);
    TRY(sigaction(SIGUSR1, NULL, &former));
    CHECK(handled == 1 && former.sa_handler == SIG_DFL);
}

static sigset_t set_of(int number)
{
    sigset_t set;

    sigemptyset(&set);
    if (number)
        sigaddset(&set, number);
    return set;
}

static void masks(void)
{
    sigset_t set = set_of(SIGUSR1), former, waiting;

    TRY(sigaddset(&former, 0));
    TRY(sigaddset(&former, 65));
    TRY(sigprocmask(77, &set, NULL));
    handled = 0;
    handle(SIGUSR1, 0);
    TRY(sigprocmask(SIG_BLOCK, &set, &former));
    CHECK(!sigismember(&former, SIGUSR1));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(handled == 0);
    TRY(sigpending(&waiting));
    CHECK(sigismember(&waiting, SIGUSR1) && !sigismember(&waiting, SIGUSR2));
    /* A child has the mask, not what waits. */
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t mine;
        sigpending(&waiting);
        sigprocmask(SIG_BLOCK, NULL, &mine);
        _exit((sigismember(&waiting, SIGUSR1) ? 1 : 0) + (sigismember(&mine, SIGUSR1) ? 2 : 0));
    }
    CHECK(end_of(pid) == 2);
    TRY(sigprocmask(SIG_UNBLOCK, &set, NULL));
    CHECK(handled == 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    sigset_t none = set_of(0);
    TRY(sigsuspend(&none));
    CHECK(handled == 2);
    sigprocmask(SIG_BLOCK, NULL, &former);
    CHECK(sigismember(&former, SIGUSR1));
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static char order[16];
static int ordered;

static void nested(int number)
{
    order[ordered++] = number == SIGUSR1 ? '1' : '2';
    if (number == SIGUSR1) {
        raise(SIGUSR2);
        order[ordered++] = 'e';
    }
}

static void nesting(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = nested;
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    CHECK(strcmp(order, "12e") == 0);
    memset(order, 0, sizeof order);
    ordered = 0;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    CHECK(strcmp(order, "1e2") == 0);
}

static volatile pid_t from;
static volatile int code, value, numbers[16], values[16], count;

static void with_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    from = info->si_pid;
    code = info->si_code;
    value = info->si_value.sival_int;
    if (count < 16) {
        numbers[count] = number;
        values[count++] = value;
    }
}

static void informed(void)
{
    struct sigaction action;
    pid_t to = getpid();

    memset(&action, 0, sizeof action);
    action.sa_sigaction = with_info;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        kill(to, SIGUSR1);
        _exit(0);
    }
    TRY(pause());
    CHECK(from == pid && code == SI_USER);
    end_of(pid);
    pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        _exit(sigqueue(to, SIGUSR1, (union sigval){.sival_int = 4242}) == 0 ? 0 : 1);
    }
    TRY(pause());
    CHECK(from == pid && code == SI_QUEUE && value == 4242);
    CHECK(end_of(pid) == 0);
    TRY(sigqueue(pid, SIGUSR1, (union sigval){.sival_int = 1}));
    TRY(sigqueue(to, 65, (union sigval){.sival_int = 1}));
    TRY(sigqueue(to, 0, (union sigval){.sival_int = 1}));
    /* Of real time: each one comes, the lowest first, those of one in their order. */
    sigset_t set = set_of(SIGRTMIN), none = set_of(0);
    sigaddset(&set, SIGRTMIN + 1);
    sigfillset(&action.sa_mask);
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGRTMIN + 1, &action, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    count = 0;
    sigqueue(to, SIGRTMIN + 1, (union sigval){.sival_int = 9});
    for (int i = 0; i < 3; i++)
        sigqueue(to, SIGRTMIN, (union sigval){.sival_int = i});
    TRY(count);
    sigprocmask(SIG_SETMASK, &none, NULL);
    say("came", count);
    CHECK(numbers[0] == SIGRTMIN && values[0] == 0 && values[1] == 1 && values[2] == 2);
    CHECK(numbers[3] == SIGRTMIN + 1 && values[3] == 9);
}

static void waited(void)
{
    sigset_t set = set_of(SIGUSR1);
    struct timespec soon = {0, 20000000}, wrong = {0, 1000000000};
    siginfo_t info;
    pid_t to = getpid();

    sigprocmask(SIG_BLOCK, &set, NULL);
    TRY(sigtimedwait(&set, &info, &soon));
    TRY(sigtimedwait(&set, &info, &wrong));
    kill(to, SIGUSR1);
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
    CHECK(info.si_signo == SIGUSR1 && info.si_code == SI_USER && info.si_pid == to);
    pid_t pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        sigqueue(to, SIGUSR1, (union sigval){.sival_int = 77});
        _exit(0);
    }
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1);
    CHECK(info.si_pid == pid && info.si_code == SI_QUEUE && info.si_value.sival_int == 77);
    end_of(pid);
    /* Another signal's handler ends the wait. */
    handled = 0;
    handle(SIGUSR2, SA_RESTART);
    pid = fork();
    if (pid == 0) {
        sleep_ms(30);
        kill(to, SIGUSR2);
        _exit(0);
    }
    TRY(sigwaitinfo(&set, &info));
    CHECK(handled == 1);
    end_of(pid);
    sigset_t none = set_of(0);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void timed(void)
{
    struct itimerval timer = {{0, 0}, {0, 30000}}, left;

    handled = 0;
    handle(SIGALRM, 0);
    TRY(alarm(0));
    TRY(alarm(10));
    TRY(alarm(5));
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)alarm(0));
    CHECK(end_of(pid) == 0);
    TRY(alarm(0));
    TRY(setitimer(ITIMER_REAL, &timer, NULL));
    TRY(pause());
    CHECK(handled == 1);
    TRY(getitimer(ITIMER_REAL, &left));
    CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0);
    timer.it_value.tv_usec = 1000000;
    TRY(setitimer(ITIMER_REAL, &timer, NULL));
    timer.it_value.tv_usec = 20000;
    setitimer(ITIMER_REAL, &timer, NULL);
    struct timespec request = {1, 0}, rest = {0, 0};
    TRY(nanosleep(&request, &rest));
    CHECK(handled == 2 && rest.tv_sec == 0 && rest.tv_nsec > 500000000);
    setitimer(ITIMER_REAL, &timer, NULL);
    TRY(sleep(2));
    CHECK(handled == 3);
    timer.it_interval.tv_usec = 10000;
    setitimer(ITIMER_REAL, &timer, NULL);
    while (handled < 8)
        pause();
    timer.it_value.tv_usec = timer.it_interval.tv_usec = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK(handled >= 8);
}

static void ended(void)
{
    pid_t pid = fork();

    if (pid == 0)
        raise(SIGABRT);
    CHECK(end_of(pid) == 100 + SIGABRT);
    pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_IGN);
        kill(getpid(), SIGTERM);
        _exit(8);
    }
    CHECK(end_of(pid) == 8);
    /* A handler is the child's, too. */
    handled = 0;
    handle(SIGUSR1, 0);
    pid = fork();
    if (pid == 0) {
        raise(SIGUSR1);
        _exit(handled);
    }
    CHECK(end_of(pid) == 1 && handled == 0);
}

int main(void)
{
    sent();
    actions();
    masks();
    nesting();
    informed();
    waited();
    timed();
    ended();
    return 0;
}
