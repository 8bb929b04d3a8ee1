/* A program of an image to the kernel: what stands before it, its maps, its type information, and
 * what the verifier says of it. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "bpf/broker_internal.h"
#include "bpf/budget.h"
#include "bpf/kernel_types.h"

#define LOG_BYTES (1u << 20)

/*
 * What stands before a program that may see its own control group only: not one of its
 * instructions runs for another's. Jumps and calls are relative, and none leads in front of where
 * it began.
 */
static uint32_t put_filter(struct bpf_insn *code, uint64_t group)
{
    const struct bpf_insn filter[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1},
        {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_cgroup_id},
        {.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .imm = (int32_t)(uint32_t)group},
        {.imm = (int32_t)(group >> 32)},
        {.code = BPF_JMP | BPF_JEQ | BPF_X, .dst_reg = 0, .src_reg = 1, .off = 2},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 6},
    };

    memcpy(code, filter, sizeof filter);
    return ARRAY_LEN(filter);
}
#define FILTER_MAX 8

/* The instruction that each record of type information is of has moved; the first stays the
 * program's beginning. */
static void move_records(uint8_t *records, uint32_t size, uint32_t count, uint32_t by)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at;
        memcpy(&at, records + (size_t)i * size, sizeof at);
        at = at == 0 ? 0 : at + by;
        memcpy(records + (size_t)i * size, &at, sizeof at);
    }
}

static void *copy_records(const struct image *image, uint32_t at, uint32_t size, uint32_t count,
                          uint32_t by)
{
    size_t bytes = (size_t)size * count;
    uint8_t *records = bytes && size >= 4 ? malloc(bytes) : NULL;

    if (!records)
        return NULL;
    memcpy(records, image->bytes + at, bytes);
    move_records(records, size, count, by);
    return records;
}

/* The cause out of the verifier's log: its last lines but the count of what it did. */
static void trim_log(char *log, char *text, size_t size)
{
    const char *lines[3] = {0};
    size_t used = 0;

    for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "processed ", 10) == 0)
            break;
        lines[0] = lines[1];
        lines[1] = lines[2];
        lines[2] = line;
    }
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (lines[i] && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "; " : "", lines[i]);
}

/* Refused without a log, it is tried once more with one. */
int program_load_checked(const struct checked *program, struct bpf_prog_load_opts *options,
                         struct err *err)
{
    enum bpf_prog_type type = (enum bpf_prog_type)program->type;
    char text[360];
    int fd = bpf_prog_load(type, program->kernel_name, program->license, program->code,
                           program->count, options);

    if (fd >= 0)
        return fd;
    int error = -errno;
    _cleanup_(freep) char *log = calloc(1, LOG_BYTES);
    if (!log)
        return err_set(err, error, "cannot load program '%s'", program->name);
    options->log_level = 1;
    options->log_buf = log;
    options->log_size = LOG_BYTES;
    fd = bpf_prog_load(type, program->kernel_name, program->license, program->code, program->count,
                       options);
    if (fd >= 0)
        return fd;
    trim_log(log, text, sizeof text);
    if (text[0])
        return err_say(err, error, "cannot load program '%s': %s: %s", program->name,
                       program->refused, text);
    return err_set(err, error, "cannot load program '%s': %s", program->name, program->refused);
}

/* The number of what a program of WAY_TRACING is for, from the kernel's own type information. */
static int find_kernel_type(const struct bpf_kind *kind, const char *point, uint32_t *ret_id,
                            struct err *err)
{
    int id = kernel_types_find(point, (enum bpf_attach_type)kind->attach_type);

    if (id < 0)
        return err_say(err, id, "cannot load object: the kernel has no '%s/%s'", kind->name, point);
    *ret_id = (uint32_t)id;
    return 0;
}

/* The instructions as they are loaded: the filter, if there is one, and maps by descriptors. */
static struct bpf_insn *copy_code(const struct session *session, const struct object *object,
                                  const struct image *image, const struct image_program *program,
                                  bool filtered, uint32_t *ret_before)
{
    struct bpf_insn *code = malloc((program->code_count + FILTER_MAX) * sizeof *code);
    uint32_t before = code && filtered ? put_filter(code, session->group_id) : 0;

    if (!code)
        return NULL;
    memcpy(code + before, image->bytes + program->code_at, program->code_count * sizeof *code);
    for (uint32_t i = before; i < before + program->code_count; i++) {
        if (code[i].code != (BPF_LD | BPF_IMM | BPF_DW))
            continue;
        if (code[i].src_reg == BPF_PSEUDO_MAP_FD || code[i].src_reg == BPF_PSEUDO_MAP_VALUE)
            code[i].imm = object->maps[code[i].imm].fd;
        i++;
    }
    *ret_before = before;
    return code;
}

/* What runs with a processor held is short, unless it is the machine's own. The verifier has gone
 * every way through it. */
static int check_length(int fd, const struct image_program *program, struct err *err)
{
    struct bpf_prog_info info = {0};
    uint32_t bytes = sizeof info;

    if (bpf_obj_get_info_by_fd(fd, &info, &bytes) < 0)
        return err_set(err, -errno, "cannot load program '%s'", program->name);
    if (info.verified_insns > POLICY_LENGTH_MAX)
        return err_say(err, -E2BIG,
                       "cannot load program '%s': it takes %u steps to verify, without host it may "
                       "be %u",
                       program->name, info.verified_insns, POLICY_LENGTH_MAX);
    return 0;
}

/* Descriptors and records that stay the caller's, in `options`. */
static int load_checked(const struct session *session, const struct object *object,
                        const struct image *image, const struct image_program *program,
                        struct bpf_prog_load_opts *options, uint32_t before,
                        const struct bpf_insn *code, struct err *err)
{
    const struct checked checked = {.name = program->name,
                                    .refused = "the kernel refuses it",
                                    .kernel_name = program->kernel_name,
                                    .type = program->type,
                                    .license = image->header->license,
                                    .code = code,
                                    .count = before + program->code_count};
    bool host = session->instance.policy.host;
    bool traces = !host && program->type == BPF_PROG_TYPE_TRACEPOINT;
    int r = traces ? program_check_pointers(object, image, program, err) : 0;

    if (r < 0)
        return r;
    if (traces)
        session_trace(session, true);
    _cleanup_(closep) int fd = program_load_checked(&checked, options, err);
    if (traces)
        session_trace(session, false);
    r = fd < 0 ? fd : host ? 0 : check_length(fd, program, err);
    return r < 0 ? r : steal_fd(&fd);
}

int object_load_program(const struct session *session, struct object *object,
                        const struct image *image, uint32_t index, int types_fd, struct err *err)
{
    const struct image_program *program = &image->programs[index];
    struct object_program *made = &object->programs[index];
    const char *point = "";
    int kind = bpf_kind_of(program->section, program->type, &point);
    const struct bpf_kind *known = &bpf_kinds[kind]; /* policy_check_image() found it */
    bool filtered = !session->instance.policy.host && known->way == WAY_TRACEPOINT;
    uint32_t before = 0;

    if (filtered && !session->group_id)
        return err_say(err, -EPERM,
                       "cannot load program '%s': the function has no control group of its own",
                       program->name);
    _cleanup_(freep) struct bpf_insn *code =
        copy_code(session, object, image, program, filtered, &before);
    if (!code)
        return err_set(err, -ENOMEM, "cannot load object");
    _cleanup_(freep) void *functions = copy_records(
        image, program->functions_at, program->functions_size, program->functions_count, before);
    _cleanup_(freep) void *lines =
        copy_records(image, program->lines_at, program->lines_size, program->lines_count, before);
    LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = program->flags,
                .expected_attach_type = (enum bpf_attach_type)(
                    program->attach_type ? program->attach_type : known->attach_type),
                .kern_version = image->header->kernel_version);
    if (types_fd >= 0 && functions) {
        options.prog_btf_fd = (uint32_t)types_fd;
        options.func_info = functions;
        options.func_info_cnt = program->functions_count;
        options.func_info_rec_size = program->functions_size;
        options.line_info = lines;
        options.line_info_cnt = lines ? program->lines_count : 0;
        options.line_info_rec_size = lines ? program->lines_size : 0;
    }
    options.attach_btf_id = program->kernel_type;
    if ((program->type == BPF_PROG_TYPE_TRACING || program->type == BPF_PROG_TYPE_LSM) &&
        find_kernel_type(known, point, &options.attach_btf_id, err) < 0)
        return -ESRCH;
    if (budget_wait(session->budget, session->socket) < 0)
        return err_set(err, -EPIPE, "cannot load program '%s'", program->name);
    const int64_t began = processor_ns();
    made->fd = load_checked(session, object, image, program, &options, before, code, err);
    budget_count(session->budget, clock_now_ns(), processor_ns() - began);
    if (made->fd < 0)
        return made->fd;
    made->kind = (uint32_t)kind;
    made->attach_type = options.expected_attach_type;
    memcpy(made->name, program->name, sizeof made->name);
    snprintf(made->point, sizeof made->point, "%s", point);
    return 0;
}
