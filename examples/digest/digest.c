/*
 * SHA-256 and CRC-32 of standard input: a plain program, no vireo header. Over HTTP the query
 * says which (?algorithm=sha256|crc32|all); on the command line the first argument does.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32.h"
#include "sha256.h"

#define STREAM_BUFFER_BYTES 65536

enum algorithm { SHA256 = 1, CRC32 = 2, ALL = SHA256 | CRC32, UNKNOWN = 0 };

static enum algorithm algorithm_named(const char *name, size_t length)
{
    static const struct {
        const char *name;
        enum algorithm algorithm;
    } known[] = {{"sha256", SHA256}, {"crc32", CRC32}, {"all", ALL}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == length && memcmp(known[i].name, name, length) == 0)
            return known[i].algorithm;
    return UNKNOWN;
}

/* The value of `algorithm` in a query string; every other key is a mistake worth telling. */
static enum algorithm algorithm_of_query(const char *query)
{
    static const char key[] = "algorithm=";
    enum algorithm algorithm = ALL;

    while (*query) {
        size_t length = strcspn(query, "&");
        if (strncmp(query, key, sizeof key - 1) != 0)
            return UNKNOWN;
        algorithm = algorithm_named(query + sizeof key - 1, length - (sizeof key - 1));
        if (algorithm == UNKNOWN)
            return UNKNOWN;
        query += length;
        if (*query == '&')
            query++;
    }
    return algorithm;
}

static int fail(bool http, const char *status, const char *message)
{
    if (http)
        printf("Status: %s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\n", status,
               message);
    else
        fprintf(stderr, "digest: %s\n", message);
    /* Over HTTP the status has said it: the exchange itself went well. */
    return http ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *query = getenv("QUERY_STRING");
    bool http = getenv("GATEWAY_INTERFACE") != NULL;
    enum algorithm algorithm = http && query ? algorithm_of_query(query)
                               : argc > 1    ? algorithm_named(argv[1], strlen(argv[1]))
                                             : ALL;

    if (algorithm == UNKNOWN)
        return fail(http, "400 Bad Request",
                    "cannot digest: the algorithm is one of sha256, crc32, all");

    static uint8_t buffer[STREAM_BUFFER_BYTES];
    struct sha256 sha256;
    uint32_t crc = 0;
    uint64_t bytes = 0;
    ssize_t got;

    sha256_init(&sha256);
    while ((got = read(STDIN_FILENO, buffer, sizeof buffer)) != 0) {
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return fail(http, "400 Bad Request", "cannot read the input");
        }
        if (algorithm & SHA256)
            sha256_update(&sha256, buffer, (size_t)got);
        if (algorithm & CRC32)
            crc = crc32_update(crc, buffer, (size_t)got);
        bytes += (uint64_t)got;
    }

    if (http)
        printf("Content-Type: application/json\r\n\r\n");
    printf("{\"bytes\":%llu", (unsigned long long)bytes);
    if (algorithm & SHA256) {
        uint8_t hash[SHA256_BYTES];
        sha256_finish(&sha256, hash);
        printf(",\"sha256\":\"");
        for (size_t i = 0; i < sizeof hash; i++)
            printf("%02x", hash[i]);
        printf("\"");
    }
    if (algorithm & CRC32)
        printf(",\"crc32\":\"%08x\"", crc);
    printf("}\n");
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
