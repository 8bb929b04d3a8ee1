/*
 * The screen: what no module may have, wherever it stands in it. What is refused here would be part
 * of the code though no path of the entry shows it.
 */
#include <string.h>

#include "verify/lower.h"

void lower_screen_function(struct lowering *low, LLVMValueRef function, const char *name)
{
    static const char *const refused[] = {"naked", "returns_twice", "strictfp"};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        unsigned kind = LLVMGetEnumAttributeKindForName(refused[i], strlen(refused[i]));
        if (kind && LLVMGetEnumAttributeAtIndex(function, LLVMAttributeFunctionIndex, kind))
            program_refuse(low->program, lower_place(low), "leave the attribute out",
                           "the attribute '%s' of '%s'", refused[i], name);
    }
    if (LLVMGetNumOperands(function) > 0) /* of a function: bytes before its code, or in it */
        program_refuse(low->program, lower_place(low), "leave the data out",
                       "data in the code of '%s'", name);
    LLVMLinkage linkage = LLVMGetLinkage(function);
    if (linkage != LLVMExternalLinkage && linkage != LLVMInternalLinkage &&
        linkage != LLVMPrivateLinkage && linkage != LLVMLinkOnceODRLinkage)
        program_refuse(low->program, lower_place(low), "define it without attributes",
                       "the linkage of '%s'", name);
    if (LLVMGetSection(function) && *LLVMGetSection(function))
        program_refuse(low->program, lower_place(low), "leave the attribute out",
                       "a section of its own for '%s'", name);
}

static void refuse_global(struct lowering *low, LLVMValueRef global, const char *what,
                          const char *change)
{
    size_t length;

    program_note_refusal(low->program, (struct place){.line = LLVMGetDebugLocLine(global)}, change,
                         "%s '%s'", what, LLVMGetValueName2(global, &length));
}

/* What a module says of code in general: only what changes nothing that was looked at. */
static void screen_flags(struct lowering *low)
{
    static const char *const known[] = {
        "Debug Info Version", "Dwarf Version", "PIC Level",
        "PIE Level",          "RtLibUseGOT",   "ThinLTO",
        "frame-pointer",      "uwtable",       "wchar_size",
        "EnableSplitLTOUnit",
    };
    size_t count, length;
    LLVMModuleFlagEntry *flags = LLVMCopyModuleFlagsMetadata(low->module, &count);

    for (unsigned i = 0; i < count; i++) {
        const char *key = LLVMModuleFlagEntriesGetKey(flags, i, &length);
        bool good = false;
        for (size_t k = 0; k < sizeof known / sizeof *known && !good; k++)
            good = strlen(known[k]) == length && memcmp(known[k], key, length) == 0;
        if (!good)
            program_note_refusal(low->program, (struct place){0}, "compile it without",
                                 "the flag '%.*s'", (int)length, key);
    }
    LLVMDisposeModuleFlagsMetadata(flags);
}

/* One look, after which the others go on: all that is to be changed is told at once. */
static void screen_one(struct lowering *low, LLVMValueRef function, LLVMValueRef instruction)
{
    jmp_buf refused, *stop = low->program->stop;
    size_t length;

    low->program->stop = &refused;
    if (setjmp(refused) == 0) {
        low->instruction = instruction;
        if (instruction)
            lower_screen_instruction(low, instruction);
        else
            lower_screen_function(low, function, LLVMGetValueName2(function, &length));
    }
    low->program->stop = stop;
}

/* All of it, also what is behind no path that the verifier goes: code is made of it. */
static void screen_code(struct lowering *low, LLVMValueRef function)
{
    screen_one(low, function, NULL);
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef at = LLVMGetFirstInstruction(block); at; at = LLVMGetNextInstruction(at))
            screen_one(low, function, at);
}

/* What makes code run, or memory mean something, that no reference in the functions shows. */
void lower_screen_module(struct lowering *low)
{
    size_t length;

    LLVMGetModuleInlineAsm(low->module, &length);
    if (length > 0)
        program_note_refusal(low->program, (struct place){0}, "write it in C",
                             "assembly beside the functions");
    for (LLVMValueRef alias = LLVMGetFirstGlobalAlias(low->module); alias;
         alias = LLVMGetNextGlobalAlias(alias))
        refuse_global(low, alias, "the alias", "define it once, under one name");
    for (LLVMValueRef ifunc = LLVMGetFirstGlobalIFunc(low->module); ifunc;
         ifunc = LLVMGetNextGlobalIFunc(ifunc))
        refuse_global(low, ifunc, "the ifunc", "call the function directly");
    for (LLVMValueRef global = LLVMGetFirstGlobal(low->module); global;
         global = LLVMGetNextGlobal(global)) {
        const char *name = LLVMGetValueName2(global, &length);
        if (strcmp(name, "llvm.global_ctors") == 0 || strcmp(name, "llvm.global_dtors") == 0)
            refuse_global(low, global,
                          "a constructor or destructor:", "set the data up in the function");
        else if (strncmp(name, "llvm.", 5) == 0 && strcmp(name, "llvm.used") != 0 &&
                 strcmp(name, "llvm.compiler.used") != 0)
            refuse_global(low, global, "the special variable", "leave it out");
        else if (strncmp(name, "llvm.", 5) != 0 && LLVMGetSection(global) &&
                 *LLVMGetSection(global))
            refuse_global(low, global, "a section of its own for", "leave the attribute out");
        if (LLVMIsThreadLocal(global))
            refuse_global(low, global, "the thread-local variable",
                          "use an ordinary static variable");
    }
    screen_flags(low);
    if (low->program->refusal_count > 0)
        longjmp(*low->program->stop, 1);
    for (LLVMValueRef f = LLVMGetFirstFunction(low->module); f; f = LLVMGetNextFunction(f))
        if (!LLVMIsDeclaration(f))
            screen_code(low, f);
    low->instruction = NULL;
    if (low->program->refusal_count > 0 || low->program->out_of_memory)
        longjmp(*low->program->stop, 1);
}
