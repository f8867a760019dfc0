#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

// Linux 6.3; the headers of Debian 12 do not know them.
enum { SET_MDWE = 65, MDWE_REFUSE_EXEC_GAIN = 1 };

static int call(long result) { return result < 0 ? -errno : 0; }

int take_identity(struct setup *setup) {
  const struct launch_header *header = setup->plan->header;
  // Capabilities must survive the change: the mounts come after it. Without CAP_SETPCAP there are
  // none to keep.
  int result = call(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
  if (result < 0 && result != -EPERM) return result;
  uid_t user = header->user;
  gid_t group = header->group;
  int is_own = user != UINT32_MAX && setup->layers & LAUNCH_LAYER_OWN_USER;
  // EPERM: an ordinary user's namespace may not call it, its groups stay.
  if (setgroups(0, NULL) < 0 && errno != EPERM) return -errno;
  if (!is_own) return 0;
  result = call(syscall(SYS_setresgid, group, group, group));
  return result < 0 ? result : call(syscall(SYS_setresuid, user, user, user));
}

// Root in a container may have few capabilities, or none.
static uint64_t permitted_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return 0;
  return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

int set_capabilities(uint64_t kept, uint64_t inheritable) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  kept &= permitted_capabilities();
  inheritable &= kept;
  for (int i = 0; i < 2; i++) {
    data[i].effective = data[i].permitted = (uint32_t)(kept >> 32 * i);
    data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
  }
  return call(syscall(SYS_capset, &header, data));
}

static int drop_bounding(uint64_t kept) {
  for (int capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) < 0) break;
    if (kept >> capability & 1) continue;
    // EPERM: no CAP_SETPCAP; no_new_privs then keeps the bounding set from mattering.
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM) return -errno;
  }
  return 0;
}

static int raise_ambient(uint64_t kept) {
  for (int capability = 0; capability < 64; capability++)
    if (kept >> capability & 1 &&
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
      return -errno;
  return 0;
}

int drop_capabilities(struct setup *setup) {
  // Only root has one to keep; it reaches the plugin through the ambient set.
  uint64_t kept = geteuid() == 0 ? setup->plan->header->capabilities : 0;
  kept &= permitted_capabilities();
  int result = drop_bounding(kept);
  if (result < 0) return result;
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
  uint64_t setpcap = 1ULL << CAP_SETPCAP;
  result = set_capabilities(kept | setpcap, kept);
  if (result == 0) result = raise_ambient(kept);
  if (result < 0 && result != -EPERM) return result;
  // From here on user id 0 means nothing: no capability comes back with an exec.
  unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                       SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                       SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
  result = call(prctl(PR_SET_SECUREBITS, bits, 0, 0, 0));
  if (result < 0 && result != -EPERM) return result;
  return set_capabilities(kept, kept);
}

int set_no_new_privileges(struct setup *setup) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
  setup->layers |= LAUNCH_LAYER_NO_NEW_PRIVILEGES;
  return 0;
}

// RLIMIT_NPROC counts every thread of the user, on the whole machine but for user namespaces: an
// ordinary user who has many would be left none.
static int counts_others(const struct setup *setup, uint32_t resource) {
  return resource == RLIMIT_NPROC && !(setup->namespaces & LAUNCH_LAYER_USER_NAMESPACE) &&
         !(setup->plan->header->wanted & LAUNCH_LAYER_OWN_USER);
}

static int set_limit(const struct launch_limit *limit) {
  struct rlimit old;
  if (getrlimit((int)limit->resource, &old) < 0) return -errno;
  rlim_t value = limit->value < old.rlim_max ? limit->value : old.rlim_max;
  return call(setrlimit((int)limit->resource, &(struct rlimit){value, value}));
}

int set_limits(struct setup *setup) {
  for (uint32_t i = 0; i < setup->plan->header->limit_count; i++) {
    const struct launch_limit *limit = &setup->plan->limits[i];
    int result = counts_others(setup, limit->resource) ? 0 : set_limit(limit);
    if (result < 0) return result;
  }
  setup->layers |= LAUNCH_LAYER_LIMITS;
  return 0;
}

int refuse_exec_gain(struct setup *setup) {
  uint32_t flags = setup->plan->header->flags;
  if (!(flags & LAUNCH_REFUSE_EXEC_GAIN) || flags & LAUNCH_WITHOUT_MDWE) return 0;
  if (prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0)
    setup->layers |= LAUNCH_LAYER_REFUSE_EXEC_GAIN;
  else if (errno != EINVAL)
    return -errno;
  return 0;
}
