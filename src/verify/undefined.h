/* What optimised IR leaves undefined (Rust's enumerations, above all) gets a value. */
#pragma once

#include <llvm-c/Core.h>
#include <stdbool.h>

/*
 * Each operand that is undefined, or poison, becomes zero of its type: one of the values that it
 * may have, the same at each use. The module is what is verified and what code is made of.
 */
void define_undefined(LLVMModuleRef module);
