/* A question to vireo-platform, from translated code (platform.c) and proved (native_platform.c).
 */
#pragma once

#include "guest/host.h"
#include "guest/platform.h"

/* Whoever fills it in has looked that these are the asker's. */
struct platform_asked {
    const void *first, *second;
    void *to;
    uint32_t first_bytes, second_bytes, room;
};

/* How many bytes of `to` the answer has, at most `room`; or -errno. When that is negative `to` may
 * hold anything, whatever the other side is. */
int platform_ask(struct host *host, enum platform_operation operation,
                 const struct platform_asked *asked);
