/* vireo top: what functions do now, as a table that is made anew each second. */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/problem.h"
#include "cli/table.h"
#include "cli/top_sample.h"

DEFINE_CLEANUP(struct table, table_free)
DEFINE_CLEANUP(struct top_sample, top_sample_free)

/* Lines of the screen that are no function's: summary, headings, the last one. */
#define LINES_KEPT 3

static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
    (void)signal;
    ended = 1;
}

static const struct {
    const char *word;
    enum top_order order;
    char key;
} orders[] = {
    {"cpu", TOP_CPU, 'c'},
    {"calls", TOP_CALLS, 'n'},
    {"memory", TOP_MEMORY, 'm'},
    {"name", TOP_NAME, 'a'},
};

static bool order_parse(const char *word, enum top_order *ret_order)
{
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (strcmp(orders[i].word, word) == 0) {
            *ret_order = orders[i].order;
            return true;
        }
    return false;
}

/* ---- one round ---- */

static int sample_take(struct top_sample **ret_sample)
{
    struct json_object *json = NULL;
    struct err err = {0};

    int exit = admin_get("show what functions do", NULL, "/system/usage", &json);
    if (exit != CLI_OK)
        return exit;
    int r = top_sample_new(json, ret_sample);
    if (r == 0)
        return CLI_OK;
    if (r == -ENOMEM)
        err_set(&err, r, "cannot show what functions do");
    else
        err_say(&err, -ENOTRECOVERABLE, "cannot show what functions do: the answer is no sample");
    return cli_error(&err, NULL);
}

static void us_text(double us, char text[static 16])
{
    if (us == 0)
        strcpy(text, "-");
    else if (us < 1000)
        snprintf(text, 16, "%.0f us", us);
    else if (us < 1e6)
        snprintf(text, 16, "%.1f ms", us / 1e3);
    else
        snprintf(text, 16, "%.2f s", us / 1e6);
}

static void bytes_text(uint64_t bytes, char text[static 16])
{
    if (bytes >= 10u << 20)
        snprintf(text, 16, "%.0f MiB", (double)bytes / (1 << 20));
    else
        snprintf(text, 16, "%.1f MiB", (double)bytes / (1 << 20));
}

static int row_show(struct table *table, const struct top_row *row)
{
    char calls[16], errors[16], p50[16], p99[16], cpu[16], memory[16], instances[32], queue[16];

    snprintf(calls, sizeof calls, "%.1f", row->calls);
    snprintf(errors, sizeof errors, "%.1f", row->errors);
    us_text(row->p50_us, p50);
    us_text(row->p99_us, p99);
    snprintf(cpu, sizeof cpu, "%.1f", row->cpu_percent);
    bytes_text(row->memory_bytes, memory);
    snprintf(instances, sizeof instances, "%u/%u", row->busy, row->instances);
    snprintf(queue, sizeof queue, "%u", row->queue);
    const char *const cells[] = {row->name, calls, errors, p50, p99, cpu, memory, instances, queue};
    return table_row(table, cells);
}

static int table_show(const struct top_row *rows, size_t count)
{
    static const char *const headings[] = {"NAME", "CALLS/S", "ERRORS/S",  "P50",   "P99",
                                           "CPU%", "MEMORY",  "BUSY/INST", "QUEUE", NULL};
    _cleanup_(table_freep) struct table *table = table_new(headings);

    for (size_t i = 0; table && i < count; i++)
        if (row_show(table, &rows[i]) < 0)
            return -ENOMEM;
    if (!table)
        return -ENOMEM;
    table_print(table, stdout);
    return 0;
}

/* Two digits behind the point are what is known; JSON knows no infinity, and there is none. */
static struct json_object *number(double value)
{
    char text[32];

    value = round(value * 100) / 100;
    snprintf(text, sizeof text, "%.2f", value);
    return json_object_new_double_s(value, text);
}

/* One line a round. */
static void json_show(const struct top_row *rows, size_t count, double seconds)
{
    struct json_object *object = json_object_new_object();
    struct json_object *list = json_object_new_array();

    json_object_object_add(object, "interval_s", number(seconds));
    for (size_t i = 0; i < count; i++) {
        struct json_object *row = json_object_new_object();
        json_object_object_add(row, "name", json_object_new_string(rows[i].name));
        json_object_object_add(row, "calls_per_s", number(rows[i].calls));
        json_object_object_add(row, "errors_per_s", number(rows[i].errors));
        json_object_object_add(row, "p50_us", number(rows[i].p50_us));
        json_object_object_add(row, "p99_us", number(rows[i].p99_us));
        json_object_object_add(row, "cpu_percent", number(rows[i].cpu_percent));
        json_object_object_add(row, "memory_bytes",
                               json_object_new_int64((int64_t)rows[i].memory_bytes));
        json_object_object_add(row, "instances", json_object_new_int64(rows[i].instances));
        json_object_object_add(row, "busy", json_object_new_int64(rows[i].busy));
        json_object_object_add(row, "queue", json_object_new_int64(rows[i].queue));
        json_object_array_add(list, row);
    }
    json_object_object_add(object, "functions", list);
    puts(json_object_to_json_string_ext(object,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
}

/* Makes the next of two samples and the rows between them. An exit code. */
static int round_make(const struct top_sample *before, enum top_order order,
                      struct top_sample **ret_now, struct top_row **ret_rows)
{
    struct err err = {0};

    int exit = sample_take(ret_now);
    if (exit != CLI_OK)
        return exit;
    *ret_rows = top_rows(before, *ret_now, order);
    if (*ret_rows)
        return CLI_OK;
    err_set(&err, -ENOMEM, "cannot show what functions do");
    return cli_error(&err, NULL);
}

/* ---- not a terminal: so many rounds ---- */

static int rounds_show(unsigned long rounds, double interval, enum top_order order)
{
    _cleanup_(top_sample_freep) struct top_sample *before = NULL;
    const struct timespec pause = {.tv_sec = (time_t)interval,
                                   .tv_nsec = (long)(fmod(interval, 1) * 1e9)};
    struct err err = {0};

    int exit = sample_take(&before);
    for (unsigned long i = 0; i < rounds && exit == CLI_OK; i++) {
        _cleanup_(top_sample_freep) struct top_sample *now = NULL;
        _cleanup_(freep) struct top_row *rows = NULL;
        nanosleep(&pause, NULL);
        exit = round_make(before, order, &now, &rows);
        if (exit != CLI_OK)
            return exit;
        if (cli.json) {
            json_show(rows, now->count, (double)(now->time_us - before->time_us) / 1e6);
        } else {
            if (i > 0)
                putchar('\n');
            if (table_show(rows, now->count) < 0) {
                err_set(&err, -ENOMEM, "cannot show what functions do");
                return cli_error(&err, NULL);
            }
        }
        if (fflush(stdout) != 0)
            return CLI_OK; /* main() says it */
        top_sample_free(before);
        before = steal_ptr(&now);
    }
    return exit;
}

/* ---- a terminal ---- */

static struct termios terminal_before;

static int terminal_begin(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &terminal_before) < 0)
        return -errno;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    raw = terminal_before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
        return -errno;
    /* No cursor, lines cut instead of wrapped. Not the other screen: the last table, and why it was
     * the last, stay to be read. */
    fputs("\x1b[?25l\x1b[?7l", stdout);
    return 0;
}

static void terminal_end(void)
{
    fputs("\x1b[?7h\x1b[?25h", stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
}

static void screen_show(const struct top_row *rows, size_t count, enum top_order order)
{
    struct winsize window = {0};
    double calls = 0, cpu = 0;
    uint64_t memory = 0;
    char bytes[16];

    for (size_t i = 0; i < count; i++) {
        calls += rows[i].calls;
        cpu += rows[i].cpu_percent;
        memory += rows[i].memory_bytes;
    }
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
    size_t lines = window.ws_row > LINES_KEPT ? window.ws_row - LINES_KEPT : 20;
    bytes_text(memory, bytes);
    fputs("\x1b[H\x1b[J", stdout);
    printf("%zu functions, %.1f calls/s, CPU %.1f %%, %s; by %s (c CPU, n calls, m memory, a name, "
           "q ends)\n",
           count, calls, cpu, bytes, orders[order].word);
    table_show(rows, count < lines ? count : lines);
    fflush(stdout);
}

/* Waits for the next round or a key. */
static void key_wait(double interval, enum top_order *order)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char key = 0;

    int n = poll(&input, 1, (int)(interval * 1000));
    if (n <= 0)
        return;
    if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q')
        ended = 1;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (orders[i].key == key)
            *order = orders[i].order;
}

static int screen_run(double interval, enum top_order order)
{
    _cleanup_(top_sample_freep) struct top_sample *before = NULL;
    struct err err = {0};

    int exit = sample_take(&before);
    if (exit != CLI_OK)
        return exit;
    int r = terminal_begin();
    if (r < 0) {
        err_set(&err, r, "cannot use the terminal");
        return cli_error(&err, "vireo top -n 1");
    }
    /* The first round is short: something is to be seen at once. */
    key_wait(interval < 0.3 ? interval : 0.3, &order);
    while (!ended && exit == CLI_OK) {
        _cleanup_(top_sample_freep) struct top_sample *now = NULL;
        _cleanup_(freep) struct top_row *rows = NULL;
        exit = round_make(before, order, &now, &rows);
        if (exit != CLI_OK)
            break;
        screen_show(rows, now->count, order);
        top_sample_free(before);
        before = steal_ptr(&now);
        key_wait(interval, &order);
    }
    terminal_end();
    return exit;
}

/* A whole number from 1 to a million. */
static bool rounds_parse(const char *text, unsigned long *ret_rounds)
{
    char *end;

    errno = 0;
    *ret_rounds = strtoul(text, &end, 10);
    return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && *ret_rounds >= 1 &&
           *ret_rounds <= 1000000;
}

int cli_top(int argc, char **argv)
{
    const char *rounds_text = NULL, *interval_text = "1", *order_text = "cpu";
    const struct cli_option options[] = {
        {.name = "--rounds", .letter = 'n', .text = &rounds_text},
        {.name = "--interval", .letter = 'i', .text = &interval_text},
        {.name = "--sort", .letter = 's', .text = &order_text},
    };
    unsigned long rounds = 1;
    enum top_order order;
    int words, exit;
    char *end;

    if (!cli_options(argc, argv, options, ARRAY_LEN(options), 0, &words, &exit))
        return exit;
    if (words != 0)
        return cli_usage("top", "it takes no '%s'", argv[1]);
    if (!order_parse(order_text, &order))
        return cli_usage("top", "--sort '%s' is none of cpu, calls, memory, name", order_text);
    double interval = strtod(interval_text, &end);
    if (*end != '\0' || end == interval_text || !(interval >= 0.1 && interval <= 3600))
        return cli_usage("top", "--interval '%s' is not within 0.1 and 3600 seconds",
                         interval_text);
    if (rounds_text && !rounds_parse(rounds_text, &rounds))
        return cli_usage("top", "-n '%s' is not a number of rounds", rounds_text);
    if (!rounds_text && !cli.json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO))
        return screen_run(interval, order);
    return rounds_show(rounds, interval, order);
}
