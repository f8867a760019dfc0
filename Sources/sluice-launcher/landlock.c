#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

// linux/landlock.h of Debian 12 ends at ABI 2, so its numbers stand here.
enum {
  EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3,
  REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8,
  ABI_1 = (1 << 13) - 1,
  REFER = 1 << 13,      // ABI 2
  TRUNCATE = 1 << 14,   // ABI 3
  IOCTL_DEV = 1 << 15,  // ABI 5
};
enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };               // ABI 4
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 };  // ABI 6
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

struct ruleset_attributes {
  uint64_t files, net, scoped;
};
struct path_attributes {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

static int ruleset_version(void) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
  return version < 0 ? 0 : (int)version;
}

static uint64_t handled_files(int version) {
  uint64_t files = ABI_1;
  if (version >= 2) files |= REFER;
  if (version >= 3) files |= TRUNCATE;
  if (version >= 5) files |= IOCTL_DEV;
  return files;
}

static int create_ruleset(int version) {
  struct ruleset_attributes attributes = {.files = handled_files(version)};
  size_t size = sizeof attributes.files;
  if (version >= 4) attributes.net = NET_BIND_TCP | NET_CONNECT_TCP, size = 16;
  if (version >= 6) attributes.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL, size = 24;
  long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
  return ruleset < 0 ? -errno : (int)ruleset;
}

static uint64_t allowed_files(uint32_t rights, int is_directory) {
  uint64_t allowed = 0;
  if (rights & LAUNCH_PATH_READ) allowed |= READ_FILE | READ_DIR;
  if (rights & LAUNCH_PATH_EXECUTE) allowed |= EXECUTE | READ_FILE;
  // Of all that can be made in a directory: files and directories, no device, no link, no socket.
  if (rights & LAUNCH_PATH_WRITE)
    allowed |= WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR | REFER;
  if (rights & LAUNCH_PATH_DEVICE) allowed |= IOCTL_DEV;
  uint64_t of_files = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
  return is_directory ? allowed : allowed & of_files;
}

static int add_rule(int ruleset, int version, int descriptor, uint32_t rights) {
  struct stat status;
  if (fstat(descriptor, &status) < 0) return -errno;
  // A pipe, a socket or a memory file has no path to rule over.
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISBLK(status.st_mode) &&
      !S_ISCHR(status.st_mode))
    return 0;
  struct path_attributes rule = {
      .allowed = allowed_files(rights, S_ISDIR(status.st_mode)) & handled_files(version),
      .parent = descriptor};
  if (rule.allowed == 0) return 0;
  return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

static int add_proc(int ruleset, int version) {
  int proc = open("/proc", O_PATH | O_CLOEXEC);
  if (proc < 0) return -errno;
  int result = add_rule(ruleset, version, proc, LAUNCH_PATH_READ);
  close(proc);
  return result;
}

static int add_rules(struct setup *setup, int ruleset, int version) {
  const struct plan *plan = setup->plan;
  int result = add_rule(ruleset, version, LAUNCH_FD_EXECUTABLE, LAUNCH_PATH_EXECUTE);
  for (uint32_t i = 0; result == 0 && i < plan->header->path_count; i++)
    if (plan->path_descriptors[i] >= 0)
      result = add_rule(ruleset, version, plan->path_descriptors[i], plan->paths[i].rights);
  // Only a procfs of the plugin's own: the host's stays closed.
  uint32_t own = LAUNCH_NEW_ROOT | LAUNCH_PRIVATE_PROC;
  if (result == 0 && setup->layers & LAUNCH_LAYER_MOUNT_NAMESPACE &&
      (plan->header->flags & own) == own)
    result = add_proc(ruleset, version);
  return result;
}

int restrict_with_landlock(struct setup *setup) {
  int version = ruleset_version();
  if (setup->plan->header->flags & LAUNCH_WITHOUT_LANDLOCK) version = 0;
  if (version == 0) return 0;
  int ruleset = create_ruleset(version);
  if (ruleset < 0) return ruleset;
  int result = add_rules(setup, ruleset, version);
  if (result == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) result = -errno;
  close(ruleset);
  if (result < 0) return result;
  setup->landlock_version = (uint32_t)version;
  setup->layers |= LAUNCH_LAYER_LANDLOCK;
  if (version >= 3) setup->layers |= LAUNCH_LAYER_LANDLOCK_TRUNCATE;
  if (version >= 4) setup->layers |= LAUNCH_LAYER_LANDLOCK_NETWORK;
  if (version >= 6) setup->layers |= LAUNCH_LAYER_LANDLOCK_SCOPES;
  return 0;
}
