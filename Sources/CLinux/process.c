#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A launcher's own, a plugin's, and one for every path rule.
enum { SPAWN_DESCRIPTORS_MAX = 288 };

// Moves every source above the targets first, so that no dup2 overwrites one still needed.
static int lift(const int *sources, size_t count, int above, int *lifted) {
  for (size_t i = 0; i < count; i++) {
    lifted[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, above);
    if (lifted[i] < 0) {
      int error = errno;
      while (i-- > 0) close(lifted[i]);
      return -error;
    }
  }
  return 0;
}

static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &all);
  return posix_spawnattr_setflags(
      attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
}

int clinux_spawn(const char *path, char *const *arguments, char *const *environment,
                 const int *sources, const int *targets, size_t descriptor_count, pid_t *pid) {
  int lifted[SPAWN_DESCRIPTORS_MAX], highest = 2;
  if (descriptor_count > SPAWN_DESCRIPTORS_MAX) return -EINVAL;
  for (size_t i = 0; i < descriptor_count; i++)
    if (targets[i] > highest) highest = targets[i];
  int result = lift(sources, descriptor_count, highest + 1, lifted);
  if (result < 0) return result;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  set_attributes(&attributes);
  int wanted[SPAWN_DESCRIPTORS_MAX * 2] = {0};
  for (size_t i = 0; i < descriptor_count; i++) {
    posix_spawn_file_actions_adddup2(&actions, lifted[i], targets[i]);
    if (targets[i] < SPAWN_DESCRIPTORS_MAX * 2) wanted[targets[i]] = 1;
  }
  for (int i = 0; i <= highest && i < SPAWN_DESCRIPTORS_MAX * 2; i++)
    if (!wanted[i]) posix_spawn_file_actions_addclose(&actions, i);
  posix_spawn_file_actions_addclosefrom_np(&actions, highest + 1);
  char room[PATH_MAX];
  char **words = clinux_argument_bytes(arguments);
  int error = words ? posix_spawn(pid, clinux_name_bytes(path, room, sizeof room), &actions,
                                  &attributes, words, environment)
                    : ENOMEM;
  if (words) clinux_free_arguments(words);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  for (size_t i = 0; i < descriptor_count; i++) close(lifted[i]);
  return -error;
}

int clinux_pidfd_open(pid_t pid) {
  int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
  return descriptor < 0 ? -errno : descriptor;
}

int clinux_pidfd_descriptor(int pidfd, int number) {
  // Close-on-exec by itself.
  int descriptor = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
  return descriptor < 0 ? -errno : descriptor;
}

int clinux_userfault_release(int descriptor, uint64_t start, uint64_t length) {
  struct uffdio_range range = {.start = start, .len = length};
  if (ioctl(descriptor, UFFDIO_UNREGISTER, &range) < 0) return -errno;
  // The kernel wakes those that miss a page by itself, but not those that may not write to it.
  return ioctl(descriptor, UFFDIO_WAKE, &range) < 0 ? -errno : 0;
}

int clinux_pidfd_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int clinux_reap_used(pid_t pid, int *status, int *is_signal, uint64_t *cpu_nanoseconds) {
  int raw;
  pid_t reaped;
  struct rusage used;
  do { reaped = wait4(pid, &raw, WNOHANG, &used); } while (reaped < 0 && errno == EINTR);
  if (reaped < 0) return -errno;
  if (reaped == 0) return 0;
  *is_signal = WIFSIGNALED(raw);
  *status = *is_signal ? WTERMSIG(raw) : WEXITSTATUS(raw);
  *cpu_nanoseconds = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000
    + (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
  return 1;
}

int clinux_reap(pid_t pid, int *status, int *is_signal) {
  uint64_t cpu_nanoseconds;
  return clinux_reap_used(pid, status, is_signal, &cpu_nanoseconds);
}

int clinux_adopt_orphans(int enabled) {
  return prctl(PR_SET_CHILD_SUBREAPER, enabled, 0, 0, 0) < 0 ? -errno : 0;
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void clinux_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

void clinux_ignore_sigxfsz(void) { signal(SIGXFSZ, SIG_IGN); }

const char *clinux_errno_name(int value) { return strerrorname_np(value); }

static int signal_pipe[2] = {-1, -1};

static void note_signal(int signal) {
  int error = errno;
  unsigned char number = (unsigned char)signal;
  // A full pipe already says that there were signals.
  ssize_t written = write(signal_pipe[1], &number, 1);
  (void)written;
  errno = error;
}

int clinux_take_job_signals(void) {
  const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART}, before;
  if (pipe2(signal_pipe, O_CLOEXEC) < 0) return -errno;
  fcntl(signal_pipe[1], F_SETFL, O_NONBLOCK);
  sigfillset(&action.sa_mask);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    if (sigaction(signals[i], NULL, &before) < 0) return -errno;
    // nohup(1) and shells ignore a signal on behalf of those they start.
    if (before.sa_handler == SIG_IGN) continue;
    if (sigaction(signals[i], &action, NULL) < 0) return -errno;
  }
  return 0;
}

int clinux_wait_job_signal(void) {
  unsigned char number;
  ssize_t count = clinux_read(signal_pipe[0], &number, 1);
  return count == 1 ? number : count < 0 ? (int)count : -EPIPE;
}
