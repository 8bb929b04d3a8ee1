/* What a voter signs: the same for who votes and who counts. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "allow/audit.h"

void audit_proposal_hash(const struct audit_proposal *proposal, char ret_hash[AUDIT_HASH_TEXT])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[AUDIT_REASON_MAX + 512];

    /* None of these has a line end in it. */
    int n = snprintf(text, sizeof text,
                     "vireo proposal v2\n%s\n%s\n%s\n%s\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n",
                     proposal->entry, proposal->action, proposal->reason, proposal->nonce,
                     proposal->opened_ms, proposal->deadline_ms, proposal->quorum);
    size_t bytes = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    crypto_hash_sha256(hash, (const uint8_t *)text, bytes);
    sodium_bin2hex(ret_hash, AUDIT_HASH_TEXT, hash, sizeof hash);
}

size_t audit_vote_text(const char *hash, bool yes, const char *reason, char *to, size_t size)
{
    int n = snprintf(to, size, "vireo vote v1\n%s\n%s\n%s\n", hash, yes ? "yes" : "no", reason);

    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}
