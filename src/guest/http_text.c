/* What HTTP allows in names and values of fields. */
#include <string.h>

#include "base/cleanup.h"
#include "guest/http_text.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool http_is_token(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char c = lower(text[i]);
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
        if (!good)
            return false;
    }
    return bytes > 0;
}

bool http_is_value(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool http_has_upper(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            return true;
    }
    return false;
}

bool http_same(const char *text, size_t bytes, const char *other, size_t other_bytes)
{
    if (bytes != other_bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (lower(text[i]) != lower(other[i]))
            return false;
    }
    return true;
}

bool http_is_hop_by_hop(const char *name, size_t bytes)
{
    static const char *const names[] = {
        "connection", "content-length",    "keep-alive", "te",
        "trailer",    "transfer-encoding", "upgrade",
    };
    static const char proxy[] = "proxy-";

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (http_same(name, bytes, names[i], strlen(names[i])))
            return true;
    }
    return bytes >= sizeof proxy - 1 && http_same(name, sizeof proxy - 1, proxy, sizeof proxy - 1);
}
