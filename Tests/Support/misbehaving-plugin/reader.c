#include "reader.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The frames of a READ's answer

static void send_open(uint32_t stream) { send_frame(OPEN, stream, "{}", 2); }

static void send_inline(uint64_t offset, uint32_t request) {
  static struct {
    uint64_t offset;
    uint32_t length;
    uint16_t where, masks;
    uint32_t slot, slot_offset, request, reserved;
    char bytes[CLUSTER_BYTES];
  } data;
  data.offset = offset;
  data.length = CLUSTER_BYTES;
  data.request = request;
  memset(data.bytes, 'A', sizeof data.bytes);
  send_frame(DATA, 1, &data, sizeof data);
}

static void send_slot(uint32_t slot, uint32_t length, uint32_t request) {
  struct {
    uint64_t offset;
    uint32_t length;
    uint16_t where, masks;
    uint32_t slot, slot_offset, request, reserved;
  } data = {.length = length, .where = 1, .slot = slot, .request = request};
  send_frame(DATA, 1, &data, sizeof data);
}

static void send_zeros(uint64_t offset, uint64_t length, uint32_t kind, uint32_t request) {
  struct {
    uint64_t offset, length;
    uint32_t kind, request;
  } zero = {offset, length, kind, request};
  send_frame(ZERO, 1, &zero, sizeof zero);
}

static void send_close(uint64_t length) {
  uint64_t close[2] = {length, 0};
  send_frame(CLOSE, 1, close, sizeof close);
}

static void send_done(uint32_t request, uint32_t status) {
  uint32_t done[2] = {request, status};
  send_frame(READ_DONE, 1, done, sizeof done);
}

static void send_rest(uint64_t offset, uint32_t request) {
  send_zeros(offset, DISK_BYTES - offset, 1, request);
  send_close(DISK_BYTES);
  send_done(request, 0);
}

int is_reading(void) { return strstr(job_text, "\"mode\":\"write\"") == NULL; }

static void accept_as(const char *name, unsigned long long size) {
  char text[512];
  snprintf(text, sizeof text,
           "{\"streams\":[{\"id\":1,\"kind\":\"disk\",\"name\":\"%s\",\"role\":\"disk\","
           "\"size\":%llu}]}", name, size);
  send_text(JOB_ACK, text);
}

void accept_reading(void) { accept_as("d", DISK_BYTES); }

void read_well(uint32_t request) {
  send_open(1);
  send_inline(0, request);
  send_rest(CLUSTER_BYTES, request);
}

// Tricks

static void two_that_clash(void) {
  send_text(JOB_ACK,
            "{\"streams\":[{\"id\":1,\"kind\":\"disk\",\"name\":\"d\",\"size\":0},"
            "{\"id\":2,\"kind\":\"config\",\"name\":\"d.raw\",\"size\":0}]}");
}

static void path_name(void) { accept_as("../../escaped", DISK_BYTES); }
static void terminal_name(void) { accept_as("\\u001b[2J", DISK_BYTES); }
static void endless_size(void) { accept_as("d", 1ULL << 62); }
static void unknown_size(void) {
  send_text(JOB_ACK, "{\"streams\":[{\"id\":1,\"kind\":\"disk\",\"name\":\"d\",\"size\":null}]}");
}

// Behind an answer, when no READ is open: before the first one, it might come just after it.
static void unasked(uint32_t request) {
  read_well(request);
  send_open(1);
}

static void twice_the_same(uint32_t request) {
  send_open(1);
  send_inline(0, request);
  send_inline(0, request);
  send_rest(CLUSTER_BYTES, request);
}

static void with_a_gap(uint32_t request) {
  send_open(1);
  send_inline(CLUSTER_BYTES, request);
  send_rest(2 * CLUSTER_BYTES, request);
}

static void beyond_the_end(uint32_t request) {
  send_open(1);
  send_zeros(0, 2 * (uint64_t)DISK_BYTES, 1, request);
}

static void too_short(uint32_t request) {
  send_open(1);
  send_inline(0, request);
  send_close(CLUSTER_BYTES);
  send_done(request, 0);
}

static void foreign_slot(uint32_t request) {
  send_open(1);
  send_slot(1000, CLUSTER_BYTES, request);
}

static void long_slot(uint32_t request) {
  send_open(1);
  send_slot(0, DISK_BYTES, request);
}

static void other_request(uint32_t request) {
  send_open(1);
  send_inline(0, request + 1);
}

static void other_stream(uint32_t request) {
  (void)request;
  send_open(2);
}

static void unopened(uint32_t request) { send_inline(0, request); }

static void unchanged(uint32_t request) {
  send_open(1);
  send_zeros(0, DISK_BYTES, 2, request);
}

static void close_with(uint32_t request, uint64_t length, const void *digest) {
  struct {
    uint64_t length;
    uint16_t algorithm, digest_length;
    uint32_t reserved;
    unsigned char digest[32];
  } close = {length, 2, 32, 0, {0}};
  memcpy(close.digest, digest, sizeof close.digest);
  send_frame(CLOSE, 1, &close, sizeof close);
  send_done(request, 0);
}

static void closes_too_long(uint32_t request) {
  send_open(1);
  send_zeros(0, DISK_BYTES, 1, request);
  send_close(DISK_BYTES + 1);
  send_done(request, 0);
}

static void false_digest(uint32_t request) {
  send_open(1);
  send_zeros(0, DISK_BYTES, 1, request);
  close_with(request, DISK_BYTES, "these are not the bytes you want");
}

static void listed_digest(void) {
  send_text(JOB_ACK,
            "{\"streams\":[{\"id\":1,\"kind\":\"disk\",\"name\":\"d\",\"size\":4194304,"
            "\"digest\":{\"alg\":\"tree-sha256-32k\",\"value\":\"e3b0c44298fc1c149afbf4c8996fb924"
            "27ae41e4649b934ca495991b7852b855\"}}]}");
}

static void done_at_once(uint32_t request) { send_done(request, 0); }
static void cannot(uint32_t request) { send_done(request, 21); }
static void unreadable(uint32_t request) { send_done(request, 16); }
static void no_space(uint32_t request) { send_done(request, 17); }
static void unsupported(uint32_t request) { send_done(request, 4); }
static void unknown_code(uint32_t request) { send_done(request, 999); }

static void hang(uint32_t request) {
  (void)request;
  for (;;) sleep(1000);
}

// Says again and again that it cannot, and never that it is done.
static void complain(uint32_t request) {
  struct {
    uint32_t code, flags, re, reserved;
    char message[18];
  } error = {16, 2, request, 0, "{\"message\":\"ouch\"}"};
  for (;;) {
    send_frame(ERROR, 1, &error, 16 + 18);
    usleep(100000);
  }
}

static void dies_reading(uint32_t request) {
  send_open(1);
  send_inline(0, request);
  _exit(1);
}

// Ranges: what is asked for is in the payload of the READ.

static uint64_t range_start(void) {
  uint64_t offset;
  memcpy(&offset, payload, sizeof offset);
  return offset;
}

static uint64_t range_length(void) {
  uint64_t length;
  memcpy(&length, payload + 8, sizeof length);
  return length;
}

static void range_well(uint32_t request) {
  uint64_t start = range_start(), length = range_length(), letters = 0;
  if (start == 0) send_inline(0, request), letters = CLUSTER_BYTES;
  if (length > letters) send_zeros(start + letters, length - letters, 1, request);
  send_done(request, 0);
}

static void range_opens(uint32_t request) {
  send_open(1);
  range_well(request);
}

static void range_closes(uint32_t request) {
  send_zeros(range_start(), range_length(), 1, request);
  send_close(DISK_BYTES);
  send_done(request, 0);
}

static void range_beyond(uint32_t request) {
  send_zeros(range_start(), range_length() + CLUSTER_BYTES, 1, request);
  send_done(request, 0);
}

static void range_elsewhere(uint32_t request) {
  send_inline(range_start() + CLUSTER_BYTES, request);
  send_done(request, 0);
}

static void range_unchanged(uint32_t request) {
  send_zeros(range_start(), range_length(), 2, request);
  send_done(request, 0);
}

static void range_answers_twice(uint32_t request) {
  range_well(request);
  send_done(request, 0);
}

// The first range is read, the second is not.
static void range_fails_later(uint32_t request) {
  if (range_start() == 0)
    range_well(request);
  else
    send_done(request, 21);
}

static void range_dies(uint32_t request) {
  send_inline(range_start(), request);
  _exit(1);
}

static const struct {
  const char *name;
  void (*accept)(void);
  void (*read)(uint32_t request);
} tricks[] = {
    {"lists-a-clash", two_that_clash, NULL},
    {"lists-a-path", path_name, NULL},
    {"lists-escapes", terminal_name, NULL},
    {"lists-an-endless-disk", endless_size, NULL},
    {"lists-no-size", unknown_size, NULL},
    {"reads-unasked", NULL, unasked},
    {"reads-twice-the-same", NULL, twice_the_same},
    {"reads-with-a-gap", NULL, with_a_gap},
    {"reads-beyond-the-end", NULL, beyond_the_end},
    {"reads-too-little", NULL, too_short},
    {"closes-too-long", NULL, closes_too_long},
    {"reads-a-false-digest", NULL, false_digest},
    {"lists-a-false-digest", listed_digest, NULL},
    {"reads-a-foreign-slot", NULL, foreign_slot},
    {"reads-a-long-slot", NULL, long_slot},
    {"reads-for-another-request", NULL, other_request},
    {"reads-another-stream", NULL, other_stream},
    {"reads-before-open", NULL, unopened},
    {"reads-unchanged", NULL, unchanged},
    {"reads-nothing", NULL, done_at_once},
    {"cannot-read", NULL, cannot},
    {"cannot-read-the-storage", NULL, unreadable},
    {"cannot-keep", NULL, no_space},
    {"cannot-go-back", NULL, unsupported},
    {"cannot-say", NULL, unknown_code},
    {"hangs-reading", NULL, hang},
    {"complains-for-ever", NULL, complain},
    {"dies-reading", NULL, dies_reading},
    {"range-well", NULL, range_well},
    {"range-opens", NULL, range_opens},
    {"range-closes", NULL, range_closes},
    {"range-goes-beyond", NULL, range_beyond},
    {"range-ends-early", NULL, done_at_once},
    {"range-elsewhere", NULL, range_elsewhere},
    {"range-unchanged", NULL, range_unchanged},
    {"range-answers-twice", NULL, range_answers_twice},
    {"range-fails-later", NULL, range_fails_later},
    {"range-hangs", NULL, hang},
    {"range-dies", NULL, range_dies},
};

int misread(const char *name, uint32_t request) {
  for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++)
    if (tricks[i].read && strcmp(tricks[i].name, name) == 0) return tricks[i].read(request), 1;
  return 0;
}

int misaccept(const char *name) {
  for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++)
    if (tricks[i].accept && strcmp(tricks[i].name, name) == 0) return tricks[i].accept(), 1;
  return 0;
}
