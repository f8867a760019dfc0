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

void announce_what_is_there(void) {
  static char text[4096];
  int used = snprintf(text, sizeof text, "{\"artefacts\":[");
  DIR *directory = fdopendir(dup(6));
  struct dirent *entry;
  const char *comma = "";
  while (directory && (entry = readdir(directory)) && used < 3000) {
    struct stat status;
    if (entry->d_name[0] == '.' || fstatat(6, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
      continue;
    long long size = S_ISREG(status.st_mode) ? (long long)status.st_size : 0;
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
  (void)frame;
  if (mkdirat(6, "receipt.json", 0700) < 0) _exit(5);
  return 0;
}

int endless_receipt(const struct frame *frame) {
  (void)frame;
  make_file("receipt.json", "{", 0600);
  int file = openat(6, "receipt.json", O_WRONLY);
  return ftruncate(file, (off_t)1 << 40);
}
