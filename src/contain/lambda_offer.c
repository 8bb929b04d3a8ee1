/* How a program of the Lambda Runtime API sees its function and a call. */
#include "contain/lambda_offer.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "contain/talk.h"

static void new_id(char *id)
{
    uint8_t b[16];

    if (getrandom(b, sizeof b, 0) != sizeof b)
        memset(b, 0, sizeof b);
    snprintf(id, LAMBDA_ID_BYTES,
             "%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
             b[3], b[4], b[5], b[6] & 15, b[7], b[8] & 15, b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

static const char *call_header(const struct guest_call *call, const char *name)
{
    for (uint32_t i = 0; i < call->header_count; i++)
        if (strcmp(call->header_names[i].data, name) == 0)
            return call->header_values[i].data;
    return NULL;
}

/* The caller's or the gateway's trace (https://www.w3.org/TR/trace-context/) as X-Ray writes it:
 * traceparent is "00-" and 32 digits, "-" and 16, "-" and flags. */
static void add_trace(struct MHD_Response *response, const struct guest_call *call)
{
    const char *parent = call_header(call, "traceparent");
    char text[96];

    if (!parent || strlen(parent) < 55)
        return;
    snprintf(text, sizeof text, "Root=1-%.8s-%.24s;Parent=%.16s;Sampled=%d", parent + 3,
             parent + 11, parent + 36, parent[54] & 1);
    MHD_add_response_header(response, "Lambda-Runtime-Trace-Id", text);
}

struct MHD_Response *lambda_offer(const struct contain *contain, const struct guest_call *call,
                                  char ret_id[LAMBDA_ID_BYTES])
{
    char deadline[24], arn[NAME_MAX_BYTES + 64];

    struct MHD_Response *response = MHD_create_response_from_buffer(
        call->body_bytes, (void *)call->body, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return NULL;
    new_id(ret_id);
    snprintf(deadline, sizeof deadline, "%" PRIu64,
             (uint64_t)clock_wall_ms() + contain->setup.timeout_ms);
    snprintf(arn, sizeof arn, "arn:aws:lambda:local:000000000000:function:%s",
             contain->setup.function);
    const char *type = call_header(call, "content-type");
    MHD_add_response_header(response, "Content-Type", type && *type ? type : "application/json");
    MHD_add_response_header(response, "Lambda-Runtime-Aws-Request-Id", ret_id);
    MHD_add_response_header(response, "Lambda-Runtime-Deadline-Ms", deadline);
    MHD_add_response_header(response, "Lambda-Runtime-Invoked-Function-Arn", arn);
    add_trace(response, call);
    return response;
}

/* https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, those that have a
 * meaning here. */
void lambda_variables(const struct contain *contain, FILE *out)
{
    static const char *const fixed[] = {"_HANDLER=function.handler",
                                        "AWS_REGION=local",
                                        "AWS_DEFAULT_REGION=local",
                                        "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
                                        "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
                                        "LAMBDA_TASK_ROOT=/var/task",
                                        "LAMBDA_RUNTIME_DIR=/var/runtime",
                                        "TZ=:UTC"};
    const char *name = contain->setup.function;

    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        fprintf(out, "%s%c", fixed[i], '\0');
    fprintf(out, "AWS_LAMBDA_FUNCTION_NAME=%s%c", name, '\0');
    fprintf(out, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%llu%c",
            (unsigned long long)contain->setup.memory_bytes >> 20, '\0');
    fprintf(out, "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/%s%c", name, '\0');
    fprintf(out, "AWS_LAMBDA_LOG_STREAM_NAME=%s%c", name, '\0');
}
