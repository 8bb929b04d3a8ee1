/* zlib streams (RFC 1950, 1951) between memory and memory, and CRC-32 as PNG has it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Fills exactly `out_size` bytes from a zlib stream. NULL, or what is wrong with it. */
const char *zlib_inflate(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size);

/* A zlib stream of fixed Huffman codes; at most zlib_bound() bytes. Returns its size, 0: memory. */
size_t zlib_bound(size_t size);
size_t zlib_deflate(const uint8_t *in, size_t in_size, uint8_t *out);

/* The tables of both directions: length codes 257..285, distance codes 0..29. */
extern const uint16_t zlib_length_base[29], zlib_distance_base[30];
extern const uint8_t zlib_length_bits[29], zlib_distance_bits[30];

uint32_t zlib_adler32(const uint8_t *data, size_t size);
uint32_t png_crc32(uint32_t crc, const uint8_t *data, size_t size);
