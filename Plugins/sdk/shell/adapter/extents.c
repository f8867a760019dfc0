/* Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0 */

#include "adapter.h"

#include <inttypes.h>
#include <stdlib.h>

uint64_t least_gap(uint64_t size) {
  uint64_t part = size / EXTENTS_MAX;
  return (part / SLUICE_CLUSTER_BYTES + 1) * SLUICE_CLUSTER_BYTES;
}

int extents_add(struct extents *extents, uint64_t start, uint64_t end) {
  if (!extents->list) extents->list = calloc(EXTENTS_MAX, sizeof *extents->list);
  if (!extents->list) return sluice_fail(SLUICE_E_INTERNAL, "no memory for the map of a disk");
  extent *last = extents->count ? extents->list + extents->count - 1 : NULL;
  if (last && last->end == start) {
    last->end = end;
    return 0;
  }
  if (extents->count == EXTENTS_MAX)
    return sluice_fail(SLUICE_E_LIMIT, "the map of a disk has more than %d parts", EXTENTS_MAX);
  extents->list[extents->count++] = (extent){start, end};
  return 0;
}

void extents_put(sluice_text *text, const struct extents *extents) {
  for (size_t place = 0; place < extents->count; place++) {
    const extent *each = extents->list + place;
    sluice_put(text, "%" PRIu64 " %" PRIu64 "\n", each->start, each->end - each->start);
  }
}

/* Digits, at most as many as a size has, and what follows them. */
static int take_number(const char **text, char behind, uint64_t *value) {
  int digits = 0;
  *value = 0;
  for (; **text >= '0' && **text <= '9'; (*text)++) {
    if (++digits > 16) return -1;
    *value = *value * 10 + (uint64_t)(**text - '0');
  }
  if (!digits || **text != behind) return -1;
  (*text)++;
  return 0;
}

int extents_parse(struct extents *extents, const char *text, uint64_t size) {
  uint64_t start, length, least = 0;
  extents->count = 0;
  while (*text) {
    if (take_number(&text, ' ', &start) || take_number(&text, '\n', &length)) return -1;
    if (start < least || start > size || !length || length > size - start) return -1;
    uint64_t end = start + length;
    if (start % SLUICE_CLUSTER_BYTES || (end % SLUICE_CLUSTER_BYTES && end != size)) return -1;
    if (extents_add(extents, start, end)) return -1;
    least = end;
  }
  return 0;
}
