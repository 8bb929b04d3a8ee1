/* Classes of characters that Markdown's rules speak of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool is_space_or_tab(char c);
bool is_ascii_space(char c); /* space, tab, newline, carriage return, form feed, vertical tab */
bool is_ascii_punctuation(char c);
bool is_ascii_letter(char c);
bool is_ascii_digit(char c);

bool is_unicode_space(uint32_t code);
/* ASCII's and the common blocks of punctuation and symbols beyond it. */
bool is_unicode_punctuation(uint32_t code);

/* The code point at `data`, which is valid UTF-8, or the one that ends before `end`. */
uint32_t utf8_at(const char *data, size_t size);
uint32_t utf8_before(const char *start, const char *end);
/* Writes `code` as UTF-8; returns the number of bytes. What is no code point becomes U+FFFD. */
size_t utf8_put(uint32_t code, char bytes[4]);
/* The offset of the first byte that is not UTF-8, or `size`. */
size_t utf8_valid_prefix(const uint8_t *data, size_t size);

/*
 * Reads an HTML entity ("&amp;", "&#169;", "&#xA9;") at `data`; *ret_bytes is given the UTF-8 for
 * it. Returns the length of the entity, 0 when there is none (or one of HTML's rarer names).
 */
size_t entity_at(const char *data, size_t size, char ret_bytes[4], size_t *ret_count);
