// A clock that ticks every millisecond, seen from inside and from outside. Included by writer.c
// only.
//
// The guest's clocks stand still while QEMU has stopped it: what they show of a pause is only what
// hinders a running processor. Therefore each tick is also a byte on the second serial line, whose
// arrivals are timed by somebody whose clock goes on.

#ifndef TICKS_H
#define TICKS_H

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { tickNanoseconds = 1000000 };

// Microseconds of the longest way from one tick to the next.
static _Atomic uint64_t longestGap;
static _Atomic uint64_t tickCount;

static uint64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int openTickLine(void) {
  int line = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_NONBLOCK);
  struct termios terminal;
  if (line >= 0 && tcgetattr(line, &terminal) == 0) {
    cfmakeraw(&terminal);
    terminal.c_cflag |= CLOCAL;
    tcsetattr(line, TCSANOW, &terminal);
  }
  return line;
}

static void *tickForEver(void *unused) {
  int line = openTickLine();
  uint64_t last = microseconds();
  for (;;) {
    nanosleep(&(struct timespec){.tv_nsec = tickNanoseconds}, NULL);
    uint64_t now = microseconds(), gap = now - last;
    last = now;
    if (gap > atomic_load(&longestGap)) atomic_store(&longestGap, gap);
    atomic_fetch_add(&tickCount, 1);
    // A line that is full, or not there, is no reason to wait.
    if (line >= 0 && write(line, ".", 1) < 0) continue;
  }
  return unused;
}

static void startTicks(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, tickForEver, NULL);
}

static void resetTicks(void) {
  atomic_store(&longestGap, 0);
  atomic_store(&tickCount, 0);
}

#endif
