/*
 * Markdown to HTML: CommonMark's core. The body is Markdown in UTF-8, the answer an HTML fragment.
 * Raw HTML in the input is shown, not passed on; URLs that run scripts lose their target.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <vireo/function.h>

#include "block.h"
#include "character.h"
#include "html.h"
#include "inline.h"

struct document {
    struct arena arena;
    struct definitions *definitions;
    struct html html;
};

static void render_code(struct document *document, const struct block *block)
{
    struct html *html = &document->html;
    const struct text *info = &block->code.info;

    html_line(html);
    html_raw(html, "<pre><code");
    if (info->size > 0) {
        size_t word = 0, size;
        while (word < info->size && !is_ascii_space(info->data[word]))
            word++;
        const char *language = link_unescape(&document->arena, info->data, word, &size);
        html_raw(html, " class=\"language-");
        html_text(html, language, size);
        html_raw(html, "\"");
    }
    html_raw(html, ">");
    html_text(html, block->text.data, block->text.size);
    html_raw(html, "</code></pre>\n");
}

static void render_inline(struct document *document, const struct block *block)
{
    inline_render(&document->arena, document->definitions, block->text.data, block->text.size,
                  &document->html);
}

static void render_heading(struct document *document, const struct block *block)
{
    char tag[8];

    html_line(&document->html);
    snprintf(tag, sizeof tag, "<h%d>", block->level);
    html_raw(&document->html, tag);
    render_inline(document, block);
    snprintf(tag, sizeof tag, "</h%d>\n", block->level);
    html_raw(&document->html, tag);
}

static void render_list_start(struct html *html, const struct block *list)
{
    html_line(html);
    if (list->list.mark != '.' && list->list.mark != ')') {
        html_raw(html, "<ul>\n");
    } else if (list->list.start == 1) {
        html_raw(html, "<ol>\n");
    } else {
        char tag[40];
        snprintf(tag, sizeof tag, "<ol start=\"%d\">\n", list->list.start);
        html_raw(html, tag);
    }
}

static void render(struct document *document, const struct block *block);

static void render_children(struct document *document, const struct block *block)
{
    for (const struct block *child = block->first; child; child = child->next)
        render(document, child);
}

static void render_paragraph(struct document *document, const struct block *block)
{
    const struct block *item = block->parent;

    /* In a tight list paragraphs are bare text. */
    if (item && item->kind == BLOCK_ITEM && item->parent->list.tight) {
        render_inline(document, block);
        if (block->next)
            html_raw(&document->html, "\n");
        return;
    }
    html_line(&document->html);
    html_raw(&document->html, "<p>");
    render_inline(document, block);
    html_raw(&document->html, "</p>\n");
}

/* Recursion is bounded by BLOCK_DEPTH_MAX. */
static void render(struct document *document, const struct block *block)
{
    struct html *html = &document->html;

    switch (block->kind) {
    case BLOCK_NOTHING:
        break;
    case BLOCK_DOCUMENT:
        render_children(document, block);
        break;
    case BLOCK_QUOTE:
        html_line(html);
        html_raw(html, "<blockquote>\n");
        render_children(document, block);
        html_line(html);
        html_raw(html, "</blockquote>\n");
        break;
    case BLOCK_LIST:
        render_list_start(html, block);
        render_children(document, block);
        html_raw(html, block->list.mark == '.' || block->list.mark == ')' ? "</ol>\n" : "</ul>\n");
        break;
    case BLOCK_ITEM:
        html_raw(html, "<li>");
        render_children(document, block);
        html_raw(html, "</li>\n");
        break;
    case BLOCK_PARAGRAPH:
        render_paragraph(document, block);
        break;
    case BLOCK_HEADING:
        render_heading(document, block);
        break;
    case BLOCK_CODE:
        render_code(document, block);
        break;
    case BLOCK_BREAK:
        html_line(html);
        html_raw(html, "<hr />\n");
        break;
    }
}

static int64_t refuse(int status, const char *message, uint8_t *out, size_t out_cap)
{
    size_t length = strlen(message);

    vireo_response_status(status);
    vireo_response_header("content-type", "text/plain; charset=utf-8");
    if (length > out_cap)
        length = out_cap;
    memcpy(out, message, length);
    return (int64_t)length;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t valid = utf8_valid_prefix(in, in_len);

    if (valid < in_len) {
        char message[96];
        snprintf(message, sizeof message, "cannot read the text: byte %zu is not UTF-8\n", valid);
        return refuse(400, message, out, out_cap);
    }

    struct document document = {.html = {.data = (char *)out, .capacity = out_cap}};
    document.definitions = definitions_new(&document.arena);
    render(&document, block_parse(&document.arena, document.definitions, (const char *)in, in_len));
    arena_free(&document.arena);
    if (document.html.full)
        return refuse(413, "cannot answer: the HTML is larger than an answer may be\n", out,
                      out_cap);
    vireo_response_header("content-type", "text/html; charset=utf-8");
    return (int64_t)document.html.size;
}
