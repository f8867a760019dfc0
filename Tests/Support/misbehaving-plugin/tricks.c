#define _GNU_SOURCE
#include "tricks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "leftovers.h"
#include "talk.h"

/// A trick is played at one point; `act` returns whether what is usual there is left out.
struct trick {
  const char *name;
  enum point point;
  int (*act)(const struct frame *frame);
};

static void say(const char *text) {
  if (write(2, text, strlen(text)) < 0) _exit(4);
}

// Ways to die and to be silent

static int exit_one(const struct frame *frame) { (void)frame; _exit(1); }
static int exit_zero(const struct frame *frame) { (void)frame; _exit(0); }
static int crash(const struct frame *frame) { (void)frame; __builtin_trap(); }

static int sleep_for_ever(const struct frame *frame) {
  (void)frame;
  for (;;) sleep(1000);
  return 1;
}

static int close_pipes(const struct frame *frame) {
  close(3);
  close(4);
  return sleep_for_ever(frame);
}

static int go_on(const struct frame *frame) { (void)frame; return 1; }

// A part of a stream is taken first, so that there is something to lose.
static int data_count;
static int is_amid(void) { return ++data_count == 3; }
static int die_amid(const struct frame *frame) { return is_amid() ? exit_one(frame) : 0; }
static int crash_amid(const struct frame *frame) { return is_amid() ? crash(frame) : 0; }

// Broken answers to HELLO

static int hello_of_another(const struct frame *frame) {
  (void)frame;
  send_text(HELLO_ACK, "{\"version\":1,\"features\":[],"
                       "\"plugin\":\"\\u001b[31mraw\",\"plugin_version\":\"1\"}");
  return 1;
}

static int hello_with(const char *head, const char *middle, int count, const char *tail) {
  static char text[128 << 10];
  size_t length = (size_t)snprintf(text, 1024, "%s", head);
  for (int i = 0; i < count; i++, length += strlen(middle)) strcpy(text + length, middle);
  strcpy(text + length, tail);
  send_text(HELLO_ACK, text);
  return 1;
}

static int hello_feature(const struct frame *frame) {
  (void)frame;
  return hello_with("{\"version\":1,\"features\":[\"teleport\"],\"plugin\":\"unknown-feature\","
                    "\"plugin_version\":\"1\"}", "", 0, "");
}

static int hello_version(const struct frame *frame) {
  (void)frame;
  return hello_with("{\"version\":2,\"features\":[],\"plugin\":\"version-two\","
                    "\"plugin_version\":\"1\"}", "", 0, "");
}

static int hello_broken(const struct frame *frame) {
  (void)frame;
  return hello_with("{\"version\":1,", "", 0, "");
}

static int hello_deep(const struct frame *frame) {
  (void)frame;
  return hello_with("{\"version\":", "[", 100000, "");
}

static int hello_half(const struct frame *frame) {
  send_bytes("\x10\0\0\0\x02\0", 6);
  return sleep_for_ever(frame);
}

static int print_usage(const struct frame *frame) {
  (void)frame;
  send_bytes("Usage: writer [OPTION]...\n", 26);
  return sleep_for_ever(frame);
}

// Frames out of place

static int release(uint32_t sequence) {
  send_frame(RELEASE, 0, &sequence, sizeof sequence);
  return 1;
}

static int release_twice(const struct frame *frame) {
  release(frame->sequence);
  return release(frame->sequence);
}

static int release_future(const struct frame *frame) { return release(frame->sequence + 1000); }

static int half_a_frame(const struct frame *frame) {
  send_bytes("\x04\0\0\0\x15\0\0\0", 8);
  return sleep_for_ever(frame);
}

static int half_a_frame_and_death(const struct frame *frame) {
  send_bytes("\x04\0\0\0\x15\0\0\0", 8);
  return exit_zero(frame);
}

static int endless_length(const struct frame *frame) {
  (void)frame;
  send_header(0xFFFFFFFF, RELEASE, 0);
  return 1;
}

static int ignorable_endless_length(const struct frame *frame) {
  (void)frame;
  send_header(0xFFFFFFFF, 0x8FFF, 0);
  return 1;
}

static int unknown_frame(const struct frame *frame) {
  (void)frame;
  send_text(0x0777, "{}");
  return 0;
}

static int skip_a_number(const struct frame *frame) {
  (void)frame;
  next_sequence++;
  return 0;
}

static int accept_twice(const struct frame *frame) {
  (void)frame;
  send_text(JOB_ACK, "{}");
  return 0;
}

static int send_data(const struct frame *frame) {
  (void)frame;
  unsigned char data[32] = {[8] = 1, [12] = 1};
  send_frame(DATA, 1, data, sizeof data);
  return 0;
}

static int finish_early(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{\"artefacts\":[]}");
  return 1;
}

static int speak_after_the_end(const struct frame *frame) {
  (void)frame;
  send_text(FINISHED, "{\"artefacts\":[]}");
  send_frame(LOG, 0, "\x03\0\0\0still here", 14);
  return 1;
}

static int acknowledge_unasked(const struct frame *frame) {
  static const unsigned char acknowledgement[16];
  (void)frame;
  send_frame(CHECKPOINT_ACK, 0, acknowledgement, sizeof acknowledgement);
  return 1;
}

static int set_reserved(const struct frame *frame) {
  static const unsigned char busy[8] = {[4] = 1};
  (void)frame;
  send_frame(BUSY, 0, busy, sizeof busy);
  return 1;
}

static int double_progress(const struct frame *frame) {
  uint32_t progress[6] = {[4] = 20000};
  (void)frame;
  send_frame(PROGRESS, 0, progress, sizeof progress);
  return 1;
}

static int forge_a_line(const struct frame *frame) {
  static const char log[] = "\x03\0\0\0look\nraw: /backup/important is complete";
  send_frame(LOG, 0, log, sizeof log - 1);
  return leave_proper_file(frame);
}

static void send_error(uint32_t code, const char *message) {
  unsigned char error[512] = {(unsigned char)code, 0, 0, 0, 1};
  int length = snprintf((char *)error + 16, sizeof error - 16, "{\"message\":\"%s\"}", message);
  send_frame(ERROR, 0, error, 16 + (uint32_t)length);
}

static int report_full_disk(const struct frame *frame) {
  (void)frame;
  send_error(17, "\\u001b[2Jno room \\u0007for the archive");
  _exit(1);
}

static int report_and_babble(const struct frame *frame) {
  send_error(16, "the tape has come off");
  send_bytes("and now for something completely different", 42);
  return sleep_for_ever(frame);
}

// Too much of something

static int flood_log(const struct frame *frame) {
  static char text[64 << 10];
  (void)frame;
  memset(text, 'x', sizeof text);
  for (;;)
    if (write(1, text, sizeof text) < 0) _exit(4);
}

static int eat_memory(const struct frame *frame) {
  size_t piece = 1 << 20, eaten = 0;
  void *place;
  while ((place = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) !=
         MAP_FAILED) {
    memset(place, 1, piece);
    eaten++;
  }
  char text[64];
  snprintf(text, sizeof text, "no memory after %zu MiB\n", eaten);
  say(text);
  return exit_one(frame);
}

static int fork_bomb(const struct frame *frame) {
  (void)frame;
  for (;;)
    if (fork() < 0) _exit(5);
}

static int open_socket(const struct frame *frame) {
  (void)frame;
  _exit(socket(AF_INET, SOCK_STREAM, 0) < 0 ? 5 : 6);
}

static int write_escapes_and_die(const struct frame *frame) {
  say("\x1b]0;owned\x07\x1b[31mred\nlast \x1b[2Jwords\n");
  return exit_one(frame);
}

static const struct trick tricks[] = {
    {"dies-before-hello-ack", AT_START, exit_one},
    {"crashes-at-once", AT_START, crash},
    {"says-nothing", AT_START, sleep_for_ever},
    {"closes-its-pipes", AT_START, close_pipes},
    {"prints-usage", AT_START, print_usage},
    {"floods-the-log", AT_START, flood_log},
    {"opens-a-socket", AT_START, open_socket},
    {"fork-bomb", AT_START, fork_bomb},
    {"escapes-in-its-log", AT_START, write_escapes_and_die},
    {"litters-at-once", AT_START, litter},
    {"litters", AT_DATA, litter},
    {"wrong-name", AT_HELLO, hello_of_another},
    {"unknown-feature", AT_HELLO, hello_feature},
    {"version-two", AT_HELLO, hello_version},
    {"broken-json", AT_HELLO, hello_broken},
    {"deep-json", AT_HELLO, hello_deep},
    {"half-a-hello", AT_HELLO, hello_half},
    {"dies-after-hello-ack", AFTER_HELLO_ACK, exit_one},
    {"accepts-twice", AT_JOB, accept_twice},
    {"dies-after-job-ack", AFTER_JOB_ACK, exit_one},
    {"never-reads", AFTER_JOB_ACK, sleep_for_ever},
    {"sends-data", AFTER_JOB_ACK, send_data},
    {"unknown-frame", AFTER_JOB_ACK, unknown_frame},
    {"skips-a-number", AFTER_JOB_ACK, skip_a_number},
    {"eats-memory", AFTER_JOB_ACK, eat_memory},
    {"dies-mid-stream", AT_DATA, die_amid},
    {"crashes-mid-stream", AT_DATA, crash_amid},
    {"never-releases", AT_DATA, go_on},
    {"releases-twice", AT_DATA, release_twice},
    {"releases-the-future", AT_DATA, release_future},
    {"half-a-frame", AT_DATA, half_a_frame},
    {"half-a-frame-then-dies", AT_DATA, half_a_frame_and_death},
    {"four-gib-length", AT_DATA, endless_length},
    {"four-gib-ignorable", AT_DATA, ignorable_endless_length},
    {"finishes-early", AT_DATA, finish_early},
    {"reports-a-full-disk", AT_DATA, report_full_disk},
    {"reports-and-babbles", AT_DATA, report_and_babble},
    {"dies-after-finish", AT_FINISH, exit_one},
    {"exits-without-finished", AT_FINISH, exit_zero},
    {"stalls", AT_FINISH, sleep_for_ever},
    {"speaks-after-finished", AT_FINISH, speak_after_the_end},
    {"leaves-a-symlink", AT_FINISH, leave_symlink},
    {"leaves-a-hard-link", AT_FINISH, leave_hard_link},
    {"leaves-a-fifo", AT_FINISH, leave_fifo},
    {"leaves-setuid", AT_FINISH, leave_setuid},
    {"leaves-a-closed-file", AT_FINISH, leave_closed_file},
    {"leaves-a-closed-dir", AT_FINISH, leave_closed_directory},
    {"leaves-a-closed-dir-and-dies", AT_DATA, leave_closed_directory_and_die},
    {"leaves-deep-dirs", AT_FINISH, leave_deep_directories},
    {"leaves-without-a-word", AT_FINISH, leave_without_a_word},
    {"announces-elsewhere", AT_FINISH, announce_elsewhere},
    {"announces-a-ghost", AT_FINISH, announce_ghost},
    {"announces-a-wrong-length", AT_FINISH, announce_wrong_length},
    {"keeps-the-protocol", AT_FINISH, leave_proper_file},
    {"leaves-an-empty-dir", AT_FINISH, write_nothing},
    {"announces-more-stored", AT_FINISH, announce_more_stored},
    {"announces-a-wrong-folder", AT_FINISH, announce_wrong_folder},
    {"announces-no-archive", AT_FINISH, announce_nothing},
    {"announces-another-name", AT_FINISH, announce_another_name},
    {"announces-two-archives", AT_FINISH, announce_two_archives},
    {"announces-a-full-file", AT_FINISH, announce_full_file},
    {"leaves-an-empty-file", AT_FINISH, write_nothing},
    {"leaves-a-hole", AT_FINISH, write_a_hole},
    {"leaves-mere-room", AT_FINISH, write_room},
    {"leaves-zeros", AT_FINISH, write_zeros},
    {"leaves-one-byte", AT_FINISH, write_a_byte},
    {"announces-what-it-read", AT_FINISH, announce_full_file},
    {"leaves-deep-closed-dirs", AT_DATA, leave_deep_closed_and_die},
    {"leaves-bytes", AT_FINISH, leave_bytes},
    {"leaves-bytes-and-dies", AT_DATA, leave_bytes_and_die},
    {"leaves-another-accent", AT_FINISH, leave_another_accent},
    {"forges-a-line", AT_FINISH, forge_a_line},
    {"breathes", AT_FINISH, breathe},
    {"grows-for-ever", AT_FINISH, grow_for_ever},
    {"writes-for-ever", AT_FINISH, write_for_ever},
    {"sets-reserved", AT_DATA, set_reserved},
    {"doubles-progress", AT_DATA, double_progress},
    {"acknowledges-unasked", AT_DATA, acknowledge_unasked},
    {"cuts-its-pipe", AT_FINISH, cut_its_pipe},
    {"true-receipt", AT_FINISH, true_receipt},
    {"false-receipt", AT_FINISH, false_receipt},
    {"no-receipt", AT_FINISH, leave_proper_file},
    {"receipt-is-a-dir", AT_FINISH, receipt_is_a_directory},
    {"endless-receipt", AT_FINISH, endless_receipt},
    {"fails-after-finished", AFTER_FINISHED, exit_one},
    {"talks", AT_FINISH, talk},
    {"chatters", AT_FINISH, chatter},
    {"speaks-at-once", AT_START, speak_at_once},
    {"speaks-at-once", AT_FINISH, leave_proper_file},
    {"explains-its-error", AT_DATA, explain_its_error},
    {"lingers", AFTER_FINISHED, sleep_for_ever},
    {"ignores-abort", AT_DATA, go_on},
    {"ignores-abort", AT_ABORT, go_on},
    {"ignores-abort", AT_END, sleep_for_ever},
};

int misbehave(const char *name, enum point point, const struct frame *frame) {
  for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++)
    if (tricks[i].point == point && tricks[i].act && strcmp(tricks[i].name, name) == 0)
      return tricks[i].act(frame);
  return 0;
}
