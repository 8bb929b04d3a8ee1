/* A function of the allow-list without its header, declared as another type. */
#include "unsafe.h"

/* Half a register would be left to chance. */
int32_t vireo_import_ftruncate(int32_t fd, int32_t bytes);
H(truncate_type)
{
    return vireo_import_ftruncate(3, 0);
}
