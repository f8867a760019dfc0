#pragma once

#include <stddef.h>
#include <stdint.h>

/// The wire of protocol.md, as little of it as a writer needs; made to be broken.

enum frame_type {
  HELLO_ACK = 0x0002, JOB = 0x0003, JOB_ACK = 0x0004, FINISH = 0x0005, FINISHED = 0x0006,
  ABORT = 0x0007, ABORTED = 0x0008, ERROR = 0x0009, OPEN = 0x0010, DATA = 0x0011, ZERO = 0x0012,
  CLOSE = 0x0013, READ = 0x0014, RELEASE = 0x0015, CHECKPOINT_ACK = 0x0017,
  BUSY = 0x0018, READ_DONE = 0x0019, LOG = 0x8001, PROGRESS = 0x8002,
};

struct frame {
  uint32_t length;
  uint16_t type, flags;
  uint32_t stream, sequence;
};

/// Payload of the last frame that was read, with a zero behind it.
extern unsigned char payload[];
/// Number of the next frame that is sent.
extern uint32_t next_sequence;

/// Writes all of it to descriptor 4; ends the process if nobody reads.
void send_bytes(const void *bytes, size_t count);
void send_header(uint32_t length, uint16_t type, uint32_t stream);
void send_frame(uint16_t type, uint32_t stream, const void *bytes, uint32_t length);
void send_text(uint16_t type, const char *text);
/// Reads the next frame; 0 at the end of the input.
int read_frame(struct frame *frame);
