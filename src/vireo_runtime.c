/* vireo-runtime: the OCI runtime that container engines call. */
#include "oci/runtime.h"

int main(int argc, char **argv)
{
    return runtime_main(argc, argv);
}
