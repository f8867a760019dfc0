#define _GNU_SOURCE
#include "leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tricks.h"

static int make_file(const char *name, const char *text, mode_t mode) {
  int file = openat(6, name, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (file < 0 || write(file, text, strlen(text)) < 0) _exit(5);
  close(file);
  return 0;
}

static long long bytes_of(const char *name) {
  struct stat status;
  if (fstatat(6, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return -1;
  if (S_ISREG(status.st_mode)) return (long long)status.st_size;
  return S_ISDIR(status.st_mode) ? 0 : -1;
}

static void announce_file(void) {
  char text[128];
  struct stat status;
  if (fstat(6, &status) < 0) _exit(5);
  snprintf(text, sizeof text, "{\"artefacts\":[{\"name\":\"archive\",\"size\":%lld}]}",
           (long long)status.st_size);
  send_text(FINISHED, text);
}

void announce_what_is_there(void) {
  static char text[4096];
  if (!strstr(job_text, "\"mode\":\"write\"")) return send_text(FINISHED, "{}");
  if (strstr(job_text, "\"kind\":\"file\"")) return announce_file();
  int used = snprintf(text, sizeof text, "{\"artefacts\":[");
  DIR *directory = fdopendir(dup(6));
  struct dirent *entry;
  const char *comma = "";
  while (directory && (entry = readdir(directory)) && used < 3000) {
    long long size = bytes_of(entry->d_name);
    if (entry->d_name[0] == '.' || size < 0) continue;
    used += snprintf(text + used, sizeof text - used, "%s{\"name\":\"%s\",\"size\":%lld}", comma,
                     entry->d_name, size);
    comma = ",";
  }
  snprintf(text + used, sizeof text - used, "]}");
  send_text(FINISHED, text);
}

int leave_symlink(const struct frame *frame) {
  (void)frame;
  _exit(symlinkat("/etc/shadow", 6, "link") < 0 ? 5 : 6);
}

int leave_hard_link(const struct frame *frame) {
  (void)frame;
  make_file("one", "1", 0600);
  _exit(linkat(6, "one", 6, "two", 0) < 0 ? 5 : 6);
}

int leave_fifo(const struct frame *frame) {
  (void)frame;
  _exit(mkfifoat(6, "fifo", 0600) < 0 ? 5 : 6);
}

int leave_setuid(const struct frame *frame) {
  (void)frame;
  make_file("setuid", "#!", 04755);
  _exit(6);
}

int leave_closed_file(const struct frame *frame) {
  (void)frame;
  return make_file("closed", "kept from everybody\n", 0);
}

int leave_closed_directory(const struct frame *frame) {
  leave_closed_file(frame);
  if (mkdirat(6, "shut", 0) < 0) _exit(5);
  return 0;
}

// Dies with a directory that nobody may enter: the host must get rid of it all the same.
int leave_closed_directory_and_die(const struct frame *frame) {
  (void)frame;
  int inside = mkdirat(6, "shut", 0700) < 0 ? -1 : openat(6, "shut", O_RDONLY | O_DIRECTORY);
  if (inside < 0 || mkdirat(inside, "inner", 0) < 0) _exit(5);
  if (mkdirat(6, "closed", 0) < 0) _exit(5);
  make_file("file", "x", 0);
  _exit(1);
}

int leave_deep_directories(const struct frame *frame) {
  (void)frame;
  int here = 6;
  for (int depth = 0; depth < 500; depth++) {
    if (mkdirat(here, "d", 0700) < 0) _exit(5);
    int next = openat(here, "d", O_RDONLY | O_DIRECTORY);
    if (next < 0) _exit(5);
    if (here != 6) close(here);
    here = next;
  }
  return 0;
}

// Never stops making files and directories, so that there is always one more to remove.
int litter(const struct frame *frame) {
  (void)frame;
  for (int i = 0;; i++) {
    char name[32];
    snprintf(name, sizeof name, "file-%d", i);
    close(openat(6, name, O_WRONLY | O_CREAT, 0600));
    snprintf(name, sizeof name, "dir-%d", i);
    mkdirat(6, name, 0700);
    if (i % 1000 == 999) usleep(1000);
  }
  return 1;
}

// 33 within each other, the last one closed: the first that is moved to be removed.
int leave_deep_closed_and_die(const struct frame *frame) {
  (void)frame;
  int here = 6;
  for (int depth = 1; depth < 33; depth++) {
    if (mkdirat(here, "d", 0700) < 0) _exit(5);
    int next = openat(here, "d", O_RDONLY | O_DIRECTORY);
    if (here != 6) close(here);
    here = next;
  }
  _exit(mkdirat(here, "d", 0) < 0 ? 5 : 1);
}

// Names that are no text.
static void make_bytes(void) {
  make_file("\xff\xfe", "1", 0600);
  if (mkdirat(6, "\xc3", 0700) < 0) _exit(5);
  make_file("\xc3/\x80", "1", 0600);
}

int leave_bytes(const struct frame *frame) {
  (void)frame;
  make_bytes();
  send_text(FINISHED, "{}");
  return 1;
}

int leave_bytes_and_die(const struct frame *frame) {
  (void)frame;
  make_bytes();
  _exit(1);
}

// To people and to String it has the announced name.
int leave_another_accent(const struct frame *frame) {
  (void)frame;
  make_file("e\xcc\x81", "1", 0600);
  make_file("\xc3\xa9", "1", 0600);
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"\xc3\xa9\",\"size\":1}]}");
  return 1;
}

int leave_without_a_word(const struct frame *frame) {
  (void)frame;
  make_file("untold", "1", 0600);
  send_text(FINISHED, "{\"artefacts\":[]}");
  return 1;
}

int announce_elsewhere(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"../../etc/passwd\",\"size\":1}]}");
  return 1;
}

int announce_ghost(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"ghost\",\"size\":1}]}");
  return 1;
}

int announce_wrong_length(const struct frame *frame) {
  (void)frame;
  make_file("short", "1", 0600);
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"short\",\"size\":2}]}");
  return 1;
}

int leave_proper_file(const struct frame *frame) {
  (void)frame;
  return make_file("file", "all that was sent\n", 0600);
}

int announce_nothing(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{}");
  return 1;
}

int announce_more_stored(const struct frame *frame) {
  (void)frame;
  make_file("file", "1", 0600);
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"file\",\"size\":1}],"
                      "\"stored\":9007199254740991}");
  return 1;
}

int announce_wrong_folder(const struct frame *frame) {
  (void)frame;
  if (mkdirat(6, "folder", 0700) < 0) _exit(5);
  make_file("folder/file", "1", 0600);
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"folder\",\"size\":2}]}");
  return 1;
}

// The same for one file. Nothing is written into it but what is said here.

int announce_another_name(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"d.raw\",\"size\":8388608}]}");
  return 1;
}

int announce_two_archives(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"archive\",\"size\":1},"
                      "{\"name\":\"more\",\"size\":1}]}");
  return 1;
}

int announce_full_file(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"archive\",\"size\":8388608}],"
                      "\"stored\":8388608}");
  return 1;
}

int write_nothing(const struct frame *frame) {
  (void)frame;
  return 0;
}

int write_a_hole(const struct frame *frame) {
  (void)frame;
  return ftruncate(6, 8 << 20);
}

int write_room(const struct frame *frame) {
  (void)frame;
  return fallocate(6, 0, 0, 8 << 20);
}

int write_zeros(const struct frame *frame) {
  static const char zeros[4096];
  (void)frame;
  return pwrite(6, zeros, sizeof zeros, 65536) != sizeof zeros;
}

int write_a_byte(const struct frame *frame) {
  (void)frame;
  return pwrite(6, "1", 1, 5000000) != 1;
}

// Is at work, to look at: its file is now longer, now shorter.
int breathe(const struct frame *frame) {
  (void)frame;
  int file = openat(6, "lung", O_WRONLY | O_CREAT, 0600);
  for (int i = 0;; i++) {
    static char text[64 << 10];
    memset(text, 'x', sizeof text);
    if (ftruncate(file, 0) < 0 || write(file, text, i % 2 ? 28 << 10 : 4 << 10) < 0) _exit(5);
    lseek(file, 0, SEEK_SET);
    usleep(200000);
  }
}

int grow_for_ever(const struct frame *frame) {
  (void)frame;
  int file = openat(6, "list", O_WRONLY | O_CREAT, 0600);
  for (;;) {
    static char text[4096];
    if (write(file, text, sizeof text) < 0) _exit(5);
    usleep(100000);
  }
}

int write_for_ever(const struct frame *frame) {
  (void)frame;
  static char text[1 << 20];
  int file = openat(6, "list", O_WRONLY | O_CREAT, 0600);
  memset(text, 'x', sizeof text);
  while (write(file, text, sizeof text) > 0) {}
  _exit(5);
}

// Into a pipe; of a file it would take what was there.
int cut_its_pipe(const struct frame *frame) {
  (void)frame;
  if (ftruncate(6, 0) == 0 || write(6, "x", 1) != 1) _exit(5);
  send_text(FINISHED, "{\"artefacts\":[{\"name\":\"archive\",\"size\":1}]}");
  return 1;
}

// Receipts of its own

static void copy_member(const char *name, char *text, size_t room) {
  char key[32];
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *start = strstr(job_text, key);
  size_t length = start ? strcspn(start += strlen(key), "\"") : 0;
  snprintf(text, room, "%.*s", (int)length, start ? start : "");
}

static int write_receipt(const char *digest) {
  char job[128], format[64], instant[64], text[2048];
  copy_member("job", job, sizeof job);
  copy_member("format", format, sizeof format);
  copy_member("instant", instant, sizeof instant);
  // One disk `d` of 8 MiB, as every test of receipts sends.
  snprintf(text, sizeof text,
           "{\"sluice_receipt\":1,\"job\":\"%s\",\"format\":\"%s\",\"instant\":\"%s\","
           "\"vm\":{\"id\":\"\",\"name\":\"\",\"uuid\":\"\"},\"tools\":[],\"streams\":[{"
           "\"name\":\"d\",\"kind\":\"disk\",\"role\":\"disk\",\"size\":8388608,\"digest\":"
           "{\"alg\":\"tree-sha256-32k\",\"value\":\"%s\"}}]}",
           job, format, instant, digest);
  return make_file("receipt.json", text, 0600);
}

int true_receipt(const struct frame *frame) {
  (void)frame;
  return write_receipt(last_digest);
}

int false_receipt(const struct frame *frame) {
  (void)frame;
  last_digest[5] = last_digest[5] == '0' ? '1' : '0';
  return write_receipt(last_digest);
}

int receipt_is_a_directory(const struct frame *frame) {
  if (mkdirat(6, "receipt.json", 0700) < 0) _exit(5);
  return leave_proper_file(frame);
}

int endless_receipt(const struct frame *frame) {
  (void)frame;
  make_file("receipt.json", "{", 0600);
  int file = openat(6, "receipt.json", O_WRONLY);
  return ftruncate(file, (off_t)1 << 40);
}
