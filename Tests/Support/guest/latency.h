// How long writes took, counted one by one. Included by writer.c only.

#ifndef LATENCY_H
#define LATENCY_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { sampleCountMax = 1 << 20 };

static pthread_mutex_t sampleLock = PTHREAD_MUTEX_INITIALIZER;
// Microseconds of each write with its fdatasync; more than fit are not counted.
static uint32_t samples[sampleCountMax];
static size_t sampleCount;

static void addSample(uint64_t duration) {
  pthread_mutex_lock(&sampleLock);
  if (sampleCount < sampleCountMax) samples[sampleCount++] = (uint32_t)duration;
  pthread_mutex_unlock(&sampleLock);
}

static void resetLatency(void) {
  pthread_mutex_lock(&sampleLock);
  sampleCount = 0;
  pthread_mutex_unlock(&sampleLock);
}

static int compareSamples(const void *first, const void *second) {
  uint32_t one = *(const uint32_t *)first, other = *(const uint32_t *)second;
  return one < other ? -1 : one > other;
}

// Writes the line of `latency` into `line`.
static void describeLatency(char *line, size_t length) {
  pthread_mutex_lock(&sampleLock);
  size_t count = sampleCount;
  uint32_t *sorted = malloc((count + 1) * sizeof *sorted);
  memcpy(sorted, samples, count * sizeof *sorted);
  pthread_mutex_unlock(&sampleLock);
  sorted[count] = 0;
  qsort(sorted, count, sizeof *sorted, compareSamples);
  snprintf(line, length, "= latency count=%zu p50=%.3f p99=%.3f max=%.3f ms", count,
           sorted[count / 2] / 1000.0, sorted[count * 99 / 100] / 1000.0,
           count ? sorted[count - 1] / 1000.0 : 0);
  free(sorted);
}

#endif
