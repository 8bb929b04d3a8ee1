/* Where the descriptors that come with a message to fork are. */
#include <errno.h>
#include <string.h>

#include "guest/instance.h"
#include "guest/template.h"

int template_fork_fds(const struct guest_fork *message, const int *fds, size_t fd_count,
                      struct instance_fds *ret_fds, int *ret_group)
{
    bool run = message->flags & GUEST_FORK_RUN;
    size_t first_group = run ? 3 : 2;
    int connector = -1, platform = -1, bpf = -1, control = -1, kin = -1, page = -1, become = -1;

    if (message->flags & GUEST_FORK_CONNECTOR)
        connector = first_group < fd_count ? fds[first_group++] : -1;
    if (message->flags & GUEST_FORK_PLATFORM)
        platform = first_group < fd_count ? fds[first_group++] : -1;
    if (message->flags & GUEST_FORK_BPF)
        bpf = first_group < fd_count ? fds[first_group++] : -1;
    if (message->flags & GUEST_FORK_CONTROL)
        control = first_group < fd_count ? fds[first_group++] : -1;
    if ((message->flags & GUEST_FORK_KIN) && first_group + 2 <= fd_count) {
        kin = fds[first_group++];
        page = fds[first_group++];
    }
    if (message->flags & GUEST_FORK_BLANK)
        become = first_group < fd_count ? fds[first_group++] : -1;

    if (fd_count != first_group + message->group_count)
        return -EBADMSG;
    *ret_fds = (struct instance_fds){.memory = -1,
                                     .event = -1,
                                     .connector = connector,
                                     .platform = platform,
                                     .bpf = bpf,
                                     .control = control,
                                     .kin = kin,
                                     .kin_page = page,
                                     .become = become,
                                     .stdio = {-1, -1, -1}};
    if (run)
        memcpy(ret_fds->stdio, fds, sizeof ret_fds->stdio);
    else
        ret_fds->memory = fds[0], ret_fds->event = fds[1];
    *ret_group = -1;
    if (message->flags & GUEST_FORK_INTO_GROUP) {
        if (message->group_count == 0)
            return -EBADMSG;
        *ret_group = fds[first_group++];
    }
    ret_fds->tasks = fds + first_group;
    ret_fds->task_count = fd_count - first_group;
    return 0;
}
