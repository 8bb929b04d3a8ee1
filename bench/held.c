/*
 * The function of run-idle.sh: with the query "slow" it holds its instance for so long that as many
 * others are started as there are calls, else it answers at once.
 */
#include <string.h>
#include <time.h>

#include <vireo/function.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const struct timespec pause = {6, 0};

    (void)in;
    (void)in_len;
    if (vireo_request_query() && strcmp(vireo_request_query(), "slow") == 0)
        nanosleep(&pause, NULL);
    if (out_cap < 2)
        return -1;
    memcpy(out, "ok", 2);
    return 2;
}
