/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

#define _GNU_SOURCE
#include "adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct adapter adapter;

static char manifest_text[SLUICE_MANIFEST_BYTES_MAX + 1];

int is_directory(void) { return !strcmp(adapter.archive.kind, "directory"); }

int adapter_begin(const sluice_job *job, sluice_output archive) {
  adapter.job = job;
  adapter.archive = archive;
  /* A script has the archive, and no channel of ours. */
  for (int channel = 3; channel <= 15; channel++) (void)fcntl(channel, F_SETFD, FD_CLOEXEC);
  if (is_directory() && fchdir(archive.descriptor))
    return sluice_fail_errno("entering the archive");
  return 0;
}

static int complain(const char *path, const char *what) {
  dprintf(2, "sluice-plugin-sh: %s: %s\n", path, what);
  return 3;
}

static int read_manifest(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  size_t count = 0;
  ssize_t more = file < 0 ? -1 : 1;
  while (more > 0 && count < SLUICE_MANIFEST_BYTES_MAX) {
    more = read(file, manifest_text + count, SLUICE_MANIFEST_BYTES_MAX - count);
    if (more > 0) count += (size_t)more;
  }
  if (more < 0) return complain(path, strerror(errno));
  close(file);
  adapter.manifest = sluice_json_parse(manifest_text, count);
  return adapter.manifest ? 0 : complain(path, "no manifest");
}

static int has(const sluice_json *format, const char *mode) {
  const sluice_json *modes = sluice_json_get(format, "modes");
  for (const sluice_json *each = modes ? modes->first : NULL; each; each = each->next)
    if (!strcmp(each->text, mode)) return 1;
  return 0;
}

/* What the manifest says that the script can do. */
static const sluice_format *formats(void) {
  static sluice_format list[64 + 1];
  const sluice_json *said = sluice_json_get(adapter.manifest, "formats");
  size_t count = 0;
  for (const sluice_json *each = said ? said->first : NULL; each && count < 64; each = each->next) {
    int reads = has(each, "read") || has(each, "verify");
    list[count++] = (sluice_format){
      sluice_json_text(each, "name"), has(each, "write") ? &script_writer : NULL,
      reads ? &script_reader : NULL,
    };
  }
  return list;
}

int main(int count, char **arguments) {
  if (count != 4) {
    dprintf(2, "usage: sluice-plugin-sh INTERPRETER SCRIPT MANIFEST\n"
               "A host of Sluice starts it for plugins that are shell scripts: the profile "
               "\"commands\" of a manifest.\n");
    return 2;
  }
  adapter.interpreter = arguments[1];
  adapter.script = arguments[2];
  const char *slash = strrchr(arguments[2], '/');
  adapter.name = slash ? slash + 1 : arguments[2];
  int status = read_manifest(arguments[3]);
  return status ? status : sluice_run(manifest_text, formats());
}
