#pragma once

#include "wire.h"

/// Tricks with what stands in the directory at the end, the receipt included.

/// Sends FINISHED with every file and directory that stands in the output directory.
void announce_what_is_there(void);

int leave_symlink(const struct frame *frame);
int leave_hard_link(const struct frame *frame);
int leave_fifo(const struct frame *frame);
int leave_setuid(const struct frame *frame);
int leave_closed_file(const struct frame *frame);
int leave_closed_directory(const struct frame *frame);
int leave_closed_directory_and_die(const struct frame *frame);
int leave_deep_directories(const struct frame *frame);
int litter(const struct frame *frame);
int leave_without_a_word(const struct frame *frame);
int announce_elsewhere(const struct frame *frame);
int announce_ghost(const struct frame *frame);
int announce_wrong_length(const struct frame *frame);
int true_receipt(const struct frame *frame);
int false_receipt(const struct frame *frame);
int receipt_is_a_directory(const struct frame *frame);
int endless_receipt(const struct frame *frame);
