/* vireo-contain: the launcher of one function's containers. */
#include "contain/launcher.h"

int main(void)
{
    return launcher_main();
}
