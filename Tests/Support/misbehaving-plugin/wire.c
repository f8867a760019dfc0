#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAYLOAD_MAX = (1 << 20) + (64 << 10) };

unsigned char payload[PAYLOAD_MAX + 1];
uint32_t next_sequence;

void send_bytes(const void *bytes, size_t count) {
  const char *from = bytes;
  while (count > 0) {
    ssize_t written = write(4, from, count);
    if (written <= 0) _exit(3);
    from += written;
    count -= (size_t)written;
  }
}

void send_header(uint32_t length, uint16_t type, uint32_t stream) {
  struct frame frame = {length, type, 0, stream, next_sequence++};
  send_bytes(&frame, sizeof frame);
}

void send_frame(uint16_t type, uint32_t stream, const void *bytes, uint32_t length) {
  send_header(length, type, stream);
  send_bytes(bytes, length);
}

void send_text(uint16_t type, const char *text) {
  send_frame(type, 0, text, (uint32_t)strlen(text));
}

static int read_bytes(void *bytes, size_t count) {
  char *to = bytes;
  while (count > 0) {
    ssize_t got = read(3, to, count);
    if (got <= 0) return 0;
    to += got;
    count -= (size_t)got;
  }
  return 1;
}

int read_frame(struct frame *frame) {
  static int has_preamble;
  char preamble[8];
  if (!has_preamble && !read_bytes(preamble, sizeof preamble)) return 0;
  has_preamble = 1;
  if (!read_bytes(frame, sizeof *frame) || frame->length > PAYLOAD_MAX) return 0;
  payload[frame->length] = 0;
  return read_bytes(payload, frame->length);
}
