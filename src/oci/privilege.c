/* Root of the machine, or of a user namespace only. */
#include "oci/privilege.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

bool oci_is_root(void)
{
    char map[64] = "";
    unsigned inside = 1, outside = 1, count = 0;

    if (geteuid() != 0)
        return false;
    _cleanup_(closep) int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fd_read_full(fd, map, sizeof map - 1) <= 0)
        return true;
    return sscanf(map, "%u %u %u", &inside, &outside, &count) != 3 || count == UINT32_MAX;
}
