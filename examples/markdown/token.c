/* The flat list of a paragraph's content and its HTML. */
#include "token.h"

struct token *token_append(struct token_list *list, enum token_kind kind, const char *data,
                           size_t size)
{
    struct token *token = arena_take(list->arena, sizeof *token);

    token->kind = kind;
    token->data = data;
    token->size = size;
    token->previous = list->last;
    if (list->last)
        list->last->next = token;
    else
        list->first = token;
    list->last = token;
    return token;
}

struct token *token_insert_after(struct token_list *list, struct token *at, enum token_kind kind)
{
    if (!at->next)
        return token_append(list, kind, NULL, 0);
    return token_insert_before(list, at->next, kind);
}

struct token *token_insert_before(struct token_list *list, struct token *at, enum token_kind kind)
{
    struct token *token = arena_take(list->arena, sizeof *token);

    token->kind = kind;
    token->next = at;
    token->previous = at->previous;
    if (at->previous)
        at->previous->next = token;
    else
        list->first = token;
    at->previous = token;
    return token;
}

static void render_title(const struct link_target *target, struct html *html)
{
    if (!target->title)
        return;
    html_raw(html, " title=\"");
    html_text(html, target->title, target->title_size);
    html_raw(html, "\"");
}

static void render_markup(const struct token *token, struct html *html)
{
    static const char *const markup[] = {
        [TOKEN_SOFT_BREAK] = "\n",   [TOKEN_HARD_BREAK] = "<br />\n",
        [TOKEN_EMPHASIS] = "<em>",   [TOKEN_EMPHASIS_END] = "</em>",
        [TOKEN_STRONG] = "<strong>", [TOKEN_STRONG_END] = "</strong>",
        [TOKEN_LINK_END] = "</a>",
    };

    if (token->kind == TOKEN_CODE) {
        html_raw(html, "<code>");
        html_text(html, token->data, token->size);
        html_raw(html, "</code>");
    } else if (token->kind == TOKEN_LINK) {
        html_raw(html, "<a href=\"");
        html_url(html, token->target->url, token->target->url_size);
        html_raw(html, "\"");
        render_title(token->target, html);
        html_raw(html, ">");
    } else {
        html_raw(html, markup[token->kind]);
    }
}

/* Inside an image only the words count: they are its alternative text. */
static void render_plain(const struct token *token, struct html *html)
{
    if (token->kind == TOKEN_CODE)
        html_text(html, token->data, token->size);
    else if (token->kind == TOKEN_SOFT_BREAK || token->kind == TOKEN_HARD_BREAK)
        html_raw(html, "\n");
}

void token_render(const struct token_list *list, struct html *html)
{
    size_t images = 0; /* that we are in */

    for (const struct token *token = list->first; token && !html->full; token = token->next) {
        if (token->kind == TOKEN_TEXT) {
            html_text(html, token->data, token->size);
        } else if (token->kind == TOKEN_IMAGE) {
            if (images++ > 0)
                continue;
            html_raw(html, "<img src=\"");
            html_url(html, token->target->url, token->target->url_size);
            html_raw(html, "\" alt=\"");
        } else if (token->kind == TOKEN_IMAGE_END) {
            if (--images > 0)
                continue;
            html_raw(html, "\"");
            render_title(token->target, html);
            html_raw(html, " />");
        } else if (images > 0) {
            render_plain(token, html);
        } else {
            render_markup(token, html);
        }
    }
}
