#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

// The name `text` of a caller as the kernel wants it.
#define NAME(text) clinux_name_bytes(text, (char[PATH_MAX]){0}, PATH_MAX)

#define RETRY(result, call) \
  do { (result) = (call); } while ((result) < 0 && errno == EINTR)
#define RETURN(type, call) \
  do { type result_; RETRY(result_, call); return result_ < 0 ? -errno : result_; } while (0)

// A program that is started with one of the descriptors 0 to 2 closed would get that number for
// the next file it opens, and then write its words there. Before anything else they become what
// fails as a closed one does: none can be used for what it is for.
__attribute__((constructor)) static void take_standard_descriptors(void) {
  for (int number = 0; number <= 2; number++)
    if (fcntl(number, F_GETFD) < 0 && errno == EBADF &&
        open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY) < 0)
      return;
}

int clinux_openat(int directory, const char *path, int flags, mode_t mode) {
  const char *name = NAME(path);
  RETURN(int, openat(directory, name, flags | O_CLOEXEC, mode));
}

int clinux_access(const char *path, int mode) { RETURN(int, access(NAME(path), mode)); }

char *clinux_realpath(const char *path) { return realpath(NAME(path), NULL); }

ssize_t clinux_readlinkat(int directory, const char *path, char *buffer, size_t count) {
  RETURN(ssize_t, readlinkat(directory, NAME(path), buffer, count));
}

int clinux_reopen_read_only(int descriptor) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  RETURN(int, open(path, O_RDONLY | O_CLOEXEC));
}

// After close(2) fails the descriptor is gone all the same: it is never retried.
int clinux_close(int descriptor) { return close(descriptor) < 0 ? -errno : 0; }

int clinux_duplicate(int descriptor) { RETURN(int, fcntl(descriptor, F_DUPFD_CLOEXEC, 3)); }

static int change_status(int descriptor, int flag, int enabled) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  flags = enabled ? flags | flag : flags & ~flag;
  return fcntl(descriptor, F_SETFL, flags) < 0 ? -errno : 0;
}

int clinux_set_nonblocking(int descriptor, int enabled) {
  return change_status(descriptor, O_NONBLOCK, enabled);
}

int clinux_set_direct(int descriptor, int enabled) {
  // The sandbox admits exactly O_DIRECT and O_LARGEFILE here, so nothing else is carried over.
  return fcntl(descriptor, F_SETFL, enabled ? O_DIRECT : 0) < 0 ? -errno : 0;
}

int clinux_set_close_on_exec(int descriptor, int enabled) {
  return fcntl(descriptor, F_SETFD, enabled ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int clinux_pipe(int *read_end, int *write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  *read_end = ends[0];
  *write_end = ends[1];
  return 0;
}

int clinux_set_pipe_capacity(int descriptor, int bytes) {
  RETURN(int, fcntl(descriptor, F_SETPIPE_SZ, bytes));
}

ssize_t clinux_tee(int from, int to, size_t count) {
  RETURN(ssize_t, tee(from, to, count, SPLICE_F_NONBLOCK));
}

int clinux_eventfd(void) { RETURN(int, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

ssize_t clinux_read(int descriptor, void *buffer, size_t count) {
  RETURN(ssize_t, read(descriptor, buffer, count));
}

ssize_t clinux_write(int descriptor, const void *buffer, size_t count) {
  RETURN(ssize_t, write(descriptor, buffer, count));
}

ssize_t clinux_pread(int descriptor, void *buffer, size_t count, int64_t offset) {
  RETURN(ssize_t, pread(descriptor, buffer, count, offset));
}

ssize_t clinux_pwrite(int descriptor, const void *buffer, size_t count, int64_t offset) {
  RETURN(ssize_t, pwrite(descriptor, buffer, count, offset));
}

ssize_t clinux_write_two(int descriptor, const void *first, size_t first_count,
                         const void *second, size_t second_count) {
  struct iovec parts[2] = {{(void *)first, first_count}, {(void *)second, second_count}};
  RETURN(ssize_t, writev(descriptor, parts, 2));
}

ssize_t clinux_writev(int descriptor, const struct iovec *pieces, int count) {
  RETURN(ssize_t, writev(descriptor, pieces, count));
}

ssize_t clinux_pwritev(int descriptor, const struct iovec *pieces, int count, int64_t offset) {
  RETURN(ssize_t, pwritev(descriptor, pieces, count, offset));
}

int clinux_ftruncate(int descriptor, int64_t length) { RETURN(int, ftruncate(descriptor, length)); }

int clinux_reserve(int descriptor, int64_t offset, int64_t length) {
  RETURN(int, fallocate(descriptor, FALLOC_FL_KEEP_SIZE, offset, length));
}

int clinux_punch_hole(int descriptor, int64_t offset, int64_t length) {
  RETURN(int, fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
}

int clinux_zero_range(int descriptor, int64_t offset, int64_t length) {
  RETURN(int, fallocate(descriptor, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, length));
}

int clinux_fsync(int descriptor) { RETURN(int, fsync(descriptor)); }

int clinux_syncfs(int descriptor) { RETURN(int, syncfs(descriptor)); }

int64_t clinux_file_system_type(int descriptor) {
  struct statfs status;
  return fstatfs(descriptor, &status) < 0 ? -errno : (int64_t)(uint32_t)status.f_type;
}

int clinux_fdatasync(int descriptor) { RETURN(int, fdatasync(descriptor)); }

int clinux_fstat(int descriptor, struct stat *status) { RETURN(int, fstat(descriptor, status)); }

int clinux_fstatat(int directory, const char *path, struct stat *status) {
  RETURN(int, fstatat(directory, NAME(path), status, AT_SYMLINK_NOFOLLOW));
}

int64_t clinux_seek_data(int descriptor, int64_t offset) {
  RETURN(int64_t, lseek(descriptor, offset, SEEK_DATA));
}

int64_t clinux_seek_hole(int descriptor, int64_t offset) {
  RETURN(int64_t, lseek(descriptor, offset, SEEK_HOLE));
}

int clinux_mkdirat(int directory, const char *path, mode_t mode) {
  RETURN(int, mkdirat(directory, NAME(path), mode));
}

int clinux_unlinkat(int directory, const char *path, int is_directory) {
  RETURN(int, unlinkat(directory, NAME(path), is_directory ? AT_REMOVEDIR : 0));
}

int clinux_rename_no_replace(int from_directory, const char *from, int to_directory,
                             const char *to) {
  RETURN(int, renameat2(from_directory, NAME(from), to_directory, NAME(to), RENAME_NOREPLACE));
}

int clinux_rename(int from_directory, const char *from, int to_directory, const char *to) {
  RETURN(int, renameat(from_directory, NAME(from), to_directory, NAME(to)));
}

int clinux_linkat(int from_directory, const char *from, int to_directory, const char *to) {
  RETURN(int, linkat(from_directory, NAME(from), to_directory, NAME(to), 0));
}

int clinux_fchown(int descriptor, uid_t owner, gid_t group) {
  RETURN(int, fchown(descriptor, owner, group));
}

int clinux_fchmod(int descriptor, mode_t mode) { RETURN(int, fchmod(descriptor, mode)); }

int clinux_fchmodat(int directory, const char *path, mode_t mode) {
  RETURN(int, fchmodat(directory, NAME(path), mode, AT_SYMLINK_NOFOLLOW));
}

int clinux_try_lock(int descriptor) { RETURN(int, flock(descriptor, LOCK_EX | LOCK_NB)); }

int clinux_mount_tmpfs(const char *path, size_t bytes) {
  char options[64];
  snprintf(options, sizeof options, "size=%zu,mode=0700", bytes);
  if (unshare(CLONE_NEWNS) < 0) return -errno;
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -errno;
  RETURN(int, mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options));
}

int clinux_unmount(const char *path) { RETURN(int, umount2(path, MNT_DETACH)); }

int clinux_prove_unwritten(int descriptor) {
  // Who opens it meanwhile breaks the lease, by a signal: one that is ignored, and not SIGIO.
  if (fcntl(descriptor, F_SETSIG, SIGURG) < 0) return -errno;
  if (fcntl(descriptor, F_SETLEASE, F_RDLCK) < 0) return -errno;
  fcntl(descriptor, F_SETLEASE, F_UNLCK);
  return 0;
}

int clinux_is_byte_locked(int descriptor, int64_t offset) {
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
  if (fcntl(descriptor, F_OFD_GETLK, &range) < 0) return -errno;
  return range.l_type != F_UNLCK;
}

int clinux_block_device_size(int descriptor, uint64_t *bytes) {
  return ioctl(descriptor, BLKGETSIZE64, bytes) < 0 ? -errno : 0;
}

int clinux_is_read_only_device(int descriptor) {
  int is_read_only = 0;
  return ioctl(descriptor, BLKROGET, &is_read_only) < 0 ? -errno : is_read_only != 0;
}

int clinux_terminal_columns(int descriptor) {
  struct winsize size;
  return ioctl(descriptor, TIOCGWINSZ, &size) < 0 ? -errno : size.ws_col;
}
