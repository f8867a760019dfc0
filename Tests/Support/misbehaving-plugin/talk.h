#pragma once

#include "wire.h"

// Tricks of plugins that talk about themselves.

/// Says a line of each level, and text on both channels, the last without an end; is good then.
int talk(const struct frame *frame);
/// Says 5000 lines at once; is good then.
int chatter(const struct frame *frame);
/// Says something before anything else.
int speak_at_once(const struct frame *frame);
/// Gives up with an error that has a detail of two lines.
int explain_its_error(const struct frame *frame);
