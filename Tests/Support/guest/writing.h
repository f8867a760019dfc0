// Writes records to both disks, one after the other, for ever. Included by writer.c only.

#ifndef WRITING_H
#define WRITING_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "latency.h"
#include "ram.h"
#include "state.h"
#include "ticks.h"

static int putRaw(int disk, const struct record *record) {
  off_t place = (off_t)record->slot * recordBytes;
  if (pwrite(files[disk], record, recordBytes, place) != recordBytes) return errno ? errno : EIO;
  return fdatasync(files[disk]) ? errno : 0;
}

// A new file under a name of its own, then under the name of the record: never torn.
static int putFile(int disk, const struct record *record) {
  char path[64], final[64];
  snprintf(path, sizeof path, "%s/new", folders[disk]);
  snprintf(final, sizeof final, "%s/record-%llu", folders[disk],
           (unsigned long long)(record->number % fileCount));
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return errno;
  int error = 0;
  if (write(file, record, recordBytes) != recordBytes) error = errno ? errno : ENOSPC;
  if (!error && fsync(file)) error = errno;
  close(file);
  if (!error && rename(path, final)) error = errno;
  if (!error && fsync(files[disk])) error = errno;
  return error;
}

static uint64_t placeOf(uint64_t number) {
  return isFiles ? number % fileCount : recordSlot(number, slots);
}

// The number of the record in a place of a disk, past the guest's cache; 0 where none is whole.
static uint64_t readNumber(int disk, uint64_t place, struct record *record) {
  memset(record, 0, sizeof *record);
  if (isFiles) {
    char path[64];
    snprintf(path, sizeof path, "%s/record-%llu", folders[disk], (unsigned long long)place);
    int file = open(path, O_RDONLY | O_DIRECT);
    if (file >= 0 && read(file, record, recordBytes) < 0) record->magic = 0;
    close(file);
  } else if (pread(files[disk], record, recordBytes, (off_t)(place * recordBytes)) < 0)
    record->magic = 0;
  return examineRecord(record) == recordWhole ? record->number : 0;
}

static void compareWithRAM(int disk, uint64_t number, struct record *room) {
  uint64_t place = placeOf(number), found = readNumber(disk, place, room);
  if (found == known[disk][place]) return;
  say("DISAGREES %s before record %llu: place %llu has %llu, RAM knows %llu", names[disk],
      (unsigned long long)number, (unsigned long long)place, (unsigned long long)found,
      (unsigned long long)known[disk][place]);
  pthread_mutex_lock(&lock);
  errorCount++;
  pthread_mutex_unlock(&lock);
}

// One record to one disk, again and again until the disk takes it.
static void put(int disk, const struct record *record) {
  for (;;) {
    uint64_t start = microseconds();
    errno = 0;
    int error = isFiles ? putFile(disk, record) : putRaw(disk, record);
    addSample(microseconds() - start);
    if (!error) return;
    pthread_mutex_lock(&lock);
    errorCount++;
    pthread_mutex_unlock(&lock);
    say("IOERROR %s %llu %d %s", names[disk], (unsigned long long)record->number, error,
        strerror(error));
    usleep(100000);
  }
}

static void putEverywhere(const struct record *record, struct record *room) {
  if (ring) turnRing(record->number);
  for (int disk = 0; disk < 2; disk++) {
    if (ring) compareWithRAM(disk, record->number, room);
    put(disk, record);
    if (ring) known[disk][placeOf(record->number)] = record->number;
  }
}

static void *writeRecords(void *unused) {
  struct record *record = aligned_alloc(recordBytes, 2 * recordBytes);
  uint64_t told = 0;
  for (;;) {
    pthread_mutex_lock(&lock);
    isWriting = 0;
    pthread_cond_broadcast(&changed);
    while (!isWanted) pthread_cond_wait(&changed, &lock);
    isWriting = 1;
    uint64_t number = next;
    pthread_mutex_unlock(&lock);
    makeRecord(record, number, recordSlot(number, slots));
    putEverywhere(record, record + 1);
    pthread_mutex_lock(&lock);
    next = number + 1;
    pthread_mutex_unlock(&lock);
    uint64_t now = microseconds();
    if (told == 0 || now - told > 1000000) {
      say("record %llu", (unsigned long long)number);
      told = now;
    }
  }
  return unused;
}

#endif
