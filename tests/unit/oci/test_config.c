/* What config.json may say, and what is refused, with the path of what is wrong. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cmocka_all.h"
#include "oci/config.h"

DEFINE_CLEANUP(struct oci_config, oci_config_free)

/* Written with ' for ", to be read. */
static int parse(const char *text, struct oci_config **ret_config, struct err *err)
{
    _cleanup_(freep) char *copy = strdup(text);

    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return oci_config_parse("config.json", copy, strlen(copy), ret_config, err);
}

#define TOP "'ociVersion':'1.2.0','root':{'path':'rootfs'}"
#define ALL(text) "{" TOP "," text "}"
#define PROCESS(text) ALL("'process':{'cwd':'/','args':['a']," text "}")
#define LINUX(text) ALL("'linux':{" text "}")
#define RESOURCES(text) LINUX("'resources':{" text "}")
#define SECCOMP(text) LINUX("'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'," text "}")

static const struct {
    const char *text, *message; /* behind "cannot read 'config.json': " */
} refused[] = {
    {"", "line 1: the JSON text ends too early"},
    {"{", "line 1: the JSON text ends too early"},
    {"[]", "it must be an object"},
    {"null", "it must be an object"},
    {"{} {}", "line 1: unexpected character"},
    {"{}", "ociVersion: it is missing"},
    {"{'ociVersion':1}", "ociVersion: it must be a string"},
    {"{'ociVersion':''}", "ociVersion: it is empty"},
    {"{'ociVersion':'1'}", "ociVersion: '1' is no version such as 1.2.0"},
    {"{'ociVersion':'2.0.0'}", "ociVersion: version 2.0.0 is not known here, only 1.x"},
    {"{'ociVersion':'1.0.0'}", "root: it is missing"},
    {"{'ociVersion':'1.0.0','root':null}", "root: it is missing"},
    {"{'ociVersion':'1.0.0','root':{}}", "root.path: it is missing"},
    {"{'ociVersion':'1.0.0','root':{'path':7}}", "root.path: it must be a string"},
    {"{'ociVersion':'1.0.0','root':{'path':'a\\u0000b'}}", "root.path: there is a NUL in it"},
    {ALL("'windows':{'layerFolders':['a']}"),
     "windows: this runtime makes no container of windows"},
    {ALL("'vm':{'kernel':{'path':'/k'}}"), "vm: this runtime makes no container of vm"},
    {ALL("'solaris':7"), "solaris: this runtime makes no container of solaris"},
    {ALL("'hostname':[]"), "hostname: it must be a string"},
    {ALL("'hostname':'x'"), "hostname: it needs a namespace of type uts"},
    {ALL("'annotations':{'':'x'}"), "annotations: a key is empty"},
    {ALL("'annotations':{'a':1}"), "annotations.a: it must be a string"},
    {ALL("'annotations':{'a':'1','a':'2'}"), "annotations.a: the key is there twice"},
    {ALL("'annotations':{'a':'1','\\u0061':'2'}"), "annotations.\\u0061: the key is there twice"},
    {ALL("'process':{'cwd':'/','args':[],'args':['a']}"), "process.args: the key is there twice"},
    {ALL("'process':{}"), "process.args: it is missing"},
    {ALL("'process':{'args':[]}"), "process.args: it has no element; the first names the program"},
    {ALL("'process':{'args':['','a']}"), "process.args[0]: it is empty; it names the program"},
    {ALL("'process':{'args':'a'}"), "process.args: it must be a list"},
    {ALL("'process':{'args':['a',2]}"), "process.args[1]: it must be a string"},
    {ALL("'process':{'args':['a']}"), "process.cwd: it is missing"},
    {ALL("'process':{'args':['a'],'cwd':'tmp'}"), "process.cwd: 'tmp' is not an absolute path"},
    {PROCESS("'terminal':'yes'"), "process.terminal: it must be true or false"},
    {PROCESS("'consoleSize':{'height':70000}"),
     "process.consoleSize.height: 70000 is not within 0 to 65535"},
    {PROCESS("'user':{'uid':-1}"), "process.user.uid: it must not be negative"},
    {PROCESS("'user':{'uid':4294967295}"),
     "process.user.uid: 4294967295 is not within 0 to 4294967294"},
    {PROCESS("'user':{'uid':1.5}"), "process.user.uid: it must be a whole number"},
    {PROCESS("'user':{'uid':'0'}"), "process.user.uid: it must be a whole number"},
    {PROCESS("'user':{'additionalGids':[0,'x']}"),
     "process.user.additionalGids[1]: it must be a whole number"},
    {PROCESS("'user':{'umask':512}"), "process.user.umask: 512 is not within 0 to 511"},
    {PROCESS("'env':['A']"), "process.env[0]: 'A' is not of the form NAME=VALUE"},
    {PROCESS("'env':['=A']"), "process.env[0]: '=A' is not of the form NAME=VALUE"},
    {PROCESS("'capabilities':{'bounding':['chown the']}"),
     "process.capabilities.bounding[0]: there is no capability 'chown the'"},
    {PROCESS("'capabilities':{'ambient':{}}"), "process.capabilities.ambient: it must be a list"},
    {PROCESS("'rlimits':[{'type':'RLIMIT_X','soft':1,'hard':1}]"),
     "process.rlimits[0].type: there is no 'RLIMIT_X' here"},
    {PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':2,'hard':1}]"),
     "process.rlimits[0]: the soft limit of RLIMIT_CPU is over its hard limit"},
    {PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':1,'hard':1},"
             "{'type':'RLIMIT_CPU','soft':1,'hard':1}]"),
     "process.rlimits[1].type: RLIMIT_CPU is there twice"},
    {PROCESS("'rlimits':[{'type':'RLIMIT_CPU','soft':99999999999999999999999,'hard':1}]"),
     "process.rlimits[0].soft: line 1: the number is too large for 64 bits"},
    {PROCESS("'oomScoreAdj':-99999999999999999999"),
     "process.oomScoreAdj: line 1: the number is too large for 64 bits"},
    {ALL("'x':1e999"), "x: line 1: the number is not finite"},
    {ALL("'x':[1,-Infinity]"), "x[1]: line 1: the number is not finite"},
    {ALL("'x':NaN"), "x: line 1: the number is not finite"},
    {ALL("'hostname':'\xc0\xaf'"), "hostname: line 1: there are bytes in it that are not UTF-8"},
    {ALL("'hostname':'\xed\xa0\x80'"),
     "hostname: line 1: there are bytes in it that are not UTF-8"},
    {PROCESS("'oomScoreAdj':1001"), "process.oomScoreAdj: 1001 is not within -1000 to 1000"},
    {PROCESS("'scheduler':{'policy':'SCHED_ISO'}"),
     "process.scheduler.policy: there is no 'SCHED_ISO' here"},
    {PROCESS("'scheduler':{'policy':'SCHED_OTHER','priority':5}"),
     "process.scheduler: a priority is of SCHED_FIFO and SCHED_RR alone"},
    {PROCESS("'ioPriority':{'class':'IOPRIO_CLASS_BE','priority':8}"),
     "process.ioPriority.priority: 8 is not within 0 to 7"},
    {ALL("'mounts':[{}]"), "mounts[0].destination: it is missing"},
    {ALL("'mounts':[{'destination':'/a/../../etc'}]"),
     "mounts[0].destination: '/a/../../etc' climbs by '..'"},
    {ALL("'mounts':[{'destination':'/a','options':[1]}]"),
     "mounts[0].options[0]: it must be a string"},
    {ALL("'mounts':[{'destination':'/a','uidMappings':[{'containerID':0,'hostID':0,'size':1}]}]"),
     "mounts[0].gidMappings: uidMappings and gidMappings belong together"},
    {ALL("'hooks':{'poststop':[{'path':'x'}]}"),
     "hooks.poststop[0].path: 'x' is not an absolute path"},
    {ALL("'hooks':{'prestart':[{'path':'/x','timeout':0}]}"),
     "hooks.prestart[0].timeout: 0 is not within 1 to 1073741824"},
    {LINUX("'namespaces':[{'type':'nt'}]"), "linux.namespaces[0].type: there is no 'nt' here"},
    {LINUX("'namespaces':[{'type':'pid'},{'type':'pid'}]"),
     "linux.namespaces[1].type: 'pid' is there twice"},
    {LINUX("'namespaces':[{'type':'pid','path':'proc/1/ns/pid'}]"),
     "linux.namespaces[0].path: 'proc/1/ns/pid' is not absolute"},
    {LINUX("'uidMappings':[{'containerID':0,'hostID':0,'size':1}]"),
     "linux.uidMappings: it needs a namespace of type user"},
    {LINUX("'uidMappings':[{'containerID':0,'hostID':1,'size':4294967294}],"
           "'gidMappings':[{'containerID':0,'hostID':0,'size':4294967295}]"),
     "linux.uidMappings: it needs a namespace of type user"},
    {"{'ociVersion':'1.0.2','root':{'path':'r'},'process':{'cwd':'/','args':['a'],"
     "'capabilities':{'bounding':['CAP_OF_TOMORROW']}}}",
     "process.capabilities.bounding[0]: there is no capability 'CAP_OF_TOMORROW'"},
    {LINUX("'uidMappings':[{'containerID':0,'hostID':0,'size':0}]"),
     "linux.uidMappings[0].size: 0 is not within 1 to 4294967295"},
    {LINUX("'uidMappings':[{'containerID':0,'hostID':4294967290,'size':10}]"),
     "linux.uidMappings[0]: the range ends beyond the last id"},
    {LINUX("'uidMappings':[{'containerID':0,'hostID':0,'size':9},"
           "{'containerID':9,'hostID':8,'size':9}]"),
     "linux.uidMappings: ranges 0 and 1 overlap"},
    {LINUX("'timeOffsets':{'realtime':{'secs':1}}"),
     "linux.timeOffsets: the kernel has no clock 'realtime' to set off"},
    {LINUX("'timeOffsets':{'boottime':{'secs':1}}"),
     "linux.timeOffsets: they need a namespace of type time"},
    {LINUX("'sysctl':{'kernel.panic':'1'}"),
     "linux.sysctl.kernel.panic: it is the whole machine's, not of a namespace"},
    {LINUX("'sysctl':{'net.ipv4.ip_forward':'1'}"),
     "linux.sysctl.net.ipv4.ip_forward: it needs a namespace of type network"},
    {LINUX("'sysctl':{'net/../kernel/panic':'1'}"),
     "linux.sysctl.net/../kernel/panic: it contains an invalid path"},
    {LINUX("'sysctl':{'.net.ipv4.ip_forward':'1'}"),
     "linux.sysctl..net.ipv4.ip_forward: it contains an invalid path"},
    {ALL("'domainname':'a','linux':{'namespaces':[{'type':'uts'}],'sysctl':{'kernel.domainname':'b'"
         "}}"),
     "linux.sysctl.kernel.domainname: it is not what the field domainname says"},
    {LINUX("'memoryPolicy':{}"), "linux.memoryPolicy.mode: it is missing"},
    {LINUX("'netDevices':['eth0']"), "linux.netDevices: it must be an object"},
    {LINUX("'netDevices':{'eth0':{'name':'net0'}}"),
     "linux.netDevices: they need a namespace of type network"},
    {LINUX("'netDevices':{'eth0':{'name':'a/b'}}"),
     "linux.netDevices.eth0.name: 'a/b' is no name of an interface"},
    {LINUX("'netDevices':{'eth0':{'name':'eth%d'}}"),
     "linux.netDevices.eth0.name: 'eth%d' is no name of an interface"},
    {LINUX("'netDevices':{'..':{}}"), "linux.netDevices...: that is no name of an interface"},
    {LINUX("'netDevices':{'a':{'name':'c'},'b':{'name':'c'}}"),
     "linux.netDevices.b: 'a' would be called 'c' as well"},
    {LINUX("'memoryPolicy':{'mode':'MPOL_BEST'}"),
     "linux.memoryPolicy.mode: there is no 'MPOL_BEST' here"},
    {LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0','flags':['MPOL_F_X']}"),
     "linux.memoryPolicy.flags[0]: there is no 'MPOL_F_X' here"},
    {LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0-'}"),
     "linux.memoryPolicy.nodes: '0-' is no list such as 0-3,8"},
    {LINUX("'memoryPolicy':{'mode':'MPOL_BIND','nodes':'0,1024'}"),
     "linux.memoryPolicy: no machine has all the nodes '0,1024'"},
    {PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','deadline':2000,'period':2000}"),
     "process.scheduler: sched_setattr: `SCHED_DEADLINE` requires `runtime`"},
    {PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','runtime':2000}"),
     "process.scheduler: sched_setattr: `SCHED_DEADLINE` requires `deadline`"},
    {PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','runtime':0,'deadline':2000}"),
     "process.scheduler: sched_setattr: `SCHED_DEADLINE` runtime must be greater than 0"},
    {PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','runtime':1023,'deadline':2000}"),
     "process.scheduler: sched_setattr: `SCHED_DEADLINE` runtime 1023 must be between 1024 and "
     "9223372036854775807"},
    {PROCESS("'scheduler':{'policy':'SCHED_DEADLINE','runtime':3000,'deadline':2000}"),
     "process.scheduler: sched_setattr: `SCHED_DEADLINE` runtime 3000 must be <= deadline 2000"},
    {PROCESS(
         "'scheduler':{'policy':'SCHED_DEADLINE','runtime':2000,'deadline':4000,'period':3000}"),
     "process.scheduler: sched_setattr: `SCHED_DEADLINE` deadline 4000 must be <= period 3000"},
    {LINUX("'cgroupsPath':'/a/../b'"), "linux.cgroupsPath: the path '/a/../b' climbs by '..'"},
    {LINUX("'devices':[{'path':'/dev/x','type':'c','major':1}]"),
     "linux.devices[0].minor: it is missing"},
    {LINUX("'devices':[{'path':'dev/x','type':'p'}]"),
     "linux.devices[0].path: 'dev/x' is not an absolute path"},
    {LINUX("'devices':[{'path':'/dev/x','type':'q'}]"),
     "linux.devices[0].type: there is no 'q' here"},
    {LINUX("'rootfsPropagation':'rsync'"), "linux.rootfsPropagation: there is no 'rsync' here"},
    {LINUX("'maskedPaths':['proc']"), "linux.maskedPaths[0]: 'proc' is not an absolute path"},
    {LINUX("'intelRdt':{'closID':'../x'}"),
     "linux.intelRdt.closID: '../x' is not the name of a directory"},
    {LINUX("'personality':{'domain':'SVR4'}"), "linux.personality.domain: there is no 'SVR4' here"},
    {RESOURCES("'memory':{'limit':'1g'}"),
     "linux.resources.memory.limit: it must be a whole number"},
    {RESOURCES("'memory':{'limit':-2}"),
     "linux.resources.memory.limit: -2 is not within -1 to 9223372036854775807"},
    {RESOURCES("'memory':{'limit':18446744073709551615}"),
     "linux.resources.memory.limit: 18446744073709551615 is too large"},
    {RESOURCES("'memory':{'limit':200,'swap':100}"),
     "linux.resources.memory.swap: memory and swap together are below the memory's limit"},
    {RESOURCES("'memory':{'swappiness':101}"),
     "linux.resources.memory.swappiness: 101 is over 100"},
    {RESOURCES("'cpu':{'cpus':'0-'}"), "linux.resources.cpu.cpus: '0-' is no list such as 0-3,8"},
    {RESOURCES("'cpu':{'shares':-1}"), "linux.resources.cpu.shares: it must not be negative"},
    {RESOURCES("'pids':{'limit':1e3}"), "linux.resources.pids.limit: it must be a whole number"},
    {RESOURCES("'devices':[{'access':'rwm'}]"), "linux.resources.devices[0].allow: it is missing"},
    {RESOURCES("'devices':[{'allow':true,'access':'rx'}]"),
     "linux.resources.devices[0].access: 'rx' has other letters than r, w and m"},
    {RESOURCES("'blockIO':{'weight':5}"),
     "linux.resources.blockIO.weight: 5 is not within 10 to 1000"},
    {RESOURCES("'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0}]}"),
     "linux.resources.blockIO.throttleReadBpsDevice[0].rate: it is missing"},
    {RESOURCES("'hugepageLimits':[{'pageSize':'2M','limit':1}]"),
     "linux.resources.hugepageLimits[0].pageSize: '2M' is no size such as 2MB"},
    {RESOURCES("'network':{'priorities':[{'name':'e/0','priority':1}]}"),
     "linux.resources.network.priorities[0].name: 'e/0' is no name of an interface"},
    {RESOURCES("'rdma':{'m/x':{}}"), "linux.resources.rdma.m/x: that is no name of a device"},
    {RESOURCES("'unified':{'../cgroup.procs':'1'}"),
     "linux.resources.unified.../cgroup.procs: that is no name of a control file such as "
     "memory.high"},
    {RESOURCES("'unified':{'cgroup.procs':'1'}"),
     "linux.resources.unified.cgroup.procs: that is no limit, but what the runtime itself does "
     "with the group"},
    {RESOURCES("'unified':{'cgroup.kill':'1'}"),
     "linux.resources.unified.cgroup.kill: that is no limit, but what the runtime itself does "
     "with the group"},
    {LINUX("'seccomp':{}"), "linux.seccomp.defaultAction: it is missing"},
    {LINUX("'seccomp':{'defaultAction':'SCMP_ACT_NOTIFY'}"),
     "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY can't be the default"},
    {SECCOMP("'architectures':['SCMP_ARCH_PDP11']"),
     "linux.seccomp.architectures[0]: there is no 'SCMP_ARCH_PDP11' here"},
    {SECCOMP("'flags':['X']"), "linux.seccomp.flags[0]: there is no 'X' here"},
    {SECCOMP("'syscalls':[{'names':[],'action':'SCMP_ACT_ERRNO'}]"),
     "linux.seccomp.syscalls[0]: names: it has no element"},
    {SECCOMP("'syscalls':[{'names':['read'],'action':'SCMP_ACT_NOTIFY'}]"),
     "linux.seccomp: SCMP_ACT_NOTIFY needs a listenerPath"},
    {SECCOMP("'syscalls':[{'names':['read'],'action':'SCMP_ACT_ERRNO',"
             "'args':[{'index':6,'value':0,'op':'SCMP_CMP_EQ'}]}]"),
     "linux.seccomp.syscalls[0].args[0].index: 6 is not within 0 to 5"},
};

static void what_is_wrong_is_refused_by_its_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct oci_config *config = NULL;
        struct err err = {0};
        char message[512];

        int r = parse(refused[i].text, &config, &err);
        if (r >= 0)
            print_error("accepted: %s\n", refused[i].text);
        assert_int_equal(r, -EINVAL);
        assert_null(config);
        snprintf(message, sizeof message, "cannot read 'config.json': %s", refused[i].message);
        assert_string_equal(err.message, message);
    }
}

static struct oci_config *parsed(const char *text)
{
    struct oci_config *config = NULL;
    struct err err = {0};

    if (parse(text, &config, &err) < 0)
        fail_msg("refused: %s", err.message);
    return config;
}

static void what_is_said_arrives(void **state)
{
    _cleanup_(oci_config_freep) struct oci_config *config = parsed(
        "{" TOP ",'hostname':'h','unknown':{'x':[1.5,null]},'windows':{},'zos':null,"
        "'mounts':[{'destination':'/b','source':'/s','options':['bind','size=1k']}],"
        "'process':{'cwd':'/','args':['sh','-c'],'user':{'uid':1,'gid':2,'additionalGids':[3,4]},"
        "'capabilities':{'bounding':['CAP_CHOWN','CAP_BPF','CAP_OF_TOMORROW']},"
        "'rlimits':[{'type':'RLIMIT_NOFILE','soft':18446744073709551615,"
        "'hard':18446744073709551615}]},"
        "'hooks':{'poststop':[{'path':'/bin/true','timeout':3}]},"
        "'linux':{'namespaces':[{'type':'uts'},{'type':'mount','path':'/proc/1/ns/mnt'}],"
        "'uidMappings':[{'containerID':0,'hostID':0,'size':4294967295}],"
        "'gidMappings':[{'containerID':0,'hostID':0,'size':4294967295}],"
        "'rootfsPropagation':'rslave','resources':{'memory':{'limit':-1},'pids':{'limit':7},"
        "'devices':[{'allow':false,'access':'rwm'}]}}}");
    const struct oci_process *process = config->process;

    (void)state;
    assert_int_equal(process->args.count, 2);
    assert_string_equal(process->args.list[1], "-c");
    assert_null(process->args.list[2]);
    assert_int_equal(process->uid, 1);
    assert_int_equal(process->gid, 2);
    assert_int_equal(process->additional_gid_count, 2);
    assert_int_equal(process->additional_gids[1], 4);
    assert_true(process->capabilities.set);
    assert_true(process->capabilities.bounding == (1ull | 1ull << 39));
    assert_int_equal(config->warnings.count, 2);
    assert_true(process->rlimits[0].limit.rlim_max == RLIM_INFINITY);
    assert_int_equal(config->hooks[OCI_HOOK_POSTSTOP].count, 1);
    assert_int_equal(config->hooks[OCI_HOOK_POSTSTOP].list[0].timeout.value, 3);
    assert_int_equal(config->hooks[OCI_HOOK_PRESTART].count, 0);
    assert_string_equal(oci_config_namespace(config, CLONE_NEWNS)->path, "/proc/1/ns/mnt");
    assert_null(oci_config_namespace(config, CLONE_NEWUTS)->path);
    assert_null(oci_config_namespace(config, CLONE_NEWPID));
    assert_int_equal(config->linux_.rootfs_propagation, MS_SLAVE | MS_REC);
    assert_int_equal(config->linux_.resources.memory.limit.value, -1);
    assert_int_equal(config->linux_.resources.pids_limit.value, 7);
    assert_int_equal(config->linux_.resources.devices[0].major, -1);
    assert_int_equal(config->linux_.resources.devices[0].type, 'a');
    assert_false(config->linux_.resources.cpu.shares.set);
}

static void what_stands_too_deep_is_refused(void **state)
{
    char text[400] = "{'a':", close[200] = "";
    struct oci_config *config = NULL;
    struct err err = {0};

    (void)state;
    for (int i = 0; i < 60; i++) {
        strcat(text, "[");
        strcat(close, "]");
    }
    strcat(strcat(text, close), "}");
    assert_int_equal(parse(text, &config, &err), -EINVAL);
    assert_non_null(strstr(err.message, "nesting too deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_refused_by_its_path),
        cmocka_unit_test(what_is_said_arrives),
        cmocka_unit_test(what_stands_too_deep_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
