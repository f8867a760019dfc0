#pragma once

#include "wire.h"

/// Where in its life a plugin misbehaves.
enum point {
  AT_START,         // before anything was read or written
  AT_HELLO,         // HELLO has come; returning true: no proper HELLO_ACK is sent
  AFTER_HELLO_ACK,
  AT_JOB,           // JOB has come; returning true: no JOB_ACK is sent
  AFTER_JOB_ACK,
  AT_DATA,          // each DATA; returning true: it is not released
  AT_FINISH,        // FINISH has come; returning true: no FINISHED is sent
  AFTER_FINISHED,
  AT_ABORT,         // ABORT has come; returning true: no ABORTED is sent, and the life goes on
  AT_END,           // the input has ended
};

/// Does what the trick of that name does at that point; returns whether the usual is left out.
int misbehave(const char *name, enum point point, const struct frame *frame);

/// The digest the host gave in the last CLOSE, in hexadecimal.
extern char last_digest[65];
/// The JOB's text.
extern char job_text[];
