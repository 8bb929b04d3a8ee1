/* A program that the verifier goes round in until it has had enough: a million instructions. */
#pragma once

#include <stdint.h>

#define SECONDS 12
#define LENGTH 5

static const struct {
    uint8_t code, registers;
    int16_t offset;
    int32_t number;
} code[LENGTH] = {
    {0xb7, 1, 0, 0}, {0x07, 1, 0, 1}, {0xa5, 1, -2, 2000000}, {0xb7, 0, 0, 1}, {0x95}};
