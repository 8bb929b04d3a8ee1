/* The other half. */
#include "two.h"

int answer(void)
{
    return 42;
}
