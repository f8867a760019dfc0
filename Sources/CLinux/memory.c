#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

_Static_assert(CLINUX_SEAL_SEAL == F_SEAL_SEAL, "seal values are the kernel's");
_Static_assert(CLINUX_SEAL_SHRINK == F_SEAL_SHRINK, "seal values are the kernel's");
_Static_assert(CLINUX_SEAL_GROW == F_SEAL_GROW, "seal values are the kernel's");

int clinux_memfd_create(const char *name) {
  // Kernels before 6.3 do not know MFD_NOEXEC_SEAL.
  int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x0008U);
  if (descriptor < 0 && errno == EINVAL)
    descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return descriptor < 0 ? -errno : descriptor;
}

int clinux_add_seals(int descriptor, int seals) {
  return fcntl(descriptor, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

int clinux_get_seals(int descriptor) {
  int seals = fcntl(descriptor, F_GET_SEALS);
  return seals < 0 ? -errno : seals;
}

int clinux_map_shared(int descriptor, size_t length, int writable, void **address) {
  int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *mapped = mmap(NULL, length, protection, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) return -errno;
  *address = mapped;
  return 0;
}

int clinux_unmap(void *address, size_t length) {
  return munmap(address, length) < 0 ? -errno : 0;
}
