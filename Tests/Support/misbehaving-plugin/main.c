// A plugin that keeps the protocol but for one thing, named by its executable:
// `misbehaving-NAME` does the trick NAME of tricks.c or reader.c. It takes what it gets and stores
// nothing; what it reads it makes up.

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "leftovers.h"
#include "reader.h"

enum { JOB_MAX = 256 << 10 };

char last_digest[65];
char job_text[JOB_MAX + 1];
static int is_finished;

static const char *trick_name(const char *path) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  return strncmp(name, "misbehaving-", 12) == 0 ? name + 12 : name;
}

static void greet(const char *name) {
  char text[512];
  const char *feature = strstr((char *)payload, "\"shm\"") ? "\"shm\"" : "";
  // It must have been offered: not in write and verify mode.
  if (strncmp(name, "range-", 6) == 0 && strstr((char *)payload, "\"random-read\""))
    feature = "\"random-read\"";
  snprintf(text, sizeof text,
           "{\"version\":1,\"features\":[%s],\"plugin\":\"%s\",\"plugin_version\":\"1\","
           "\"streams\":\"sequential\",\"offset_order\":\"ascending\",\"needs_size\":false}",
           feature, name);
  send_text(HELLO_ACK, text);
}

static void note_digest(void) {
  for (int i = 0; i < 32; i++) snprintf(last_digest + 2 * i, 3, "%02x", payload[16 + i]);
}

static void accept_job(const char *name) {
  if (!is_reading())
    send_text(JOB_ACK, "{}");
  else if (!misaccept(name))
    accept_reading();
}

// Returns whether the life goes on.
static int answer(const char *name, const struct frame *frame) {
  switch (frame->type) {
  case 0x0001:
    if (!misbehave(name, AT_HELLO, frame)) greet(name);
    misbehave(name, AFTER_HELLO_ACK, frame);
    return 1;
  case JOB:
    if (frame->length <= JOB_MAX) memcpy(job_text, payload, frame->length + 1);
    if (!misbehave(name, AT_JOB, frame)) accept_job(name);
    misbehave(name, AFTER_JOB_ACK, frame);
    return 1;
  case DATA:
    if (!misbehave(name, AT_DATA, frame))
      send_frame(RELEASE, 0, &frame->sequence, sizeof frame->sequence);
    return 1;
  case CLOSE:
    if (frame->length == 48) note_digest();
    return 1;
  case READ:
    if (!misread(name, frame->sequence)) read_well(frame->sequence);
    return 1;
  case FINISH:
    is_finished = 1;
    if (!misbehave(name, AT_FINISH, frame)) announce_what_is_there();
    misbehave(name, AFTER_FINISHED, frame);
    return 1;
  case ABORT:
    if (misbehave(name, AT_ABORT, frame)) return 1;
    send_text(ABORTED, "{}");
    return 0;
  default: return 1;
  }
}

int main(int argc, char **argv) {
  const char *name = trick_name(argc > 0 ? argv[0] : "");
  misbehave(name, AT_START, NULL);
  send_bytes("\x89SLU\r\n\x1a\n", 8);
  struct frame frame;
  while (read_frame(&frame))
    if (!answer(name, &frame)) return 1;
  misbehave(name, AT_END, NULL);
  return !is_finished;
}
