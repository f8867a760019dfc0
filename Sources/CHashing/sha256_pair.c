#include "CHashing.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))
// The state stays in registers from block to block only if nothing of the loop is a call.
#define INLINE_WITH_SHA __attribute__((target("sha,sse4.1"), always_inline)) static inline

enum { LANES = 2, GROUPS = 16 };

// FIPS 180-4, 4.2.2 and 5.3.3.
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// The state as the instructions want it: words A B E F in one register, C D G H in the other.
struct state {
  __m128i abef, cdgh;
};

INLINE_WITH_SHA __m128i byte_order(void) {
  return _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
}

INLINE_WITH_SHA struct state load_initial(void) {
  __m128i low = _mm_loadu_si128((const __m128i *)initial);
  __m128i high = _mm_loadu_si128((const __m128i *)(initial + 4));
  low = _mm_shuffle_epi32(low, 0xB1);
  high = _mm_shuffle_epi32(high, 0x1B);
  return (struct state){_mm_alignr_epi8(low, high, 8), _mm_blend_epi16(high, low, 0xF0)};
}

INLINE_WITH_SHA void store_digest(struct state state, uint8_t *digest) {
  __m128i low = _mm_shuffle_epi32(state.abef, 0x1B);
  __m128i high = _mm_shuffle_epi32(state.cdgh, 0xB1);
  __m128i first = _mm_blend_epi16(low, high, 0xF0), second = _mm_alignr_epi8(high, low, 8);
  _mm_storeu_si128((__m128i *)digest, _mm_shuffle_epi8(first, byte_order()));
  _mm_storeu_si128((__m128i *)(digest + 16), _mm_shuffle_epi8(second, byte_order()));
}

// Four rounds of one message, and what the message schedule of later groups needs of this one.
INLINE_WITH_SHA void four_rounds(struct state *state, __m128i *words, int group) {
  __m128i *here = &words[group & 3], *next = &words[(group + 1) & 3];
  __m128i *last = &words[(group + 3) & 3];
  __m128i sum = _mm_add_epi32(*here, _mm_load_si128((const __m128i *)&constants[4 * group]));
  state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
  if (group >= 3 && group < GROUPS - 1) {
    *next = _mm_add_epi32(*next, _mm_alignr_epi8(*here, *last, 4));
    *next = _mm_sha256msg2_epu32(*next, *here);
  }
  state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0E));
  if (group >= 1 && group < GROUPS - 3) *last = _mm_sha256msg1_epu32(*last, *here);
}

// One block of each message; the two chains of rounds are independent, which is the whole point.
INLINE_WITH_SHA void compress(struct state states[LANES], const uint8_t *const blocks[LANES]) {
  __m128i words[LANES][4];
  struct state before[LANES];
#pragma clang loop unroll(full)
  for (int lane = 0; lane < LANES; lane++) {
    before[lane] = states[lane];
    for (int i = 0; i < 4; i++) {
      __m128i bytes = _mm_loadu_si128((const __m128i *)(blocks[lane] + 16 * i));
      words[lane][i] = _mm_shuffle_epi8(bytes, byte_order());
    }
  }
#pragma clang loop unroll(full)
  for (int group = 0; group < GROUPS; group++) {
    four_rounds(&states[0], words[0], group);
    four_rounds(&states[1], words[1], group);
  }
#pragma clang loop unroll(full)
  for (int lane = 0; lane < LANES; lane++) {
    states[lane].abef = _mm_add_epi32(states[lane].abef, before[lane].abef);
    states[lane].cdgh = _mm_add_epi32(states[lane].cdgh, before[lane].cdgh);
  }
}

// The block behind a message of whole blocks: a one bit, zeros, the length in bits.
static void make_padding(size_t block_count, uint8_t padding[CHASHING_BLOCK_BYTES]) {
  memset(padding, 0, CHASHING_BLOCK_BYTES);
  padding[0] = 0x80;
  uint64_t bits = (uint64_t)block_count * CHASHING_BLOCK_BYTES * 8;
  for (int i = 0; i < 8; i++) padding[CHASHING_BLOCK_BYTES - 1 - i] = (uint8_t)(bits >> (8 * i));
}

WITH_SHA void chashing_sha256_pair(const uint8_t *const messages[2], size_t block_count,
                                   uint8_t *const digests[2]) {
  struct state states[LANES] = {load_initial(), load_initial()};
  const uint8_t *blocks[LANES] = {messages[0], messages[1]};
  for (size_t i = 0; i < block_count; i++) {
    compress(states, blocks);
    blocks[0] += CHASHING_BLOCK_BYTES;
    blocks[1] += CHASHING_BLOCK_BYTES;
  }
  uint8_t padding[CHASHING_BLOCK_BYTES];
  make_padding(block_count, padding);
  compress(states, (const uint8_t *const[LANES]){padding, padding});
  store_digest(states[0], digests[0]);
  store_digest(states[1], digests[1]);
}

int chashing_has_pairs(void) {
  unsigned int a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  return b & (1U << 29) ? 1 : 0;  // SHA extensions
}

#else

int chashing_has_pairs(void) { return 0; }

void chashing_sha256_pair(const uint8_t *const messages[2], size_t block_count,
                          uint8_t *const digests[2]) {
  (void)messages, (void)block_count, (void)digests;
  __builtin_trap();
}

#endif
