#include "attacks.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static int read_shadow(void) { return outcome(open("/etc/shadow", O_RDONLY)); }
static int read_passwd(void) { return outcome(open("/etc/passwd", O_RDONLY)); }
static int list_root(void) {
  DIR *root = opendir("/");
  if (root == NULL) return errno;
  for (struct dirent *entry; (entry = readdir(root));)
    if (strcmp(entry->d_name, "etc") == 0) return SUCCEEDED;
  return ENOENT;
}
static int open_device(void) { return outcome(open("/dev/zero", O_RDWR)); }
static int open_kernel_log(void) { return outcome(open("/dev/kmsg", O_RDONLY)); }
static int see_directory_name(void) {
  char name[4096];
  if (syscall(SYS_getcwd, name, sizeof name) < 0) return errno;
  return strcmp(name, "/") == 0 ? ENOENT : SUCCEEDED;
}
static int stat_secret(void) {
  struct stat status;
  return outcome(stat(outside("secret"), &status));
}
static int probe_secret(void) { return outcome(access(outside("secret"), F_OK)); }
static int read_secret(void) { return outcome(open(outside("secret"), O_RDONLY)); }
static int write_secret(void) { return outcome(open(outside("secret"), O_WRONLY)); }
static int truncate_secret(void) { return outcome(truncate(outside("secret"), 0)); }
static int chmod_secret(void) { return outcome(chmod(outside("secret"), 0666)); }
static int chown_secret(void) { return outcome(chown(outside("secret"), geteuid(), -1)); }
static int touch_secret(void) { return outcome(utimensat(AT_FDCWD, outside("secret"), NULL, 0)); }
static int remove_secret(void) { return outcome(unlink(outside("secret"))); }
static int make_outside(void) { return outcome(open(outside("made"), O_CREAT | O_WRONLY, 0600)); }
static int make_directory_outside(void) { return outcome(mkdir(outside("made"), 0700)); }
static int rename_secret(void) {
  char from[4096];
  strcpy(from, outside("secret"));
  return outcome(rename(from, outside("renamed")));
}
static int climb(void) { return outcome(openat(OUTPUT, "../secret", O_RDONLY)); }
static int climb_far(void) {
  return outcome(openat(OUTPUT, "../../../../../../../../../../../etc/passwd", O_RDONLY));
}
// Where ".." is the output directory itself, nothing was climbed.
static int is_outside(const char *name) {
  struct stat status;
  return fstatat(OUTPUT, name, &status, 0) < 0 ? SUCCEEDED : EXDEV;
}
static int climb_and_write(void) {
  if (openat(OUTPUT, "../made", O_CREAT | O_WRONLY, 0600) < 0) return errno;
  return is_outside("made");
}
static int climb_by_openat2(void) {
  uint64_t how[3] = {O_RDONLY, 0, 0};
  return outcome(syscall(SYS_openat2, OUTPUT, "../secret", how, sizeof how));
}
static int climb_by_fchdir(void) {
  if (fchdir(OUTPUT) < 0) return errno;
  return outcome(open("../secret", O_RDONLY));
}
static int climb_by_rename(void) {
  if (make_output("mine") < 0) return errno;
  if (syscall(SYS_renameat2, OUTPUT, "mine", OUTPUT, "../moved", 0) < 0) return errno;
  return is_outside("moved");
}
static int climb_by_mkdir(void) {
  return mkdirat(OUTPUT, "../made", 0700) < 0 ? errno : is_outside("made");
}
static int climb_and_remove(void) { return outcome(unlinkat(OUTPUT, "../secret", 0)); }
static int climb_by_stat(void) {
  struct stat status;
  return outcome(fstatat(OUTPUT, "../secret", &status, 0));
}
static int absolute_from_output(void) { return outcome(openat(OUTPUT, "/etc/passwd", O_RDONLY)); }
static int make_symlink(void) { return outcome(symlinkat(outside("secret"), OUTPUT, "link")); }
static int follow_symlink(void) {
  if (symlinkat(outside("secret"), OUTPUT, "link") < 0) return errno;
  return outcome(openat(OUTPUT, "link", O_RDONLY));
}
static int make_hard_link(void) {
  return outcome(linkat(AT_FDCWD, outside("secret"), OUTPUT, "hard", 0));
}
static int make_device(void) { return outcome(mknodat(OUTPUT, "null", S_IFCHR | 0666, 0x103)); }
static int make_fifo(void) { return outcome(mknodat(OUTPUT, "fifo", S_IFIFO | 0666, 0)); }
static int make_socket(void) { return outcome(mknodat(OUTPUT, "socket", S_IFSOCK | 0666, 0)); }
static int is_setuid(int file) {
  struct stat status;
  if (fstat(file, &status) < 0) return errno;
  return status.st_mode & S_ISUID ? SUCCEEDED : EPERM;
}
static int create_setuid(void) {
  int file = openat(OUTPUT, "setuid", O_CREAT | O_WRONLY, 04755);
  return file < 0 ? errno : is_setuid(file);
}
static int chmod_setuid(void) {
  int file = make_output("setuid");
  if (file < 0) return errno;
  return fchmod(file, 04755) < 0 ? errno : is_setuid(file);
}
static int make_unnamed(void) { return outcome(openat(OUTPUT, ".", O_TMPFILE | O_WRONLY, 0600)); }
static int set_attribute(void) {
  int file = make_output("attributed");
  return file < 0 ? errno : outcome(fsetxattr(file, "user.sluice", "x", 1, 0));
}
// Undone at once; the host could not remove such a file.
static int make_immutable(void) {
  int file = make_output("immutable"), flags = 0, old = 0;
  if (file < 0 || ioctl(file, FS_IOC_GETFLAGS, &old) < 0) return errno;
  flags = old | FS_IMMUTABLE_FL;
  if (ioctl(file, FS_IOC_SETFLAGS, &flags) < 0) return errno;
  ioctl(file, FS_IOC_SETFLAGS, &old);
  return SUCCEEDED;
}
static int lock_output(void) { return outcome(flock(OUTPUT, LOCK_EX | LOCK_NB)); }
static int lock_file(void) {
  struct flock lock = {.l_type = F_WRLCK};
  int file = make_output("locked");
  return file < 0 ? errno : outcome(fcntl(file, F_SETLK, &lock));
}
static int take_lease(void) {
  int file = make_output("leased");
  return file < 0 ? errno : outcome(fcntl(file, F_SETLEASE, F_WRLCK));
}
static int many_files(void) {
  for (int i = 0; i < 5000; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    int file = make_output(name);
    if (file < 0) return errno;
    close(file);
  }
  return SUCCEEDED;
}
static int huge_file(void) {
  int file = make_output("huge");
  return file < 0 ? errno : outcome(ftruncate(file, 2LL << 40));
}
static int huge_allocation(void) {
  int file = make_output("huge");
  return file < 0 ? errno : outcome(fallocate(file, 0, 2LL << 40, 4096));
}
static int huge_write(void) {
  int file = make_output("huge");
  return file < 0 ? errno : outcome(pwrite(file, "x", 1, 2LL << 40));
}
static int watch_files(void) { return outcome(inotify_init1(0)); }
static int watch_all_files(void) { return outcome(fanotify_init(0, O_RDONLY)); }
static int open_by_handle(void) {
  struct {
    struct file_handle handle;
    unsigned char room[128];
  } name = {{.handle_bytes = 128}, {0}};
  int mount;
  if (name_to_handle_at(OUTPUT, "", &name.handle, &mount, AT_EMPTY_PATH) < 0) return errno;
  return outcome(open_by_handle_at(OUTPUT, &name.handle, O_RDONLY));
}
static int read_environment(void) { return getenv("SLUICE_SECRET") ? SUCCEEDED : ENOENT; }
static int use_leaked_descriptor(void) { return outcome(fcntl(LEAKED, F_GETFD)); }
static int occupy_exec_descriptor(void) { return outcome(dup2(0, 1000)); }

const struct attack file_attacks[] = {
    {"read-shadow", read_shadow}, {"read-passwd", read_passwd}, {"list-root", list_root},
    {"open-device", open_device}, {"open-kernel-log", open_kernel_log},
    {"see-directory-name", see_directory_name}, {"stat-secret", stat_secret},
    {"probe-secret", probe_secret}, {"read-secret", read_secret},
    {"write-secret", write_secret}, {"truncate-secret", truncate_secret},
    {"chmod-secret", chmod_secret}, {"chown-secret", chown_secret},
    {"touch-secret", touch_secret}, {"remove-secret", remove_secret},
    {"rename-secret", rename_secret}, {"make-outside", make_outside},
    {"make-directory-outside", make_directory_outside}, {"climb", climb},
    {"climb-far", climb_far}, {"climb-and-write", climb_and_write},
    {"climb-by-openat2", climb_by_openat2}, {"climb-by-fchdir", climb_by_fchdir},
    {"climb-by-rename", climb_by_rename}, {"climb-by-mkdir", climb_by_mkdir},
    {"climb-and-remove", climb_and_remove}, {"climb-by-stat", climb_by_stat},
    {"absolute-from-output", absolute_from_output}, {"make-symlink", make_symlink},
    {"follow-symlink", follow_symlink}, {"make-hard-link", make_hard_link},
    {"make-device", make_device}, {"make-fifo", make_fifo}, {"make-socket", make_socket},
    {"create-setuid", create_setuid}, {"chmod-setuid", chmod_setuid},
    {"make-unnamed", make_unnamed}, {"set-attribute", set_attribute},
    {"make-immutable", make_immutable}, {"lock-output", lock_output}, {"lock-file", lock_file},
    {"take-lease", take_lease}, {"many-files", many_files}, {"huge-file", huge_file},
    {"huge-allocation", huge_allocation}, {"huge-write", huge_write},
    {"watch-files", watch_files}, {"watch-all-files", watch_all_files},
    {"open-by-handle", open_by_handle}, {"read-environment", read_environment},
    {"use-leaked-descriptor", use_leaked_descriptor},
    {"occupy-exec-descriptor", occupy_exec_descriptor}, {NULL, NULL}};
