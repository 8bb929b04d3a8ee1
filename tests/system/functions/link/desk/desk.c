/* A function that keeps pointers into its library: in its own data, and on the heap. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

extern long ledger_total;
void ledger_add(long cents);
long *ledger_inner(void);
const char *ledger_text(void);

static void (*add)(long);
static long *total;
static long **kept;

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (!kept) {
        add = ledger_add;
        total = &ledger_total;
        kept = malloc(sizeof *kept);
        *kept = ledger_inner();
    }
    if (in_len == 4)
        for (time_t end = time(NULL) + 5; time(NULL) < end;)
            ;
    add(5);
    return snprintf((char *)out, out_cap, "%s total %ld %ld kept %ld", ledger_text(), ledger_total,
                    *total, **kept);
}
