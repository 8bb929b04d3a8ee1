/* Who may ask the admin gateway. */
#include <string.h>
#include <sys/socket.h>

#include "faas/admin_query.h"
#include "faas/gateway_admin.h"

static bool uid_is_allowed(const struct admin *admin, uid_t uid)
{
    if (uid == 0)
        return true;
    for (size_t i = 0; i < admin->options.allow_uid_count; i++)
        if (admin->options.allow_uids[i] == uid)
            return true;
    return false;
}

/*
 * Browsers say of every request whose it is, by Origin, or by Sec-Fetch-Site where they send no
 * Origin (pictures, links, forms by GET). A page of a function is another site than this, whatever
 * port it came from.
 */
static bool is_of_a_page(const struct http_request *request)
{
    const char *site = http_header(request, "sec-fetch-site");

    return http_header(request, "origin") || (site && strcmp(site, "none") != 0);
}

const char *admin_refusal(struct admin_call *call, enum problem_cause *ret_cause)
{
    const struct admin *admin = call->admin;
    const struct http_request *request = call->request;
    char local[64];

    *ret_cause = PROBLEM_FORBIDDEN;
    /* A page in a browser must not administer, whatever way it found to this socket. */
    if (is_of_a_page(request))
        return "requests of web pages are refused";
    if (request->server == admin->servers[ADMIN_UNIX]) {
        struct ucred peer;
        socklen_t size = sizeof peer;
        if (getsockopt(http_socket(request), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
            !uid_is_allowed(admin, peer.uid))
            return "only root and the daemon's own user may administer";
        call->uid = peer.uid;
        return NULL;
    }
    /* A name that an attacker made point here (DNS rebinding) is told by Host. */
    const char *host = http_header(request, "host");
    http_local(request, local, sizeof local);
    if (!host || !admin_host_is_ours(host, local, admin->options.tcp_host))
        return "the Host is not this machine's address";
    const char *authorization = http_header(request, "authorization");
    *ret_cause = PROBLEM_UNAUTHORIZED;
    if (!authorization || !admin_token_matches(authorization, admin->token))
        return "the token is missing or wrong";
    return NULL;
}
