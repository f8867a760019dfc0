#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

// <sys/mount.h> and <linux/mount.h> cannot be included together everywhere: raw calls, and the few
// constants of mount(2) and umount2(2).
enum { MS_RDONLY_ = 1, MS_NOSUID_ = 2, MS_NODEV_ = 4, MS_NOEXEC_ = 8, MS_REC_ = 1 << 14,
       MS_PRIVATE_ = 1 << 18, MNT_DETACH_ = 2, AT_RECURSIVE_ = 0x8000 };

static int call(long result) { return result < 0 ? -errno : (int)result; }

static int mount_(const char *type, const char *target, unsigned long flags, const char *options) {
  return call(syscall(SYS_mount, type, target, type, flags, options));
}

static int open_tree_(int directory, const char *path, unsigned int flags) {
  return call(syscall(SYS_open_tree, directory, path,
                      flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE_));
}

static int set_attributes(int tree, const char *path, unsigned int flags, uint64_t attributes) {
  struct mount_attr attr = {.attr_set = attributes};
  return call(syscall(SYS_mount_setattr, tree, path, flags, &attr, sizeof attr));
}

static int move_mount_(int tree, const char *target) {
  return call(syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH));
}

static int open_path(const struct launch_path *path, const char *name) {
  if (path->descriptor != UINT32_MAX) return (int)path->descriptor;
  int descriptor = open(name, O_PATH | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  int is_absent = errno == ENOENT || errno == ENOTDIR;
  return is_absent && path->flags & LAUNCH_PATH_OPTIONAL ? -1 : -errno - 1;
}

int open_paths(struct plan *plan) {
  for (uint32_t i = 0; i < plan->header->path_count; i++) {
    int descriptor = open_path(&plan->paths[i], plan->path_names[i]);
    if (descriptor < -1) return descriptor + 1;
    if (descriptor >= 0 && fcntl(descriptor, F_GETFD) < 0) return -errno;
    plan->path_descriptors[i] = descriptor;
    plan->trees[i] = -1;
  }
  return 0;
}

static uint64_t tree_attributes(const struct launch_path *path) {
  uint64_t attributes = MOUNT_ATTR_NOSUID;
  if (!(path->rights & LAUNCH_PATH_DEVICE)) attributes |= MOUNT_ATTR_NODEV;
  if (path->flags & LAUNCH_PATH_REROOT) attributes |= MOUNT_ATTR_NOSYMFOLLOW;
  if (!(path->rights & (LAUNCH_PATH_EXECUTE | LAUNCH_PATH_MAP))) attributes |= MOUNT_ATTR_NOEXEC;
  if (!(path->rights & LAUNCH_PATH_WRITE)) attributes |= MOUNT_ATTR_RDONLY;
  return attributes;
}

static int restrict_tree(int tree, const struct launch_path *path) {
  int result = set_attributes(tree, "", AT_EMPTY_PATH | AT_RECURSIVE_, tree_attributes(path));
  if (result == 0) return tree;
  close(tree);
  return result;
}

// An inherited directory would walk ".." up to the host's root even out of a mount namespace. As
// the top of a mount of its own, its ".." is itself. The mount is nowhere: it lives as long as the
// descriptor.
static int reroot(struct plan *plan, uint32_t index) {
  int top = openat(plan->trees[index], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return -errno;
  int result = call(dup3(top, plan->path_descriptors[index], 0));
  close(top);
  return result < 0 ? result : 0;
}

static int needs_tree(const struct plan *plan, uint32_t index) {
  uint32_t flags = plan->paths[index].flags;
  int is_bound = flags & LAUNCH_PATH_BIND && plan->header->flags & LAUNCH_NEW_ROOT;
  return plan->path_descriptors[index] >= 0 && plan->trees[index] < 0 &&
         (is_bound || flags & LAUNCH_PATH_REROOT);
}

static int adopt_tree(struct plan *plan, uint32_t index, int tree) {
  tree = restrict_tree(tree, &plan->paths[index]);
  if (tree < 0) return tree;
  plan->trees[index] = tree;
  return plan->paths[index].flags & LAUNCH_PATH_REROOT ? reroot(plan, index) : 0;
}

int prepare_mounts(struct plan *plan) {
  for (uint32_t i = 0; i < plan->header->path_count; i++) {
    if (!needs_tree(plan, i)) continue;
    int tree = open_tree_(plan->path_descriptors[i], "", AT_EMPTY_PATH);
    if (tree == -EPERM || tree == -ENOSYS) return 0;  // not root: from inside, by name
    int result = tree < 0 ? tree : adopt_tree(plan, i, tree);
    if (result < 0) return result;
  }
  return 0;
}

// The descriptor belongs to the old mount namespace and cannot be cloned in the new one; its name
// can, and must then still lead to the same file.
static int clone_by_name(int descriptor) {
  char link[32], name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, name, sizeof name - 1);
  if (length < 0) return -errno;
  name[length] = 0;
  int tree = open_tree_(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW);
  if (tree < 0) return tree;
  struct stat old, new;
  if (fstat(descriptor, &old) == 0 && fstat(tree, &new) == 0 && old.st_dev == new.st_dev &&
      old.st_ino == new.st_ino)
    return tree;
  close(tree);
  return -ESTALE;
}

static int clone_missing_trees(struct plan *plan) {
  for (uint32_t i = 0; i < plan->header->path_count; i++) {
    if (!needs_tree(plan, i)) continue;
    int tree = clone_by_name(plan->path_descriptors[i]);
    int result = tree < 0 ? tree : adopt_tree(plan, i, tree);
    if (result < 0) return result;
  }
  return 0;
}

// Makes the directories above `name` (relative), and `name` itself to mount on.
static int make_place(char *name, int is_directory) {
  for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    int result = call(mkdir(name, 0755));
    *slash = '/';
    if (result < 0 && result != -EEXIST) return result;
  }
  if (is_directory) return mkdir(name, 0755) < 0 && errno != EEXIST ? -errno : 0;
  int file = open(name, O_CREAT | O_RDONLY | O_CLOEXEC, 0444);
  if (file < 0) return -errno;
  close(file);
  return 0;
}

static int bind_path(const struct plan *plan, uint32_t index) {
  char name[4096];
  struct stat status;
  if (fstat(plan->path_descriptors[index], &status) < 0) return -errno;
  int length = snprintf(name, sizeof name, "%s", plan->path_names[index] + 1);
  if (length >= (int)sizeof name) return -ENAMETOOLONG;
  // A path below one that is already bound is already visible.
  if (access(name, F_OK) == 0) return 0;
  int result = make_place(name, S_ISDIR(status.st_mode));
  return result < 0 ? result : move_mount_(plan->trees[index], name);
}

static int make_empty_root(void) {
  int context = call(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
  if (context < 0) return context;
  int result = call(syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "size", "64k", 0));
  if (result == 0)
    result = call(syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0));
  if (result == 0)
    result = call(syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
  int root = result < 0 ? result : call(syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0));
  close(context);
  return root;
}

static int mount_private_proc(void) {
  int result = make_place((char[]){"proc"}, 1);
  if (result < 0) return result;
  return mount_("proc", "proc", MS_RDONLY_ | MS_NOSUID_ | MS_NODEV_ | MS_NOEXEC_,
                "subset=pid,hidepid=invisible");
}

static int enter_root(void) {
  int result = set_attributes(AT_FDCWD, ".", 0,
                              MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                  MOUNT_ATTR_NOEXEC);
  if (result == 0) result = call(syscall(SYS_pivot_root, ".", "."));
  if (result == 0) result = call(syscall(SYS_umount2, ".", MNT_DETACH_));
  return result == 0 ? call(chdir("/")) : result;
}

int build_filesystem(struct setup *setup) {
  struct plan *plan = setup->plan;
  if (!(setup->namespaces & LAUNCH_LAYER_MOUNT_NAMESPACE)) return 0;
  int result = call(syscall(SYS_mount, NULL, "/", NULL, MS_REC_ | MS_PRIVATE_, NULL));
  if (result == 0) result = clone_missing_trees(plan);
  if (result < 0) return result;
  if (plan->header->flags & LAUNCH_NEW_ROOT) {
    int root = make_empty_root();
    // The old /proc is a directory that surely exists, and is not needed from here on.
    result = root < 0 ? root : move_mount_(root, "/proc");
    if (result == 0) result = call(chdir("/proc"));
    for (uint32_t i = 0; result == 0 && i < plan->header->path_count; i++)
      if (plan->trees[i] >= 0 && plan->paths[i].flags & LAUNCH_PATH_BIND)
        result = bind_path(plan, i);
    if (result == 0 && plan->header->flags & LAUNCH_PRIVATE_PROC) result = mount_private_proc();
    if (result == 0) result = enter_root();
    if (result < 0) return result;
  }
  setup->layers |= LAUNCH_LAYER_MOUNT_NAMESPACE;
  return 0;
}
