/* config.json's linux.seccomp: words are checked here, their numbers are libseccomp's. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/config_reader.h"

static const struct choice actions[] = {
    {"SCMP_ACT_KILL", 0},        {"SCMP_ACT_KILL_PROCESS", 0},
    {"SCMP_ACT_KILL_THREAD", 0}, {"SCMP_ACT_TRAP", 0},
    {"SCMP_ACT_ERRNO", 0},       {"SCMP_ACT_TRACE", 0},
    {"SCMP_ACT_ALLOW", 0},       {"SCMP_ACT_LOG", 0},
    {"SCMP_ACT_NOTIFY", 0},      {NULL, 0},
};
static const struct choice operators[] = {
    {"SCMP_CMP_NE", 0}, {"SCMP_CMP_LT", 0}, {"SCMP_CMP_LE", 0},        {"SCMP_CMP_EQ", 0},
    {"SCMP_CMP_GE", 0}, {"SCMP_CMP_GT", 0}, {"SCMP_CMP_MASKED_EQ", 0}, {NULL, 0},
};
static const struct choice architectures[] = {
    {"SCMP_ARCH_NATIVE", 0},
    {"SCMP_ARCH_X86", 0},
    {"SCMP_ARCH_X86_64", 0},
    {"SCMP_ARCH_X32", 0},
    {"SCMP_ARCH_ARM", 0},
    {"SCMP_ARCH_AARCH64", 0},
    {"SCMP_ARCH_MIPS", 0},
    {"SCMP_ARCH_MIPS64", 0},
    {"SCMP_ARCH_MIPS64N32", 0},
    {"SCMP_ARCH_MIPSEL", 0},
    {"SCMP_ARCH_MIPSEL64", 0},
    {"SCMP_ARCH_MIPSEL64N32", 0},
    {"SCMP_ARCH_PPC", 0},
    {"SCMP_ARCH_PPC64", 0},
    {"SCMP_ARCH_PPC64LE", 0},
    {"SCMP_ARCH_S390", 0},
    {"SCMP_ARCH_S390X", 0},
    {"SCMP_ARCH_PARISC", 0},
    {"SCMP_ARCH_PARISC64", 0},
    {"SCMP_ARCH_RISCV64", 0},
    {"SCMP_ARCH_LOONGARCH64", 0},
    {"SCMP_ARCH_M68K", 0},
    {"SCMP_ARCH_SH", 0},
    {"SCMP_ARCH_SHEB", 0},
    {NULL, 0},
};
static const struct choice flags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", 0},
    {"SECCOMP_FILTER_FLAG_LOG", 0},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", 0},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0},
    {NULL, 0},
};

static int read_words(struct reader *reader, const struct at *at, const struct choice *choices,
                      struct oci_strings *strings)
{
    const struct field words = {.choices = choices};
    int r = read_strings(reader, at, &words, strings);

    for (size_t i = 0; r == 0 && i < strings->count; i++) {
        const char *known = NULL;
        for (const struct choice *c = choices; c->word && !known; c++)
            known = strcmp(c->word, strings->list[i]) == 0 ? c->word : NULL;
        if (!known)
            r = refuse(reader, &(struct at){.up = at, .index = i}, "there is no '%.100s' here",
                       strings->list[i]);
    }
    return r;
}

static int read_architectures(struct reader *reader, const struct at *at, const struct field *field,
                              void *out)
{
    (void)field;
    return read_words(reader, at, architectures, out);
}

static int read_flags(struct reader *reader, const struct at *at, const struct field *field,
                      void *out)
{
    (void)field;
    return read_words(reader, at, flags, out);
}

static const struct field arg_fields[] = {
    {.key = "index",
     .read = read_u32,
     .offset = offsetof(struct oci_seccomp_arg, index),
     .min = 0,
     .max = 5,
     .required = true},
    FIELD_REQUIRED("value", read_u64_plain, struct oci_seccomp_arg, value),
    FIELD("valueTwo", read_u64_plain, struct oci_seccomp_arg, value_two),
    FIELD_CHOICE("op", read_choice_word, struct oci_seccomp_arg, op, operators, true),
};
DEFINE_OBJECT(read_arg, arg_fields)
DEFINE_LIST(read_args, struct oci_seccomp_arg, 64, read_arg)

static const struct field rule_fields[] = {
    FIELD_REQUIRED("names", read_strings, struct oci_seccomp_rule, names),
    FIELD_CHOICE("action", read_choice_word, struct oci_seccomp_rule, action, actions, true),
    FIELD_RANGE("errnoRet", read_u64, struct oci_seccomp_rule, errno_ret, 0, 4095),
    FIELD_LIST("args", read_args, struct oci_seccomp_rule, args, arg_count),
};

static bool can_return_errno(const char *action)
{
    return strcmp(action, "SCMP_ACT_ERRNO") == 0 || strcmp(action, "SCMP_ACT_TRACE") == 0;
}

static int read_rule(struct reader *reader, const struct at *at, const struct field *field,
                     void *out)
{
    struct oci_seccomp_rule *rule = out;
    (void)field;
    int r = read_object(reader, at, rule_fields, ARRAY_LEN(rule_fields), out);

    if (r < 0)
        return r;
    if (rule->names.count == 0)
        return refuse(reader, at, "names: it has no element");
    const struct at names = {.up = at, .key = "names"};
    for (size_t i = 0; i < rule->names.count; i++) {
        if (rule->names.list[i][0] == '\0' || strlen(rule->names.list[i]) > 63)
            return refuse(reader, &(struct at){.up = &names, .index = i},
                          "that is no name of a system call");
        /* The listener is handed over by write(2), under this very filter. */
        if (strcmp(rule->action, "SCMP_ACT_NOTIFY") == 0 &&
            strcmp(rule->names.list[i], "write") == 0)
            return refuse(reader, at, "SCMP_ACT_NOTIFY can't be the action of write");
    }
    /* 0 is what engines write for "not given". */
    if (rule->errno_ret.set && rule->errno_ret.value != 0 && !can_return_errno(rule->action))
        return refuse(reader, at, "errnoRet does not go with %s", rule->action);
    return 0;
}
DEFINE_LIST(read_rules, struct oci_seccomp_rule, 16384, read_rule)

static const struct field seccomp_fields[] = {
    FIELD_CHOICE("defaultAction", read_choice_word, struct oci_seccomp, default_action, actions,
                 true),
    FIELD_RANGE("defaultErrnoRet", read_u64, struct oci_seccomp, default_errno_ret, 0, 4095),
    FIELD("architectures", read_architectures, struct oci_seccomp, architectures),
    FIELD("flags", read_flags, struct oci_seccomp, flags),
    FIELD("listenerPath", read_path, struct oci_seccomp, listener_path),
    FIELD("listenerMetadata", read_string, struct oci_seccomp, listener_metadata),
    FIELD_LIST("syscalls", read_rules, struct oci_seccomp, rules, rule_count),
};

int read_seccomp(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    struct oci_seccomp *seccomp = config_memory(reader->config, 1, sizeof *seccomp);
    bool notify = false;
    (void)field;

    if (!seccomp)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    seccomp->object = at->value;
    int r = read_object(reader, at, seccomp_fields, ARRAY_LEN(seccomp_fields), seccomp);
    if (r < 0)
        return r;
    if (strcmp(seccomp->default_action, "SCMP_ACT_NOTIFY") == 0)
        return refuse_key(reader, at, "defaultAction", "SCMP_ACT_NOTIFY can't be the default");
    if (seccomp->default_errno_ret.set && seccomp->default_errno_ret.value != 0 &&
        !can_return_errno(seccomp->default_action))
        return refuse(reader, at, "defaultErrnoRet does not go with %s", seccomp->default_action);
    for (size_t i = 0; i < seccomp->rule_count; i++)
        notify = notify || strcmp(seccomp->rules[i].action, "SCMP_ACT_NOTIFY") == 0;
    if (notify && !seccomp->listener_path)
        return refuse(reader, at, "SCMP_ACT_NOTIFY needs a listenerPath");
    if (seccomp->listener_metadata && seccomp->listener_metadata[0] && !seccomp->listener_path)
        return refuse(reader, at, "listenerMetadata needs a listenerPath");
    *(struct oci_seccomp **)out = seccomp;
    return 0;
}
