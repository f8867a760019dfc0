#pragma once

/// SHA-256 of many messages at once, by the multi-buffer code of intel-ipsec-mb.
///
/// libcrypto hashes one message after the other, and each round of one message waits for the round
/// before it. Messages that know nothing of each other fill these waits: two at once with the SHA
/// extensions, sixteen with AVX-512. docs/decisions/0016 has the measurement.

#include <stddef.h>
#include <stdint.h>

/// Bytes of the longest message; the library's own limit is just above it.
enum { CHASHING_MESSAGE_BYTES_MAX = 1 << 15, CHASHING_DIGEST_BYTES = 32 };

/// What one thread hashes with.
struct chashing_lanes;

/// New lanes, or null where this processor or this architecture has none: use libcrypto.
struct chashing_lanes *_Nullable chashing_lanes_create(void);

/// Hashes `count` bytes cut into messages of `message_bytes` (1…CHASHING_MESSAGE_BYTES_MAX; the
/// last one as short as it is), and writes their 32-byte digests one behind the other.
/// Returns 0, or -1 if the library refuses: digests are undefined then.
int chashing_lanes_hash(struct chashing_lanes *_Nonnull lanes, const uint8_t *_Nonnull bytes,
                        size_t count, size_t message_bytes, uint8_t *_Nonnull digests);

/// Ends lanes.
void chashing_lanes_end(struct chashing_lanes *_Nonnull lanes);
