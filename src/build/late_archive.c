/* What pack_image.c calls of libarchive, which is loaded then. */
#include <archive.h>
#include <archive_entry.h>

#include "base/late.h"

#define LATE_LIBRARY "libarchive.so.13"

typedef struct archive *archive_ptr;
typedef struct archive_entry *entry_ptr;

LATE(archive_ptr, archive_read_disk_new, (void), ())
LATE(archive_ptr, archive_write_new, (void), ())
LATE(entry_ptr, archive_entry_new, (void), ())
LATE_VOID(archive_entry_free, (entry_ptr entry), (entry))
LATE(entry_ptr, archive_entry_clear, (entry_ptr entry), (entry))
LATE(int, archive_read_free, (archive_ptr archive), (archive))
LATE(int, archive_write_free, (archive_ptr archive), (archive))
LATE(int, archive_errno, (archive_ptr archive), (archive))
LATE(int, archive_read_data_block,
     (archive_ptr archive, const void **data, size_t *size, la_int64_t *offset),
     (archive, data, size, offset))
LATE(int, archive_read_next_header2, (archive_ptr archive, entry_ptr entry), (archive, entry))
LATE(int, archive_read_disk_descend, (archive_ptr archive), (archive))
LATE(int, archive_read_disk_open, (archive_ptr archive, const char *path), (archive, path))
LATE(int, archive_read_disk_set_behavior, (archive_ptr archive, int flags), (archive, flags))
LATE(int, archive_read_disk_set_symlink_physical, (archive_ptr archive), (archive))
LATE(int, archive_write_add_filter_zstd, (archive_ptr archive), (archive))
LATE(int, archive_write_close, (archive_ptr archive), (archive))
LATE(la_ssize_t, archive_write_data, (archive_ptr archive, const void *data, size_t size),
     (archive, data, size))
LATE(int, archive_write_header, (archive_ptr archive, entry_ptr entry), (archive, entry))
LATE(int, archive_write_open,
     (archive_ptr archive, void *user, archive_open_callback *open, archive_write_callback *write,
      archive_close_callback *close),
     (archive, user, open, write, close))
LATE(int, archive_write_set_bytes_in_last_block, (archive_ptr archive, int bytes), (archive, bytes))
LATE(int, archive_write_set_format_pax_restricted, (archive_ptr archive), (archive))
LATE(int, archive_write_set_format_ustar, (archive_ptr archive), (archive))
LATE(const char *, archive_entry_pathname, (entry_ptr entry), (entry))
LATE(__LA_MODE_T, archive_entry_filetype, (entry_ptr entry), (entry))
LATE(la_int64_t, archive_entry_size, (entry_ptr entry), (entry))
LATE(time_t, archive_entry_mtime, (entry_ptr entry), (entry))
LATE_VOID(archive_entry_set_pathname, (entry_ptr entry, const char *path), (entry, path))
LATE_VOID(archive_entry_set_filetype, (entry_ptr entry, unsigned type), (entry, type))
LATE_VOID(archive_entry_set_perm, (entry_ptr entry, __LA_MODE_T mode), (entry, mode))
LATE_VOID(archive_entry_set_size, (entry_ptr entry, la_int64_t size), (entry, size))
LATE_VOID(archive_entry_set_mtime, (entry_ptr entry, time_t seconds, long ns), (entry, seconds, ns))
LATE_VOID(archive_entry_set_uid, (entry_ptr entry, la_int64_t uid), (entry, uid))
LATE_VOID(archive_entry_set_gid, (entry_ptr entry, la_int64_t gid), (entry, gid))
LATE_VOID(archive_entry_set_uname, (entry_ptr entry, const char *name), (entry, name))
LATE_VOID(archive_entry_set_gname, (entry_ptr entry, const char *name), (entry, name))
LATE_VOID(archive_entry_unset_atime, (entry_ptr entry), (entry))
LATE_VOID(archive_entry_unset_ctime, (entry_ptr entry), (entry))
LATE_VOID(archive_entry_sparse_clear, (entry_ptr entry), (entry))
LATE_VOID(archive_entry_acl_clear, (entry_ptr entry), (entry))
LATE_VOID(archive_entry_xattr_clear, (entry_ptr entry), (entry))

/* A message of its own is all that is asked of it here. */
void archive_set_error(archive_ptr archive, int number, const char *format, ...)
{
    LATE_FIND(void, archive_set_error, (archive_ptr, int, const char *, ...));
    function(archive, number, "%s", format);
}
