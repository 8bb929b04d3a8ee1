/* vireo-connector: makes functions' connections. The supervisor starts it. */
#include "faas/connector.h"

int main(int argc, char **argv)
{
    return connector_main(argc - 1, argv + 1);
}
