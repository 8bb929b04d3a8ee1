/* Compilers' messages: cleaned, and the one line that matters found. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/diagnostics.h"

void diagnostics_clean(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c != '\n' && c != '\t' && (c < ' ' || c > '~'))
            text[i] = '?';
    }
    text[size] = '\0';
}

static bool contains(const char *line, size_t length, const char *word)
{
    return memmem(line, length, word, strlen(word)) != NULL;
}

static void copy_line(const char *from, size_t length, char *line, size_t size)
{
    while (length > 0 && (*from == ' ' || *from == '\t')) {
        from++;
        length--;
    }
    if (length >= size)
        length = size - 1;
    memcpy(line, from, length);
    line[length] = '\0';
}

void diagnostics_first(const char *text, char *line, size_t size)
{
    line[0] = '\0';
    while (*text) {
        size_t length = strcspn(text, "\n");
        /* GNU ld says what is missing without that word, and collect2 then only that ld failed. */
        if ((contains(text, length, "error:") && strncmp(text, "collect2:", 9) != 0) ||
            contains(text, length, ": undefined reference to ")) {
            copy_line(text, length, line, size);
            return;
        }
        if (!*line)
            copy_line(text, length, line, size);
        text += length;
        text += *text == '\n';
    }
}

bool diagnostics_out_of_memory(const char *text)
{
    /* As LLVM, lld, gcc and the C++ library begin their last line; a diagnostic begins with a file.
     */
    static const char *const beginnings[] = {
        "LLVM ERROR: out of memory",
        "wasm-ld: error: out of memory",
        "cc1: out of memory",
        "virtual memory exhausted",
        "terminate called after throwing an instance of 'std::bad_alloc'",
    };

    while (*text) {
        for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
            if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
                return true;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return false;
}

char *diagnostics_head(const char *text, unsigned max_lines, size_t max_bytes)
{
    size_t length = 0;

    for (unsigned lines = 0; text[length] && length < max_bytes && lines < max_lines; length++)
        lines += text[length] == '\n';
    return strndup(text, length);
}
