#pragma once

#include "tricks.h"

/// The archive that every reader here pretends to have: one disk `d` of 4 MiB whose first 64 KiB
/// are letters.
enum { DISK_BYTES = 4 << 20, CLUSTER_BYTES = 64 << 10 };

/// Whether the job is to read.
int is_reading(void);
/// Says what is in the archive.
void accept_reading(void);
/// Answers a READ as it should be.
void read_well(uint32_t request);

/// Does what the reader's trick of that name does in place of `read_well`; false if it has none.
int misread(const char *name, uint32_t request);
/// The same for `accept_reading`.
int misaccept(const char *name);
