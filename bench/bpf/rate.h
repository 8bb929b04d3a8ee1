/* One sample: 64 bytes. */
#pragma once

struct numbered_sample {
    unsigned long long number;
    unsigned long long rest[7];
};
