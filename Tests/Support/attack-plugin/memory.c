#include "attacks.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int mapped(void *address) { return address == MAP_FAILED ? errno : SUCCEEDED; }
static void *anonymous(size_t bytes, int protection, int flags) {
  return mmap(NULL, bytes, protection, MAP_ANONYMOUS | flags, -1, 0);
}

// Code that was not in the executable.
static int map_writable_code(void) {
  return mapped(anonymous(4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE));
}
static int make_code(void) {
  void *page = anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  if (page == MAP_FAILED) return errno;
  return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
static int map_pool_as_code(void) {
  return mapped(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, POOL, 0));
}
static int map_output_as_code(void) {
  int file = make_output("code");
  if (file < 0 || ftruncate(file, 4096) < 0) return errno;
  return mapped(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0));
}
static int make_pool_code(void) {
  void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, POOL, 0);
  return page == MAP_FAILED ? errno : outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
static int make_code_by_key(void) {
  void *page = anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  if (page == MAP_FAILED) return errno;
  return outcome(syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1));
}
static const char constant[] = "constant";
static int change_own_code(void) {
  int file = open("/proc/self/mem", O_RDWR);
  if (file < 0) return errno;
  return outcome(pwrite(file, "x", 1, (off_t)(uintptr_t)constant));
}

// More than its share.
static int take_private_memory(void) {
  return mapped(anonymous(3UL << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE));
}
static int take_shared_memory(void) {
  return mapped(anonymous(3UL << 30, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE));
}
static int lock_memory(void) {
  void *pages = anonymous(1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  return pages == MAP_FAILED ? errno : outcome(mlock(pages, 1 << 20));
}
static int lock_memory_by_map(void) {
  return mapped(anonymous(1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED));
}
static int lock_all_memory(void) { return outcome(mlockall(MCL_CURRENT)); }
static int make_memory_file(void) {
  return outcome(syscall(SYS_memfd_create, "attack", 0));
}
static int make_secret_memory(void) {
  long file = syscall(SYS_memfd_secret, 0);
  return file < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(file);
}
// Pages that KSM merges with a guest's are slower to write to: that tells what the guest holds.
static int merge_memory(void) {
  void *page = anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  if (page == MAP_FAILED) return errno;
  if (madvise(page, 4096, MADV_MERGEABLE) == 0) return SUCCEEDED;
  return errno == EINVAL ? NOT_REACHABLE : errno;
}
static int share_by_sysv(void) {
  int segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  if (segment < 0) return errno;
  shmctl(segment, IPC_RMID, NULL);
  return SUCCEEDED;
}
static int queue_by_sysv(void) {
  int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  if (queue < 0) return errno;
  msgctl(queue, IPC_RMID, NULL);
  return SUCCEEDED;
}
static int semaphore_by_sysv(void) {
  int set = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  if (set < 0) return errno;
  semctl(set, 0, IPC_RMID);
  return SUCCEEDED;
}
static int queue_by_posix(void) {
  long queue = syscall(SYS_mq_open, "sluice-attack", O_CREAT | O_RDWR, 0600, NULL);
  if (queue < 0) return errno == ENOSYS ? NOT_REACHABLE : errno;
  syscall(SYS_mq_unlink, "sluice-attack");
  return SUCCEEDED;
}

// The pool: shared with QEMU and the host, read-only for a plugin.
static int reopen_pool(void) { return open("/proc/self/fd/5", O_RDWR); }
static int write_pool(void) {
  int pool = reopen_pool();
  return pool < 0 ? errno : outcome(pwrite(pool, "x", 1, 0));
}
static int punch_pool(void) {
  int pool = reopen_pool();
  if (pool < 0) return errno;
  return outcome(fallocate(pool, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}
static int seal_pool(void) {
  int pool = reopen_pool();
  return pool < 0 ? errno : outcome(fcntl(pool, F_ADD_SEALS, F_SEAL_SEAL));
}
static int chmod_pool(void) { return outcome(fchmod(POOL, 0666)); }
static int chown_pool(void) { return outcome(fchown(POOL, geteuid(), -1)); }
static int map_pool_writable(void) {
  return mapped(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, POOL, 0));
}
static int make_pool_writable(void) {
  void *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, POOL, 0);
  return page == MAP_FAILED ? errno : outcome(mprotect(page, 4096, PROT_READ | PROT_WRITE));
}
static int shrink_pool(void) {
  int pool = reopen_pool();
  return pool < 0 ? errno : outcome(ftruncate(pool, 0));
}

const struct attack memory_attacks[] = {
    {"map-writable-code", map_writable_code}, {"make-code", make_code},
    {"map-pool-as-code", map_pool_as_code}, {"map-output-as-code", map_output_as_code},
    {"make-pool-code", make_pool_code}, {"make-code-by-key", make_code_by_key},
    {"change-own-code", change_own_code}, {"take-private-memory", take_private_memory},
    {"take-shared-memory", take_shared_memory}, {"lock-memory", lock_memory},
    {"lock-memory-by-map", lock_memory_by_map}, {"lock-all-memory", lock_all_memory},
    {"make-memory-file", make_memory_file}, {"make-secret-memory", make_secret_memory},
    {"merge-memory", merge_memory},
    {"share-by-sysv", share_by_sysv}, {"queue-by-sysv", queue_by_sysv},
    {"semaphore-by-sysv", semaphore_by_sysv}, {"queue-by-posix", queue_by_posix},
    {"write-pool", write_pool}, {"punch-pool", punch_pool}, {"seal-pool", seal_pool},
    {"chmod-pool", chmod_pool}, {"chown-pool", chown_pool},
    {"map-pool-writable", map_pool_writable}, {"make-pool-writable", make_pool_writable},
    {"shrink-pool", shrink_pool}, {NULL, NULL}};
