/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

/* The example plugin in C: writes, reads and verifies Reel archives (../FORMAT.md). */

#define _GNU_SOURCE
#include "sluice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

SLUICE_EMBED(manifest, "reel.json");

enum { HEAD_BYTES = 32, TAIL_BYTES = 24, RECORD_DATA_MAX = 1 << 20, INDEX_BYTES_MAX = 4 << 20 };

static const uint8_t MAGIC[8] = {0x89, 'R', 'E', 'L', '\r', '\n', 0x1A, '\n'};

static uint32_t crc(const uint8_t *bytes, size_t count) {
  static uint32_t table[256];
  uint32_t sum = 0xFFFFFFFF;
  for (uint32_t byte = 0; !table[255] && byte < 256; byte++) {
    table[byte] = byte;
    for (int bit = 0; bit < 8; bit++)
      table[byte] = table[byte] >> 1 ^ (table[byte] & 1 ? 0xEDB88320 : 0);
  }
  while (count--) sum = table[(sum ^ *bytes++) & 0xFF] ^ sum >> 8;
  return ~sum;
}

static void put(uint8_t *at, uint64_t value, int bytes) {
  while (bytes--) *at++ = (uint8_t)value, value >>= 8;
}

static uint64_t get(const uint8_t *at, int bytes) {
  uint64_t value = 0;
  while (bytes--) value = value << 8 | at[bytes];
  return value;
}

/* Writing ----------------------------------------------------------------------------------- */

static struct {
  int file;
  uint64_t place;
  const sluice_job *job;
  const sluice_host *host;
  const sluice_stream *stream;
  uint64_t start; /* of the open stream's records */
  sluice_receipt_stream closed[SLUICE_STREAMS_MAX];
  char more[SLUICE_STREAMS_MAX][48]; /* what the index has beside the receipt */
  size_t count;
} out;

static int write_two(const void *first, size_t first_count, const void *second, size_t count) {
  struct iovec pieces[2] = {{(void *)(uintptr_t)first, first_count},
                            {(void *)(uintptr_t)second, count}}, *piece = pieces;
  while (piece < pieces + 2) {
    ssize_t written = writev(out.file, piece, (int)(pieces + 2 - piece));
    if (written < 0) return sluice_fail_errno("writing the archive");
    out.place += (uint64_t)written;
    for (; piece < pieces + 2 && (size_t)written >= piece->iov_len; piece++)
      written -= (ssize_t)piece->iov_len;
    if (piece < pieces + 2) {
      piece->iov_base = (char *)piece->iov_base + written;
      piece->iov_len -= (size_t)written;
    }
  }
  return 0;
}

static int put_record(uint32_t kind, uint64_t offset, uint64_t length, const uint8_t *data) {
  uint8_t head[HEAD_BYTES];
  size_t count = data ? length : 0;
  put(head, out.stream->id, 4);
  put(head + 4, kind, 4);
  put(head + 8, offset, 8);
  put(head + 16, length, 8);
  put(head + 24, crc(data, count), 4);
  put(head + 28, crc(head, 28), 4);
  return write_two(head, sizeof head, data, count);
}

static int writer_init(void **writer, const sluice_job *job, sluice_output output,
                       const sluice_host *host) {
  *writer = &out;
  out.file = output.descriptor;
  out.job = job;
  out.host = host;
  return write_two(MAGIC, sizeof MAGIC, NULL, 0);
}

static int writer_open(void *writer, const sluice_stream *stream) {
  (void)writer;
  out.stream = stream;
  out.start = out.place;
  return 0;
}

static int writer_data(void *writer, sluice_data *data) {
  (void)writer;
  size_t most = (size_t)sluice_option_integer("record-kib") << 10;
  for (size_t start = 0; start < data->count; start += most) {
    size_t count = data->count - start < most ? data->count - start : most;
    if (put_record(SLUICE_EXTENT_DATA, data->offset + start, count, data->bytes + start)) return -1;
  }
  return 0;
}

static int writer_zero(void *writer, sluice_range where, uint32_t kind) {
  (void)writer;
  return put_record(kind + 1, where.start, where.end - where.start, NULL);
}

static int writer_close(void *writer, uint64_t length, const sluice_digest *digest) {
  (void)writer, (void)length;
  sluice_receipt_stream *closed = out.closed + out.count;
  snprintf(out.more[out.count], sizeof *out.more, ",\"id\":%u,\"at\":%" PRIu64, out.stream->id,
           out.start);
  *closed = (sluice_receipt_stream){.stream = out.stream, .more = out.more[out.count++]};
  if (digest) closed->digest = *digest;
  return 0;
}

static int writer_finish(void *writer, sluice_finished *finished) {
  (void)writer;
  sluice_text index = {0}, more = {0};
  uint8_t tail[TAIL_BYTES];
  if (out.job->machine) {
    sluice_put(&more, ",\"machine\":");
    sluice_put_json(&more, out.job->machine);
  }
  sluice_put_receipt(&index, out.job, out.host, out.closed, out.count, more.bytes);
  put(tail, out.place, 8);
  put(tail + 8, index.count, 4);
  put(tail + 12, crc((uint8_t *)index.bytes, index.count), 4);
  memcpy(tail + 16, MAGIC, sizeof MAGIC);
  if (write_two(index.bytes, index.count, tail, sizeof tail)) return -1;
  if (fsync(out.file)) return sluice_fail_errno("completing the archive");
  return sluice_finish_archive(finished, out.place);
}

static const sluice_writer writer = {
  .init = writer_init, .open = writer_open, .data = writer_data, .zero = writer_zero,
  .close = writer_close, .finish = writer_finish,
};

/* Reading ----------------------------------------------------------------------------------- */

static struct {
  int file, is_proven, is_whole;
  sluice_stream *streams;
  size_t count;
  uint64_t places[SLUICE_STREAMS_MAX + 1]; /* where streams begin, and the last one ends */
  uint8_t data[RECORD_DATA_MAX];
} in;

static int damaged(const char *what) {
  return sluice_fail(SLUICE_E_CORRUPT, "the archive is damaged: %s", what);
}

static int take(uint64_t place, void *bytes, size_t count) {
  ssize_t done = pread(in.file, bytes, count, (off_t)place);
  if (done < 0) return sluice_fail_errno("reading the archive");
  return (size_t)done < count ? damaged("it ends early") : 0;
}

static int take_index(const char *text, size_t count, uint64_t end, sluice_archive *archive) {
  const sluice_json *index = sluice_json_parse(text, count), *at;
  const sluice_json *streams = sluice_json_get(index, "streams");
  if (!index || sluice_json_streams(streams, &in.streams, &in.count))
    return damaged("its index is malformed");
  for (size_t place = 0; place < in.count; place++) {
    at = sluice_json_get(in.streams[place].members, "at");
    if (!at || at->integer < 0 || !in.streams[place].has_size) return damaged("its index is odd");
    in.places[place] = (uint64_t)at->integer;
  }
  in.places[in.count] = end;
  if (in.places[0] != sizeof MAGIC) return damaged("its index does not fit");
  *archive = (sluice_archive){
    in.streams, in.count, sluice_json_get(index, "vm"), sluice_json_get(index, "machine"),
    sluice_json_text(index, "instant"),
  };
  return 0;
}

static int reader_init(void **reader, const sluice_job *job, sluice_output input,
                       const sluice_host *host, sluice_archive *archive) {
  static char text[INDEX_BYTES_MAX];
  uint8_t magic[sizeof MAGIC], tail[TAIL_BYTES];
  struct stat status;
  (void)job, (void)host;
  *reader = &in;
  in.file = input.descriptor;
  in.is_proven = 1;
  if (fstat(in.file, &status)) return sluice_fail_errno("reading the archive");
  uint64_t size = (uint64_t)status.st_size;
  if (size < sizeof MAGIC + TAIL_BYTES) return damaged("this is no complete reel");
  if (take(0, magic, sizeof magic) || take(size - TAIL_BYTES, tail, sizeof tail)) return -1;
  uint64_t at = get(tail, 8), count = get(tail + 8, 4);
  if (memcmp(magic, MAGIC, sizeof MAGIC) || memcmp(tail + 16, MAGIC, sizeof MAGIC))
    return damaged("it has no head or no tail");
  if (count > INDEX_BYTES_MAX || at > size || at + count + TAIL_BYTES != size)
    return damaged("its tail is wrong");
  if (take(at, text, count)) return -1;
  if (crc((uint8_t *)text, count) != get(tail + 12, 4)) return damaged("the index is changed");
  return take_index(text, count, at, archive);
}

/* Puts the data of a record, whose place is given. */
static int read_data(uint64_t place, size_t count, uint32_t sum, sluice_sink *sink,
                     sluice_tree *tree) {
  if (count > RECORD_DATA_MAX) return damaged("a record is too long");
  if (take(place, in.data, count)) return -1;
  if (crc(in.data, count) != sum) {
    in.is_whole = 0;
    return sluice_sink_damaged(sink, count, "the archive is damaged: the data of a record");
  }
  sluice_tree_add(tree, in.data, count);
  for (size_t start = 0, piece; start < count; start += piece) {
    piece = count - start < sink->piece_bytes_max ? count - start : sink->piece_bytes_max;
    uint8_t *room = sluice_sink_room(sink, piece);
    if (!room) return -1;
    memcpy(room, in.data + start, piece);
    if (sluice_sink_data(sink, piece, NULL)) return -1;
  }
  return 0;
}

static int reader_read(void *reader, const sluice_stream *stream, sluice_range where,
                       sluice_sink *sink) {
  (void)reader, (void)where;
  size_t number = (size_t)(stream - in.streams);
  uint64_t place = in.places[number];
  int was_proven = in.is_proven;
  in.is_proven = 0;
  in.is_whole = 1;
  sluice_tree tree;
  sluice_tree_start(&tree);
  while (sink->position < sink->end) {
    uint8_t head[HEAD_BYTES];
    if (take(place, head, sizeof head)) return -1;
    uint64_t kind = get(head + 4, 4), length = get(head + 16, 8), end = sink->position + length;
    if (crc(head, 28) != get(head + 28, 4)) return damaged("a record's head is changed");
    if (get(head, 4) != stream->id || get(head + 8, 8) != sink->position || !length
        || length > sink->end - sink->position || (end % SLUICE_CLUSTER_BYTES && end != sink->end)
        || kind > (stream->is_incremental ? SLUICE_EXTENT_UNCHANGED : SLUICE_EXTENT_HOLE))
      return damaged("a record does not continue its stream");
    place += sizeof head;
    int result = 0;
    if (kind == SLUICE_EXTENT_DATA) {
      result = read_data(place, length, (uint32_t)get(head + 24, 4), sink, &tree);
      place += length;
    } else if (kind == SLUICE_EXTENT_UNCHANGED) {
      sluice_tree_unchanged(&tree, length);
      result = sluice_sink_unchanged(sink, length);
    } else {
      sluice_tree_zeros(&tree, length);
      result = sluice_sink_zeros(sink, length, (uint32_t)kind - 1);
    }
    if (result) return result;
  }
  if (place != in.places[number + 1]) return damaged("something lies behind a stream");
  uint8_t value[32];
  sluice_tree_end(&tree, value);
  int has_tree = stream->digest.algorithm >= SLUICE_DIGEST_TREE_SHA256_32K;
  if (has_tree && in.is_whole && memcmp(value, stream->digest.value, sizeof value))
    return damaged("a stream has another digest");
  in.is_proven = was_proven && in.is_whole && has_tree;
  return 0;
}

static int reader_is_proven(void *reader) {
  (void)reader;
  return in.is_proven;
}

static const sluice_reader reader = {
  .init = reader_init, .read = reader_read, .is_proven = reader_is_proven,
};

int main(void) {
  static const sluice_format formats[] = {{"reel", &writer, &reader}, {0}};
  return sluice_run(manifest, formats);
}
