/* Loads for seven seconds what takes long to read, and says how often that was. */
#include <stdio.h>
#include <time.h>

#include "slow.skel.h"

int main(void)
{
    time_t end = time(NULL) + 7;
    int count = 0;

    for (; time(NULL) < end; count++) {
        struct slow_skel skeleton;
        if (slow_load(&skeleton) == 0)
            slow_close(&skeleton);
    }
    printf("read %d\n", count);
    return 0;
}
