/* Manifests: every key, every refusal with its place, and back to text. */
#include <errno.h>

#include "test.h"

#include "build/manifest.h"

static int parse(const char *text, struct manifest *manifest, struct err *err)
{
    return manifest_parse(text, strlen(text), "vireo.yaml", manifest, err);
}

static void families_are_read_and_written(void **state)
{
    (void)state;
    static struct manifest m, again;
    _cleanup_(freep) char *text = NULL;
    assert_int_equal(parse("grants: {fork: true, ipc: false}\n", &m, NULL), 0);
    assert_true(m.fork && !m.ipc);
    assert_int_equal(manifest_format(&m, &text, NULL), 0);
    assert_int_equal(parse(text, &again, NULL), 0);
    assert_true(again.fork && !again.ipc);
    assert_int_equal(parse("name: x\n", &m, NULL), 0);
    assert_true(!m.fork && !m.ipc);
}

static void what_it_listens_on_is_read_and_written(void **state)
{
    (void)state;
    static struct manifest m, again;
    _cleanup_(freep) char *text = NULL;
    assert_int_equal(parse("grants: {listen: ['127.0.0.1:7000', \"[::1]:80\"],\n"
                           "  connect: ['db.example.org:5432', '10.0.0.1:80']}\n",
                           &m, NULL),
                     0);
    assert_int_equal(m.connect_count, 2);
    assert_string_equal(m.connect[0], "db.example.org:5432");
    assert_int_equal(m.listen_count, 2);
    assert_string_equal(m.listen[0], "127.0.0.1:7000");
    assert_string_equal(m.listen[1], "[::1]:80");
    assert_int_equal(manifest_format(&m, &text, NULL), 0);
    assert_int_equal(parse(text, &again, NULL), 0);
    assert_memory_equal(&m, &again, sizeof m);
}

static void an_empty_manifest_is_the_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "\n\n", "{}\n"};
    static struct manifest defaults, manifest;
    manifest_default(&defaults);
    assert_int_equal(defaults.limits.memory_bytes, 64 << 20);
    assert_int_equal(defaults.limits.timeout_ms, 10000);
    assert_int_equal(defaults.limits.pids, 16);
    assert_int_equal(defaults.pool.instances_max, 0); /* not said */
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        memset(&manifest, 0xee, sizeof manifest);
        assert_int_equal(parse(texts[i], &manifest, NULL), 0);
        assert_memory_equal(&manifest, &defaults, sizeof manifest);
    }
}

static const char whole[] = "name: thumb-nail2\n"
                            "version: 1.10\n"
                            "sources: [main.c, 'src/*.c']\n"
                            "entry: make_small\n"
                            "http: cgi\n"
                            "isolation: request\n"
                            "limits:\n"
                            "  memory: 128MiB\n"
                            "  cpus: 0.25\n"
                            "  pids: 4\n"
                            "  timeout: 1500ms\n"
                            "  stack: 256 KiB\n"
                            "  request: 1M\n"
                            "  answer: 65536\n"
                            "  io:\n"
                            "    bytes_per_second: 10MiB\n"
                            "    operations_per_second: 100\n"
                            "grants:\n"
                            "  files:\n"
                            "    - path: /tmp\n"
                            "      size: 8MiB\n"
                            "    - {path: /data, host: /srv/data, writable: true}\n"
                            "    - path: /models/v1\n"
                            "      host: /srv/models\n"
                            "  env:\n"
                            "    MODE: fast\n"
                            "    GREETING: \"h\\u00e9 \\\"you\\\"\\n\\ttwo\"\n"
                            "    EMPTY: ''\n"
                            "    NO: no\n"
                            "    KEY: {file: /etc/vireo/secrets/key}\n"
                            "pool: {instances: 32, spares: 2, queue: 0, idle: 1m}\n";

static void every_key_is_read(void **state)
{
    (void)state;
    static struct manifest m;
    struct err err = {0};
    if (parse(whole, &m, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(m.name, "thumb-nail2");
    assert_string_equal(m.version, "1.10");
    assert_int_equal(m.source_count, 2);
    assert_string_equal(m.sources[1], "src/*.c");
    assert_string_equal(m.entry, "make_small");
    assert_true(m.http_cgi);
    assert_int_equal(m.isolation, MANIFEST_REQUEST);
    assert_int_equal(m.limits.memory_bytes, 128 << 20);
    assert_int_equal(m.limits.cpu_millis, 250);
    assert_int_equal(m.limits.pids, 4);
    assert_int_equal(m.limits.timeout_ms, 1500);
    assert_int_equal(m.limits.stack_bytes, 256 << 10);
    assert_int_equal(m.limits.request_bytes, 1 << 20);
    assert_int_equal(m.limits.answer_bytes, 65536);
    assert_int_equal(m.limits.io_bytes_per_second, 10 << 20);
    assert_int_equal(m.limits.io_operations_per_second, 100);
    assert_int_equal(m.file_count, 3);
    assert_string_equal(m.files[0].path, "/tmp");
    assert_string_equal(m.files[0].host, "");
    assert_int_equal(m.files[0].size_bytes, 8 << 20);
    assert_true(m.files[0].writable && m.files[1].writable);
    assert_false(m.files[2].writable);
    assert_string_equal(m.files[2].host, "/srv/models");
    assert_int_equal(m.env_count, 5);
    assert_string_equal(m.env[1].value, "h\xc3\xa9 \"you\"\n\ttwo");
    assert_string_equal(m.env[2].value, "");
    assert_string_equal(m.env[3].value, "no");
    assert_string_equal(m.env[3].file, "");
    assert_string_equal(m.env[4].value, "");
    assert_string_equal(m.env[4].file, "/etc/vireo/secrets/key");
    assert_int_equal(m.pool.instances_max, 32);
    assert_int_equal(m.pool.spares, 2);
    assert_int_equal(m.pool.queue_max, 0);
    assert_int_equal(m.pool.idle_ms, 60000);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static struct manifest manifests[3], back;
    struct err err = {0};
    assert_int_equal(parse(whole, &manifests[0], NULL), 0);
    manifest_default(&manifests[1]);
    manifest_default(&manifests[2]);
    assert_int_equal(manifest_set_cpus(&manifests[2], "1.001", NULL), 0);
    assert_int_equal(manifest_set_timeout(&manifests[2], "61s", NULL), 0);
    assert_int_equal(manifest_set_memory(&manifests[2], "4194305", NULL), 0);
    /* What YAML would read as something else, or as the end of a line. */
    static const char *const odd[] = {
        "A=null",
        "B=#",
        "C= x ",
        "D=a: b",
        "E=\xe2\x80\xa8",
        "F=\xc2\x85",
        "G=\xf0\x9f\x98\x80",
        "H=\\n",
        "null=~",
        "true=1",
        "I=\xef\xbb\xbf",
        "J=%",
        "K=*a",
        "L=\n\n",
        "M=\xf4\x8f\xbf\xbf",
    };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        assert_int_equal(manifest_set_env(&manifests[2], odd[i], NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
        _cleanup_(freep) char *text = NULL, *again = NULL;
        assert_int_equal(manifest_format(&manifests[i], &text, NULL), 0);
        if (parse(text, &back, &err) < 0)
            fail_msg("%s in\n%s", err.message, text);
        assert_memory_equal(&back, &manifests[i], sizeof back);
        assert_int_equal(manifest_format(&back, &again, NULL), 0);
        assert_string_equal(text, again);
    }
}

static void mistakes_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } refused[] = {
        {"name: a\nlimits:\n  pids: 3\n  memroy: 1\n",
         "cannot read 'vireo.yaml': line 4, column 3: unknown key 'memroy' (did you mean "
         "'memory'?)"},
        {"isolaton: request",
         "line 1, column 1: unknown key 'isolaton' (did you mean 'isolation'?)"},
        {"qwertyuiop: 1", "unknown key 'qwertyuiop'"},
        {"limits: {io: {bytes: 1}}", "column 15: unknown key 'bytes'"},
        {"pool: {instance: 1}", "did you mean 'instances'?"},
        {"grants: {file: []}", "did you mean 'files'?"},
        {"grants: {files: [{paht: /a}]}", "did you mean 'path'?"},
        {"? [a]\n: b\n", "a key is one value"},
        {"name: a\nname: b\n", "line 2, column 1: key 'name' is there twice"},
        {"limits: {pids: 1, pids: 1}", "key 'pids' is there twice"},
        {"limits: {pids: 1}\nlimits: {cpus: 1}\n", "line 2, column 1: key 'limits' is there twice"},
        {"grants: {env: {A: 1, A: 1}}", "variable 'A' is there twice"},
        {"bpf: {host: true}", "the section bpf needs the grant bpf"},
        {"grants: {bpf: true}\nbpf: {programs: []}", "programs: the list is empty"},
        {"grants: {bpf: true}\nbpf: {maps: []}", "maps: the list is empty"},
        {"grants: {bpf: true}\nbpf: {helpers: []}", "helpers: the list is empty"},
        {"grants: {bpf: true}\nbpf: {attach: []}", "attach: the list is empty"},
        {"grants: {bpf: true}\nbpf: {programs: [kernel]}", "programs: 'kernel' is not known"},
        {"grants: {bpf: true}\nbpf: {programs: [kprobe]}",
         "bpf: the kind 'kprobe' can't be asked for without host"},
        {"grants: {bpf: true}\nbpf: {helpers: [send_signal], host: true}",
         "bpf: the helper 'send_signal' can't be asked for"},
        {"grants: {bpf: true}\nbpf: {maps: [stack_trace]}",
         "bpf: maps of type 'stack_trace' can't be asked for without host"},
        {"grants: {bpf: true}\nbpf: {map_memory: 2GiB}", "it is not within 4KiB and 1GiB"},
        {"grants: {bpf: true}\nbpf: {map_count: 65}", "it is a number from 1 to 64"},
        {"grants: {bpf: true, fork: true}", "has none of fork, ipc, link"},
        {"allow: [read]", "allow 'read': the layers are base, io and platform"},
        {"allow: [risky]", "allow 'risky': the layers are base, io and platform"},
        {"allow: [base, io, base]", "allow 'base': it is there twice"},
        {"allow: base", "allow is a list of layers"},
        {"allow: [base]\ngrants: {files: [{path: /x}]}",
         "a grant of files needs the layer io in allow"},
        {"allow: [base]\ngrants: {connect: ['a.b:1']}",
         "a grant of connect needs the layer io in allow"},
        {"grants: {queue: [a]}", "a grant of queue needs the layer platform in allow"},
        {"allow: [platform]\ngrants: {queue: [A]}", "queue 'A': it is no name of a function"},
        {"allow: [platform]\ngrants: {queue: [a, a]}", "queue 'a': it is there twice"},
        {"grants: {exec: [a]}", "a grant of exec needs the layer platform in allow"},
        {"allow: [platform]\ngrants: {exec: [/bin/sh]}",
         "exec '/bin/sh': it is no name of a function"},
        {"allow: [platform]\ngrants: {exec: [a, a]}", "exec 'a': it is there twice"},
        {"allow: [platform]\ngrants: {exec: [a, b, c, d, e, f, g, h, i]}",
         "there are more than 8 programs to run"},
        {"vkernel: 1", "vkernel has keys below it"},
        {"vkernel: {scheduler: {policy: fifo}}",
         "line 1, column 31: a virtual kernel has no part 'scheduler'"},
        {"vkernel: {sched: {policy: rr}}", "policy 'rr': it is normal"},
        {"vkernel: {sched: {policy: fifo, policy: fifo}}", "key 'sched.policy' is there twice"},
        {"vkernel: {syscalls: {calls: {open: native, '2': native}}}",
         "system call 'open' is there twice"},
        {"vkernel: {syscalls: {calls: {opn: native}}}", "there is no system call 'opn'"},
        {"vkernel: {syscalls: {calls: {open: {a: {b: c}}}}}", "syscalls.calls.open"},
        {"vkernel: {syscalls: {calls: {open: errno if arg0 == 1}}}", "'' is no error"},
        {"vkernel: {syscalls: {profile: docker}}", "profile 'docker'"},
        {"vkernel: {syscalls: {calls: {sysinfo: emulated}}}", "emulated for containers only"},
        {"vkernel: {files: {read: /etc}}",
         "line 1, column 25: vkernel.files.read is for containers: a pVM has the files"},
        {"vkernel: {sched: {realtime: 5%}}", "vkernel.sched.realtime is for containers"},
        {"command: [x]\nvkernel: {caps: {keep: none}}", "vkernel.caps.keep is for containers"},
        {"grants: {listen: [80]}", "listen '80': it is not HOST:PORT"},
        {"grants: {connect: {}}", "connect is a list of addresses"},
        {"grants: {fork: yes}", "fork 'yes': it is true or false"},
        {"grants: {fork: [true]}", "fork is one value"},
        {"grants: {ipc: 1}", "ipc '1': it is true or false"},
        {"grants: {ipc: }", "ipc has no value"},
        {"grants: {connect: [host]}", "connect 'host': it is not HOST:PORT"},
        {"grants: {connect: ['*:80']}", "connect '*:80': its host is no name"},
        {"grants: {connect: ['10.0.0.0/8:80']}", "its host is no name"},
        {"grants: {connect: ['2130706433:80']}", "its host is a number, but no address"},
        {"grants: {connect: ['a:80', 'a:80']}", "connect 'a:80': it is there twice"},
        {"a: &x 1", "unknown key 'a'"},
        {"name: &x hello", "line 1, column 7: anchors and tags are not allowed"},
        {"name: *x", "alias"},
        {"name: !!str a", "anchors and tags are not allowed"},
        {"limits: !t {}", "anchors and tags are not allowed"},
        {"limits: &l {pids: 1}\npool: *l\n", "anchors and tags are not allowed"},
        {"sources: &s []", "anchors and tags are not allowed"},
        {"--- {}\n--- {}\n", "a second document is not allowed"},
        {"just text", "the manifest has keys below it, not a value"},
        {"[a]", "the manifest has keys below it, not a list"},
        {"---\n", "the manifest has keys below it"},
        {"name: [a]", "name is one value"},
        {"name: {a: b}", "name is one value"},
        {"name:\n", "name has no value"},
        {"name: ~\n", "name has no value"},
        {"name: null\n", "name has no value"},
        {"name: \"a\\0b\"", "name has a NUL"},
        {"limits: 3", "limits has keys below it, not a value"},
        {"limits: [pids]", "limits has keys below it, not a list"},
        {"limits:\n", "limits has keys below it"},
        {"sources: main.c", "sources is a list of files"},
        {"sources: [[a]]", "a source is one value"},
        {"sources: ['']", "not a relative path"},
        {"sources: [/etc/shadow]", "not a relative path"},
        {"sources: [../a.c]", "a part '.' or '..'"},
        {"sources: [a/../../b.c]", "a part '.' or '..'"},
        {"sources: [a//b.c]", "an empty part"},
        {"sources: [-fplugin=x.so]", "begins with '-'"},
        {"sources: [a.c, a.c]", "it is there twice"},
        {"sources: [\"a\\nb\"]", "control characters"},
        {"name: Hello", "name 'Hello': a name is lower-case"},
        {"name: -a", "a name is lower-case"},
        {"name: a_b", "a name is lower-case"},
        {"name: ''", "a name is lower-case"},
        {"name: \"a\\e[2J\"", "name 'a?[2J'"},
        {"name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "longer than 63 bytes"},
        {"version: 1 2", "a version is letters"},
        {"version: 01234567890123456789012345678901", "longer than 31 bytes"},
        {"entry: 1st", "not the name of a C function"},
        {"entry: a-b", "not the name of a C function"},
        {"http: fast", "cgi or plain"},
        {"isolation: none", "instance or request"},
        {"limits: {memory: 64MB}", "'MB' is not one of the units"},
        {"limits: {memory: 64mib}", "'mib' is not one of the units"},
        {"limits: {memory: -1}", "does not begin with a number"},
        {"limits: {memory: 1.5GiB}", "is not one of the units"},
        {"limits: {memory: 0x10}", "is not one of the units"},
        {"limits: {memory: '64 '}", "is not one of the units"},
        {"limits: {memory: 1023KiB}", "memory '1023KiB': it is not within 1MiB and 4GiB"},
        {"limits: {memory: 0}", "is not within"},
        {"limits: {memory: 5GiB}", "is not within"},
        {"limits: {memory: 18446744073709551616}", "too large"},
        {"limits: {memory: 99999999999999999TiB}", "too large"},
        {"limits: {cpus: 0.5.5}", "not a number such as"},
        {"limits: {cpus: .5}", "does not begin with a number"},
        {"limits: {cpus: 1.}", "nothing behind the point"},
        {"limits: {cpus: 0.1234}", "more than three digits"},
        {"limits: {cpus: 0.001}", "is not within 0.01 and 1024, or 0 for no limit"},
        {"limits: {cpus: 1025}", "is not within"},
        {"limits: {cpus: 99999999999}", "too large"},
        {"limits: {pids: 0}", "is not within 1 and 4096"},
        {"limits: {pids: 4.0}", "not a whole number"},
        {"limits: {pids: 4K}", "not a whole number"},
        {"limits: {timeout: 2}", "it has no unit (ms, s, m, h)"},
        {"limits: {timeout: 0s}", "is not within 1ms and 1h"},
        {"limits: {timeout: 2h}", "is not within"},
        {"limits: {timeout: 1d}", "'d' is not one of the units ms, s, m, h"},
        {"limits: {stack: 1KiB}", "is not within 64KiB and 64MiB"},
        {"limits: {stack: 32MiB, memory: 32MiB}", "does not fit in a memory of 32 MiB"},
        {"limits: {request: 7MiB}", "is not within 1B and 6MiB"},
        {"limits: {answer: 0}", "is not within"},
        {"limits: {io: {bytes_per_second: 1}}", "is not within 4KiB and 1TiB, or 0 for no limit"},
        {"limits: {io: {operations_per_second: 1s}}", "not a whole number"},
        {"sources: []", "line 1, column 11: sources is empty"},
        {"pool: {instances: 0}", "is not within"},
        {"pool: {spares: 5}", "5 spares are more than the 4 instances"},
        {"pool: {queue: 65537}", "is not within"},
        {"pool: {idle: 25h}", "is not within"},
        {"grants: {files: {}}", "files is a list of folders"},
        {"grants: {files: [/tmp]}", "a grant of files has keys below it"},
        {"grants: {files: [{}]}", "a grant of files has no path"},
        {"grants: {files: [{host: /a}]}", "a grant of files has no path"},
        {"grants: {files: [{path: tmp}]}", "path 'tmp': it is not absolute"},
        {"grants: {files: [{path: /}]}", "it is '/'"},
        {"grants: {files: [{path: /a/../b}]}", "a part '.' or '..'"},
        {"grants: {files: [{path: /a/.}]}", "a part '.' or '..'"},
        {"grants: {files: [{path: /a/}]}", "an empty part"},
        {"grants: {files: [{path: //a}]}", "an empty part"},
        {"grants: {files: [{path: /proc}]}", "/proc is not granted"},
        {"grants: {files: [{path: /sys/fs, host: /a}]}", "/sys is not granted"},
        {"grants: {files: [{path: /dev}]}", "/dev is not granted"},
        {"grants: {files: [{path: /a}, {path: /a}]}", "the same as, inside or around"},
        {"grants: {files: [{path: /a/b}, {path: /a}]}", "the same as, inside or around"},
        {"grants: {files: [{path: /a}, {path: /a/b}]}", "the same as, inside or around"},
        {"grants: {files: [{path: /a, host: ..}]}", "host '..': it is not absolute"},
        {"grants: {files: [{path: /a, host: /b/../../etc}]}", "a part '.' or '..'"},
        {"grants: {files: [{path: /a, host: /}]}", "it is '/'"},
        {"grants: {files: [{path: /a, host: ''}]}", "host is empty"},
        {"grants: {files: [{path: /a, host: /b, size: 1M}]}", "size is for a private folder"},
        {"grants: {files: [{path: /a, size: 1}]}", "is not within 64KiB and 4GiB"},
        {"grants: {files: [{path: /a, writable: yes}]}", "writable 'yes': it is true or false"},
        {"grants: {files: [{path: /a, writable: false}]}", "holds nothing"},
        {"grants: {files: [{path: \"/a\\nb\"}]}", "control characters"},
        {"grants: {files: [{path: /1}, {path: /2}, {path: /3}, {path: /4}, {path: /5}, {path: /6}, "
         "{path: /7}, {path: /8}, {path: /9}]}",
         "more than 8 grants of files"},
        {"grants: {env: [A]}", "env has names and values below it"},
        {"grants: {env: {A: [1]}}", "a variable is one value"},
        {"grants: {env: {A: }}", "a variable has no value"},
        {"grants: {listen: '127.0.0.1:1'}", "listen is a list of addresses"},
        {"grants: {listen: [[a]]}", "listen is one value"},
        {"grants: {listen: ['127.0.0.1']}", "listen '127.0.0.1': it is not HOST:PORT"},
        {"grants: {listen: ['127.0.0.1:0']}", "its port is no number from 1 to 65535"},
        {"grants: {listen: ['localhost:80']}", "listen 'localhost:80': its host is no address"},
        {"grants: {listen: ['::1:80']}", "an IPv6 address stands in brackets"},
        {"grants: {listen: ['127.0.0.1:1', '[::ffff:127.0.0.1]:1']}", "it is there twice"},
        {"grants: {listen: ['127.0.0.1:1']}\nisolation: request", "isolation: request is not for"},
        {"grants: {listen: ['127.0.0.1:1']}\npool: {spares: 1}", "pool.spares is not for it"},
        {"grants: {env: {A: {file: key}}}", "env 'A': file 'key': it is not absolute"},
        {"grants: {env: {A: {file: /a/../b}}}", "it has a part '.' or '..'"},
        {"grants: {env: {A: {file: ''}}}", "file is empty"},
        {"grants: {env: {A: {}}}", "env 'A': file '': it is not absolute"},
        {"grants: {env: {A: {path: /a}}}", "unknown key 'path'"},
        {"grants: {env: {A: {file: /a, file: /b}}}", "key 'file' is there twice"},
        {"grants: {env: {1A: x}}", "env '1A': a name is letters"},
        {"grants: {env: {A-B: x}}", "a name is letters"},
        {"grants: {env: {'': x}}", "a name is letters"},
        {"grants: {env: {'A=B': x}}", "a name is letters"},
        {"grants: {env: {A: \"\\x01\"}}", "control characters"},
        {"name: [", "line "},
        {"name: 'a", "line "},
        {"\tname: a", "line 1"},
        {"name: a\n bad: b\n", "line 1, column 7: name 'a bad'"},
        {"name: \xff\xfe", "byte 6"},
        {"name: a\x01", "byte 7"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "not a list"},
    };
    static struct manifest manifest, untouched;
    memset(&manifest, 0x5a, sizeof manifest);
    memcpy(&untouched, &manifest, sizeof manifest);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err err = {0};
        if (parse(refused[i].text, &manifest, &err) != -EINVAL)
            fail_msg("'%s' is accepted", refused[i].text);
        assert_message(err, refused[i].reason);
        assert_message(err, "cannot read 'vireo.yaml': ");
        for (const char *p = err.message; *p; p++)
            assert_true((unsigned char)*p >= 0x20);
    }
    assert_memory_equal(&manifest, &untouched, sizeof manifest);
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    static struct manifest manifest;
    static char text[MANIFEST_MAX_BYTES + 2];
    struct err err = {0}, many = {0}, total = {0}, deep = {0};
    memset(text, '#', sizeof text - 1);
    assert_int_equal(manifest_parse(text, sizeof text - 1, "v", &manifest, &err), -EFBIG);
    assert_message(err, "longer than 64 KiB");

    size_t used = (size_t)sprintf(text, "grants:\n  env:\n");
    for (int i = 0; i < 65; i++)
        used += (size_t)sprintf(text + used, "    V%d: x\n", i);
    assert_int_equal(parse(text, &manifest, &many), -EINVAL);
    assert_message(many, "more than 64 variables");

    used = (size_t)sprintf(text, "grants:\n  env:\n");
    for (int i = 0; i < 30; i++)
        used += (size_t)sprintf(text + used, "    V%d: '%01000d'\n", i, 0);
    assert_int_equal(parse(text, &manifest, &total), -EINVAL);
    assert_message(total, "all variables together are longer than");

    memset(text, '[', sizeof text);
    assert_int_equal(manifest_parse(text, MANIFEST_MAX_BYTES, "v", &manifest, &deep), -EINVAL);
}

static void the_command_lines_values_are_checked_too(void **state)
{
    (void)state;
    static struct manifest m;
    struct err err = {0};
    manifest_default(&m);
    assert_int_equal(manifest_set_name(&m, "n1", NULL), 0);
    assert_int_equal(manifest_set_memory(&m, "1G", NULL), 0);
    assert_int_equal(m.limits.memory_bytes, 1 << 30);
    assert_int_equal(manifest_set_cpus(&m, "0", NULL), 0);
    assert_int_equal(manifest_set_isolation(&m, "request", NULL), 0);
    assert_int_equal(manifest_set_env(&m, "A=1=2", NULL), 0);
    assert_int_equal(manifest_set_env(&m, "A=3", NULL), 0);
    assert_int_equal(m.env_count, 1);
    assert_string_equal(m.env[0].value, "3");
    /* What the command line says takes the place of a file. */
    static struct manifest secret;
    assert_int_equal(parse("grants: {env: {A: {file: /key}}}", &secret, NULL), 0);
    assert_int_equal(manifest_set_env(&secret, "A=3", NULL), 0);
    assert_string_equal(secret.env[0].value, "3");
    assert_string_equal(secret.env[0].file, "");
    assert_int_equal(manifest_set_memory(&m, "1000000GiB", &err), -EINVAL);
    assert_message(err, "cannot use memory '1000000GiB': it is not within 1MiB and 4GiB");
    assert_int_equal(m.limits.memory_bytes, 1 << 30);
    static const char *const pairs[] = {"A", "=x", "1=2", "A B=1", "A=\x7f", "A=\xc3(", ""};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        assert_int_equal(manifest_set_env(&m, pairs[i], NULL), -EINVAL);
    assert_int_equal(manifest_set_name(&m, "../x", NULL), -EINVAL);
    assert_int_equal(manifest_set_timeout(&m, "forever", NULL), -EINVAL);
    assert_int_equal(manifest_set_isolation(&m, "", NULL), -EINVAL);
    m.limits.memory_bytes = m.limits.stack_bytes;
    assert_int_equal(manifest_check(&m, NULL), -EINVAL);
}

static void instances_that_are_not_said_follow_the_isolation(void **state)
{
    (void)state;
    static const struct {
        const char *text, *isolation; /* of the file, then of the command line */
        uint32_t instances;
    } cases[] = {
        {"", NULL, 4},
        {"isolation: instance", NULL, 4},
        {"isolation: request", NULL, 32},
        {"", "request", 32},
        {"isolation: request", "instance", 4},
        {"{isolation: request, pool: {spares: 8}}", NULL, 32},
        {"{isolation: request, pool: {instances: 1}}", NULL, 1},
        {"{pool: {instances: 2}}", "request", 2},
        {"{pool: {instances: 64}}", NULL, 64},
    };
    static struct manifest m, back;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(freep) char *text = NULL;
        assert_int_equal(parse(cases[i].text, &m, NULL), 0);
        if (cases[i].isolation)
            assert_int_equal(manifest_set_isolation(&m, cases[i].isolation, NULL), 0);
        assert_int_equal(manifest_settle(&m, NULL), 0);
        assert_int_equal(m.pool.instances_max, cases[i].instances);
        /* Settled once: what is written says it. */
        assert_int_equal(manifest_format(&m, &text, NULL), 0);
        assert_int_equal(parse(text, &back, NULL), 0);
        assert_int_equal(back.pool.instances_max, cases[i].instances);
    }
    struct err err = {0};
    assert_int_equal(parse("{isolation: request, pool: {spares: 32}}", &m, NULL), 0);
    assert_int_equal(manifest_set_isolation(&m, "instance", NULL), 0);
    assert_int_equal(manifest_settle(&m, &err), -EINVAL);
    assert_message(err, "32 spares are more than the 4 instances of the pool");
}

static void sizes_are_shown_in_their_largest_unit(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {{0, "0 B"},           {1, "1 B"},           {1024, "1 KiB"},
                 {1536, "1536 B"},     {64 << 20, "64 MiB"}, {3ull << 30, "3 GiB"},
                 {5ull << 40, "5 TiB"}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char text[32];
        manifest_bytes_text(sizes[i].bytes, text, sizeof text);
        assert_string_equal(text, sizes[i].text);
    }
}

static void mutations_are_survived(void **state)
{
    (void)state;
    static struct manifest manifest;
    static const char odd[] = "\n :{}[],&*!|>'\"%@`#?-~\t\\0";
    uint64_t seed = 0xdeadbeefcafe;
    for (int round = 0; round < 20000; round++) {
        size_t kept = round % 3 == 0 ? test_random(&seed) % sizeof whole : sizeof whole - 1;
        char *copy = malloc(kept + !kept);
        struct err err = {0};
        memcpy(copy, whole, kept);
        for (uint64_t k = test_random(&seed) % 4; kept > 0 && k > 0; k--) {
            uint64_t value = test_random(&seed);
            copy[test_random(&seed) % kept] =
                value % 3 ? odd[value / 3 % (sizeof odd - 1)] : (char)(value / 3);
        }
        int r = manifest_parse(copy, kept, "v", &manifest, &err);
        assert_true(r == 0 || (r == -EINVAL && err.message[0]));
        free(copy);
        if (r == 0) { /* whatever was read can be written, and is the same */
            static struct manifest back;
            _cleanup_(freep) char *text = NULL;
            assert_int_equal(manifest_format(&manifest, &text, NULL), 0);
            if (parse(text, &back, &err) < 0)
                fail_msg("%s in\n%s", err.message, text);
            assert_memory_equal(&back, &manifest, sizeof back);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_listens_on_is_read_and_written),
        cmocka_unit_test(families_are_read_and_written),
        cmocka_unit_test(an_empty_manifest_is_the_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(mistakes_are_refused_with_their_place),
        cmocka_unit_test(what_is_too_much_is_refused),
        cmocka_unit_test(the_command_lines_values_are_checked_too),
        cmocka_unit_test(instances_that_are_not_said_follow_the_isolation),
        cmocka_unit_test(sizes_are_shown_in_their_largest_unit),
        cmocka_unit_test(mutations_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
