/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

#define _GNU_SOURCE
#include "adapter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 20 };

static struct {
  sluice_stream *streams;
  size_t count;
  int salvages, is_proven, is_whole;
  struct extents extents;
  sluice_tree tree;
  uint8_t piece[PIECE_BYTES];
} in;

static int damaged(const char *what) {
  return sluice_fail(SLUICE_E_CORRUPT, "the archive is damaged: %s", what);
}

/* Listing ----------------------------------------------------------------------------------- */

/* A line `KIND ID SIZE NAME`, as the JSON of a stream. */
static int take_line(char *line, sluice_text *json) {
  char *rest, *kind = strtok_r(line, " ", &rest), *id = strtok_r(NULL, " ", &rest);
  char *size = strtok_r(NULL, " ", &rest);
  if (!kind || !id || !size || !*rest || strspn(id, "0123456789") != strlen(id)
      || strspn(size, "0123456789") != strlen(size))
    return damaged("the script's list has a line that is not KIND ID SIZE NAME");
  const char *comma = json->bytes[json->count - 1] == '[' ? "" : ",";
  sluice_put(json, "%s{\"id\":%s,\"size\":%s,\"kind\":", comma, id, size);
  sluice_put_string(json, kind);
  sluice_put(json, ",\"name\":");
  sluice_put_string(json, rest);
  sluice_put(json, "}");
  return 0;
}

static const sluice_json *take_lines(char *text) {
  sluice_text json = {0};
  sluice_put(&json, "{\"streams\":[");
  char *rest;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
    if (take_line(line, &json)) return NULL;
  sluice_put(&json, "]}");
  const sluice_json *list = sluice_json_parse(json.bytes, json.count);
  if (!list) damaged("what the script lists is malformed");
  return list;
}

/* The receipt, or lines. */
static int take_list(char *text, sluice_archive *archive) {
  const sluice_json *list = *text == '{' ? sluice_json_parse(text, strlen(text)) : take_lines(text);
  if (!list && *text != '{') return -1;
  if (!list || sluice_json_streams(sluice_json_get(list, "streams"), &in.streams, &in.count))
    return damaged("what the script lists is malformed");
  for (size_t place = 0; place < in.count; place++)
    if (!in.streams[place].has_size || in.streams[place].is_incremental)
      return damaged("the script lists a stream without its size, or an increment");
  *archive = (sluice_archive){
    in.streams, in.count, sluice_json_get(list, "vm"), sluice_json_get(list, "machine"),
    sluice_json_text(list, "instant"),
  };
  return 0;
}

static int reader_init(void **reader, const sluice_job *job, sluice_output input,
                       const sluice_host *host, sluice_archive *archive) {
  static char text[LIST_BYTES_MAX + 1];
  static const char *const none[] = {NULL};
  (void)host;
  *reader = &in;
  in.salvages = job->salvages;
  in.is_proven = 1;
  if (!strcmp(input.kind, "pipe"))
    return sluice_fail(SLUICE_E_UNSUPPORTED, "a script cannot read from a pipe");
  TRY(adapter_begin(job, input));
  int result = verb_text(SLUICE_E_CORRUPT, "list", none, text, sizeof text);
  if (result == VERB_MISSING)
    return sluice_fail(SLUICE_E_UNSUPPORTED, "%s does not know the verb list", adapter.name);
  return result ? result : take_list(text, archive);
}

/* Reading ----------------------------------------------------------------------------------- */

static int is_zero(const uint8_t *bytes, size_t count) {
  return !count || (!*bytes && !memcmp(bytes, bytes + 1, count - 1));
}

/* Puts a run of the piece, which consists of zeros or not. */
static int put_run(const uint8_t *bytes, size_t count, int is_hole, sluice_sink *sink) {
  if (is_hole) return sluice_sink_zeros(sink, count, SLUICE_KIND_ZERO);
  for (size_t start = 0, part; start < count; start += part) {
    part = count - start < sink->piece_bytes_max ? count - start : sink->piece_bytes_max;
    uint8_t *room = sluice_sink_room(sink, part);
    if (!room) return -1;
    memcpy(room, bytes + start, part);
    TRY(sluice_sink_data(sink, part, NULL));
  }
  return 0;
}

/* Finds the clusters of zeros of a piece. */
static int put_piece(const uint8_t *bytes, size_t count, sluice_sink *sink) {
  sluice_tree_add(&in.tree, bytes, count);
  for (size_t start = 0, end = 0; start < count; start = end) {
    int is_hole = -1;
    while (end < count) {
      size_t cluster = count - end < SLUICE_CLUSTER_BYTES ? count - end : SLUICE_CLUSTER_BYTES;
      int next = is_zero(bytes + end, cluster);
      if (is_hole >= 0 && next != is_hole) break;
      is_hole = next;
      end += cluster;
    }
    TRY(put_run(bytes + start, end - start, is_hole, sink));
  }
  return 0;
}

static int put_gap(uint64_t end, sluice_sink *sink) {
  if (sink->position == end) return 0;
  uint64_t count = end - sink->position;
  sluice_tree_zeros(&in.tree, count);
  return sluice_sink_zeros(sink, count, SLUICE_KIND_HOLE);
}

/* Bytes of one extent. Where there are no more, all behind it is lost. */
static int put_extent(uint64_t end, sluice_sink *sink) {
  while (sink->position < end) {
    uint64_t left = end - sink->position;
    size_t wanted = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    ssize_t count = verb_read(in.piece, wanted);
    if (count < 0) return (int)count;
    size_t whole = (size_t)count;
    if (whole < wanted) whole -= whole % SLUICE_CLUSTER_BYTES;
    if (whole && put_piece(in.piece, whole, sink)) {
      verb_stop();
      return -1;
    }
    if ((size_t)count < wanted) return 1;
  }
  return 0;
}

/* Says that all data from here on is lost, in the extent of that place and in those behind it. */
static int lose(size_t place, const char *message, sluice_sink *sink) {
  char text[1024];
  snprintf(text, sizeof text, "%s", message);
  in.is_whole = 0;
  for (; place < in.extents.count; place++) {
    const extent *each = in.extents.list + place;
    TRY(each->start > sink->position ? put_gap(each->start, sink) : 0);
    TRY(sluice_sink_damaged(sink, each->end - sink->position, text));
  }
  return put_gap(sink->end, sink);
}

/* The script has written too little, whatever it says of it. */
static int lose_rest(size_t place, sluice_sink *sink) {
  const char *message;
  int result = verb_end_known();
  if (result < -1) return result;
  if (!result)
    sluice_fail(SLUICE_E_CORRUPT, "%s read-%s ended before it had written all of \"%s\"",
                adapter.name, sink->stream->kind, sink->stream->name);
  uint32_t code = sluice_failure(&message);
  return in.salvages && code == SLUICE_E_CORRUPT ? lose(place, message, sink) : -1;
}

static int put_stream(sluice_sink *sink) {
  for (size_t place = 0; place < in.extents.count; place++) {
    const extent *each = in.extents.list + place;
    int result = put_gap(each->start, sink);
    if (result) {
      verb_stop();
      return result;
    }
    result = put_extent(each->end, sink);
    if (result > 0) return lose_rest(place, sink);
    if (result) return result;
  }
  int result = put_gap(sink->end, sink);
  if (!result) return verb_end_known();
  verb_stop();
  return result;
}

static int check_digest(const sluice_stream *stream, int was_proven) {
  uint8_t value[32];
  sluice_tree_end(&in.tree, value);
  int has_tree = stream->digest.algorithm == SLUICE_DIGEST_TREE_SHA256_32K;
  if (has_tree && in.is_whole && memcmp(value, stream->digest.value, sizeof value))
    return damaged("a stream has another digest");
  in.is_proven = was_proven && in.is_whole && has_tree;
  return 0;
}

/* What the archive holds of a disk: all of it, if the script keeps no map. */
static int take_map(const sluice_stream *stream, const char *const *arguments) {
  static char text[EXTENTS_MAX * 36];
  in.extents.count = 0;
  int result = VERB_MISSING;
  if (!strcmp(stream->kind, "disk"))
    result = verb_text(SLUICE_E_CORRUPT, "read-map", arguments, text, sizeof text);
  if (result < 0) return result;
  if (result == 0) return extents_parse(&in.extents, text, stream->size) ? damaged("a map") : 0;
  return stream->size ? extents_add(&in.extents, 0, stream->size) : 0;
}

static int reader_read(void *reader, const sluice_stream *stream, sluice_range where,
                       sluice_sink *sink) {
  (void)reader, (void)where;
  char id[16], size[32], verb[32];
  snprintf(id, sizeof id, "%u", stream->id);
  snprintf(size, sizeof size, "%" PRIu64, stream->size);
  snprintf(verb, sizeof verb, "read-%s", stream->kind);
  const char *const arguments[] = {id, stream->name, size, NULL};
  int was_proven = in.is_proven;
  in.is_proven = 0;
  in.is_whole = 1;
  TRY(take_map(stream, arguments));
  sluice_tree_start(&in.tree);
  int channels = VERB_WRITES | (is_directory() ? 0 : VERB_ARCHIVE);
  TRY(verb_start(SLUICE_E_CORRUPT, channels, verb, arguments));
  TRY(put_stream(sink));
  return check_digest(stream, was_proven);
}

static int reader_is_proven(void *reader) {
  (void)reader;
  return in.is_proven;
}

const sluice_reader script_reader = {
  .init = reader_init, .read = reader_read, .is_proven = reader_is_proven,
};
