/* Files and connections, with less than their contracts ask for, or more made of an answer than
 * they promise. */
#include "unsafe.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vireo/io.h>
#include <vireo/net.h>

static uint8_t kept[4096];
static char name[16];
static int cells[8];
H(read_room)
{
    return read(0, kept, sizeof kept + 1);
}
H(read_room_of_input)
{
    return read(0, kept, in_len);
}
H(read_in)
{
    return read(0, (void *)in, in_len);
}
H(read_out)
{
    return read(0, out, out_cap + 1);
}
H(read_behind)
{
    return read(0, kept + 8, sizeof kept - 7);
}
H(read_negative_room)
{
    int room = (int)in_len - 8;
    uint8_t b[64];
    return room < 64 ? read(0, b, (size_t)room) : 0;
}
H(read_huge_room)
{
    uint8_t b[64];
    return read(0, b, 0x100000040);
}
H(read_unset)
{
    uint8_t b[64];
    ssize_t n = read(0, b, sizeof b);
    return n >= 0 ? b[n ? n - 1 : 0] : 0;
}
H(read_unset_tail)
{
    uint8_t b[64];
    return read(0, b, sizeof b) > 3 ? b[4] : 0;
}
H(read_end)
{
    uint8_t b[64] = {0};
    ssize_t n = read(0, b, sizeof b);
    if (n >= 0)
        b[n] = 0;
    return b[0];
}
H(read_failed)
{
    uint8_t b[64] = {0};
    return b[read(0, b, sizeof b - 1)];
}
H(read_till_the_end)
{
    uint64_t sum = 0;
    while (read(0, kept, sizeof kept) > 0)
        sum += kept[0];
    return (int64_t)(sum & 1);
}
H(read_adds_up)
{
    size_t used = 0;
    for (int i = 0; i < 4; i++) {
        ssize_t n = read(0, kept + used, sizeof kept);
        used += n > 0 ? (size_t)n : 0;
    }
    return kept[0];
}
H(pread_room)
{
    return pread(3, kept, sizeof kept + 1, 0);
}
H(pread_value)
{
    uint32_t v = 0;
    pread(3, &v, sizeof v, 8);
    return cells[v & 15];
}
H(write_room)
{
    return write(1, kept, sizeof kept + 1);
}
H(write_unset)
{
    uint8_t b[8];
    return write(1, b, sizeof b);
}
H(write_in)
{
    return write(1, in, in_len + 1);
}
H(write_null)
{
    return write(1, NULL, in_len);
}
H(pwrite_room)
{
    return pwrite(3, kept + 1, sizeof kept, 0);
}
H(write_short)
{
    ssize_t n = write(1, in, in_len < 8 ? in_len : 8);
    return cells[n];
}
H(seek_value)
{
    return cells[lseek(3, 0, SEEK_CUR)];
}
H(seek_far)
{
    off_t at = lseek(3, 0, SEEK_END);
    return at >= 0 ? kept[at] : 0;
}
H(open_value)
{
    return cells[open("/tmp/a", O_RDONLY)];
}
H(open_text_without_end)
{
    memset(name, 'a', sizeof name);
    return open(name, O_RDONLY);
}
H(open_text_of_input)
{
    memcpy(name, in, in_len < sizeof name ? in_len : sizeof name);
    return open(name, O_RDONLY);
}
H(open_input)
{
    return open((const char *)in, O_RDONLY);
}
H(open_null)
{
    return open(NULL, O_RDONLY);
}
H(open_bytes)
{
    return vireo_open(name, sizeof name + 1, O_RDONLY);
}
H(open_bytes_of_input)
{
    return vireo_open(name, in_len, O_RDONLY);
}
H(open_unset)
{
    char local[8];
    return vireo_open(local, sizeof local, O_RDONLY);
}
H(rename_bytes)
{
    return vireo_rename("/tmp/a", 6, name, 17);
}
H(unlink_text)
{
    return unlink((const char *)in);
}
H(mkdir_bytes)
{
    return vireo_mkdir((const char *)in, in_len + 1);
}
H(recv_room)
{
    return recv(3, kept, sizeof kept + 1, 0);
}
H(send_room)
{
    return send(3, kept, sizeof kept + 1, 0);
}
H(connect_bytes)
{
    return vireo_connect_to((const char *)in, in_len + 1);
}
H(connect_value)
{
    return cells[vireo_connect("a:1")];
}
H(connect_text)
{
    return vireo_connect((const char *)in);
}
H(poll_null)
{
    return poll(NULL, 1, 0);
}
H(poll_unset)
{
    struct pollfd one;
    return poll(&one, 1, 0);
}
/* Its own arguments, which nobody counts. */
static int second(int count, ...)
{
    __builtin_va_list list;
    __builtin_va_start(list, count);
    return __builtin_va_arg(list, int);
}
H(variable_arguments)
{
    return second(1, 7);
}
H(fewer_arguments)
{
    return ((int (*)(const char *))open)("/tmp/a");
}
