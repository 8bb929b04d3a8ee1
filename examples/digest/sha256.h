/* SHA-256 (FIPS 180-4), fed in pieces of any size. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;    /* of the whole message so far */
    uint8_t block[64]; /* what is left over: bytes % 64 of it */
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const uint8_t *data, size_t size);
/* Ends the message; `sha` is of no more use. */
void sha256_finish(struct sha256 *sha, uint8_t hash[SHA256_BYTES]);
