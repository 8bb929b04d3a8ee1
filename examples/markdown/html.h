/* HTML written into a bounded buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct html {
    char *data;
    size_t size, capacity;
    bool full; /* something did not fit: nothing is written from there on */
};

/* As it is. */
void html_raw(struct html *html, const char *markup);
void html_bytes(struct html *html, const char *data, size_t size);
/* With & < > " escaped. */
void html_text(struct html *html, const char *data, size_t size);
/*
 * As the value of href or src: what a URL can't hold is percent-encoded. A scheme that runs a
 * script (javascript:, vbscript:, data: but images) leaves nothing.
 */
void html_url(struct html *html, const char *data, size_t size);
/* Starts a new line unless one has just been started. */
void html_line(struct html *html);
