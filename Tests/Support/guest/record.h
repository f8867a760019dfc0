// The records that the guest writes, and what makes a pair of disks one single instant.
//
// Record n lies at slot place(n) of disk A, is made durable there, then at the same slot of disk B,
// is made durable there, and only then comes record n + 1. At any instant therefore
//   1. every slot of a disk holds the newest record that belongs there, up to the disk's highest;
//   2. the highest record of A is that of B, or one more.
// A copy that mixes two instants breaks the first rule, two disks of two instants break the second.

#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { recordBytes = 4096, recordSlots = 8192 };

struct record {
  uint64_t magic;
  uint64_t number;    // from 1
  uint64_t slot;
  uint64_t checksum;  // of all the others
  uint64_t filling[recordBytes / 8 - 4];
};

static const uint64_t recordMagic = 0x31654369756c5321;

static inline uint64_t scatter(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// Where a record lies: scattered, and the same place again and again.
static inline uint64_t recordSlot(uint64_t number, uint64_t slots) {
  return scatter(number) % slots;
}

static inline uint64_t recordChecksum(const struct record *record) {
  uint64_t sum = record->magic ^ scatter(record->number) ^ scatter(~record->slot);
  for (size_t place = 0; place < sizeof record->filling / 8; place++)
    sum = (sum ^ record->filling[place]) * 0x100000001b3;
  return sum;
}

static inline void makeRecord(struct record *record, uint64_t number, uint64_t slot) {
  record->magic = recordMagic;
  record->number = number;
  record->slot = slot;
  for (size_t place = 0; place < sizeof record->filling / 8; place++)
    record->filling[place] = scatter(number * 512 + place);
  record->checksum = recordChecksum(record);
}

enum recordState { recordAbsent, recordTorn, recordWhole };

// Absent is a slot of zeros: nothing was written there yet.
static inline enum recordState examineRecord(const struct record *record) {
  if (record->magic == recordMagic && record->checksum == recordChecksum(record))
    return recordWhole;
  static const struct record zeros;
  return memcmp(record, &zeros, sizeof zeros) == 0 ? recordAbsent : recordTorn;
}

// The numbers of a disk, one per slot; 0 where no record is. `read` gives the record of a slot.
struct disk {
  const char *name;
  uint64_t slots;
  uint64_t *numbers;
  uint64_t highest;
  uint64_t violations;
};

static inline void violation(struct disk *disk, const char *words, uint64_t slot, uint64_t is,
                             uint64_t wanted) {
  if (++disk->violations <= 10)
    printf("violation: disk %s slot %llu: %s (is record %llu, wanted %llu)\n", disk->name,
           (unsigned long long)slot, words, (unsigned long long)is, (unsigned long long)wanted);
}

static inline void takeRecord(struct disk *disk, uint64_t slot, const struct record *record) {
  disk->numbers[slot] = 0;
  switch (examineRecord(record)) {
  case recordAbsent:
    return;
  case recordTorn:
    violation(disk, "no record", slot, 0, 0);
    return;
  case recordWhole:
    if (record->slot != slot || recordSlot(record->number, disk->slots) != slot) {
      violation(disk, "the record of another slot", slot, record->number, 0);
      return;
    }
    disk->numbers[slot] = record->number;
    if (record->number > disk->highest) disk->highest = record->number;
  }
}

// Rule 1, after all slots have been taken.
static inline void checkDisk(struct disk *disk) {
  uint64_t *wanted = calloc(disk->slots, sizeof *wanted);
  if (!wanted) abort();
  for (uint64_t number = 1; number <= disk->highest; number++)
    wanted[recordSlot(number, disk->slots)] = number;
  for (uint64_t slot = 0; slot < disk->slots; slot++)
    if (disk->numbers[slot] != wanted[slot])
      violation(disk, "not the newest record", slot, disk->numbers[slot], wanted[slot]);
  free(wanted);
}

// Both rules; prints one line. Returns whether the disks are one instant.
static inline int checkInstant(struct disk *first, struct disk *second) {
  checkDisk(first);
  checkDisk(second);
  int isPair = first->highest == second->highest || first->highest == second->highest + 1;
  if (!isPair) printf("violation: the disks are of two instants\n");
  int isOne = isPair && first->violations == 0 && second->violations == 0;
  printf("%s: A=%llu B=%llu", isOne ? "one instant" : "not one instant",
         (unsigned long long)first->highest, (unsigned long long)second->highest);
  if (!isOne)
    printf(" violations=%llu",
           (unsigned long long)(first->violations + second->violations + !isPair));
  printf("\n");
  return isOne;
}

#endif
