/* What the Runtime API's server calls of libmicrohttpd, which is loaded late. */
#include <microhttpd.h>
#include <stdarg.h>

#include "base/late.h"

#define LATE_LIBRARY "libmicrohttpd.so.12"

LATE(enum MHD_Result, MHD_add_response_header,
     (struct MHD_Response * response, const char *name, const char *value), (response, name, value))
LATE(struct MHD_Response *, MHD_create_response_from_buffer,
     (size_t bytes, void *data, enum MHD_ResponseMemoryMode mode), (bytes, data, mode))
LATE_VOID(MHD_destroy_response, (struct MHD_Response * response), (response))
LATE(enum MHD_Result, MHD_get_timeout,
     (struct MHD_Daemon * daemon, MHD_UNSIGNED_LONG_LONG *ret_timeout), (daemon, ret_timeout))
LATE(const char *, MHD_lookup_connection_value,
     (struct MHD_Connection * connection, enum MHD_ValueKind kind, const char *name),
     (connection, kind, name))
LATE(enum MHD_Result, MHD_queue_response,
     (struct MHD_Connection * connection, unsigned status, struct MHD_Response *response),
     (connection, status, response))
LATE_VOID(MHD_resume_connection, (struct MHD_Connection * connection), (connection))
LATE(enum MHD_Result, MHD_run, (struct MHD_Daemon * daemon), (daemon))
LATE_VOID(MHD_suspend_connection, (struct MHD_Connection * connection), (connection))

/* What is asked for here needs no further argument. */
const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *connection,
                                                        enum MHD_ConnectionInfoType type, ...)
{
    LATE_FIND(const union MHD_ConnectionInfo *, MHD_get_connection_info,
              (struct MHD_Connection *, enum MHD_ConnectionInfoType, ...));
    return function(connection, type);
}

const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *daemon,
                                                enum MHD_DaemonInfoType type, ...)
{
    LATE_FIND(const union MHD_DaemonInfo *, MHD_get_daemon_info,
              (struct MHD_Daemon *, enum MHD_DaemonInfoType, ...));
    return function(daemon, type);
}

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                    void *accept_data, MHD_AccessHandlerCallback handler,
                                    void *handler_data, ...)
{
    LATE_FIND(struct MHD_Daemon *, MHD_start_daemon_va,
              (unsigned, uint16_t, MHD_AcceptPolicyCallback, void *, MHD_AccessHandlerCallback,
               void *, va_list));
    va_list options;

    va_start(options, handler_data);
    struct MHD_Daemon *daemon =
        function(flags, port, accept, accept_data, handler, handler_data, options);
    va_end(options);
    return daemon;
}
