// What the parts of the writer share: the disks, what is wanted, and how to say something.
// Included by writer.c only.

#ifndef STATE_H
#define STATE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "record.h"

enum { fileCount = 64 };

static const char *const names[2] = {"A", "B"};
static const char *const folders[2] = {"/a", "/b"};
static char devices[2][32] = {"vda", "vdb"};
static uint64_t slots = recordSlots;
static int isFiles, isCheck, isHeld, hasTicks;
static int files[2] = {-1, -1};
static uint64_t ringMebibytes;
// The record that RAM knows in each place of each disk, where there is a ring.
static uint64_t *known[2];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int isWanted, isWriting;
static uint64_t next = 1, errorCount;

// Whole lines only: the kernel and two threads share the line.
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(1, line, length) < 0) return;
}

#endif
