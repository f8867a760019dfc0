#pragma once

/// SHA-256 of two messages at once, for processors with the SHA extensions.
///
/// libcrypto hashes one message after the other, and each round of one message waits for the round
/// before it. Two messages that know nothing of each other fill these waits: 1.8 times the speed on
/// the same core. docs/decisions/0009 has the measurement.

#include <stddef.h>
#include <stdint.h>

/// Bytes of a block; messages are whole blocks here.
enum { CHASHING_BLOCK_BYTES = 64, CHASHING_DIGEST_BYTES = 32 };

/// Whether this processor can do it (cpuid); if not, use libcrypto.
int chashing_has_pairs(void);

/// Hashes two messages of `block_count` blocks each, and writes their 32-byte digests.
/// Only where chashing_has_pairs() says so.
void chashing_sha256_pair(const uint8_t *_Nonnull const messages[_Nonnull 2], size_t block_count,
                          uint8_t *_Nonnull const digests[_Nonnull 2]);
