#include "CHashing.h"

#if defined(__x86_64__)

#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

struct chashing_lanes {
  IMB_MGR *manager;
};

struct chashing_lanes *chashing_lanes_create(void) {
  struct chashing_lanes *lanes = malloc(sizeof *lanes);
  if (!lanes) return NULL;
  lanes->manager = alloc_mb_mgr(0);
  if (lanes->manager) {
    // The widest code that this processor has.
    init_mb_mgr_auto(lanes->manager, NULL);
    if (imb_get_errno(lanes->manager) == 0) return lanes;
    free_mb_mgr(lanes->manager);
  }
  free(lanes);
  return NULL;
}

static void describe(IMB_JOB *job, const uint8_t *bytes, size_t count, uint8_t *digest) {
  memset(job, 0, sizeof *job);
  job->cipher_mode = IMB_CIPHER_NULL;
  job->cipher_direction = IMB_DIR_ENCRYPT;
  job->chain_order = IMB_ORDER_HASH_CIPHER;
  job->hash_alg = IMB_AUTH_SHA_256;
  job->src = bytes;
  job->msg_len_to_hash_in_bytes = count;
  job->auth_tag_output = digest;
  job->auth_tag_output_len_in_bytes = CHASHING_DIGEST_BYTES;
}

int chashing_lanes_hash(struct chashing_lanes *lanes, const uint8_t *bytes, size_t count,
                        size_t message_bytes, uint8_t *digests) {
  IMB_MGR *manager = lanes->manager;
  size_t submitted = 0, completed = 0;
  for (size_t start = 0; start < count; start += message_bytes, submitted++) {
    size_t length = count - start < message_bytes ? count - start : message_bytes;
    IMB_JOB *job = IMB_GET_NEXT_JOB(manager);
    describe(job, bytes + start, length, digests + submitted * CHASHING_DIGEST_BYTES);
    // A job comes back once all lanes are busy, and more may have ended with it.
    for (job = IMB_SUBMIT_JOB(manager); job; job = IMB_GET_COMPLETED_JOB(manager))
      completed += job->status == IMB_STATUS_COMPLETED;
  }
  for (IMB_JOB *job = IMB_FLUSH_JOB(manager); job; job = IMB_FLUSH_JOB(manager))
    completed += job->status == IMB_STATUS_COMPLETED;
  return completed == submitted ? 0 : -1;
}

void chashing_lanes_end(struct chashing_lanes *lanes) {
  free_mb_mgr(lanes->manager);
  free(lanes);
}

#else

struct chashing_lanes *chashing_lanes_create(void) { return NULL; }

int chashing_lanes_hash(struct chashing_lanes *lanes, const uint8_t *bytes, size_t count,
                        size_t message_bytes, uint8_t *digests) {
  (void)lanes, (void)bytes, (void)count, (void)message_bytes, (void)digests;
  return -1;
}

void chashing_lanes_end(struct chashing_lanes *lanes) { (void)lanes; }

#endif
