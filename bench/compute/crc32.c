/* CRC-32 of 192 MiB, a byte at a time: a chain of dependent table loads. */
#include "timed.h"

#define BUFFER_BYTES (1u << 20)
#define ROUNDS 192

static uint8_t *buffer;
static uint32_t table[256];

static void prepare(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        table[byte] = crc;
    }
    buffer = timed_memory(BUFFER_BYTES);
    for (size_t i = 0; i < BUFFER_BYTES; i++)
        buffer[i] = (uint8_t)timed_random();
}

static uint64_t work(void)
{
    uint32_t crc = ~0u;

    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < BUFFER_BYTES; i++)
            crc = crc >> 8 ^ table[(crc ^ buffer[i]) & 0xff];
    return ~crc;
}

TIMED_MAIN(prepare, work)
