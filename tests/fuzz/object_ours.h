/* Before each file of the reader's in fuzz_object: its code has a section of its own, by which a
 * fault there is told from a library's. */
#pragma clang section text = "ours"
