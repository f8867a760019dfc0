#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// A well-behaved guest of a sandbox (but for "socket" and "make"): does one thing and tells on
// descriptor 1.

extern char **environ;

static int show_descriptors(void) {
  for (int descriptor = 0; descriptor < 2000; descriptor++)
    if (fcntl(descriptor, F_GETFD) >= 0) printf("%d ", descriptor);
  return 0;
}

static int show_environment(void) {
  for (char **variable = environ; *variable; variable++) printf("%s ", *variable);
  return 0;
}

static int show_user(void) {
  printf("%d %d", getuid(), getgid());
  return 0;
}

static int open_as(const char *path, int flags) {
  int file = open(path, flags);
  return file < 0 ? errno : 0;
}

// What the raw writer does with its directory.
static int write_archive(void) {
  char block[4096] __attribute__((aligned(4096))) = "data";
  struct stat status;
  if (mkdirat(6, "disks", 0700) < 0) return 1;
  int disks = openat(6, "disks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int file = openat(disks, "disk.partial", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (disks < 0 || file < 0) return 2;
  // Not every file system takes O_DIRECT; the sandbox must allow to ask.
  if (fcntl(file, F_SETFL, O_DIRECT) < 0 && errno != EINVAL) return 3;
  if (pwrite(file, block, sizeof block, 4096) != sizeof block) return 4;
  if (fcntl(file, F_SETFL, 0) < 0) return 5;
  if (pwrite(file, "tail", 4, 8192) != 4 || ftruncate(file, 10000) < 0) return 6;
  if (fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 4096) < 0 && errno != EOPNOTSUPP) return 7;
  if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0 &&
      errno != EOPNOTSUPP)
    return 8;
  if (fsync(file) < 0 || fstat(file, &status) < 0 || status.st_size != 10000) return 9;
  if (lseek(file, 0, SEEK_DATA) < 0 || close(file) < 0) return 10;
  if (renameat2(disks, "disk.partial", disks, "disk.raw", RENAME_NOREPLACE) < 0) return 11;
  if (fstatat(disks, "disk.raw", &status, AT_SYMLINK_NOFOLLOW) < 0) return 12;
  int other = openat(disks, "other", O_CREAT | O_WRONLY, 0600);
  return other < 0 || unlinkat(disks, "other", 0) < 0 ? 13 : 0;
}

// What a reader does with its scratch file, which has a limit of 1 MiB in the test.
static int use_scratch(void) {
  char block[4096] = "data", back[4096];
  struct stat status;
  signal(SIGXFSZ, SIG_IGN);
  if (pwrite(8, block, sizeof block, 8192) != sizeof block) return 1;
  if (pread(8, back, sizeof back, 8192) != sizeof back || memcmp(block, back, sizeof back))
    return 2;
  if (fstat(8, &status) < 0 || status.st_nlink != 0 || status.st_size != 12288) return 3;
  if (pwrite(8, block, sizeof block, 1 << 20) >= 0 || errno != EFBIG) return 4;
  if (pwrite(6, block, 1, 0) >= 0 || errno != EBADF) return 5;
  return 0;
}

static void *work(void *number) {
  free(malloc(1 << 20));
  return number;
}

static int use_threads(void) {
  pthread_t threads[8];
  for (int i = 0; i < 8; i++)
    if (pthread_create(&threads[i], NULL, work, NULL)) return 1;
  for (int i = 0; i < 8; i++)
    if (pthread_join(threads[i], NULL)) return 2;
  return 0;
}

// Calls that every policy denies, with a path or what should be one.
static int make_directory(const char *path) { return mkdirat(AT_FDCWD, path, 0700); }

static void *make_in_thread(void *path) {
  make_directory(path);
  return NULL;
}

static int make_from_thread(char *path) {
  pthread_t thread;
  return pthread_create(&thread, NULL, make_in_thread, path) || pthread_join(thread, NULL);
}

// A path that ends where memory does, and has no end of its own.
static int make_at_the_edge(void) {
  char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return 1;
  munmap(page + 4096, 4096);
  return make_directory(memcpy(page + 4092, "edge", 4));
}

static int make_an_endless_one(void) {
  static char path[100000];
  memset(path, 'x', sizeof path - 1);
  return make_directory(path);
}

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "";
  const char *argument = count > 2 ? arguments[2] : "";
  if (!strcmp(what, "exit")) return atoi(argument);
  if (!strcmp(what, "crash")) return *(volatile int *)NULL;
  // Not pause(2), which the policies deny: what ends it must be what the test does.
  if (!strcmp(what, "wait")) return poll(NULL, 0, -1);
  if (!strcmp(what, "socket")) return socket(AF_INET, SOCK_STREAM, 0) < 0;
  if (!strcmp(what, "descriptors")) return show_descriptors();
  if (!strcmp(what, "environment")) return show_environment();
  if (!strcmp(what, "user")) return show_user();
  if (!strcmp(what, "read")) return open_as(argument, O_RDONLY);
  if (!strcmp(what, "write")) return open_as(argument, O_WRONLY);
  if (!strcmp(what, "archive")) return write_archive();
  if (!strcmp(what, "scratch")) return use_scratch();
  if (!strcmp(what, "threads")) return use_threads();
  if (!strcmp(what, "make")) return make_directory(argument);
  if (!strcmp(what, "make-from-thread")) return make_from_thread(arguments[2]);
  if (!strcmp(what, "make-nowhere")) return make_directory((const char *)8);
  if (!strcmp(what, "make-at-the-edge")) return make_at_the_edge();
  if (!strcmp(what, "make-endless")) return make_an_endless_one();
  return 64;
}
