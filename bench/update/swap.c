/*
 * The rival of bench/run-update.sh: the same library, replaced in a plain process by hand, as
 * dlopen(3) lets one: load the new one, look every function and variable up, copy the variables.
 * swap OLD.so NEW.so COUNT ROUNDS: a line of microseconds a round.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
    void *functions[1024];

    if (argc != 5 || atoi(argv[3]) > 1024)
        return 2;
    void *old = dlopen(argv[1], RTLD_NOW);
    for (int round = 0; round < atoi(argv[4]); round++) {
        long long begin = now_ns();
        void *new = dlopen(argv[2 - round % 2], RTLD_NOW | RTLD_LOCAL);
        if (!old || !new)
            return 1;
        for (int i = 0; i < atoi(argv[3]); i++) {
            char name[32];
            snprintf(name, sizeof name, "f%d", i);
            functions[i] = dlsym(new, name);
            snprintf(name, sizeof name, "v%d", i);
            void *from = dlsym(old, name), *to = dlsym(new, name);
            if (!functions[i] || !from || !to)
                return 1;
            memcpy(to, from, sizeof(long));
        }
        dlclose(old);
        old = new;
        printf("%.1f\n", (double)(now_ns() - begin) / 1000);
    }
    return 0;
}
