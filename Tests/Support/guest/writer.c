// What runs in the test guest: writes records to two disks and obeys the serial line.
//
// Started by `init`, as process 1, with the kernel's arguments:
//   mode=raw     records on the bare disks (record.h says in which order)
//   mode=fs      the same records as files on two file systems, which are there already
//   mode=check   says whether the disks are one instant, then powers off
//   slots=N      places on each disk (8192)          hold    does not start by itself
//   a=NAME b=NAME   the disks, as in /dev (vda, vdb)  fs      with mode=check: check the files
//   ram=MiB         as much memory changes with every record (ram.h), and before every write the
//                   disk is read and compared with what RAM knows of it
//   ticks           a clock ticks, also on the second serial line (ticks.h)
//
// The serial line takes one command a line and answers with lines that begin with "= ", the last
// of them "= ok" or "= failed": start, stop, status, latency, verify-ram, pause, reset, sync,
// reboot, poweroff; anything else is for the shell. Unasked it says "record N" about once a second,
// of every failure "IOERROR disk record errno", and "DISAGREES" of a disk that is not as RAM knows
// it.

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

#include "reading.h"
#include "writing.h"

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

static int verifyRAM(void) {
  pthread_mutex_lock(&lock);
  int wasWanted = isWanted;
  pthread_mutex_unlock(&lock);
  setWanted(0);
  int isRight = examineRAM();
  setWanted(wasWanted);
  return isRight;
}

static void tellPause(void) {
  say("= pause longest=%llu us ticks=%llu", (unsigned long long)atomic_load(&longestGap),
      (unsigned long long)atomic_load(&tickCount));
}

static void resetAll(void) {
  resetLatency();
  resetTicks();
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
  else if (strcmp(command, "verify-ram") == 0)
    return verifyRAM();
  else if (strcmp(command, "pause") == 0)
    tellPause();
  else if (strcmp(command, "reset") == 0)
    resetAll();
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
  else if ((value = valueOf(word, "ram")))
    ringMebibytes = strtoull(value, NULL, 10);
  else if (strcmp(word, "ticks") == 0)
    hasTicks = 1;
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
  for (int index = 0; index < 2; index++) known[index] = disks[index].numbers;
  if (ringMebibytes && !fillRing(ringMebibytes, next)) say("IOERROR RAM %d", errno);
  if (hasTicks) startTicks();
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
