/* Probes: which mechanism each part of a virtual kernel takes here. */
#include <stdio.h>

#include "cli/doctor.h"
#include "vkernel/vkernel.h"

void doctor_vkernel(struct doctor *doctor)
{
    static const enum doctor_status statuses[] = {[VKERNEL_BEST] = DOCTOR_OK,
                                                  [VKERNEL_LESSER] = DOCTOR_FALLBACK,
                                                  [VKERNEL_NONE] = DOCTOR_MISSING};

    for (size_t i = 0; vkernel_parts[i]; i++) {
        struct vkernel_mechanism mechanism = {0};
        char part[40];
        snprintf(part, sizeof part, "vkernel: %s", vkernel_parts[i]->name);
        vkernel_parts[i]->mechanism(&mechanism);
        doctor_line(doctor, statuses[mechanism.grade], part, mechanism.name, "%s",
                    mechanism.detail[0] ? mechanism.detail : vkernel_parts[i]->summary);
    }
}
