/* Each section by itself: "SECTION attached", "SECTION refused" with the reason on standard error.
 */
#include <stdio.h>

#include "sections.skel.h"

static const struct {
    const char *program, *section, *target;
} sections[] = {
#define SECTION(number, section, target, answer) {"section_" #number, section, target},
#include "sections.h"
};
#define COUNT (sizeof sections / sizeof *sections)

int main(void)
{
    for (unsigned chosen = 0; chosen < COUNT; chosen++) {
        for (unsigned i = 0; i < COUNT; i++) {
            const uint32_t loaded = i == chosen;
            if (vireo_bpf_set(VIREO_BPF_SET_PROGRAM, sections[i].program, &loaded, 4) < 0)
                return 1;
        }
        fprintf(stderr, "-- %s\n", sections[chosen].section);
        bpf_object_handle object = wasm_load_bpf_object(sections_object, sizeof sections_object);
        int r = object ? wasm_attach_bpf_program(object, sections[chosen].program,
                                                 sections[chosen].target)
                       : -1;
        printf("%s %s\n", sections[chosen].section, r == 0 ? "attached" : "refused");
        if (object)
            wasm_close_bpf_object(object);
    }
    return 0;
}
