/*
 * What its virtual kernel lets it do. The body says what: "random" asks for random bytes, "spin N"
 * computes for N milliseconds and forks one that does so beside it, "idle" waits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(void)
{
    char input[64] = "";
    unsigned char bytes[8];

    if (!fgets(input, sizeof input, stdin))
        input[0] = '\0';
    if (strncmp(input, "random", 6) == 0) {
        if (getentropy(bytes, sizeof bytes) < 0)
            printf("random: %s\n", strerror(errno));
        else
            puts("random: given");
    } else if (strncmp(input, "spin ", 5) == 0) {
        long end = now_ms() + atol(input + 5);
        unsigned long rounds = 0;
        while (now_ms() < end)
            rounds++;
        printf("spun: %s\n", rounds > 0 ? "yes" : "no");
    } else {
        puts("idle");
    }
    return 0;
}
