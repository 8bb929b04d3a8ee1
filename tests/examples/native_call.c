/* The accessors of vireo/function.h, without a host behind them. */
#include <stdio.h>
#include <string.h>

#include <vireo/function.h>

#include "native_call.h"

static const char *query_text;
static int status;
static char headers[1024];

void native_call_query(const char *query)
{
    query_text = query;
}

void native_call_reset(void)
{
    status = 200;
    headers[0] = 0;
}

void native_call_print(FILE *file)
{
    fprintf(file, "status %d\n%s", status, headers);
}

const char *vireo_request_method(void)
{
    return "POST";
}

const char *vireo_request_path(void)
{
    return "/";
}

const char *vireo_request_query(void)
{
    return query_text;
}

const char *vireo_request_header(const char *name)
{
    (void)name;
    return NULL;
}

int vireo_response_status(int code)
{
    if (code < 200 || code > 599)
        return -1;
    status = code;
    return 0;
}

int vireo_response_header(const char *name, const char *value)
{
    size_t used = strlen(headers);

    snprintf(headers + used, sizeof headers - used, "%s: %s\n", name, value);
    return 0;
}
