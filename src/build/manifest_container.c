/*
 * command, talk, directory, and pool: started: what a function in a container says of its program;
 * and pool: policy.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "build/manifest_reader.h"

static const char *const talks[] = {
    [MANIFEST_STDIO] = "stdio", [MANIFEST_HTTP] = "http", [MANIFEST_LAMBDA] = "lambda"};

const char *manifest_talk_name(enum manifest_talk talk)
{
    return talks[talk];
}

int manifest_talk_set(struct manifest *manifest, const char *value, struct err *reason)
{
    for (size_t i = 0; i < ARRAY_LEN(talks); i++) {
        if (strcmp(talks[i], value) != 0)
            continue;
        manifest->container.talk = (enum manifest_talk)i;
        manifest->container.talk_said = true;
        return 0;
    }
    return err_say(reason, -EINVAL, "it is stdio, http or lambda");
}

int manifest_directory_set(struct manifest *manifest, const char *value, struct err *reason)
{
    if (strcmp(value, "/") != 0) {
        int r = value_path(value, sizeof manifest->container.directory, reason);
        if (r < 0)
            return r;
    }
    snprintf(manifest->container.directory, sizeof manifest->container.directory, "%s", value);
    return 0;
}

int manifest_add_word(struct manifest *manifest, const char *word, struct err *reason)
{
    struct manifest_container *container = &manifest->container;
    size_t bytes = strlen(word) + 1;

    if (!value_text_is_proper(word, true))
        return err_say(reason, -EINVAL, "a word of the command is not text");
    if (container->word_count == 0 && word[0] == '\0')
        return err_say(reason, -EINVAL, "the command's first word is empty");
    if (container->word_count == MANIFEST_WORDS_MAX ||
        bytes > sizeof container->command - container->command_bytes)
        return err_say(reason, -EINVAL, "the command has more than %d words or %zu bytes",
                       MANIFEST_WORDS_MAX, sizeof container->command);
    memcpy(container->command + container->command_bytes, word, bytes);
    container->command_bytes += (uint32_t)bytes;
    container->word_count++;
    return 0;
}

int manifest_command_read(struct reader *reader, const struct entry *entry, void *into)
{
    const struct manifest *manifest = into;
    int r = reader_texts(reader, entry->name, "words: [python3, /app/main.py]",
                         "a word of the command", manifest_add_word, into);

    if (r == 0 && manifest->container.word_count == 0)
        return reader_refuse(reader, "%s is empty", entry->name);
    return r;
}

int manifest_started_read(struct reader *reader, const struct entry *entry, void *into)
{
    return reader_bool(reader, entry, &((struct manifest *)into)->container.started);
}

int manifest_policy_read(struct reader *reader, const struct entry *entry, void *into)
{
    struct manifest *manifest = into;
    const char *text;
    int r = reader_scalar(reader, entry->name, &text);

    if (r == 0 && strcmp(text, "fixed") != 0 && strcmp(text, "rate") != 0)
        return reader_refuse(reader, "policy '%s': it is fixed or rate", value_show(text).text);
    if (r == 0)
        manifest->spares_by_rate = text[0] == 'r';
    return r;
}

void manifest_container_format(FILE *out, const struct manifest *manifest)
{
    const struct manifest_container *container = &manifest->container;
    const char *word = container->command;

    if (container->word_count > 0)
        fprintf(out, "command:\n");
    for (uint32_t i = 0; i < container->word_count; i++, word += strlen(word) + 1) {
        fprintf(out, "  - ");
        manifest_format_quoted(out, word);
        fputc('\n', out);
    }
    if (container->word_count > 0 || container->talk_said)
        fprintf(out, "talk: %s\n", manifest_talk_name(container->talk));
    if (container->directory[0]) {
        fprintf(out, "directory: ");
        manifest_format_quoted(out, container->directory);
        fputc('\n', out);
    }
}

int manifest_container_check(const struct manifest *manifest, struct err *err)
{
    const struct manifest_container *container = &manifest->container;

    if (container->word_count == 0)
        return 0;
    if (manifest->listen_count > 0 || manifest->connect_count > 0 || manifest->queue_count > 0 ||
        manifest->exec_count > 0 || manifest->bpf.given || manifest->link || manifest->ipc ||
        manifest->dependency_count > 0 || manifest->recycle != MANIFEST_RECYCLE_NONE)
        return err_say(err, -EINVAL,
                       "a function in a container has no grants but files and env, and no "
                       "dependencies or recycle");
    if (container->started && container->talk == MANIFEST_STDIO)
        return err_say(err, -EINVAL,
                       "pool.started is for talk: http and lambda: with stdio a program serves one "
                       "call from its start to its end");
    return 0;
}
