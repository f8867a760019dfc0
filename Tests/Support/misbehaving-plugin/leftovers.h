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
int leave_proper_file(const struct frame *frame);
int announce_nothing(const struct frame *frame);
int announce_more_stored(const struct frame *frame);
int announce_wrong_folder(const struct frame *frame);
int announce_another_name(const struct frame *frame);
int announce_two_archives(const struct frame *frame);
int announce_full_file(const struct frame *frame);
int write_nothing(const struct frame *frame);
int write_a_hole(const struct frame *frame);
int write_room(const struct frame *frame);
int write_zeros(const struct frame *frame);
int write_a_byte(const struct frame *frame);
int breathe(const struct frame *frame);
int grow_for_ever(const struct frame *frame);
int write_for_ever(const struct frame *frame);
int leave_deep_closed_and_die(const struct frame *frame);
int leave_bytes(const struct frame *frame);
int leave_bytes_and_die(const struct frame *frame);
int leave_another_accent(const struct frame *frame);
int cut_its_pipe(const struct frame *frame);
int true_receipt(const struct frame *frame);
int false_receipt(const struct frame *frame);
int receipt_is_a_directory(const struct frame *frame);
int endless_receipt(const struct frame *frame);
