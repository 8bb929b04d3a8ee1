/*
 * json-c parses numbers in a locale of its own making. musl knows one way to write numbers,
 * whatever the locale, and takes some memory for each: here there is the one.
 */
#include <locale.h>

static char c_locale;

locale_t newlocale(int mask, const char *name, locale_t base)
{
    (void)mask;
    (void)name;
    return base ? base : (locale_t)&c_locale;
}

locale_t duplocale(locale_t locale)
{
    return locale;
}

void freelocale(locale_t locale)
{
    (void)locale;
}

locale_t uselocale(locale_t locale)
{
    (void)locale;
    return (locale_t)&c_locale;
}
