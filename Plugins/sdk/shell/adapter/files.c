/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

#define _GNU_SOURCE
#include "adapter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 16, BUSY_FILES = 64, BUSY_MILLISECONDS = 60000 };

static int open_inside(int directory, const char *name, int flags) {
  return openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
}

static int is_itself(const char *name) { return !strcmp(name, ".") || !strcmp(name, ".."); }

static DIR *list(int directory) {
  int again = open_inside(directory, ".", O_DIRECTORY);
  DIR *entries = again < 0 ? NULL : fdopendir(again);
  if (!entries && again >= 0) close(again);
  return entries;
}

static int measure_directory(int directory, int depth, uint64_t *bytes);

/* Syncs a file, or a folder with all in it, and adds its bytes. */
static int measure(int directory, const char *name, int depth, uint64_t *bytes) {
  struct stat status;
  int file = open_inside(directory, name, O_NONBLOCK);
  if (file < 0) return sluice_fail_errno("completing a file of the archive");
  int result = fstat(file, &status);
  if (result) sluice_fail_errno("completing a file of the archive");
  else if (S_ISDIR(status.st_mode)) result = measure_directory(file, depth + 1, bytes);
  else if (fsync(file)) result = sluice_fail_errno("syncing a file of the archive");
  else *bytes += (uint64_t)status.st_size;
  close(file);
  return result;
}

static int measure_directory(int directory, int depth, uint64_t *bytes) {
  if (depth > DEPTH_MAX) return sluice_fail(SLUICE_E_LIMIT, "the archive's folders are too deep");
  DIR *entries = list(directory);
  if (!entries) return sluice_fail_errno("listing the archive");
  int result = 0;
  for (struct dirent *entry; !result && (entry = readdir(entries));)
    if (!is_itself(entry->d_name)) result = measure(directory, entry->d_name, depth, bytes);
  closedir(entries);
  if (!result && fsync(directory)) result = sluice_fail_errno("syncing a folder of the archive");
  return result;
}

int announce_directory(int directory, sluice_finished *finished) {
  static sluice_artefact artefacts[SLUICE_ARTEFACTS_MAX];
  DIR *entries = list(directory);
  if (!entries) return sluice_fail_errno("listing the archive");
  int result = 0;
  for (struct dirent *entry; !result && (entry = readdir(entries));) {
    if (is_itself(entry->d_name)) continue;
    /* A disk may take its time to sync each of a thousand files. */
    if (finished->artefact_count % BUSY_FILES == BUSY_FILES - 1)
      sluice_busy(BUSY_MILLISECONDS, "syncing the files of the archive");
    sluice_artefact *artefact = artefacts + finished->artefact_count;
    if (finished->artefact_count++ == SLUICE_ARTEFACTS_MAX) {
      result = sluice_fail(SLUICE_E_LIMIT, "the archive has more than %u files",
                           SLUICE_ARTEFACTS_MAX);
      break;
    }
    *artefact = (sluice_artefact){strdup(entry->d_name), 0};
    if (!artefact->name) result = sluice_fail(SLUICE_E_INTERNAL, "no memory for a name");
    else result = measure(directory, entry->d_name, 0, &artefact->size);
    finished->stored += artefact->size;
  }
  closedir(entries);
  if (!result && fsync(directory)) result = sluice_fail_errno("syncing the archive");
  finished->artefacts = artefacts;
  return result;
}

static void empty_below(int directory, int depth) {
  DIR *entries = depth > DEPTH_MAX ? NULL : list(directory);
  if (!entries) return;
  for (struct dirent *entry; (entry = readdir(entries));) {
    if (is_itself(entry->d_name) || !unlinkat(directory, entry->d_name, 0)) continue;
    int inner = open_inside(directory, entry->d_name, O_DIRECTORY);
    if (inner < 0) continue;
    empty_below(inner, depth + 1);
    close(inner);
    (void)unlinkat(directory, entry->d_name, AT_REMOVEDIR);
  }
  closedir(entries);
}

void empty_directory(int directory) { empty_below(directory, 0); }
