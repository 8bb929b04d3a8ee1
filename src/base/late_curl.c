/* What the command line and containers' keepers call of libcurl, which is loaded late. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdarg.h>

#include "base/late.h"

#define LATE_LIBRARY "libcurl.so.4"

/* Macros of the same names. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

LATE(CURL *, curl_easy_init, (void), ())
LATE(CURLcode, curl_easy_perform, (CURL * curl), (curl))
LATE_VOID(curl_easy_cleanup, (CURL * curl), (curl))
LATE_VOID(curl_easy_reset, (CURL * curl), (curl))
LATE(char *, curl_easy_escape, (CURL * curl, const char *text, int length), (curl, text, length))
LATE(const char *, curl_easy_strerror, (CURLcode code), (code))
LATE_VOID(curl_free, (void *memory), (memory))
LATE(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text),
     (list, text))
LATE_VOID(curl_slist_free_all, (struct curl_slist * list), (list))
LATE(CURLU *, curl_url, (void), ())
LATE_VOID(curl_url_cleanup, (CURLU * url), (url))
LATE(CURLUcode, curl_url_get, (CURLU * url, CURLUPart part, char **text, unsigned flags),
     (url, part, text, flags))
LATE(CURLUcode, curl_url_set, (CURLU * url, CURLUPart part, const char *text, unsigned flags),
     (url, part, text, flags))

LATE(CURLcode, curl_global_init, (long flags), (flags))
LATE(CURLM *, curl_multi_init, (void), ())
LATE(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), (multi, easy))
LATE(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), (multi, easy))
LATE(CURLMcode, curl_multi_perform, (CURLM * multi, int *running), (multi, running))
LATE(CURLMcode, curl_multi_poll,
     (CURLM * multi, struct curl_waitfd extra[], unsigned count, int timeout_ms, int *ret_count),
     (multi, extra, count, timeout_ms, ret_count))
LATE(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left), (multi, left))

/* Their third argument is a long, a pointer or a curl_off_t: a word each on this machine. */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *),
               "an option's value is a word");

CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    LATE_FIND(CURLcode, curl_easy_setopt, (CURL *, CURLoption, ...));
    va_list args;

    va_start(args, option);
    void *value = va_arg(args, void *);
    va_end(args);
    return function(curl, option, value);
}

CURLcode curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    LATE_FIND(CURLcode, curl_easy_getinfo, (CURL *, CURLINFO, ...));
    va_list args;

    va_start(args, info);
    void *value = va_arg(args, void *);
    va_end(args);
    return function(curl, info, value);
}
