/* Decodes byte strings with the SDK's decoder: one line for each, as the vectors' `expect` has it.
 *
 *   vectors FILE:FIRST-SEQ … */

#include "sluice.c"

enum { NOT_FOR_PLUGIN = -9, MISPLACED = -10 };

/* Inline bytes begin on a page. */
static int decode_data(const struct frame *frame) {
  struct data_head data;
  TRY(parse_data(frame, &data));
  return data.slot < 0 && (uintptr_t)(frame->payload + data.place) % 4096 ? MISPLACED : 0;
}

static int decode(const struct frame *frame) {
  static sluice_extent extents[SLUICE_EXTENTS_MAX];
  const sluice_json *members;
  struct zero_head zero;
  sluice_job job;
  sluice_digest digest;
  uint64_t offset, length;
  size_t count;
  if (!rule_of(frame->type)->is_from_host) return NOT_FOR_PLUGIN;
  switch (frame->type) {
  case SLUICE_HELLO: return parse_control(OBJECT_HELLO, frame->payload, frame->length, &members);
  case SLUICE_JOB:
    TRY(parse_control(OBJECT_JOB, frame->payload, frame->length, &members));
    return parse_job(members, &job);
  case SLUICE_DATA: return decode_data(frame);
  case SLUICE_ZERO: return parse_zero(frame, &zero);
  case SLUICE_CLOSE: return parse_close(frame, &length, &digest);
  case SLUICE_READ: return parse_read(frame, &offset, &length);
  case SLUICE_EXTENTS: return parse_extents(frame, extents, &count);
  case SLUICE_RELEASE:
    REFUSE(frame->length % 4, "RELEASE has a payload of %u bytes", frame->length);
    return 0;
  case SLUICE_OPEN: case SLUICE_FINISH:
    return sluice_json_parse((const char *)frame->payload, frame->length) ? 0 : FAILED;
  default: return 0;
  }
}

static void tell_verdict(const char *path, uint32_t first) {
  struct frame frame;
  int result, input = open(path, O_RDONLY);
  const char *name = strrchr(path, '/') + 1;
  open_wire(input, open("/dev/null", O_WRONLY), 0);
  wire.expected = first;
  wire.is_greeted = 1;
  do {
    result = next_frame(&frame);
    if (!result) result = decode(&frame);
  } while (!result);
  int is_whole = wire.start == wire.end && wire.has_preamble;
  if (result == NOT_FOR_PLUGIN) printf("%s not-for-a-plugin\n", name);
  else if (result == MISPLACED) printf("%s misplaced\n", name);
  else if (result == FAILED) printf("%s %s\n", name, error_name(failure.code));
  else printf("%s %s %u\n", name, is_whole ? "ok" : "incomplete", wire.expected - first);
  close(input);
  close(wire.output);
  free(wire.buffer);
  free(wire.pending);
}

int main(int count, char **arguments) {
  for (int place = 1; place < count; place++) {
    char *colon = strrchr(arguments[place], ':');
    *colon = 0;
    tell_verdict(arguments[place], (uint32_t)strtoul(colon + 1, NULL, 10));
  }
  return 0;
}
