/* What a paragraph or a heading holds: emphasis, code spans, links, images, breaks. */
#pragma once

#include "arena.h"
#include "html.h"
#include "link.h"

/* Writes `data` as HTML; memory that it needs stays in `arena`. */
void inline_render(struct arena *arena, struct definitions *definitions, const char *data,
                   size_t size, struct html *html);
