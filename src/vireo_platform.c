/* vireo-platform: keys, SQL, queues and HTTP for functions. The supervisor starts it. */
#include "faas/platform.h"

int main(int argc, char **argv)
{
    return platform_main(argc, argv);
}
