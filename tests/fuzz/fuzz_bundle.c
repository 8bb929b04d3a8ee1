/*
 * config.json of a bundle, which anybody may have written: whatever it is, it is a configuration
 * within the limits of its header or one line that says why not. The first byte chooses between a
 * whole configuration, a process and resources alone.
 */
#include "base/err.h"
#include "fuzz.h"
#include "oci/config.h"

static void check_strings(const struct oci_strings *strings)
{
    CHECK(strings->count <= OCI_LIST_MAX);
    for (size_t i = 0; i < strings->count; i++)
        CHECK(strings->list[i] != NULL);
    CHECK(strings->count == 0 || strings->list[strings->count] == NULL);
}

static void check_process(const struct oci_process *process)
{
    CHECK(process->args.count > 0);
    CHECK(process->cwd[0] == '/');
    check_strings(&process->args);
    check_strings(&process->env);
    for (size_t i = 0; i < process->rlimit_count; i++)
        CHECK(process->rlimits[i].limit.rlim_cur <= process->rlimits[i].limit.rlim_max);
}

static void check_config(const struct oci_config *config)
{
    const struct oci_linux *linux_ = &config->linux_;

    for (size_t i = 0; i < config->mount_count; i++) {
        CHECK(!strstr(config->mounts[i].destination, "/../"));
        check_strings(&config->mounts[i].options);
    }
    for (size_t kind = 0; kind < OCI_HOOK_KINDS; kind++)
        for (size_t i = 0; i < config->hooks[kind].count; i++)
            CHECK(config->hooks[kind].list[i].path[0] == '/');
    CHECK(linux_->uid_mappings.count <= OCI_MAPPINGS_MAX);
    CHECK(!linux_->cgroups_path || !strstr(linux_->cgroups_path, "/../"));
    check_strings(&linux_->masked_paths);
    for (size_t i = 0; i < linux_->resources.unified.count; i++)
        CHECK(!strchr(linux_->resources.unified.list[i].key, '/'));
    if (config->process)
        check_process(config->process);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oci_config *config = NULL;
    struct err err = {0};
    int r;

    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1;
    if (data[0] == 'p')
        r = oci_process_parse("config.json", text, size - 1, &config, &err);
    else if (data[0] == 'r')
        r = oci_resources_parse("config.json", text, size - 1, &config, &err);
    else
        r = oci_config_parse("config.json", text, size - 1, &config, &err);
    if (r < 0) {
        CHECK(!config);
        CHECK(strncmp(err.message, "cannot read 'config.json': ", 27) == 0);
        CHECK(!strchr(err.message, '\n'));
        return 0;
    }
    check_config(config);
    oci_config_free(config);
    return 0;
}
