/* https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
 */
#include "contain/lambda_stream.h"

#include <errno.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "guest/call.h"

static const char END[8]; /* of the prelude */

static int add_header(struct guest_call *call, const char *name, struct json_object *value)
{
    const char *text = json_object_get_string(value);

    return text ? call_response_header(call, name, strlen(name), text, strlen(text)) : -EBADMSG;
}

static int take_prelude(struct guest_call *call, struct json_object *object)
{
    struct json_object *status = NULL, *headers = NULL, *cookies = NULL;
    int r = 0;

    if (!json_object_is_type(object, json_type_object))
        return -EBADMSG;
    if (json_object_object_get_ex(object, "statusCode", &status)) {
        int64_t number = json_object_get_int64(status);
        call->status = number >= 200 && number <= 599 ? (uint32_t)number : 0;
        call->has_bad_status = call->status == 0;
        call->bad_status = number > 0 && number < UINT32_MAX ? (uint32_t)number : 0;
    }
    if (json_object_object_get_ex(object, "headers", &headers) &&
        !json_object_is_type(headers, json_type_object))
        return -EBADMSG;
    if (headers) {
        json_object_object_foreach(headers, name, value)
        {
            /* The length is the gateway's to say. */
            if (r == 0 && strcasecmp(name, "content-length") != 0)
                r = add_header(call, name, value);
        }
    }
    if (r == 0 && json_object_object_get_ex(object, "cookies", &cookies)) {
        if (!json_object_is_type(cookies, json_type_array))
            return -EBADMSG;
        for (size_t i = 0; r == 0 && i < json_object_array_length(cookies); i++)
            r = add_header(call, "Set-Cookie", json_object_array_get_idx(cookies, i));
    }
    return r < 0 ? -EBADMSG : 0;
}

int lambda_integration(struct guest_call *call)
{
    const uint8_t *end = memmem(call->answer, call->answer_bytes, END, sizeof END);
    struct json_tokener *tokener = json_tokener_new_ex(8);

    if (!end || !tokener) {
        if (tokener)
            json_tokener_free(tokener);
        return end ? -ENOMEM : -EBADMSG;
    }
    size_t length = (size_t)(end - call->answer);
    struct json_object *object =
        json_tokener_parse_ex(tokener, (const char *)call->answer, (int)length);
    json_tokener_free(tokener);
    int r = take_prelude(call, object);
    json_object_put(object);
    if (r < 0)
        return r;
    size_t gone = length + sizeof END;
    memmove(call->answer, call->answer + gone, call->answer_bytes - gone);
    call->answer_bytes -= (uint32_t)gone;
    return 0;
}

bool lambda_trailer_error(struct MHD_Connection *connection, char *text, size_t size)
{
    const char *type = MHD_lookup_connection_value(connection, MHD_FOOTER_KIND,
                                                   "Lambda-Runtime-Function-Error-Type");

    if (!type)
        return false;
    snprintf(text, size, "%.100s: the response broke off", type);
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    return true;
}
