/* Channels: the memory and the eventfd that one instance shares with one host process. */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "guest/channel.h"
#include "pvm/pvm.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

int pvm_channel_new(struct pvm_channel *ret_channel, struct err *err)
{
    /* NOEXEC_SEAL (Linux 6.3): the pages can never become code through a chmod. */
    _cleanup_(closep) int memory =
        memfd_create("vireo-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (memory < 0 && errno == EINVAL)
        memory = memfd_create("vireo-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0)
        return err_set(err, -errno, "cannot make a channel");
    /* Of a size that neither side can change: no access of a mapping can fault. */
    if (ftruncate(memory, CHANNEL_BYTES) < 0 ||
        fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return err_set(err, -errno, "cannot size a channel");
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0)
        return err_set(err, -errno, "cannot make a channel's event");
    ret_channel->memory_fd = steal_fd(&memory);
    ret_channel->event_fd = event;
    return 0;
}

void pvm_channel_close(struct pvm_channel *channel)
{
    closep(&channel->memory_fd);
    closep(&channel->event_fd);
    channel->memory_fd = channel->event_fd = -1;
}

int pvm_channel_take(struct pvm_channel_stock *stock, struct pvm_channel *ret_channel,
                     struct err *err)
{
    if (stock->count == 0)
        return pvm_channel_new(ret_channel, err);
    *ret_channel = stock->channels[--stock->count];
    return 0;
}

void pvm_channel_stock_fill(struct pvm_channel_stock *stock)
{
    while (stock->count < ARRAY_LEN(stock->channels) &&
           pvm_channel_new(&stock->channels[stock->count], NULL) == 0)
        stock->count++;
}

void pvm_channel_stock_close(struct pvm_channel_stock *stock)
{
    while (stock->count > 0)
        pvm_channel_close(&stock->channels[--stock->count]);
}
