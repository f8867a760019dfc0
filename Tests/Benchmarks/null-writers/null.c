/* Takes everything and writes nothing. */

#include "sluice.h"

SLUICE_EMBED(manifest, "null.json");

static int start(void **writer, const sluice_job *job, sluice_output output,
                 const sluice_host *host) {
  (void)writer, (void)job, (void)output, (void)host;
  return 0;
}

static int begin(void *writer, const sluice_stream *stream) {
  (void)writer, (void)stream;
  return 0;
}

static int take(void *writer, sluice_data *data) {
  (void)writer, (void)data;
  return 0;
}

static int skip(void *writer, sluice_range where, uint32_t kind) {
  (void)writer, (void)where, (void)kind;
  return 0;
}

static int end(void *writer, uint64_t length, const sluice_digest *digest) {
  (void)writer, (void)length, (void)digest;
  return 0;
}

static int finish(void *writer, sluice_finished *finished) {
  (void)writer;
  return sluice_finish_archive(finished, 0);
}

int main(void) {
  static const sluice_writer writer = {.init = start, .open = begin, .data = take, .zero = skip,
                                       .close = end, .finish = finish};
  static const sluice_format formats[] = {{"null", &writer, NULL}, {0}};
  return sluice_run(manifest, formats);
}
