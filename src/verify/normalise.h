/* Takes out of a module what it promises: what is left means what the verifier reads in it. */
#pragma once

#include <llvm-c/Core.h>

/*
 * Rewrites every function and variable of `module` so that nothing in it is assumed: no flags that
 * make a result undefined (nsw, nuw, exact, inbounds, fast mathematics), alignments of 1, no
 * attributes but those that the verifier reads (byval) or refuses, no metadata but lines, no tail
 * calls; undefined bytes of initial values and of stored values are zero; is-it-constant questions
 * are answered no. All that is defined but `entry` becomes internal; what nothing names goes.
 */
void normalise_module(LLVMModuleRef module, LLVMValueRef entry);
/* Is a function used otherwise than by being called? A pointer may mean it, then. */
bool function_is_named(LLVMValueRef function);
