#include "pages.h"

int page = 6;

int turn_page(void)
{
    return ++page;
}
