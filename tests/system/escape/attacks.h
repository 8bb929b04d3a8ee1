/*
 * The attacks of a native guest: machine code with its own system calls, no library. The same code
 * is a function's library (native.c) and a program outside of the wall (outside.c): what it can do
 * there and can't do here is the wall's work.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Runs a script, which it may write to, with a byte behind its end, and writes the results of its
 * steps, space-separated, then a newline and what `say` asked for. Words are separated by spaces,
 * steps by a word ';'. A step is a number (that system call), or
 *
 *   int80 N A…      the same by the 32-bit entry
 *   put A B         stores the word B at A
 *   get A           loads the word at A
 *   run A           calls the code at A and takes what it returns
 *   each N A…       for descriptors 0..1023: that call on each; counts those that did not fail
 *   again N A…      that call until it fails; counts
 *   memory N HOW    takes N MiB and touches them; HOW: map, brk, shared, remap, tables, pieces
 *   spin            for ever
 *   secrets         the stack's canary and the auxiliary random bytes, hex, for `say`
 *   layout          where this code and the memory lie
 *   say A N         N bytes at A, behind the results
 *
 * A word is a number (0x…, -…), $N (what step N, from 1, returned), s:TEXT (its address; '_' is a
 * space), b (a buffer of 64 KiB, zero at first), c (a page of code that returns 42), w (machine
 * code that returns 43, as a number), or any of b, c with +OFFSET.
 */
size_t attack(char *script, size_t length, char *out, size_t capacity);
