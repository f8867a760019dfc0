/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

/* sluice-plugin-sh INTERPRETER SCRIPT MANIFEST: an archive format as a shell script.
 *
 * Speaks the protocol in place of the script, which is run once for each verb (../README.md). What
 * a script must not be able to get wrong is done here: sizes, holes, digests, what is announced. */

#ifndef ADAPTER_H
#define ADAPTER_H

#include "../../c/sluice.h"

#include <sys/types.h>

enum { VERB_ARGUMENTS_MAX = 5, LIST_BYTES_MAX = SLUICE_RECEIPT_BYTES_MAX, ZERO_BYTES = 1 << 16 };

/* The status of a script that does not know a verb, as in nbdkit's plugin sh. A shell ends with it
 * itself after some errors, and has said which: only who says nothing does not know the verb. */
enum { VERB_MISSING = 2 };

/* What a script gets as standard input and output; the rest is /dev/null and channel 2. */
enum verb_channels {
  VERB_READS = 1,   /* verb_write gives it bytes */
  VERB_WRITES = 2,  /* verb_read takes its bytes */
  VERB_ARCHIVE = 4, /* a file or pipe: the archive stands in for the one that is not given above */
};

struct adapter {
  const char *interpreter, *script, *name; /* the last one for messages */
  const sluice_json *manifest;
  const sluice_job *job;
  sluice_output archive;
};

extern struct adapter adapter;
extern const sluice_writer script_writer;
extern const sluice_reader script_reader;

/* Ends a function as what it calls has ended. */
#define TRY(call)                \
  do {                           \
    int tried = (call);          \
    if (tried < 0) return tried; \
  } while (0)

/* Takes job and archive; from here on verbs can be run. */
int adapter_begin(const sluice_job *job, sluice_output archive);
int is_directory(void);

/* verb.c: one verb at a time. Functions return what sluice_fail or sluice_host_gone have returned
 * after a failure, and the verb has ended then. */

/* Runs SCRIPT NAME ARGUMENT…, up to NULL. `code` is that of its errors, unless it says another. */
int verb_start(uint32_t code, int channels, const char *name, const char *const *arguments);
/* Gives it bytes. */
int verb_write(const void *bytes, size_t count);
int verb_write_zeros(uint64_t count);
/* Takes bytes until there are `count`, or no more. */
ssize_t verb_read(void *bytes, size_t count);
/* Waits for its end, and ends whatever it left behind. Returns 0 or VERB_MISSING. */
int verb_end(void);
/* Ends it. */
void verb_stop(void);
/* Runs a verb that says a text, of fewer than `room` bytes; returns as verb_end. */
int verb_text(uint32_t code, const char *name, const char *const *arguments, char *text,
              size_t room);
/* verb_end of a verb that a script must have. */
int verb_end_known(void);

/* environment.c */

/* What a script finds in its environment; ends with NULL. */
char **script_environment(void);

/* files.c */

/* Syncs a directory's files, and names them with their sizes. */
int announce_directory(int directory, sluice_finished *finished);
/* Removes all that is in a directory. */
void empty_directory(int directory);

/* extents.c: which parts of a disk its stored bytes are. */

typedef struct {
  uint64_t start, end;
} extent;

enum { EXTENTS_MAX = 1 << 18 };

struct extents {
  extent *list;
  size_t count;
};

/* The shortest gap that is left out of a disk: with it there are at most EXTENTS_MAX. */
uint64_t least_gap(uint64_t size);
/* Adds a range behind all others. */
int extents_add(struct extents *extents, uint64_t start, uint64_t end);
/* The text of a map: `START LENGTH` a line. */
void extents_put(sluice_text *text, const struct extents *extents);
/* Parses one, of a disk of that size; returns -1 if it is none. */
int extents_parse(struct extents *extents, const char *text, uint64_t size);

#endif
