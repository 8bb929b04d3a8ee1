/* CRC-32 as in gzip, PNG and Ethernet (ISO 3309, reflected polynomial 0xedb88320). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The CRC of what `crc` stands for followed by `data`; 0 stands for nothing. */
uint32_t crc32_update(uint32_t crc, const uint8_t *data, size_t size);
