/* What a voter signs: the same for who votes and who counts. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "allow/audit.h"

void audit_proposal_hash(const char *entry, const char *action, const char *reason,
                         int64_t opened_ms, const char *nonce, char ret_hash[AUDIT_HASH_TEXT])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char text[AUDIT_REASON_MAX + 512];

    /* None of these has a line end in it. */
    int n = snprintf(text, sizeof text, "vireo proposal v1\n%s\n%s\n%s\n%" PRId64 "\n%s\n", entry,
                     action, reason, opened_ms, nonce);
    crypto_hash_sha256(hash, (const uint8_t *)text, (size_t)n);
    sodium_bin2hex(ret_hash, AUDIT_HASH_TEXT, hash, sizeof hash);
}

size_t audit_vote_text(const char *hash, bool yes, const char *reason, char *to, size_t size)
{
    int n = snprintf(to, size, "vireo vote v1\n%s\n%s\n%s\n", hash, yes ? "yes" : "no", reason);

    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}
