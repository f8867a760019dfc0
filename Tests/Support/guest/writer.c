// What runs in the test guest: writes records to two disks and obeys the serial line.
//
// Started by `init`, as process 1, with the kernel's arguments:
//   mode=raw     records on the bare disks (record.h says in which order)
//   mode=fs      the same records as files on two file systems, which are there already
//   mode=check   says whether the disks are one instant, then powers off
//   slots=N      places on each disk (8192)          hold    does not start by itself
//   a=NAME b=NAME   the disks, as in /dev (vda, vdb)  fs      with mode=check: check the files
//
// The serial line takes one command a line and answers with lines that begin with "= ", the last
// of them "= ok" or "= failed": start, stop, status, latency, reset, sync, reboot, poweroff;
// anything else is for the shell. Unasked it says "record N" about once a second, and of every
// failure "IOERROR disk record errno".

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/fs.h>

#include "latency.h"
#include "record.h"

enum { fileCount = 64 };

static const char *const names[2] = {"A", "B"};
static const char *const folders[2] = {"/a", "/b"};
static char devices[2][32] = {"vda", "vdb"};
static uint64_t slots = recordSlots;
static int isFiles, isCheck, isHeld;
static int files[2] = {-1, -1};

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

static uint64_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// MARK: writing

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

static void *writeRecords(void *unused) {
  struct record *record = aligned_alloc(recordBytes, recordBytes);
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
    put(0, record);
    put(1, record);
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

// MARK: reading

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
    else if (record.number > disk->highest)
      disk->highest = record.number;
  }
}

static void readDisks(struct disk disks[2]) {
  for (int index = 0; index < 2; index++) {
    disks[index] = (struct disk){.name = names[index], .slots = slots};
    disks[index].numbers = calloc(slots, sizeof(uint64_t));
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

// MARK: the serial line

static void tellLatency(void) {
  char line[128];
  describeLatency(line, sizeof line);
  say("%s", line);
}

static void tellStatus(void) {
  pthread_mutex_lock(&lock);
  say("= status running=%d record=%llu errors=%llu", isWriting, (unsigned long long)(next - 1),
      (unsigned long long)errorCount);
  pthread_mutex_unlock(&lock);
}

static void setWanted(int wanted) {
  pthread_mutex_lock(&lock);
  isWanted = wanted;
  pthread_cond_broadcast(&changed);
  while (!wanted && isWriting) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

static void end(int how) {
  if (isFiles)
    for (int index = 0; index < 2; index++) {
      close(files[index]);
      umount(folders[index]);
    }
  sync();
  reboot(how);
}

// Every line of what the shell says begins with "= " too.
static int runShell(const char *command) {
  FILE *output = popen(command, "r");
  if (!output) return 0;
  char line[400];
  while (fgets(line, sizeof line, output)) {
    line[strcspn(line, "\n")] = 0;
    say("= %s", line);
  }
  return pclose(output) == 0;
}

static int obey(const char *command) {
  if (strcmp(command, "start") == 0)
    setWanted(1);
  else if (strcmp(command, "stop") == 0)
    setWanted(0);
  else if (strcmp(command, "status") == 0)
    tellStatus();
  else if (strcmp(command, "latency") == 0)
    tellLatency();
  else if (strcmp(command, "reset") == 0)
    resetLatency();
  else if (strcmp(command, "sync") == 0)
    sync();
  else if (strcmp(command, "reboot") == 0 || strcmp(command, "poweroff") == 0) {
    setWanted(0);
    say("= ok");
    tcdrain(1);
    end(*command == 'r' ? RB_AUTOBOOT : RB_POWER_OFF);
  } else
    return runShell(command);
  return 1;
}

static void obeyForEver(void) {
  char line[400];
  for (;;) {
    if (!fgets(line, sizeof line, stdin)) {
      clearerr(stdin);
      usleep(100000);
      continue;
    }
    line[strcspn(line, "\r\n")] = 0;
    if (*line) say(obey(line) ? "= ok" : "= failed");
  }
}

// MARK: beginning

static int openDisk(const char *path) {
  int file = open(path, O_RDWR | O_DIRECT);
  uint64_t bytes = 0;
  if (file >= 0 && ioctl(file, BLKGETSIZE64, &bytes) == 0 && bytes / recordBytes < slots)
    slots = bytes / recordBytes;
  return file;
}

static int openFolder(const char *path, int index) {
  const char *folder = folders[index];
  mkdir(folder, 0755);
  if (mount(path, folder, "ext4", MS_SILENT, NULL) && mount(path, folder, "xfs", 0, NULL))
    say("IOERROR %s mount %d %s", names[index], errno, strerror(errno));
  return open(folder, O_RDONLY | O_DIRECTORY);
}

// The kernel finds disks in its own time.
static void openDisks(void) {
  for (int index = 0; index < 2; index++) {
    char path[80];
    snprintf(path, sizeof path, "/dev/%s", devices[index]);
    for (int wait = 0; access(path, F_OK) && wait < 100; wait++) usleep(50000);
    files[index] = isFiles ? openFolder(path, index) : openDisk(path);
    if (files[index] < 0) say("IOERROR %s open %d %s", names[index], errno, strerror(errno));
  }
}

static const char *valueOf(const char *word, const char *key) {
  size_t length = strlen(key);
  return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static void takeArgument(const char *word) {
  const char *value;
  if ((value = valueOf(word, "mode"))) {
    isFiles |= strcmp(value, "fs") == 0;
    isCheck |= strcmp(value, "check") == 0;
  } else if ((value = valueOf(word, "slots")))
    slots = strtoull(value, NULL, 10);
  else if ((value = valueOf(word, "a")))
    snprintf(devices[0], sizeof devices[0], "%s", value);
  else if ((value = valueOf(word, "b")))
    snprintf(devices[1], sizeof devices[1], "%s", value);
  else if (strcmp(word, "fs") == 0)
    isFiles = 1;
  else if (strcmp(word, "hold") == 0)
    isHeld = 1;
}

static void readArguments(void) {
  char line[4096] = "";
  int file = open("/proc/cmdline", O_RDONLY);
  ssize_t length = read(file, line, sizeof line - 1);
  line[length < 0 ? 0 : length] = 0;
  close(file);
  for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) takeArgument(word);
}

// No echo: what comes back is what was said.
static void prepareTerminal(void) {
  struct termios terminal;
  if (tcgetattr(0, &terminal)) return;
  terminal.c_lflag &= (tcflag_t) ~(ECHO | ICANON | ISIG);
  terminal.c_oflag &= (tcflag_t)~OPOST;
  terminal.c_iflag &= (tcflag_t)~ICRNL;
  tcsetattr(0, TCSANOW, &terminal);
}

// Goes on behind the last record that both disks have.
static void startWriting(void) {
  struct disk disks[2];
  readDisks(disks);
  next = disks[1].highest + 1;
  isWanted = !isHeld;
  pthread_t thread;
  pthread_create(&thread, NULL, writeRecords, NULL);
}

int main(void) {
  readArguments();
  prepareTerminal();
  setvbuf(stdout, NULL, _IOLBF, 0);
  openDisks();
  if (slots == 0 || files[0] < 0 || files[1] < 0) {
    say("no disks");
    end(RB_POWER_OFF);
  }
  if (isCheck) {
    check();
    tcdrain(1);
    end(RB_POWER_OFF);
  }
  startWriting();
  say("= ready record=%llu", (unsigned long long)(next - 1));
  obeyForEver();
}
