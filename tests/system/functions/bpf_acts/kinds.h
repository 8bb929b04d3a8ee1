/* Which program counts where. */
#pragma once

#define KINDS(X) \
    X(raw_tp)    \
    X(tp_btf)    \
    X(perf)      \
    X(xdp)       \
    X(tc)        \
    X(socket)    \
    X(uprobe)    \
    X(uretprobe) \
    X(multi)     \
    X(usdt)      \
    X(tcx)       \
    X(netfilter) \
    X(connect)   \
    X(create)    \
    X(egress)    \
    X(sockops)   \
    X(msg)       \
    X(lookup)    \
    X(iter)      \
    X(storage)   \
    X(user_ring)

enum kind {
#define X(name) KIND_##name,
    KINDS(X)
#undef X
        KIND_COUNT
};

#define PORT 17325
