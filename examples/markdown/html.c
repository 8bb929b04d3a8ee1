/* HTML written into a bounded buffer. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "html.h"

void html_bytes(struct html *html, const char *data, size_t size)
{
    if (html->full || html->capacity - html->size < size) {
        html->full = true;
        return;
    }
    if (size > 0)
        memcpy(html->data + html->size, data, size);
    html->size += size;
}

void html_raw(struct html *html, const char *markup)
{
    html_bytes(html, markup, strlen(markup));
}

static const char *escape_of(char c)
{
    switch (c) {
    case 0:
        return "\xef\xbf\xbd"; /* U+FFFD: NUL has no place in HTML */
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

void html_text(struct html *html, const char *data, size_t size)
{
    size_t written = 0;

    for (size_t i = 0; i < size && !html->full; i++) {
        const char *escape = escape_of(data[i]);
        if (!escape)
            continue;
        html_bytes(html, data + written, i - written);
        html_raw(html, escape);
        written = i + 1;
    }
    if (!html->full)
        html_bytes(html, data + written, size - written);
}

static bool starts_with(const char *data, size_t size, const char *prefix)
{
    size_t length = strlen(prefix);

    return size >= length && strncasecmp(data, prefix, length) == 0;
}

static bool url_is_dangerous(const char *data, size_t size)
{
    if (starts_with(data, size, "data:"))
        return !(starts_with(data, size, "data:image/png") ||
                 starts_with(data, size, "data:image/gif") ||
                 starts_with(data, size, "data:image/jpeg") ||
                 starts_with(data, size, "data:image/webp"));
    return starts_with(data, size, "javascript:") || starts_with(data, size, "vbscript:") ||
           starts_with(data, size, "file:");
}

void html_url(struct html *html, const char *data, size_t size)
{
    /* Browsers drop leading white space and control characters before they look at the scheme. */
    while (size > 0 && (unsigned char)*data <= ' ') {
        data++;
        size--;
    }
    if (url_is_dangerous(data, size))
        return;
    for (size_t i = 0; i < size && !html->full; i++) {
        unsigned char c = (unsigned char)data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c < 0x80 && c != 0 && strchr("-_.+!*(),%#@?=;:/$~", c));
        if (plain)
            html_bytes(html, data + i, 1);
        else if (c == '&')
            html_raw(html, "&amp;");
        else if (c == '\'')
            html_raw(html, "&#x27;");
        else {
            char encoded[4];
            snprintf(encoded, sizeof encoded, "%%%02X", c);
            html_bytes(html, encoded, 3);
        }
    }
}

void html_line(struct html *html)
{
    if (html->size > 0 && html->data[html->size - 1] != '\n')
        html_raw(html, "\n");
}
