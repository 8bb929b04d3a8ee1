/* spec: a config.json to begin with. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/runtime.h"

#define CAPABILITIES "[\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]"

static const char head[] =
    "{\n"
    "    \"ociVersion\": \"1.2.0\",\n"
    "    \"process\": {\n"
    "        \"terminal\": true,\n"
    "        \"user\": {\"uid\": 0, \"gid\": 0},\n"
    "        \"args\": [\"sh\"],\n"
    "        \"env\": [\n"
    "            \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\n"
    "            \"TERM=xterm\"\n"
    "        ],\n"
    "        \"cwd\": \"/\",\n"
    "        \"capabilities\": {\n"
    "            \"bounding\": " CAPABILITIES ",\n"
    "            \"effective\": " CAPABILITIES ",\n"
    "            \"permitted\": " CAPABILITIES "\n"
    "        },\n"
    "        \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024}],\n"
    "        \"noNewPrivileges\": true\n"
    "    },\n"
    "    \"root\": {\"path\": \"rootfs\", \"readonly\": true},\n"
    "    \"hostname\": \"vireo\",\n"
    "    \"mounts\": [\n"
    "        {\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},\n"
    "        {\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
    "            \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},\n"
    "        {\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"
    "            \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", "
    "\"mode=0620\"%s]},\n"
    "        {\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
    "            \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", "
    "\"size=65536k\"]},\n"
    "        {\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
    "            \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},\n"
    "        %s\n"
    "        {\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\",\n"
    "            \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}\n"
    "    ],\n"
    "    \"linux\": {\n";

static const char tail[] =
    "        \"maskedPaths\": [\n"
    "            \"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\",\n"
    "            \"/proc/latency_stats\", \"/proc/timer_list\", \"/proc/timer_stats\",\n"
    "            \"/proc/sched_debug\", \"/sys/firmware\", \"/proc/scsi\"\n"
    "        ],\n"
    "        \"readonlyPaths\": [\n"
    "            \"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\", "
    "\"/proc/sysrq-trigger\"\n"
    "        ]\n"
    "    }\n"
    "}\n";

/* As root: everything of its own but the user ids. */
static const char root_sys[] =
    "{\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
    "            \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},";
static const char root_linux[] =
    "        \"resources\": {\"devices\": [{\"allow\": false, \"access\": \"rwm\"}]},\n"
    "        \"namespaces\": [\n"
    "            {\"type\": \"pid\"}, {\"type\": \"network\"}, {\"type\": \"ipc\"},\n"
    "            {\"type\": \"uts\"}, {\"type\": \"mount\"}, {\"type\": \"cgroup\"}\n"
    "        ],\n";
/* Else: its owner is root inside, the machine's network, whose sysfs only a bind can show. */
static const char rootless_sys[] =
    "{\"destination\": \"/sys\", \"type\": \"none\", \"source\": \"/sys\",\n"
    "            \"options\": [\"rbind\", \"nosuid\", \"noexec\", \"nodev\", \"ro\"]},";
static const char rootless_linux[] =
    "        \"uidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n"
    "        \"gidMappings\": [{\"containerID\": 0, \"hostID\": %u, \"size\": 1}],\n"
    "        \"namespaces\": [\n"
    "            {\"type\": \"pid\"}, {\"type\": \"ipc\"}, {\"type\": \"uts\"},\n"
    "            {\"type\": \"mount\"}, {\"type\": \"cgroup\"}, {\"type\": \"user\"}\n"
    "        ],\n";

int verb_spec(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    bool rootless = false;
    const char *bundle = ".", *file = "config.json";
    char **words;
    const struct verb_option options[] = {
        {.name = "rootless", .flag = &rootless},
        {.name = "bundle", .letter = 'b', .value = &bundle},
        {.name = "file", .letter = 'f', .value = &file},
        {NULL},
    };
    (void)runtime;
    int r = verb_options(argc, argv, options, false, 0, 0, &words, err);

    if (r < 0)
        return r;
    _cleanup_(closep) int dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_set(err, -errno, "cannot open '%s'", bundle);
    int fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, -errno, "cannot make '%s' in '%s'", file, bundle);
    /* Without a mapping for group 5 (tty) devpts would refuse it. */
    dprintf(fd, head, rootless ? "" : ", \"gid=5\"", rootless ? rootless_sys : root_sys);
    if (rootless)
        dprintf(fd, rootless_linux, geteuid(), getegid());
    else
        fd_write_full(fd, root_linux, strlen(root_linux));
    r = fd_write_full(fd, tail, strlen(tail));
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r < 0 ? err_set(err, r, "cannot write '%s' in '%s'", file, bundle) : 0;
}
