/* Closes descriptors that nobody has, one number after the other, 20000 a second, until its input
 * ends; then says how many it was. */
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    struct timespec pause = {.tv_nsec = 1000000};
    int number = 0;

    while (poll(&input, 1, 0) == 0) {
        for (int i = 0; i < 20; i++)
            close(1000000 + number++);
        nanosleep(&pause, NULL);
    }
    printf("%d\n", number);
    return 0;
}
