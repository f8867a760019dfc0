#pragma once

/// The calls Swift cannot make by itself: variadic ones, raw ones, and those hidden behind
/// _GNU_SOURCE. Every function returns a value or -errno, so that no release of a Swift object
/// can run between the call and the reading of errno. Calls that may be interrupted are retried.

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

// Memory (memory.c)

/// Creates a sealable, close-on-exec memory file (memfd_create(2), Linux 3.17).
int clinux_memfd_create(const char *_Nonnull name);
/// Adds seals (F_SEAL_*) to a memory file (fcntl(2), Linux 3.17).
int clinux_add_seals(int descriptor, int seals);
/// Returns the seals of a memory file (fcntl(2), Linux 3.17).
int clinux_get_seals(int descriptor);
/// Maps `length` bytes of a file, shared; writable if asked (mmap(2)).
int clinux_map_shared(int descriptor, size_t length, int writable,
                      void *_Nullable *_Nonnull address);
/// Removes a mapping (munmap(2)).
int clinux_unmap(void *_Nonnull address, size_t length);

/// F_SEAL_SEAL, F_SEAL_SHRINK and F_SEAL_GROW, which the Glibc module hides.
enum { CLINUX_SEAL_SEAL = 1, CLINUX_SEAL_SHRINK = 2, CLINUX_SEAL_GROW = 4 };

// Files and descriptors (files.c)

/// The bytes that a name or path of a caller stands for: all here that take one do so.
///
/// A file name is bytes, a caller's string is UTF-8: a byte that is no text travels as the scalar
/// U+10FE00 + byte (U+10FE80 to U+10FEFF, private use).
///
/// - Parameter room: For the bytes, `size` with the zero at their end.
/// - Returns: `text` itself if it stands for itself, or if the bytes do not fit.
const char *_Nonnull clinux_name_bytes(const char *_Nonnull text, char *_Nonnull room, size_t size);
/// The same of all arguments of a program; `NULL` without memory.
char *_Nullable *_Nullable clinux_argument_bytes(char *const _Nullable *_Nonnull arguments);
void clinux_free_arguments(char *_Nullable *_Nonnull arguments);
/// Whether a file can be used as asked (access(2)).
int clinux_access(const char *_Nonnull path, int mode);
/// The real path, which the caller frees (realpath(3)); `NULL` with `errno`.
char *_Nullable clinux_realpath(const char *_Nonnull path);
/// What a symbolic link says (readlinkat(2)).
ssize_t clinux_readlinkat(int directory, const char *_Nonnull path, char *_Nonnull buffer,
                          size_t count);
/// Opens a path relative to a directory descriptor, close-on-exec (openat(2)).
int clinux_openat(int directory, const char *_Nonnull path, int flags, mode_t mode);
/// Opens another description of an open file, read-only and close-on-exec.
int clinux_reopen_read_only(int descriptor);
int clinux_close(int descriptor);
/// Duplicates a descriptor, close-on-exec (fcntl(2), F_DUPFD_CLOEXEC).
int clinux_duplicate(int descriptor);
int clinux_set_nonblocking(int descriptor, int enabled);
/// Sets or clears O_DIRECT (fcntl(2), F_SETFL); EINVAL where the filesystem refuses.
int clinux_set_direct(int descriptor, int enabled);
int clinux_set_close_on_exec(int descriptor, int enabled);
/// Makes a pipe, both ends close-on-exec (pipe2(2)).
int clinux_pipe(int *_Nonnull read_end, int *_Nonnull write_end);
/// Asks for a pipe that holds `bytes` (fcntl(2), F_SETPIPE_SZ, Linux 2.6.35).
int clinux_set_pipe_capacity(int descriptor, int bytes);
/// Copies up to `count` bytes from pipe to pipe; they stay in the first (tee(2)). Never waits.
ssize_t clinux_tee(int from, int to, size_t count);
/// Makes a non-blocking, close-on-exec event counter (eventfd(2)).
int clinux_eventfd(void);
ssize_t clinux_read(int descriptor, void *_Nonnull buffer, size_t count);
ssize_t clinux_write(int descriptor, const void *_Nonnull buffer, size_t count);
ssize_t clinux_pread(int descriptor, void *_Nonnull buffer, size_t count, int64_t offset);
ssize_t clinux_pwrite(int descriptor, const void *_Nonnull buffer, size_t count, int64_t offset);
/// Writes two buffers in one call (writev(2)); the second may be empty.
ssize_t clinux_write_two(int descriptor, const void *_Nullable first, size_t first_count,
                         const void *_Nullable second, size_t second_count);
/// Writes pieces of memory one behind the other, 1024 of them at most (writev(2)).
ssize_t clinux_writev(int descriptor, const struct iovec *_Nonnull pieces, int count);
/// The same, at an offset (pwritev(2)).
ssize_t clinux_pwritev(int descriptor, const struct iovec *_Nonnull pieces, int count,
                       int64_t offset);
int clinux_ftruncate(int descriptor, int64_t length);
/// Reserves room without changing the size (fallocate(2), FALLOC_FL_KEEP_SIZE).
int clinux_reserve(int descriptor, int64_t offset, int64_t length);
/// Punches a hole (fallocate(2), FALLOC_FL_PUNCH_HOLE).
int clinux_punch_hole(int descriptor, int64_t offset, int64_t length);
/// Makes a range zeros without giving its room back (fallocate(2), FALLOC_FL_ZERO_RANGE, Linux 3.15
/// and, of block devices, 4.9).
int clinux_zero_range(int descriptor, int64_t offset, int64_t length);
int clinux_fsync(int descriptor);
/// Syncs the whole file system that a descriptor is on (syncfs(2), Linux 2.6.39).
int clinux_syncfs(int descriptor);
/// Number of the kind of file system that a descriptor is on (fstatfs(2), f_type).
int64_t clinux_file_system_type(int descriptor);
int clinux_fdatasync(int descriptor);
int clinux_fstat(int descriptor, struct stat *_Nonnull status);
/// Looks at a name without following a symbolic link (fstatat(2), AT_SYMLINK_NOFOLLOW).
int clinux_fstatat(int directory, const char *_Nonnull path, struct stat *_Nonnull status);
/// Next data or hole (lseek(2), SEEK_DATA / SEEK_HOLE).
int64_t clinux_seek_data(int descriptor, int64_t offset);
int64_t clinux_seek_hole(int descriptor, int64_t offset);
int clinux_mkdirat(int directory, const char *_Nonnull path, mode_t mode);
/// Removes a name; a directory if asked (unlinkat(2)).
int clinux_unlinkat(int directory, const char *_Nonnull path, int is_directory);
/// Renames, never over an existing name (renameat2(2), RENAME_NOREPLACE, Linux 3.15).
int clinux_rename_no_replace(int from_directory, const char *_Nonnull from, int to_directory,
                             const char *_Nonnull to);
/// Renames, in place of what has the name (renameat(2)).
int clinux_rename(int from_directory, const char *_Nonnull from, int to_directory,
                  const char *_Nonnull to);
/// Adds a name to a file (linkat(2)).
int clinux_linkat(int from_directory, const char *_Nonnull from, int to_directory,
                  const char *_Nonnull to);
int clinux_fchown(int descriptor, uid_t owner, gid_t group);
int clinux_fchmod(int descriptor, mode_t mode);
/// Sets the mode of a name, EOPNOTSUPP if it is a link (fchmodat(3), AT_SYMLINK_NOFOLLOW).
int clinux_fchmodat(int directory, const char *_Nonnull path, mode_t mode);
/// Takes an exclusive lock without waiting (flock(2)); EWOULDBLOCK if somebody holds it.
int clinux_try_lock(int descriptor);
/// Mounts an empty tmpfs of `bytes` over a directory, in a mount namespace that the calling thread
/// gets for itself (unshare(2), mount(2)); it goes with the thread, and what that thread started.
/// Returns 0 or -errno: EPERM for all but root.
int clinux_mount_tmpfs(const char *_Nonnull path, size_t bytes);
/// Takes away what clinux_mount_tmpfs() has mounted (umount2(2)).
int clinux_unmount(const char *_Nonnull path);
/// Takes a read lease on a file that is open for reading, and gives it back (fcntl(2), F_SETLEASE):
/// EAGAIN if any process has it open for writing, or mapped writable.
int clinux_prove_unwritten(int descriptor);
/// Tells whether anybody else has locked the byte at `offset`: 1 or 0 (fcntl(2), F_OFD_GETLK,
/// Linux 3.15).
int clinux_is_byte_locked(int descriptor, int64_t offset);
/// Size in bytes of a block device (ioctl BLKGETSIZE64).
int clinux_block_device_size(int descriptor, uint64_t *_Nonnull bytes);
/// Whether a block device refuses writes: 1 or 0 (ioctl BLKROGET).
int clinux_is_read_only_device(int descriptor);
/// Columns of a terminal (ioctl TIOCGWINSZ), ENOTTY if it is none.
int clinux_terminal_columns(int descriptor);

// Waiting (wait.c)

struct clinux_poll {
  int descriptor;
  short events;
  short results;
};
/// Waits for descriptors (poll(2)); -1 waits for ever. EINTR is returned as 0 ready.
int clinux_poll(struct clinux_poll *_Nonnull entries, size_t count, int timeout_milliseconds);
enum { CLINUX_POLL_IN = 1, CLINUX_POLL_OUT = 4, CLINUX_POLL_ERROR = 8, CLINUX_POLL_HANGUP = 16 };

/// Nanoseconds of the monotonic clock (clock_gettime(2)).
uint64_t clinux_monotonic_nanoseconds(void);
/// Nanoseconds that the calling thread has had of processors (clock_gettime(2)).
uint64_t clinux_thread_nanoseconds(void);

// Sockets (sockets.c)

/// Makes a close-on-exec unix stream socket, bound to `path` and listening (unix(7)).
int clinux_unix_listen(const char *_Nonnull path);
/// Connects a close-on-exec unix stream socket to `path` (unix(7)).
int clinux_unix_connect(const char *_Nonnull path);
/// As clinux_unix_connect(), never waiting, and the socket is non-blocking: EAGAIN where the peer
/// has not yet accepted those who came before (unix(7)).
int clinux_unix_connect_now(const char *_Nonnull path);
/// Makes a connected, close-on-exec pair of unix stream sockets (socketpair(2)).
int clinux_socketpair(int *_Nonnull first, int *_Nonnull second);
/// Process that a unix socket was connected to, when it began to listen (unix(7), SO_PEERCRED).
int clinux_peer_process(int socket);
/// Writes the path that the other end of a unix socket was bound to, without a zero at its end
/// (getpeername(2)). Returns its bytes, or -ENOENT if it has none.
ssize_t clinux_peer_name(int socket, char *_Nonnull name, size_t count);
/// Sends bytes with up to 8 descriptors attached (sendmsg(2), SCM_RIGHTS).
ssize_t clinux_send_with_descriptors(int socket, const void *_Nonnull bytes, size_t count,
                                     const int *_Nullable descriptors, size_t descriptor_count);
/// Receives bytes (recv(2)); descriptors that came along are closed.
ssize_t clinux_receive(int socket, void *_Nonnull buffer, size_t count);

// Processes (process.c)

/// Starts `path` with exactly the given descriptors (posix_spawn(3)): `sources[i]` becomes
/// descriptor `targets[i]`; everything else is closed. Signals are back at their defaults, the
/// child leads a session of its own. Returns 0 or -errno; the child's id lands in `pid`.
int clinux_spawn(const char *_Nonnull path, char *const _Nullable *_Nonnull arguments,
                 char *const _Nullable *_Nonnull environment, const int *_Nonnull sources,
                 const int *_Nonnull targets, size_t descriptor_count, pid_t *_Nonnull pid);
/// Returns a descriptor that polls readable when the process has ended (pidfd_open(2), 5.3).
int clinux_pidfd_open(pid_t pid);
/// A descriptor of what another process has open under a number (pidfd_getfd(2), Linux 5.6); needs
/// the right to trace it.
int clinux_pidfd_descriptor(int pidfd, int number);
/// Ends the watch of a userfaultfd over a mapping, and wakes threads that wait there for its answer
/// (UFFDIO_UNREGISTER and UFFDIO_WAKE of ioctl_userfaultfd(2), Linux 4.11). -EINVAL: not watched.
int clinux_userfault_release(int descriptor, uint64_t start, uint64_t length);
/// Sends a signal to the process a pidfd names (pidfd_send_signal(2), Linux 5.1).
int clinux_pidfd_signal(int pidfd, int signal);
/// Reaps a child if it has ended: 1 and its end in `status`/`is_signal`, 0 if it runs.
int clinux_reap(pid_t pid, int *_Nonnull status, int *_Nonnull is_signal);
/// The same, and what it used of processors (wait4(2)).
int clinux_reap_used(pid_t pid, int *_Nonnull status, int *_Nonnull is_signal,
                     uint64_t *_Nonnull cpu_nanoseconds);
/// Whether processes whose parent dies become children of this one (prctl(2), Linux 3.4).
int clinux_adopt_orphans(int enabled);
/// Names the calling thread, for debuggers; 15 bytes at most (pthread_setname_np(3)).
void clinux_name_thread(const char *_Nonnull name);
/// Never lets a closed pipe kill this process (SIGPIPE ignored).
void clinux_ignore_sigpipe(void);
/// Never lets a file that grows over RLIMIT_FSIZE kill this process (SIGXFSZ ignored): the write
/// fails with EFBIG.
void clinux_ignore_sigxfsz(void);
/// Keeps SIGINT, SIGTERM and SIGHUP for clinux_wait_job_signal(), whatever thread they come to;
/// those that are ignored stay so (sigaction(2)). To be called once.
int clinux_take_job_signals(void);
/// Waits for one of these signals and returns its number.
int clinux_wait_job_signal(void);
/// Name of an errno value ("ENOSPC"), or NULL (strerrorname_np(3), glibc 2.32).
const char *_Nullable clinux_errno_name(int value);
