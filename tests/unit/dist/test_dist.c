/* Names of artifacts, and manifests as registries may give them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "dist/manifest.h"

#define HASH "4fb174216f82d00d852e6cbc9a5c9d996eab380a1c7d0dd4a1350104a750a46b"
#define LAYER(type, size) \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HASH "\",\"size\":" size "}"

static void references_are_read_as_docker_does(void **state)
{
    struct dist_reference reference;
    struct err err = {0};

    (void)state;
    assert_int_equal(dist_reference_parse("localhost:5000/a/b-c:1.0", &reference, &err), 0);
    assert_string_equal(reference.host, "localhost:5000");
    assert_string_equal(reference.name, "a/b-c");
    assert_string_equal(reference.tag, "1.0");
    assert_int_equal(dist_reference_parse("ghcr.io/a", &reference, &err), 0);
    assert_string_equal(reference.tag, "latest");
    assert_int_equal(dist_reference_parse("[::1]:5000/a@sha256:" HASH, &reference, &err), 0);
    assert_string_equal(reference.tag, "sha256:" HASH);
}

static void what_is_no_reference_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "a",
                                      "/a",
                                      "a/",
                                      "a/b/",
                                      "a//b",
                                      "a/B",
                                      "a/.b",
                                      "a/b-:1",
                                      "a/b:",
                                      "a/b:.1",
                                      "a/b:1/2",
                                      "a/b:a b",
                                      "a/b@1",
                                      "a/b@sha256:12",
                                      "a/b:sha256:" HASH,
                                      "a b/c",
                                      "a\n/b",
                                      "a/b@sha256:" HASH "0",
                                      "a/b\r\n:1",
                                      "user@a/b",
                                      "a?/b",
                                      "a#/b",
                                      "a/../b"};
    struct dist_reference reference;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_int_equal(dist_reference_parse(bad[i], &reference, &err), -EINVAL);
    }
}

static void only_this_machine_is_local(void **state)
{
    static const char *const others[] = {"localhost.evil.org", "127.evil.org",   "localhosts",
                                         "128.0.0.1",          "[::1].evil.org", "127.0.0.1.org"};

    (void)state;
    assert_true(dist_host_is_local("localhost:5000"));
    assert_true(dist_host_is_local("127.0.0.1"));
    assert_true(dist_host_is_local("[::1]:1"));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(dist_host_is_local(others[i]));
}

static void manifests_of_each_kind_are_read(void **state)
{
    struct dist_manifest manifest;
    struct err err = {0};

    (void)state;
    assert_int_equal(dist_manifest_read("{\"layers\":[" LAYER("application/wasm", "9") "," LAYER(
                                            "application/vnd.vireo.policy.v1+yaml", "3") "]}",
                                        &manifest, &err),
                     0);
    assert_true(manifest.has_policy && manifest.module.bytes == 9 && manifest.policy.bytes == 3);
    assert_int_equal(
        dist_manifest_read(
            "{\"layers\":[" LAYER("application/vnd.module.wasm.content.layer.v1+wasm", "9") "]}",
            &manifest, &err),
        0);
    assert_int_equal(
        dist_manifest_read("{\"manifests\":[{\"mediaType\":\"x\",\"digest\":\"sha256:" HASH
                           "\",\"size\":1,\"platform\":{\"architecture\":\"wasm\"}}]}",
                           &manifest, &err),
        0);
    assert_true(manifest.is_index);
}

static void what_is_no_artifact_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        "{\"layers\":7}",
        "{\"layers\":[7]}",
        "{\"layers\":[{}]}",
        "{\"layers\":[" LAYER("application/wasm", "-1") "]}",
        "{\"layers\":[" LAYER("application/wasm", "\"9\"") "]}",
        "{\"layers\":[" LAYER("application/wasm", "0") "]}",
        "{\"layers\":[" LAYER("application/wasm", "99999999999") "]}",
        "{\"layers\":[" LAYER("application/wasm", "9") "," LAYER("application/wasm", "9") "]}",
        "{\"layers\":[" LAYER("application/octet-stream", "9") "]}",
        "{\"layers\":[{\"mediaType\":\"a\",\"digest\":\"sha256:../../x\",\"size\":1}]}",
        "{\"manifests\":[]}",
        "{\"manifests\":[7]}",
        "{\"manifests\":[{\"platform\":{\"architecture\":\"wasm\"}}]}",
    };
    struct dist_manifest manifest;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        assert_true(dist_manifest_read(bad[i], &manifest, &err) < 0);
        assert_true(err.code < 0);
    }
}

static void a_signature_is_one_of_its_subject(void **state)
{
    struct dist_descriptor subject = {.type = DIST_MANIFEST_TYPE, .bytes = 9};
    struct dist_descriptor layer = {.type = DIST_SIGNATURE_TYPE, .bytes = 64}, a, b, list[2];
    struct err err = {0};

    (void)state;
    strcpy(subject.digest, "sha256:" HASH);
    dist_digest("x", 1, layer.digest);
    _cleanup_(freep) char *text = dist_signature_text(&subject, &layer, "me");
    assert_int_equal(dist_signature_read(text, &a, &b, &err), 0);
    assert_string_equal(a.digest, subject.digest);
    assert_string_equal(b.digest, layer.digest);
    assert_int_equal(dist_signature_read("{\"layers\":[]}", &a, &b, &err), -EBADMSG);
    /* One that is listed twice is there once; what is no index counts for nothing. */
    _cleanup_(freep) char *one = dist_index_text("[1]", &layer, "me");
    _cleanup_(freep) char *two = dist_index_text(one, &layer, "me");
    assert_int_equal(dist_index_read(two, list, 2), 1);
    assert_int_equal(dist_index_read("{\"manifests\":{}}", list, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_read_as_docker_does),
        cmocka_unit_test(what_is_no_reference_is_refused),
        cmocka_unit_test(only_this_machine_is_local),
        cmocka_unit_test(manifests_of_each_kind_are_read),
        cmocka_unit_test(what_is_no_artifact_is_refused),
        cmocka_unit_test(a_signature_is_one_of_its_subject),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
