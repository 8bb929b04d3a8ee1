/* Help and the man page, made from the verb table. */
#pragma once

struct cli_verb;

/* The row of a verb, or NULL. */
const struct cli_verb *cli_verb_find(const char *name);

/* The verb nearest to a mistyped one, or NULL. */
const char *cli_verb_suggest(const char *name);

/* Help of one verb on standard output; the overview when `verb` names none. */
void cli_help_print(const char *verb);

/* `vireo help [VERB | --man | --complete SHELL]`. */
int cli_help(int argc, char **argv);
