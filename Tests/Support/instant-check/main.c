// Says whether raw copies of the test guest's two disks are one single instant (see record.h).
//
//   instant-check A B [SLOTS]      exit status 0: they are; 1: they are not, or could not be read

#include <fcntl.h>
#include <unistd.h>

#include "record.h"

static int readDisk(struct disk *disk, const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  off_t bytes = file < 0 ? -1 : lseek(file, 0, SEEK_END);
  if (bytes < recordBytes) {
    fprintf(stderr, "instant-check: %s is no copy of a disk\n", path);
    return 0;
  }
  if ((uint64_t)bytes / recordBytes < disk->slots) disk->slots = (uint64_t)bytes / recordBytes;
  disk->numbers = calloc(disk->slots, sizeof *disk->numbers);
  struct record record;
  for (uint64_t slot = 0; slot < disk->slots; slot++) {
    if (pread(file, &record, recordBytes, (off_t)slot * recordBytes) != recordBytes) {
      fprintf(stderr, "instant-check: %s cannot be read\n", path);
      return 0;
    }
    takeRecord(disk, slot, &record);
  }
  close(file);
  return 1;
}

int main(int count, char **arguments) {
  if (count != 3 && count != 4) {
    fprintf(stderr, "usage: instant-check A B [SLOTS]\n");
    return 64;
  }
  uint64_t slots = count == 4 ? strtoull(arguments[3], NULL, 10) : recordSlots;
  if (slots == 0) return 64;
  struct disk first = {.name = "A", .slots = slots}, second = {.name = "B", .slots = slots};
  if (!readDisk(&first, arguments[1]) || !readDisk(&second, arguments[2])) return 1;
  return checkInstant(&first, &second) ? 0 : 1;
}
