// Makes the writes of a program fail or hang, as a broken fleecing store would (LD_PRELOAD).
//
//   SLUICE_FAULT_DIR      files below this directory are meant, those without a name too
//   SLUICE_FAULT_CONTROL  a file that says what happens: none, enospc, eio, eio-unsynced or hang
//
// The control file is read at every write; a hang ends when it says something else. QEMU must write
// by threads (aio=threads, its default): io_uring and Linux AIO pass by the C library.
//
// enospc and eio-unsynced let fsync and fdatasync pass: QEMU remembers for ever that one of these
// failed on a file it has in the page cache, and fails every later flush. A store that is full
// fails what makes it grow.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int isMeant(int descriptor) {
  const char *directory = getenv("SLUICE_FAULT_DIR");
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  ssize_t length = directory ? readlink(name, path, sizeof path - 1) : -1;
  if (length < 0) return 0;
  path[length] = 0;
  size_t count = strlen(directory);
  return strncmp(path, directory, count) == 0 && path[count] == '/';
}

// What the control file says; "none" if it says nothing.
static void readControl(char word[24]) {
  const char *path = getenv("SLUICE_FAULT_CONTROL");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  memset(word, 0, 24);
  if (file < 0 || read(file, word, 23) < 0) strcpy(word, "none");
  word[strcspn(word, "\n")] = 0;
  if (file >= 0) close(file);
}

enum call { CHANGE, SYNC };

// 0: the call may go on; otherwise the errno it fails with.
static int fault(enum call call, int descriptor) {
  int before = errno;
  char word[24];
  if (!isMeant(descriptor)) {
    errno = before;
    return 0;
  }
  for (readControl(word); strcmp(word, "hang") == 0; readControl(word)) usleep(10000);
  errno = before;
  if (strcmp(word, "enospc") == 0 && call == CHANGE) return ENOSPC;
  if (strcmp(word, "eio") == 0) return EIO;
  if (strcmp(word, "eio-unsynced") == 0 && call == CHANGE) return EIO;
  return 0;
}

#define REPLACE(call, type, name, parameters, arguments)                 \
  type name parameters {                                                 \
    static type(*original) parameters;                                   \
    if (!original) original = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
    int code = fault(call, descriptor);                                  \
    if (code == 0) return original arguments;                            \
    errno = code;                                                        \
    return -1;                                                           \
  }

REPLACE(CHANGE, ssize_t, write, (int descriptor, const void *bytes, size_t count),
        (descriptor, bytes, count))
REPLACE(CHANGE, ssize_t, pwrite, (int descriptor, const void *bytes, size_t count, off_t offset),
        (descriptor, bytes, count, offset))
REPLACE(CHANGE, ssize_t, pwrite64,
        (int descriptor, const void *bytes, size_t count, off64_t offset),
        (descriptor, bytes, count, offset))
REPLACE(CHANGE, ssize_t, writev, (int descriptor, const struct iovec *parts, int count),
        (descriptor, parts, count))
REPLACE(CHANGE, ssize_t, pwritev,
        (int descriptor, const struct iovec *parts, int count, off_t offset),
        (descriptor, parts, count, offset))
REPLACE(CHANGE, ssize_t, pwritev64,
        (int descriptor, const struct iovec *parts, int count, off64_t offset),
        (descriptor, parts, count, offset))
REPLACE(CHANGE, ssize_t, pwritev2,
        (int descriptor, const struct iovec *parts, int count, off_t offset, int flags),
        (descriptor, parts, count, offset, flags))
REPLACE(CHANGE, ssize_t, pwritev64v2,
        (int descriptor, const struct iovec *parts, int count, off64_t offset, int flags),
        (descriptor, parts, count, offset, flags))
REPLACE(CHANGE, int, fallocate, (int descriptor, int mode, off_t offset, off_t length),
        (descriptor, mode, offset, length))
REPLACE(CHANGE, int, fallocate64, (int descriptor, int mode, off64_t offset, off64_t length),
        (descriptor, mode, offset, length))
REPLACE(CHANGE, int, ftruncate, (int descriptor, off_t length), (descriptor, length))
REPLACE(CHANGE, int, ftruncate64, (int descriptor, off64_t length), (descriptor, length))
REPLACE(SYNC, int, fdatasync, (int descriptor), (descriptor))
REPLACE(SYNC, int, fsync, (int descriptor), (descriptor))
