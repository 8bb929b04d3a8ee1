/* The report: each obligation with its line, its state and who proved it; each refusal with what to
 * change. Sentences are made here, so that people and machines read the same. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/report.h"

const char *const place_kind_names[PLACE_KINDS] = {
    "read",        "write", "division", "shift",    "subscript", "conversion", "unreachable",
    "initialised", "alive", "overlap",  "contract", "address",   "termination"};

/* What is not proved, and what to do about it. */
static const struct {
    const char *what, *change;
} WORDS[PLACE_KINDS] = {
    [PLACE_READ] = {"it may read outside %s", "compare the index or length with the size first"},
    [PLACE_WRITE] = {"it may write outside %s", "compare the index or length with the size first"},
    [PLACE_DIVISION] = {"it may divide by zero, or overflow", "compare the divisor with 0 first"},
    [PLACE_SHIFT] = {"it may shift by the width of the number or more",
                     "mask the amount, or compare it first"},
    [PLACE_SUBSCRIPT] =
        {"the index times the size of an element may be more than an address can hold",
         "compare the index itself with the number of elements first"},
    [PLACE_CONVERSION] = {"the number may not fit the integer that it is converted to",
                          "compare it with the integer's limits first"},
    [PLACE_UNREACHABLE] = {"it may be reached, and the program ends there",
                           "make sure that it can't be"},
    [PLACE_INITIALISED] = {"it may be read before it is set", "set it where it is declared"},
    [PLACE_ALIVE] = {"the variable may not exist any more", "declare it outside the block"},
    [PLACE_OVERLAP] = {"the two places may overlap", "use memmove"},
    [PLACE_CONTRACT] = {"a condition that is assumed here may not hold", "check it"},
    [PLACE_ADDRESS] = {"addresses of different variables may meet here, at the end of one",
                       "compare and subtract indices, or addresses in one array"},
    [PLACE_TERMINATION] = {"the loop may not end",
                           "count down, or towards a bound, on every way round"},
};

static void add_text(struct json_object *object, const char *key, const char *text)
{
    json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
    json_object_object_add(object, key, json_object_new_uint64(number));
}

static void add_place(struct json_object *object, const struct program *program, struct place place)
{
    if (place.file < program->file_count)
        add_text(object, "file", program->files[place.file]);
    add_number(object, "line", place.line);
    if (place.column)
        add_number(object, "column", place.column);
}

/* The variable that an access is about, in quotes. */
static void object_text(const struct proof *proof, const struct obligation *o, char *text,
                        size_t size)
{
    const struct facts *facts = proof->encoding->facts;
    const struct value *value = o->value ? value_at(facts->program, o->value) : NULL;
    const struct pointees *to =
        value && o->part < value->count ? &facts->pointees[value->operands[o->part]] : NULL;

    for (uint32_t i = to ? to->count : 0; i-- > 0;)
        if (to->objects[i]) {
            snprintf(text, size, "'%s'", facts->program->objects[to->objects[i]].name);
            return;
        }
    snprintf(text, size, "%s",
             to && to->count > 0 ? "any variable (the address is null)" : "the variable");
}

static void open_text(const struct report *report, const struct obligation *o, char *text,
                      size_t size)
{
    const char *format = WORDS[o->kind].what;
    const char *gap = strstr(format, "%s");
    char object[128];

    if (gap) {
        object_text(report->proof, o, object, sizeof object);
        snprintf(text, size, "%.*s%s%s", (int)(gap - format), format, object, gap + 2);
    } else {
        snprintf(text, size, "%s", format);
    }
}

static struct json_object *obligation_json(const struct report *report, const struct obligation *o)
{
    struct json_object *object = json_object_new_object();
    char text[256];

    add_text(object, "kind", place_kind_names[o->kind]);
    add_place(object, report->program, o->place);
    add_text(object, "state", o->state == OBLIGATION_PROVED ? "proved" : "open");
    if (o->state == OBLIGATION_PROVED) {
        add_text(object, "by", o->prover);
        return object;
    }
    open_text(report, o, text, sizeof text);
    add_text(object, "what", text);
    add_text(object, "change", WORDS[o->kind].change);
    return object;
}

static struct json_object *refusals_json(const struct program *program)
{
    struct json_object *list = json_object_new_array();

    for (uint32_t i = 0; i < program->refusal_count; i++) {
        const struct refusal *refusal = &program->refusals[i];
        struct json_object *object = json_object_new_object();
        add_place(object, program, refusal->place);
        add_text(object, "what", refusal->what);
        add_text(object, "change", refusal->change);
        json_object_array_add(list, object);
    }
    return list;
}

/* An input that was run, and made an obligation fail. */
static void add_example(struct json_object *top, const struct report *report)
{
    const struct example *example = &report->proof->example;
    char hex[129] = "";

    if (report->proof->contradicted)
        add_text(top, "reason", "the proof did not stand a second look (a defect of the verifier)");
    if (!example->found)
        return;
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < example->in_len && i < 64; i++)
        snprintf(hex + 2 * i, 3, "%02x", example->in[i]);
    if (report->program->repeated) {
        add_text(object, "in", hex);
        add_number(object, "in_len", example->in_len);
        add_number(object, "out_cap", example->out_cap);
    }
    add_text(object, "kind", place_kind_names[example->kind]);
    add_place(object, report->program, example->place);
    json_object_object_add(object, "confirmed", json_object_new_boolean(true));
    json_object_object_add(top, "counterexample", object);
}

static void add_proof(struct json_object *top, const struct report *report)
{
    const struct obligations *all = report->proof->obligations;
    struct json_object *list = json_object_new_array(), *bounds = json_object_new_object();
    uint64_t proved = 0, alive = 0;

    for (uint32_t i = 0; i < all->count; i++) {
        proved += all->items[i].state == OBLIGATION_PROVED;
        json_object_array_add(list, obligation_json(report, &all->items[i]));
    }
    for (uint32_t i = 0; i < report->proof->invariants.count; i++)
        alive += report->proof->invariants.items[i].alive;
    add_number(top, "obligations_proved", proved);
    add_number(top, "obligations_total", all->count);
    json_object_object_add(top, "obligations", list);
    if (report->proof->bound != UINT64_MAX)
        add_number(bounds, "instructions", report->proof->bound);
    add_number(bounds, "stack_bytes", report->program->stack_bytes);
    json_object_object_add(top, "bounds", bounds);
    add_example(top, report);
    struct json_object *effort = json_object_new_object();
    add_number(effort, "instructions", report->instructions);
    add_number(effort, "invariants_tried", report->proof->invariants.count);
    add_number(effort, "invariants", alive);
    add_number(effort, "queries", report->proof->encoding->queries);
    add_number(effort, "queries_given_up", report->proof->given_up);
    json_object_object_add(effort, "limit_reached",
                           json_object_new_boolean(report->proof->exhausted));
    json_object_object_add(top, "effort", effort);
}

static void at_place(const struct report *report, struct place place, const char *what, char *text,
                     size_t size)
{
    if (place.file < report->program->file_count && place.line)
        snprintf(text, size, "%s:%u: %s", report->program->files[place.file], place.line, what);
    else
        snprintf(text, size, "%s", what);
}

void report_reason(const struct report *report, char *text, size_t size)
{
    const struct program *program = report->program;
    char what[256];

    *text = '\0';
    if (report->verdict == VERIFY_PROVED)
        return;
    if (program && program->refusal_count > 0) {
        at_place(report, program->refusals[0].place, program->refusals[0].what, text, size);
        return;
    }
    for (uint32_t i = 0; report->proof && i < report->proof->obligations->count; i++) {
        const struct obligation *o = &report->proof->obligations->items[i];
        if (o->state == OBLIGATION_PROVED)
            continue;
        open_text(report, o, what, sizeof what);
        at_place(report, o->place, what, text, size);
        return;
    }
    snprintf(text, size, "%s",
             report->reason[0] ? report->reason
             : report->proof && report->proof->contradicted
                 ? "the proof did not stand a second look"
                 : "a limit of the verifier was reached");
}

char *report_json(const struct report *report)
{
    static const char *const verdicts[] = {"proved", "not proved", "bad input"};
    struct json_object *top = json_object_new_object();

    add_text(top, "verdict", verdicts[report->verdict]);
    if (report->entry)
        add_text(top, "entry", report->entry);
    if (report->verdict == VERIFY_BAD_INPUT)
        add_text(top, "reason", report->reason);
    if (report->program)
        json_object_object_add(top, "refusals", refusals_json(report->program));
    if (report->proof)
        add_proof(top, report);
    char *text = strdup(json_object_to_json_string_ext(top, JSON_C_TO_STRING_PRETTY |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(top);
    return text;
}
