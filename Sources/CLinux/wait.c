#include "CLinux.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

_Static_assert(sizeof(struct clinux_poll) == sizeof(struct pollfd), "poll(2) reads it as it is");
_Static_assert(CLINUX_POLL_IN == POLLIN && CLINUX_POLL_OUT == POLLOUT, "the kernel's values");
_Static_assert(CLINUX_POLL_ERROR == POLLERR && CLINUX_POLL_HANGUP == POLLHUP, "same");

int clinux_poll(struct clinux_poll *entries, size_t count, int timeout_milliseconds) {
  int ready = poll((struct pollfd *)entries, count, timeout_milliseconds);
  if (ready >= 0) return ready;
  if (errno != EINTR) return -errno;
  for (size_t i = 0; i < count; i++) entries[i].results = 0;
  return 0;
}

uint64_t clinux_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

uint64_t clinux_thread_nanoseconds(void) {
  struct timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
}
