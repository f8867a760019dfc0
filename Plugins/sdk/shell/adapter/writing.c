/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

#define _GNU_SOURCE
#include "adapter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
  const sluice_job *job;
  const sluice_host *host;
  int keeps_maps; /* gaps of disks are told by write-map, and not given as zeros */
  const sluice_stream *stream;
  char id[16], size[32];
  int is_packed; /* of the open stream: its gaps are left out */
  uint64_t gap, position; /* where a gap begins that has not been decided on, and what came */
  struct extents extents;
  sluice_receipt_stream closed[SLUICE_STREAMS_MAX];
  char more[SLUICE_STREAMS_MAX][24]; /* what a receipt says beside */
  size_t count;
} out;

/* Whether a name is written in ASCII, and whether it has a mark that joins the letter before it. */
static void look_at(const char *name, int *is_plain, int *has_mark) {
  *is_plain = 1;
  *has_mark = 0;
  for (const unsigned char *each = (const unsigned char *)name; *each; each++) {
    if (*each >= 0x80) *is_plain = 0;
    if (*each == 0xCC || (*each == 0xCD && each[1] < 0xB0)) *has_mark = 1; /* U+0300…U+036F */
  }
}

/* Names that are one when normalised [1.4-2]: told without tables of Unicode, so too often. */
static int check_names(const sluice_job *job) {
  int odd_count = 0, is_marked = 0;
  for (size_t place = 0; place < job->stream_count; place++) {
    int is_plain, has_mark;
    look_at(job->streams[place].name, &is_plain, &has_mark);
    odd_count += !is_plain;
    is_marked |= has_mark;
  }
  if (!is_marked || odd_count < 2) return 0;
  return sluice_fail(SLUICE_E_BAD_JOB, "two names of streams may be the same to others: "
                     "write letters with accents as one character");
}

static int check_streams(const sluice_job *job) {
  for (size_t place = 0; place < job->stream_count; place++) {
    const sluice_stream *stream = job->streams + place;
    if (!stream->has_size)
      return sluice_fail(SLUICE_E_UNSUPPORTED, "%s cannot take \"%s\", whose size is not known",
                         adapter.name, stream->name);
    if (stream->is_incremental)
      return sluice_fail(SLUICE_E_UNSUPPORTED, "%s makes full backups only", adapter.name);
  }
  return 0;
}

/* `config` says what the script wants, a word a line. */
static int ask_script(void) {
  static const char *const none[] = {NULL};
  static char text[4096];
  int result = verb_text(SLUICE_E_BAD_JOB, "config", none, text, sizeof text);
  if (result < 0) return result;
  for (char *rest, *word = strtok_r(text, " \n", &rest); word && !result;
       word = strtok_r(NULL, " \n", &rest)) {
    if (!strcmp(word, "map")) out.keeps_maps = 1;
    else
      return sluice_fail(SLUICE_E_INTERNAL, "%s config says \"%.100s\", which is none of: map",
                         adapter.name, word);
  }
  return 0;
}

static int writer_init(void **writer, const sluice_job *job, sluice_output output,
                       const sluice_host *host) {
  *writer = &out;
  out.job = job;
  out.host = host;
  /* Of a pipe only who reads it knows how much came, and scripts are not asked to count. */
  if (!strcmp(output.kind, "pipe"))
    return sluice_fail(SLUICE_E_UNSUPPORTED, "a script cannot write into a pipe");
  TRY(adapter_begin(job, output));
  TRY(check_streams(job));
  TRY(check_names(job));
  return ask_script();
}

static int start(const char *verb, int channels, const char *name, const char *size) {
  const char *const arguments[] = {out.id, name, size, NULL};
  if (!is_directory()) channels |= VERB_ARCHIVE;
  return verb_start(SLUICE_E_IO, channels, verb, arguments);
}

static int writer_open(void *writer, const sluice_stream *stream) {
  (void)writer;
  char verb[32];
  static char name[32];
  snprintf(verb, sizeof verb, "write-%s", stream->kind);
  memcpy(name, verb, sizeof name);
  out.stream = stream;
  out.extents.count = 0;
  out.gap = out.position = 0;
  out.is_packed = out.keeps_maps && !strcmp(stream->kind, "disk");
  snprintf(out.id, sizeof out.id, "%u", stream->id);
  snprintf(out.size, sizeof out.size, "%" PRIu64, stream->size);
  return start(name, VERB_READS, stream->name, out.size);
}

/* Ends a gap, if there is one, where data begins: a short one is written. */
static int end_gap(uint64_t start) {
  uint64_t length = start - out.gap;
  if (!length || (out.is_packed && length >= least_gap(out.stream->size))) return 0;
  if (out.is_packed) TRY(extents_add(&out.extents, out.gap, start));
  return verb_write_zeros(length);
}

static int writer_data(void *writer, sluice_data *data) {
  (void)writer;
  TRY(end_gap(data->offset));
  uint64_t end = data->offset + data->count;
  if (out.is_packed) TRY(extents_add(&out.extents, data->offset, end));
  out.gap = out.position = end;
  return verb_write(data->bytes, data->count);
}

static int writer_zero(void *writer, sluice_range where, uint32_t kind) {
  (void)writer, (void)kind;
  out.position = where.end;
  if (out.is_packed) return 0;
  out.gap = where.end;
  return verb_write_zeros(where.end - where.start);
}

static int write_map(void) {
  sluice_text text = {0};
  extents_put(&text, &out.extents);
  int result = start("write-map", VERB_READS, out.stream->name, out.size);
  if (!result && text.count) result = verb_write(text.bytes, text.count);
  free(text.bytes);
  return result ? result : verb_end_known();
}

static int writer_close(void *writer, uint64_t length, const sluice_digest *digest) {
  (void)writer, (void)length;
  TRY(verb_end_known());
  if (out.is_packed) TRY(write_map());
  sluice_receipt_stream *closed = out.closed + out.count;
  snprintf(out.more[out.count], sizeof *out.more, ",\"id\":%u", out.stream->id);
  *closed = (sluice_receipt_stream){.stream = out.stream, .more = out.more[out.count++]};
  if (digest) closed->digest = *digest;
  return 0;
}

/* The script gets the receipt, and completes the archive. */
static int complete(void) {
  sluice_text receipt = {0}, more = {0};
  static const char *const none[] = {NULL};
  if (out.job->machine) {
    sluice_put(&more, ",\"machine\":");
    sluice_put_json(&more, out.job->machine);
  }
  sluice_put_receipt(&receipt, out.job, out.host, out.closed, out.count, more.bytes);
  sluice_put(&receipt, "\n");
  int channels = VERB_READS | (is_directory() ? 0 : VERB_ARCHIVE);
  TRY(verb_start(SLUICE_E_IO, channels, "finish", none));
  TRY(verb_write(receipt.bytes, receipt.count));
  return verb_end_known();
}

static int writer_finish(void *writer, sluice_finished *finished) {
  (void)writer;
  struct stat status;
  int archive = adapter.archive.descriptor;
  TRY(complete());
  if (is_directory()) return announce_directory(archive, finished);
  if (fstat(archive, &status)) return sluice_fail_errno("measuring the archive");
  if (fsync(archive)) return sluice_fail_errno("completing the archive");
  return sluice_finish_archive(finished, (uint64_t)status.st_size);
}

static void writer_abort(void *writer) {
  (void)writer;
  verb_stop();
  if (is_directory()) empty_directory(adapter.archive.descriptor);
  else (void)!ftruncate(adapter.archive.descriptor, 0);
}

const sluice_writer script_writer = {
  .init = writer_init, .open = writer_open, .data = writer_data, .zero = writer_zero,
  .close = writer_close, .finish = writer_finish, .abort = writer_abort,
};
