/* Which line of the user's source an instruction comes from. */
#include <llvm-c/DebugInfo.h>
#include <stdio.h>
#include <string.h>

#include "verify/lower.h"

static uint16_t file_index(struct program *program, const char *name, unsigned length)
{
    for (uint32_t i = 0; i < program->file_count; i++)
        if (strlen(program->files[i]) == length && strncmp(program->files[i], name, length) == 0)
            return (uint16_t)i;
    if (program->file_count == sizeof program->files / sizeof *program->files)
        return 0;
    program->files[program->file_count] = program_text(program, "%.*s", (int)length, name);
    return (uint16_t)program->file_count++;
}

/* Where the compiler had it, as far as that tells whose it is. */
static void path_of(LLVMMetadataRef file, char *path, size_t size)
{
    unsigned directory_length = 0, length = 0;
    const char *directory = LLVMDIFileGetDirectory(file, &directory_length);
    const char *name = LLVMDIFileGetFilename(file, &length);

    if (length > 0 && name[0] == '/')
        snprintf(path, size, "%.*s", (int)length, name);
    else
        snprintf(path, size, "%.*s/%.*s", (int)directory_length, directory ? directory : "",
                 (int)length, name ? name : "");
}

/* The system's headers, Rust's core and the SDK's. */
static bool is_library(const struct lowering *low, LLVMMetadataRef file)
{
    static const char *const system[] = {"/usr/include/", "/usr/lib/", "/usr/src/rustc-",
                                         "/rustc/"};
    const char *sdk = low->program->library_folder;
    char path[512];

    path_of(file, path, sizeof path);
    for (size_t i = 0; i < sizeof system / sizeof *system; i++)
        if (strncmp(path, system[i], strlen(system[i])) == 0)
            return true;
    return sdk && strncmp(path, sdk, strlen(sdk)) == 0 && path[strlen(sdk)] == '/';
}

static struct place place_at(struct lowering *low, LLVMMetadataRef location, LLVMMetadataRef file)
{
    struct place place = {.line = LLVMDILocationGetLine(location),
                          .column = (uint16_t)LLVMDILocationGetColumn(location)};
    unsigned length = 0;
    const char *name = LLVMDIFileGetFilename(file, &length);

    if (name)
        place.file = file_index(low->program, name, length);
    return place;
}

struct place lower_place(struct lowering *low)
{
    LLVMMetadataRef innermost =
        low->instruction ? LLVMInstructionGetDebugLoc(low->instruction) : NULL;

    /* Copied in by the compiler, then by us: outwards until it is the user's. */
    for (LLVMMetadataRef at = innermost; at; at = LLVMDILocationGetInlinedAt(at)) {
        LLVMMetadataRef file = LLVMDIScopeGetFile(LLVMDILocationGetScope(at));
        if (file && !is_library(low, file))
            return place_at(low, at, file);
    }
    if (low->frame && low->frame->call.line)
        return low->frame->call;
    LLVMMetadataRef file = innermost ? LLVMDIScopeGetFile(LLVMDILocationGetScope(innermost)) : NULL;
    return file ? place_at(low, innermost, file) : (struct place){0};
}
