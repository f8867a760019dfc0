// Makes one call of a program fail that gives an archive its name (LD_PRELOAD).
//
//   SLUICE_FAULT_CALL   sync: fsync of the directory SLUICE_FAULT_DIR itself
//                       open: opening a staging place that was just made
//   SLUICE_FAULT_AFTER  how many such calls pass before one fails with EIO
//
// Only the program itself is meant, and not what it starts: those have another environment.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int isMeant(const char *call) {
  const char *wanted = getenv("SLUICE_FAULT_CALL");
  return wanted != NULL && strcmp(wanted, call) == 0;
}

// Whether it is this call's turn to fail.
static int isDue(void) {
  static int seen;
  const char *after = getenv("SLUICE_FAULT_AFTER");
  return __sync_fetch_and_add(&seen, 1) == (after ? atoi(after) : 0);
}

static int isDirectory(int descriptor) {
  const char *directory = getenv("SLUICE_FAULT_DIR");
  char name[64], path[4096];
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  ssize_t length = directory ? readlink(name, path, sizeof path - 1) : -1;
  if (length < 0) return 0;
  path[length] = 0;
  return strcmp(path, directory) == 0;
}

int fsync(int descriptor) {
  static int (*original)(int);
  if (!original) original = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  if (isMeant("sync") && isDirectory(descriptor) && isDue()) {
    errno = EIO;
    return -1;
  }
  return original(descriptor);
}

int openat(int directory, const char *path, int flags, ...) {
  static int (*original)(int, const char *, int, mode_t);
  if (!original) original = (int (*)(int, const char *, int, mode_t))dlsym(RTLD_NEXT, "openat");
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (isMeant("open") && path[0] == '.' && strstr(path, ".sluice-") && isDue()) {
    errno = EIO;
    return -1;
  }
  return original(directory, path, flags, mode);
}
