#include "talk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "leftovers.h"

static void say(int channel, const char *text) {
  if (write(channel, text, strlen(text)) < 0) _exit(4);
}

static void log_line(unsigned char level, const char *text) {
  unsigned char frame[256] = {level};
  size_t length = strlen(text);
  memcpy(frame + 4, text, length);
  send_frame(LOG, 0, frame, (uint32_t)(4 + length));
}

int talk(const struct frame *frame) {
  static const char *lines[] = {"looks", "opens", "has\x1b[31m turned", "wavers", "stumbles"};
  for (unsigned char level = 0; level < 5; level++) log_line(level, lines[level]);
  say(1, "on the first\n\nchannel\n");
  say(2, "on the second \x1b[2J");
  say(2, "channel");
  return leave_proper_file(frame);
}

int chatter(const struct frame *frame) {
  char text[32];
  for (int i = 0; i < 5000; i++) {
    snprintf(text, sizeof text, "line %d", i);
    log_line(0, text);
  }
  return leave_proper_file(frame);
}

int speak_at_once(const struct frame *frame) {
  (void)frame;
  say(2, "here I am\n");
  return 0;
}

int explain_its_error(const struct frame *frame) {
  static const char text[] = "{\"message\":\"the tape has come off\","
                             "\"detail\":\"reel 2\\nat 7 m\"}";
  unsigned char error[256] = {16, 0, 0, 0, 1};
  (void)frame;
  memcpy(error + 16, text, sizeof text - 1);
  send_frame(ERROR, 0, error, 16 + sizeof text - 1);
  _exit(1);
}
