// Reads both disks, and holds them against each other and against RAM. Included by writer.c only.

#ifndef READING_H
#define READING_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ram.h"
#include "state.h"

static void readRaw(struct disk *disk, int file) {
  enum { together = 64 };
  struct record *records = aligned_alloc(recordBytes, together * recordBytes);
  for (uint64_t slot = 0; slot < disk->slots; slot++) {
    if (slot % together == 0) {
      ssize_t count = pread(file, records, together * recordBytes, (off_t)slot * recordBytes);
      if (count < 0) {
        say("IOERROR %s reading %d %s", disk->name, errno, strerror(errno));
        count = 0;
      }
      memset((char *)records + count, 0, together * recordBytes - (size_t)count);
    }
    takeRecord(disk, slot, &records[slot % together]);
  }
  free(records);
}

// The highest number among the files; a torn one is a violation.
static void readFiles(struct disk *disk, const char *folder) {
  struct record record;
  for (int index = 0; index < fileCount; index++) {
    char path[64];
    snprintf(path, sizeof path, "%s/record-%d", folder, index);
    int file = open(path, O_RDONLY);
    if (file < 0) continue;
    memset(&record, 0, sizeof record);
    ssize_t count = read(file, &record, sizeof record);
    close(file);
    int isWhole = count == sizeof record && examineRecord(&record) == recordWhole &&
                  record.number % fileCount == (uint64_t)index;
    if (!isWhole)
      violation(disk, "no record in the file", index, record.number, 0);
    else {
      disk->numbers[index] = record.number;
      if (record.number > disk->highest) disk->highest = record.number;
    }
  }
}

static void readDisks(struct disk disks[2]) {
  for (int index = 0; index < 2; index++) {
    disks[index] = (struct disk){.name = names[index], .slots = slots};
    disks[index].numbers = calloc(slots + fileCount, sizeof(uint64_t));
    if (isFiles)
      readFiles(&disks[index], folders[index]);
    else
      readRaw(&disks[index], files[index]);
  }
}

static int check(void) {
  struct disk disks[2];
  readDisks(disks);
  if (!isFiles) return checkInstant(&disks[0], &disks[1]);
  // Of files only the numbers can be compared: a slot is not one place on the disk.
  uint64_t first = disks[0].highest, second = disks[1].highest;
  int isOne = disks[0].violations + disks[1].violations == 0 &&
              (first == second || first == second + 1);
  printf("%s: A=%llu B=%llu\n", isOne ? "one instant" : "not one instant",
         (unsigned long long)first, (unsigned long long)second);
  return isOne;
}

// Whether RAM and both disks agree with the counter. Nothing may be under way.
static int examineRAM(void) {
  struct disk disks[2];
  uint64_t counter = next - 1, place = 0, wrong = ring ? checkRing(counter, &place) : 0;
  int isRight = ring && wrong == 0;
  readDisks(disks);
  for (int index = 0; index < 2; index++) {
    if (!isFiles) checkDisk(&disks[index]);
    isRight = isRight && disks[index].violations == 0 && disks[index].highest == counter;
    free(disks[index].numbers);
  }
  say("= ram %s counter=%llu a=%llu b=%llu pages=%llu wrong=%llu first=%llu",
      isRight ? "ok" : "wrong", (unsigned long long)counter, (unsigned long long)disks[0].highest,
      (unsigned long long)disks[1].highest, (unsigned long long)(ringGroups * pagesPerGroup),
      (unsigned long long)wrong, (unsigned long long)place);
  return isRight;
}

#endif
