#!/usr/bin/env python3
"""Creates containers of malformed and hostile config.json: usage: oci_hostile.py RUNTIME ROOT BUNDLE

From one configuration with every field of the specification each value is made wrong in several
ways, one at a time; and the text itself is cut, repeated and garbled. Each must be refused by one
line that has the JSON path (where there is one), an exit status that is not 0 nor a signal's, and
leave nothing in ROOT. Prints what was not, and last how many were tried.
"""
import json
import os
import subprocess
import sys

MAPPING = {"containerID": 0, "hostID": 100000, "size": 65536}
GOOD = {
    "ociVersion": "1.2.0",
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "h",
    "domainname": "d",
    "process": {
        "terminal": False, "consoleSize": {"height": 24, "width": 80},
        "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [1]},
        "args": ["/bin/true"], "env": ["A=b"], "cwd": "/",
        "capabilities": {"bounding": ["CAP_KILL"], "ambient": ["CAP_KILL"]},
        "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}],
        "noNewPrivileges": True, "oomScoreAdj": 0,
        "apparmorProfile": "p", "selinuxLabel": "l",
        "scheduler": {"policy": "SCHED_BATCH", "nice": 1, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
    },
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"],
                "uidMappings": [MAPPING], "gidMappings": [MAPPING]}],
    "hooks": {kind: [{"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}]
              for kind in ("prestart", "poststop")},
    "annotations": {"a": "b"},
    "linux": {
        "namespaces": [{"type": t} for t in
                       ("pid", "network", "ipc", "uts", "mount", "user", "cgroup", "time")],
        "uidMappings": [MAPPING], "gidMappings": [MAPPING],
        "timeOffsets": {"monotonic": {"secs": 1, "nanosecs": 1}},
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438,
                     "uid": 0, "gid": 0}],
        "cgroupsPath": "/hostile/none", "rootfsPropagation": "private",
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "l",
        "personality": {"domain": "LINUX"},
        "intelRdt": {"closID": "c", "enableCMT": False},
        "seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/x",
            "listenerMetadata": "m",
            "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
                          "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}]},
        "resources": {
            "devices": [{"allow": False, "type": "c", "major": 1, "minor": 3, "access": "rwm"}],
            "memory": {"limit": 1 << 26, "reservation": 1 << 25, "swap": 1 << 26, "swappiness": 0,
                       "disableOOMKiller": False},
            "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
            "pids": {"limit": 10},
            "blockIO": {"weight": 500, "throttleReadBpsDevice":
                        [{"major": 8, "minor": 0, "rate": 1000}]},
            "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
            "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 1}]},
            "rdma": {"mlx5_0": {"hcaHandles": 1}},
            "unified": {"memory.high": "max"}},
    },
}
# Wrong values of strings that mean something; by the end of their path.
WORDS = {
    "ociVersion": ["", "x", "0.9.0", "2.0.0", "1.2"],
    "root.path": [""],
    "cwd": ["", "relative", "../.."],
    "destination": ["", "/a/../../../etc", "../x"],
    "hooks.prestart[0].path": ["", "../bin/true"],
    "hooks.poststop[0].path": ["true"],
    "namespaces[0].type": ["", "PID", "mnt"],
    "namespaces[1].type": ["pid"],
    "rlimits[0].type": ["", "CORE", "RLIMIT_EVERYTHING"],
    "bounding[0]": ["", "CAP KILL", "all"],
    "env[0]": ["", "=b", "A"],
    "policy": ["SCHED_ISO", "", "OTHER"],
    "class": ["", "BE"],
    "devices[0].path": ["", "dev/x", "/dev/../../etc/x"],
    "devices[0].type": ["", "x"],
    "devices[0].access": ["x", "rwmx"],
    "cgroupsPath": ["/a/../../b", "..", "x\ny"],
    "rootfsPropagation": ["SHARED", "none"],
    "maskedPaths[0]": ["", "proc/kcore"],
    "readonlyPaths[0]": ["", "../sys"],
    "domain": ["", "BSD"],
    "closID": ["../../x", "a/b", "."],
    "defaultAction": ["", "ALLOW", "SCMP_ACT_NOTIFY"],
    "architectures[0]": ["", "X86"],
    "flags[0]": ["", "FLAG"],
    "listenerPath": ["", "x"],
    "names[0]": [""],
    "action": ["", "KILL"],
    "op": ["", "=="],
    "cpus": ["-1", "3-1", "a", "0,,1", "99999999"],
    "mems": ["0-"],
    "pageSize": ["2M", "MB", "0KB", "2MB/../x"],
    "priorities[0].name": ["", "a/b", "x" * 16],
}
NUMBERS = [-99999999999, 1.5, "1", 2**64]


def leaves(value, path=""):
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, path + "." + key if path else key)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from leaves(inner, "%s[%d]" % (path, i))


def put(config, path, value):
    keys = [int(k) if k.isdigit() else k for k in path.replace("[", "\0").replace("]", "")
            .replace("net.ipv4.ip_forward", "SYSCTL").replace("memory.high", "HIGH")
            .replace(".", "\0").replace("SYSCTL", "net.ipv4.ip_forward")
            .replace("HIGH", "memory.high").split("\0")]
    for key in keys[:-1]:
        config = config[key]
    if value is KeyError:
        del config[keys[-1]]
    else:
        config[keys[-1]] = value


def wrong_values(path, value):
    if isinstance(value, bool):
        return ["true", 1]
    if isinstance(value, (int, float)):
        # Clocks go back, too.
        return NUMBERS[1:] if path.endswith(".secs") else NUMBERS
    if isinstance(value, str):
        for end, words in WORDS.items():
            if path.endswith(end):
                return [7, {}] + words
        return [7, ["x"], "a\0b"]
    if isinstance(value, list):
        return [{}, "x"]
    return [[], "x"]


REQUIRED = ["ociVersion", "root", "root.path", "process.args", "process.cwd",
            "process.rlimits[0].type", "process.rlimits[0].soft", "process.scheduler.policy",
            "mounts[0].destination", "mounts[0].gidMappings", "hooks.prestart[0].path",
            "linux.namespaces[0].type", "linux.uidMappings[0].size", "linux.devices[0].path",
            "linux.devices[0].major", "linux.personality.domain", "linux.seccomp.defaultAction",
            "linux.seccomp.syscalls[0].names", "linux.seccomp.syscalls[0].args[0].op",
            "linux.resources.devices[0].allow", "linux.resources.hugepageLimits[0].limit",
            "linux.resources.blockIO.throttleReadBpsDevice[0].rate"]


def texts():
    """Pairs of a text and what its refusal names."""
    for path, value in leaves(GOOD):
        if not path:
            continue
        for wrong in wrong_values(path, value):
            config = json.loads(json.dumps(GOOD))
            put(config, path, wrong)
            yield json.dumps(config), path
    for path in REQUIRED:
        config = json.loads(json.dumps(GOOD))
        put(config, path, KeyError)
        yield json.dumps(config), path
    text = json.dumps(GOOD)
    for i in range(0, len(text), max(1, len(text) // 24)):
        yield text[:i], "line 1"
    for key in ("root", "process", "linux", "args", "limit", "namespaces", "\\u0072oot"):
        at = text.index('"%s"' % key.replace("\\u0072", "r"))
        yield text[:at] + '"%s": null, ' % key + text[at:], "twice"
    for junk in (text + "x", text + "{}", text.replace("true", "True"), text.replace('"', "'"),
                 text.replace("{", "{,", 1), "/* c */" + text, text[:-1] + ",}", "[" * 5000,
                 text.replace("/bin/true", "/bin/\x01"), '{"a":' * 3000 + "1" + "}" * 3000,
                 "\ufeff" + text, "nul", "1e5", '"text"', "[]", "null", "NaN"):
        yield junk, "config.json"
    yield from spellings(text)
    yield from twice(text)
    yield from huge(text)


def spellings(text):
    """The text with one value spelt as JSON does not have it, or as no program would."""
    for path, value in leaves(GOOD):
        if not path or isinstance(value, (dict, list)):
            continue
        config = json.loads(text)
        put(config, path, "@")
        around = json.dumps(config).split('"@"')
        if isinstance(value, bool):
            words = ("True", "1e400")
        elif isinstance(value, int):
            words = ("1e400", "-1e999", "9" * 400, "9" * 400 + ".5", "0x10", "+1", "01", "1.", ".5", "-", "1e", "NaN",
                     "-Infinity")
        else:
            words = (b'"a\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf8\x88\x80\x80\x80"', r'"a\u0000b"', r'"\x41"',
                     r'"\u12"', '"a\tb"', '"a\nb"', '"a', "'a'", '"a" "b"')
        for word in words:
            word = word.encode() if isinstance(word, str) else word
            yield around[0].encode() + word + around[1].encode(), "line 1" if word in UNNAMED else path


# Where the text goes on wrongly behind them.
UNNAMED = (b'"a', b'"a" "b"', b"01")


def twice(text):
    """Each key there twice, in a second spelling too; its place is told as it is spelt."""
    for path, _ in leaves(GOOD):
        above, _, key = path.rpartition(".")
        if "[" in key or not key or key in ("ip_forward", "high"):
            continue
        config = json.loads(text)
        put(config, path, "@")
        around = json.dumps(config).split('"@"')
        for spelt in (key, "\\u%04x" % ord(key[0]) + key[1:]):
            yield around[0] + '1, "%s": 2' % spelt + around[1], above + "." * bool(above) + spelt


def huge(text):
    """Lists and texts far beyond what any container has."""
    for path, value in leaves(GOOD):
        if isinstance(value, list) and value:
            config = json.loads(text)
            put(config, path, value * 70000)
            longer = json.dumps(config)
            yield longer, path if len(longer) <= 4 << 20 else "longer than"
        if isinstance(value, (list, dict)) and path:
            config = json.loads(text)
            put(config, path, "@")
            for deep in ("[" * 4000 + "]" * 4000, '{"a":' * 4000 + "1" + "}" * 4000):
                yield json.dumps(config).replace('"@"', deep), path
    for path in ("hostname", "process.cwd", "root.path", "linux.cgroupsPath", "mounts[0].destination",
                 "hooks.prestart[0].path", "linux.maskedPaths[0]", "linux.devices[0].path",
                 "linux.seccomp.listenerPath"):
        config = json.loads(text)
        put(config, path, "/" + "a" * 300000)
        yield json.dumps(config), path


def main():
    runtime, root, bundle = sys.argv[1:4]
    os.makedirs(os.path.join(bundle, "rootfs"), exist_ok=True)
    tried = 0
    for text, expect in texts():
        tried += 1
        with open(os.path.join(bundle, "config.json"), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([runtime, "--root", root, "create", "-b", bundle, "hostile"],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              text=True, timeout=30)
        said = done.stderr
        if (done.returncode not in (1, 2) or said.count("\n") != 1 or expect not in said
                or "cannot " not in said or done.stdout
                or (os.path.isdir(root) and os.listdir(root))):
            print("not refused well (%d, %r wanted): %s%s" % (done.returncode, expect, said, text[:2000]))
    print("tried", tried)


main()
