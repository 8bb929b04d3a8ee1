/* Pairing of emphasis marks, after the algorithm in CommonMark's appendix. */
#include <string.h>

#include "character.h"
#include "emphasis.h"

void emphasis_push(struct emphasis *emphasis, struct arena *arena, struct token *token, char mark,
                   uint32_t before, uint32_t after)
{
    bool space_before = is_unicode_space(before), space_after = is_unicode_space(after);
    bool mark_before = is_unicode_punctuation(before), mark_after = is_unicode_punctuation(after);
    bool left = !space_after && (!mark_after || space_before || mark_before);
    bool right = !space_before && (!mark_before || space_after || mark_after);

    struct delimiter *delimiter = arena_take(arena, sizeof *delimiter);
    delimiter->token = token;
    delimiter->mark = mark;
    delimiter->length = token->size;
    /* '_' inside a word is a letter of that word. */
    delimiter->can_open = left && (mark == '*' || !right || mark_before);
    delimiter->can_close = right && (mark == '*' || !left || mark_after);
    if (!delimiter->can_open && !delimiter->can_close)
        return;
    delimiter->previous = emphasis->last;
    if (emphasis->last)
        emphasis->last->next = delimiter;
    else
        emphasis->first = delimiter;
    emphasis->last = delimiter;
}

static void drop(struct emphasis *emphasis, struct delimiter *delimiter)
{
    if (delimiter->previous)
        delimiter->previous->next = delimiter->next;
    else
        emphasis->first = delimiter->next;
    if (delimiter->next)
        delimiter->next->previous = delimiter->previous;
    else
        emphasis->last = delimiter->previous;
}

/* The rule of three: runs that open and close at once pair only if their lengths agree. */
static bool matches(const struct delimiter *opener, const struct delimiter *closer)
{
    if (opener->mark != closer->mark || !opener->can_open)
        return false;
    if (!opener->can_close && !closer->can_open)
        return true;
    return (opener->length + closer->length) % 3 != 0 ||
           (opener->length % 3 == 0 && closer->length % 3 == 0);
}

/* Puts one pair of tags around what is between the two; returns where to look on. */
static struct delimiter *pair(struct emphasis *emphasis, struct token_list *tokens,
                              struct delimiter *opener, struct delimiter *closer)
{
    bool strong = opener->token->size >= 2 && closer->token->size >= 2;
    size_t used = strong ? 2 : 1;

    while (opener->next != closer)
        drop(emphasis, opener->next);
    opener->token->size -= used;
    closer->token->size -= used;
    closer->token->data += used;
    token_insert_after(tokens, opener->token, strong ? TOKEN_STRONG : TOKEN_EMPHASIS);
    token_insert_before(tokens, closer->token, strong ? TOKEN_STRONG_END : TOKEN_EMPHASIS_END);
    if (opener->token->size == 0)
        drop(emphasis, opener);
    if (closer->token->size > 0)
        return closer;
    struct delimiter *next = closer->next;
    drop(emphasis, closer);
    return next;
}

void emphasis_resolve(struct emphasis *emphasis, struct token_list *tokens,
                      struct delimiter *bottom)
{
    /* Below which no opener was found, for each kind of closer: keeps the search linear. */
    struct delimiter *floor[2][2][3];

    for (int i = 0; i < 12; i++)
        (&floor[0][0][0])[i] = bottom;

    struct delimiter *closer = bottom ? bottom->next : emphasis->first;
    while (closer) {
        if (!closer->can_close) {
            closer = closer->next;
            continue;
        }
        struct delimiter **lowest =
            &floor[closer->mark == '_'][closer->can_open][closer->length % 3];
        struct delimiter *opener = closer->previous;
        while (opener && opener != bottom && opener != *lowest && !matches(opener, closer))
            opener = opener->previous;
        if (opener && opener != bottom && opener != *lowest) {
            closer = pair(emphasis, tokens, opener, closer);
            continue;
        }
        *lowest = closer->previous;
        struct delimiter *next = closer->next;
        if (!closer->can_open)
            drop(emphasis, closer);
        closer = next;
    }
    while (emphasis->last && emphasis->last != bottom)
        drop(emphasis, emphasis->last);
}
