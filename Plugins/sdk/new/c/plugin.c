/* Writes, reads and verifies newformat archives (FORMAT.md). */
#include "sluice.h"

#include <stdio.h>
#include <string.h>

SLUICE_EMBED(manifest, "newformat.json");

#define MAGIC "\211newformat\r\n\032\n"
/* As it lies in the archive; the processors that Sluice runs on are little-endian. */
struct record { uint32_t stream, kind; uint64_t length; uint32_t sum, check; };

static const sluice_job *job;
static const sluice_host *host;
static sluice_file file;
static const sluice_stream *open_stream;
static sluice_receipt_stream closed[SLUICE_STREAMS_MAX];
static char starts[SLUICE_STREAMS_MAX][48];
static size_t count;

static int write_init(void **writer, const sluice_job *given, sluice_output output,
                      const sluice_host *from) {
  job = given, host = from, file = sluice_file_of(output);
  return sluice_file_write_all(&file, MAGIC, strlen(MAGIC));
}

static int write_open(void *writer, const sluice_stream *stream) {
  open_stream = stream;
  snprintf(starts[count], sizeof *starts, ",\"id\":%u,\"start\":%ju", stream->id,
           (uintmax_t)file.place);
  return 0;
}

static int record(uint32_t kind, uint64_t length, const void *data, size_t stored) {
  struct record head = {open_stream->id, kind, length, sluice_crc32(data, stored), 0};
  head.check = sluice_crc32(&head, offsetof(struct record, check));
  if (sluice_file_write_all(&file, &head, sizeof head)) return -1;
  return sluice_file_write_all(&file, data, stored);
}

static int write_data(void *writer, sluice_data *data) {
  return record(SLUICE_EXTENT_DATA, data->count, data->bytes, data->count);
}

static int write_zero(void *writer, sluice_range where, uint32_t kind) {
  return record(kind + 1, where.end - where.start, NULL, 0);
}

static int write_close(void *writer, uint64_t length, const sluice_digest *digest) {
  sluice_digest none = {0};
  closed[count] = (sluice_receipt_stream){open_stream, digest ? *digest : none, starts[count]};
  return count++, 0;
}

static int write_finish(void *writer, sluice_finished *finished) {
  sluice_text index = {0}, more = {0};
  if (job->machine) sluice_put(&more, ",\"machine\":"), sluice_put_json(&more, job->machine);
  sluice_put_receipt(&index, job, host, closed, count, more.bytes);
  if (sluice_file_write_index(&file, index.bytes, index.count, MAGIC)) return -1;
  return sluice_file_finish(&file, finished);
}

static int read_init(void **reader, const sluice_job *given, sluice_output input,
                     const sluice_host *from, sluice_archive *archive) {
  char *text;
  file = sluice_file_of(input);
  if (sluice_file_read_index(&file, MAGIC, &text, &count)) return -1;
  return sluice_read_receipt(text, count, archive);
}

static int read_stream(void *reader, const sluice_stream *stream, sluice_range where,
                       sluice_sink *sink) {
  static uint8_t data[SLUICE_SLOT_BYTES_MAX];
  const sluice_json *start = sluice_json_get(stream->members, "start");
  uint64_t place = start ? (uint64_t)start->integer : 0;
  int result = 0;
  while (sink->position < sink->end && !result) {
    struct record head;
    if (sluice_file_read_all(&file, place, &head, sizeof head)) return -1;
    uint64_t stored = head.kind == SLUICE_EXTENT_DATA ? head.length : 0;
    if (sluice_crc32(&head, offsetof(struct record, check)) != head.check || stored > sizeof data
        || head.stream != stream->id || head.kind > SLUICE_EXTENT_HOLE
        || !sluice_sink_takes(sink, head.length))
      return sluice_damaged("a record is wrong");
    if (sluice_file_read_all(&file, place + sizeof head, data, stored)) return -1;
    place += sizeof head + stored;
    if (head.kind)
      result = sluice_sink_zeros(sink, head.length, head.kind - 1);
    else if (sluice_crc32(data, stored) == head.sum)
      result = sluice_sink_write_all(sink, data, stored);
    else
      result = sluice_sink_damaged(sink, stored, "the archive is damaged: data of a record");
  }
  return result;
}

int main(void) {
  static const sluice_writer writer = {
    .init = write_init, .open = write_open, .data = write_data, .zero = write_zero,
    .close = write_close, .finish = write_finish};
  static const sluice_reader reader = {.checks_digests = 1, .init = read_init, .read = read_stream};
  static const sluice_format formats[] = {{"newformat", &writer, &reader}, {0}};
  return sluice_run(manifest, formats);
}
