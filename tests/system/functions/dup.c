/* A plain UNIX program about descriptors: what it prints is what it prints when gcc builds it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *what, int fd)
{
    char text[64];
    ssize_t n = read(fd, text, sizeof text - 1);

    text[n > 0 ? n : 0] = '\0';
    printf("%s: %zd '%s'\n", what, n, text);
}

int main(void)
{
    int fds[2];

    setvbuf(stdout, NULL, _IONBF, 0);
    if (pipe(fds) < 0)
        return 1;
    if (fork() == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        printf("the child's output");
        _exit(0);
    }
    wait(NULL);
    say("pipe", fds[0]);
    /* Both ends of a copy are open until the last is closed. */
    int copy = dup(fds[1]);
    close(fds[1]);
    printf("write to a copy: %zd\n", write(copy, "more", 4));
    say("pipe", fds[0]);
    printf("to itself: %d\n", dup2(copy, copy) == copy);
    close(copy);
    say("at its end", fds[0]);
    copy = dup(copy);
    printf("closed: %d %s\n", copy, strerror(errno));
    /* The program's own output, put aside and back. */
    int kept = dup(STDOUT_FILENO);
    close(STDOUT_FILENO);
    printf("nowhere");
    dup2(kept, STDOUT_FILENO);
    close(kept);
    printf("and back\n");
    return 0;
}
