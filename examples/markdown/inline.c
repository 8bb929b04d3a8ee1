/* Inline structure: one pass from left to right, emphasis resolved as links close and at the end.
 */
#include <string.h>

#include "character.h"
#include "emphasis.h"
#include "inline.h"
#include "token.h"

#define BACKTICKS_MAX 80 /* a longer run of backticks is text */

struct bracket {
    struct bracket *below;
    struct token *token;
    struct delimiter *delimiters_below; /* those that came before it */
    size_t text_start;
    bool image, bracket_after;
};

struct scanner {
    struct arena *arena;
    struct definitions *definitions;
    struct token_list tokens;
    struct emphasis emphasis;
    struct bracket *brackets;
    const char *data;
    size_t size, at;
    size_t last_link_end; /* links don't hold links: a "[" before it opens none */
    /* Where a run of each length was last looked for in vain, so that it isn't again. */
    bool no_closing_run[BACKTICKS_MAX + 1];
};

static void add_text(struct scanner *scanner, size_t length)
{
    token_append(&scanner->tokens, TOKEN_TEXT, scanner->data + scanner->at, length);
    scanner->at += length;
}

static size_t run_at(const struct scanner *scanner, size_t at, char mark)
{
    size_t count = 0;

    while (at + count < scanner->size && scanner->data[at + count] == mark)
        count++;
    return count;
}

/* A code span's content: newlines are spaces, and one space at each end is not meant. */
static void add_code(struct scanner *scanner, const char *data, size_t size)
{
    char *code = arena_take(scanner->arena, size + 1);
    bool blank = true;

    for (size_t i = 0; i < size; i++) {
        code[i] = data[i] == '\n' ? ' ' : data[i];
        blank = blank && code[i] == ' ';
    }
    if (!blank && size >= 2 && code[0] == ' ' && code[size - 1] == ' ') {
        code++;
        size -= 2;
    }
    token_append(&scanner->tokens, TOKEN_CODE, code, size);
}

static void scan_backticks(struct scanner *scanner)
{
    size_t length = run_at(scanner, scanner->at, '`'), start = scanner->at + length, end = start;

    if (length <= BACKTICKS_MAX && !scanner->no_closing_run[length]) {
        while (end < scanner->size) {
            size_t run = run_at(scanner, end, '`');
            if (run == length) {
                add_code(scanner, scanner->data + start, end - start);
                scanner->at = end + length;
                return;
            }
            end += run > 0 ? run : 1;
        }
        scanner->no_closing_run[length] = true;
    }
    add_text(scanner, length);
}

static void scan_backslash(struct scanner *scanner)
{
    char next = scanner->at + 1 < scanner->size ? scanner->data[scanner->at + 1] : 0;

    if (next == '\n') {
        token_append(&scanner->tokens, TOKEN_HARD_BREAK, NULL, 0);
        scanner->at += 2;
    } else if (next && is_ascii_punctuation(next)) {
        scanner->at++;
        add_text(scanner, 1);
    } else {
        add_text(scanner, 1);
    }
}

static void scan_entity(struct scanner *scanner)
{
    char bytes[4];
    size_t count,
        length = entity_at(scanner->data + scanner->at, scanner->size - scanner->at, bytes, &count);

    if (length == 0) {
        add_text(scanner, 1);
        return;
    }
    char *copy = arena_take(scanner->arena, sizeof bytes);
    memcpy(copy, bytes, count);
    token_append(&scanner->tokens, TOKEN_TEXT, copy, count);
    scanner->at += length;
}

/* "<scheme:rest>": the length of what is between the brackets, or 0. */
static size_t uri_length(const char *data, size_t size)
{
    size_t at = 0;

    if (size == 0 || !is_ascii_letter(data[0]))
        return 0;
    while (at < size && at <= 32 &&
           (is_ascii_letter(data[at]) || is_ascii_digit(data[at]) || data[at] == '+' ||
            data[at] == '.' || data[at] == '-'))
        at++;
    if (at < 2 || at > 32 || at == size || data[at] != ':')
        return 0;
    for (; at < size && data[at] != '>'; at++)
        if ((unsigned char)data[at] <= ' ' || data[at] == '<' || data[at] == 0x7f)
            return 0;
    return at < size ? at : 0;
}

/* "<name@host>", by the pattern of HTML5. */
static size_t email_length(const char *data, size_t size)
{
    size_t at = 0, label = 0;

    while (at < size && (is_ascii_letter(data[at]) || is_ascii_digit(data[at]) ||
                         (data[at] && strchr(".!#$%&'*+/=?^_`{|}~-", data[at]))))
        at++;
    if (at == 0 || at == size || data[at] != '@')
        return 0;
    for (at++; at < size; at++) {
        bool alphanumeric = is_ascii_letter(data[at]) || is_ascii_digit(data[at]);
        if (alphanumeric || (data[at] == '-' && label > 0)) {
            if (++label > 63)
                return 0;
        } else if (label > 0 && data[at - 1] != '-' && data[at] == '.') {
            label = 0;
        } else {
            break;
        }
    }
    return at < size && data[at] == '>' && label > 0 && data[at - 1] != '-' ? at : 0;
}

static void scan_angle(struct scanner *scanner)
{
    const char *data = scanner->data + scanner->at + 1;
    size_t size = scanner->size - scanner->at - 1, length = uri_length(data, size);
    bool email = false;

    if (length == 0) {
        length = email_length(data, size);
        email = length > 0;
    }
    if (length == 0) {
        add_text(scanner, 1); /* raw HTML is text here: it is escaped */
        return;
    }
    struct text url = {0};
    if (email)
        text_append(&url, scanner->arena, "mailto:", 7);
    text_append(&url, scanner->arena, data, length);
    struct link_target *target = arena_take(scanner->arena, sizeof *target);
    target->url = url.data;
    target->url_size = url.size;

    token_append(&scanner->tokens, TOKEN_LINK, NULL, 0)->target = target;
    scanner->at++;
    add_text(scanner, length);
    token_append(&scanner->tokens, TOKEN_LINK_END, NULL, 0);
    scanner->at++;
}

static void scan_newline(struct scanner *scanner)
{
    struct token *last = scanner->tokens.last;
    bool hard = false;

    /* Two spaces before it make it hard; in any case they are not part of the text. */
    if (last && last->kind == TOKEN_TEXT &&
        last->data + last->size == scanner->data + scanner->at) {
        size_t size = last->size;
        while (size > 0 && last->data[size - 1] == ' ')
            size--;
        hard = last->size - size >= 2;
        last->size = size;
    }
    token_append(&scanner->tokens, hard ? TOKEN_HARD_BREAK : TOKEN_SOFT_BREAK, NULL, 0);
    scanner->at++;
    while (scanner->at < scanner->size && is_space_or_tab(scanner->data[scanner->at]))
        scanner->at++;
}

static void scan_open_bracket(struct scanner *scanner, bool image)
{
    struct bracket *bracket = arena_take(scanner->arena, sizeof *bracket);

    add_text(scanner, image ? 2 : 1);
    if (scanner->brackets)
        scanner->brackets->bracket_after = true;
    bracket->below = scanner->brackets;
    bracket->token = scanner->tokens.last;
    bracket->delimiters_below = scanner->emphasis.last;
    bracket->text_start = scanner->at;
    bracket->image = image;
    scanner->brackets = bracket;
}

/* What follows a "]": "(…)", "[label]", "[]" or nothing. Its length, or -1 for no link. */
static long link_tail(struct scanner *scanner, const struct bracket *bracket,
                      struct link_target *target)
{
    const char *after = scanner->data + scanner->at + 1;
    size_t size = scanner->size - scanner->at - 1;
    size_t length = link_inline(scanner->arena, after, size, target);

    if (length > 0)
        return (long)length;

    const struct link_target *found = NULL;
    length = link_label(after, size);
    if (length > 0) {
        found = definition_find(scanner->definitions, after + 1, length - 2);
    } else if (!bracket->bracket_after) {
        /* The text between the brackets is the label, unless it holds brackets itself. */
        found = definition_find(scanner->definitions, scanner->data + bracket->text_start,
                                scanner->at - bracket->text_start);
        length = size >= 2 && after[0] == '[' && after[1] == ']' ? 2 : 0;
    }
    if (!found)
        return -1;
    *target = *found;
    return (long)length;
}

static void scan_close_bracket(struct scanner *scanner)
{
    struct bracket *bracket = scanner->brackets;
    struct link_target *target;
    long tail;

    if (!bracket || (!bracket->image && bracket->text_start < scanner->last_link_end)) {
        if (bracket)
            scanner->brackets = bracket->below;
        add_text(scanner, 1);
        return;
    }
    struct link_target found = {0};
    tail = link_tail(scanner, bracket, &found);
    scanner->brackets = bracket->below;
    if (tail < 0) {
        add_text(scanner, 1);
        return;
    }

    target = arena_take(scanner->arena, sizeof *target);
    *target = found;
    emphasis_resolve(&scanner->emphasis, &scanner->tokens, bracket->delimiters_below);
    bracket->token->kind = bracket->image ? TOKEN_IMAGE : TOKEN_LINK;
    bracket->token->target = target;
    token_append(&scanner->tokens, bracket->image ? TOKEN_IMAGE_END : TOKEN_LINK_END, NULL, 0)
        ->target = target;
    scanner->at += 1 + (size_t)tail;

    if (!bracket->image)
        scanner->last_link_end = scanner->at;
}

static void scan_marks(struct scanner *scanner, char mark)
{
    size_t count = run_at(scanner, scanner->at, mark);
    uint32_t before = utf8_before(scanner->data, scanner->data + scanner->at);
    uint32_t after =
        utf8_at(scanner->data + scanner->at + count, scanner->size - scanner->at - count);

    add_text(scanner, count);
    emphasis_push(&scanner->emphasis, scanner->arena, scanner->tokens.last, mark, before, after);
}

static void scan(struct scanner *scanner)
{
    char c = scanner->data[scanner->at];
    size_t length = 1;

    switch (c) {
    case '\n':
        scan_newline(scanner);
        return;
    case '\\':
        scan_backslash(scanner);
        return;
    case '`':
        scan_backticks(scanner);
        return;
    case '&':
        scan_entity(scanner);
        return;
    case '<':
        scan_angle(scanner);
        return;
    case '*':
    case '_':
        scan_marks(scanner, c);
        return;
    case '[':
        scan_open_bracket(scanner, false);
        return;
    case ']':
        scan_close_bracket(scanner);
        return;
    case '!':
        if (scanner->at + 1 < scanner->size && scanner->data[scanner->at + 1] == '[') {
            scan_open_bracket(scanner, true);
            return;
        }
        break;
    default:
        break;
    }
    while (scanner->at + length < scanner->size &&
           (!scanner->data[scanner->at + length] ||
            !strchr("\n\\`&<*_[]!", scanner->data[scanner->at + length])))
        length++;
    add_text(scanner, length);
}

void inline_render(struct arena *arena, struct definitions *definitions, const char *data,
                   size_t size, struct html *html)
{
    struct scanner scanner = {.arena = arena, .definitions = definitions, .data = data};

    while (size > 0 && is_ascii_space(data[size - 1]))
        size--;
    scanner.size = size;
    scanner.tokens.arena = arena;
    while (scanner.at < scanner.size)
        scan(&scanner);
    emphasis_resolve(&scanner.emphasis, &scanner.tokens, NULL);
    token_render(&scanner.tokens, html);
}
