/* Nothing: what the figures of the others hold besides their work. */
#include "timed.h"

static void prepare(void)
{
}

static uint64_t work(void)
{
    return 0;
}

TIMED_MAIN(prepare, work)
