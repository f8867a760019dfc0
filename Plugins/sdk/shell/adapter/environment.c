/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

#define _GNU_SOURCE
#include "adapter.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIABLES_MAX = 256 + 16 };

static char *variables[VARIABLES_MAX + 1];
static size_t variable_count;

static void set(const char *name, const char *value) {
  char *text = NULL;
  if (variable_count < VARIABLES_MAX && asprintf(&text, "%s=%s", name, value) >= 0)
    variables[variable_count++] = text;
}

/* SLUICE_OPTION_NAME: capitals, digits and `_`. */
static void set_option(const sluice_json *option) {
  const char *name = sluice_json_text(option, "name"), *type = sluice_json_text(option, "type");
  char variable[512], number[32];
  int length = snprintf(variable, sizeof variable, "SLUICE_OPTION_%s", name);
  if (length < 0 || length >= (int)sizeof variable) return;
  for (char *each = variable; *each; each++)
    *each = isalnum((unsigned char)*each) ? (char)toupper((unsigned char)*each) : '_';
  if (!strcmp(type, "integer")) {
    snprintf(number, sizeof number, "%" PRId64, sluice_option_integer(name));
    set(variable, number);
  } else if (!strcmp(type, "bool")) {
    set(variable, sluice_option_bool(name) ? "true" : "false");
  } else {
    const char *value = sluice_option_text(name);
    set(variable, value ? value : "");
  }
}

/* The directories of the shell and of the programs, each once. */
static void set_path(void) {
  sluice_text path = {0};
  const sluice_json *list = sluice_json_get(adapter.manifest, "commands");
  const sluice_json *next = list ? list->first : NULL;
  const char *program = adapter.interpreter;
  sluice_put(&path, ":");
  while (program) {
    char directory[SLUICE_STRING_BYTES_MAX + 3];
    const char *slash = strrchr(program, '/');
    int length = slash ? (int)(slash - program) : 0;
    snprintf(directory, sizeof directory, ":%.*s:", length, program);
    if (length && !strstr(path.bytes, directory)) sluice_put(&path, "%s", directory + 1);
    program = next ? next->text : NULL;
    next = next ? next->next : NULL;
  }
  if (path.count > 1) path.bytes[path.count - 1] = 0;
  set("PATH", path.bytes + 1);
  free(path.bytes);
}

char **script_environment(void) {
  const sluice_job *job = adapter.job;
  if (variable_count) return variables;
  set_path();
  set("LC_ALL", "C");
  set("SLUICE_FORMAT", job->format);
  set("SLUICE_MODE", job->mode);
  set("SLUICE_OUTPUT", adapter.archive.kind);
  set("SLUICE_JOB", job->id);
  set("SLUICE_INSTANT", job->instant);
  set("SLUICE_VM_ID", job->vm_id);
  set("SLUICE_VM_NAME", job->vm_name);
  set("SLUICE_VM_UUID", job->vm_uuid);
  const sluice_json *list = sluice_json_get(adapter.manifest, "formats");
  for (const sluice_json *each = list ? list->first : NULL; each; each = each->next) {
    if (strcmp(sluice_json_text(each, "name"), job->format)) continue;
    const sluice_json *options = sluice_json_get(each, "options");
    for (each = options ? options->first : NULL; each; each = each->next) set_option(each);
    break;
  }
  return variables;
}
