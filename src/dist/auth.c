/*
 * Credentials: Basic, from docker's or podman's file, and Bearer tokens, which a server that the
 * registry names gives for them (the distribution specification's token authentication). They go
 * to the registry over TLS or on this machine, and to the token server over the same.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "dist/http.h"

#define FILE_MAX_BYTES (1u << 20)

/* {"auths": {"HOST": {"auth": "BASE64"}}} */
static bool read_file(const char *path, const char *host, char *text, size_t size)
{
    _cleanup_(fclosep) FILE *file = fopen(path, "re");
    _cleanup_(freep) char *content = file ? malloc(FILE_MAX_BYTES) : NULL;
    struct json_object *root, *auths, *entry, *auth;
    bool found = false;

    if (!content)
        return false;
    size_t n = fread(content, 1, FILE_MAX_BYTES - 1, file);
    content[n] = '\0';
    root = json_tokener_parse(content);
    if (root && json_object_object_get_ex(root, "auths", &auths) &&
        json_object_object_get_ex(auths, host, &entry) &&
        json_object_object_get_ex(entry, "auth", &auth)) {
        const char *value = json_object_get_string(auth);
        found =
            value && *value && strlen(value) + sizeof "Basic " <= size &&
            strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
                strlen(value);
        if (found)
            snprintf(text, size, "Basic %s", value);
    }
    json_object_put(root);
    return found;
}

void dist_credentials(const struct dist_options *options, const char *host, char *text, size_t size)
{
    const struct {
        const char *variable, *rest;
    } places[] = {{"REGISTRY_AUTH_FILE", ""},
                  {"DOCKER_CONFIG", "/config.json"},
                  {"XDG_RUNTIME_DIR", "/containers/auth.json"},
                  {"HOME", "/.docker/config.json"}};
    char path[4096];

    text[0] = '\0';
    if (options->auth) {
        (void)read_file(options->auth, host, text, size);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *value = getenv(places[i].variable);
        snprintf(path, sizeof path, "%s%s", value ? value : "", places[i].rest);
        if (value && read_file(path, host, text, size))
            return;
    }
}

/* realm="..." out of a challenge. */
static bool parameter(const char *challenge, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);

    for (const char *at = challenge; (at = strcasestr(at, name)); at += length) {
        if (at[length] != '=' || at[length + 1] != '"')
            continue;
        const char *begin = at + length + 2, *end = strchr(begin, '"');
        if (!end || (size_t)(end - begin) >= size)
            return false;
        memcpy(value, begin, (size_t)(end - begin));
        value[end - begin] = '\0';
        return true;
    }
    return false;
}

static void append(char *url, size_t size, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    size_t used = strlen(url);

    snprintf(url + used, size - used, "%s%s=%s", strchr(url, '?') ? "&" : "?", name,
             escaped ? escaped : "");
    curl_free(escaped);
}

static int take_token(struct dist_registry *registry, const char *body)
{
    struct json_object *root = json_tokener_parse(body), *token = NULL;
    const char *text = NULL;
    int r = -EACCES;

    if (root && (json_object_object_get_ex(root, "token", &token) ||
                 json_object_object_get_ex(root, "access_token", &token)))
        text = json_object_get_string(token);
    if (text && *text && !strpbrk(text, "\r\n") &&
        strlen(text) + sizeof "Bearer " <= sizeof registry->authorization) {
        snprintf(registry->authorization, sizeof registry->authorization, "Bearer %s", text);
        r = 0;
    }
    json_object_put(root);
    return r;
}

static int ask_token(struct dist_registry *registry, const char *challenge, struct err *err)
{
    char url[DIST_URL_MAX], value[1024];
    struct dist_answer answer = {0};

    if (!parameter(challenge, "realm", url, sizeof url))
        return -EACCES;
    /* http://127.0.0.1:1@elsewhere/ is elsewhere. */
    if (strchr(url, '@'))
        return err_say(err, -EACCES, "cannot ask '%s' for a token: it has a user in it", url);
    /* A token is worth as much as what it is given for. */
    if (strncmp(url, "https://", 8) != 0 &&
        (strncmp(url, "http://", 7) != 0 ||
         (!dist_host_is_local(url + 7) && !registry->options->plain_http)))
        return err_say(err, -EACCES, "cannot ask '%s' for a token: it is not https", url);
    if (parameter(challenge, "service", value, sizeof value))
        append(url, sizeof url, "service", value);
    if (parameter(challenge, "scope", value, sizeof value))
        append(url, sizeof url, "scope", value);
    struct dist_registry server = *registry;
    snprintf(server.authorization, sizeof server.authorization, "%s", registry->basic);
    /* What it answers 401 to is not asked again. */
    server.base[0] = '\0';
    const struct dist_request request = {.method = "GET", .url = url};
    int r = dist_http(&server, &request, &answer, err);
    if (r == 0)
        r = answer.status == 200 && answer.body ? take_token(registry, answer.body) : -EACCES;
    dist_answer_clear(&answer);
    return r;
}

int dist_authorize(struct dist_registry *registry, const char *challenge, struct err *err)
{
    if (strncasecmp(challenge, "Bearer ", 7) == 0)
        return ask_token(registry, challenge, err);
    if (strncasecmp(challenge, "Basic ", 6) != 0 || !registry->basic[0] ||
        strcmp(registry->authorization, registry->basic) == 0)
        return -EACCES;
    snprintf(registry->authorization, sizeof registry->authorization, "%s", registry->basic);
    return 0;
}
