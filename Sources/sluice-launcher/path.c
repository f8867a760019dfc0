#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

// Calls that name a file, by the argument that is its path. Of two paths it is the one that the
// call starts from; of a symbolic link the link.
static const struct {
  short number;
  short argument;
} path_calls[] = {
    {SYS_open, 0},       {SYS_creat, 0},       {SYS_stat, 0},        {SYS_lstat, 0},
    {SYS_access, 0},     {SYS_readlink, 0},    {SYS_execve, 0},      {SYS_truncate, 0},
    {SYS_mkdir, 0},      {SYS_rmdir, 0},       {SYS_mknod, 0},       {SYS_unlink, 0},
    {SYS_rename, 0},     {SYS_link, 0},        {SYS_symlink, 1},     {SYS_chdir, 0},
    {SYS_chroot, 0},     {SYS_chmod, 0},       {SYS_chown, 0},       {SYS_lchown, 0},
    {SYS_statfs, 0},     {SYS_utime, 0},       {SYS_utimes, 0},      {SYS_getxattr, 0},
    {SYS_lgetxattr, 0},  {SYS_setxattr, 0},    {SYS_lsetxattr, 0},   {SYS_listxattr, 0},
    {SYS_llistxattr, 0}, {SYS_removexattr, 0}, {SYS_lremovexattr, 0}, {SYS_pivot_root, 0},
    {SYS_mount, 1},      {SYS_umount2, 0},     {SYS_openat, 1},      {SYS_openat2, 1},
    {SYS_newfstatat, 1}, {SYS_statx, 1},       {SYS_faccessat, 1},   {SYS_faccessat2, 1},
    {SYS_readlinkat, 1}, {SYS_execveat, 1},    {SYS_mkdirat, 1},     {SYS_mknodat, 1},
    {SYS_unlinkat, 1},   {SYS_renameat, 1},    {SYS_renameat2, 1},   {SYS_linkat, 1},
    {SYS_symlinkat, 2},  {SYS_fchmodat, 1},    {SYS_fchownat, 1},    {SYS_futimesat, 1},
    {SYS_utimensat, 1},  {SYS_open_tree, 1},   {SYS_inotify_add_watch, 1},
    {SYS_name_to_handle_at, 1},
};

static int path_argument(int number) {
  for (size_t i = 0; i < sizeof path_calls / sizeof *path_calls; i++)
    if (path_calls[i].number == number) return path_calls[i].argument;
  return -1;
}

// Whether the task is a thread of the plugin's first process, whose memory it is.
static int is_thread(const struct plugin *plugin, uint32_t task) {
  return syscall(SYS_tgkill, plugin->pid, task, 0) == 0;
}

void read_path(const struct plugin *plugin, const struct seccomp_notif *denied,
               char path[LAUNCH_PATH_BYTES_MAX]) {
  int argument = path_argument(denied->data.nr);
  if (argument < 0 || plugin->memory < 0 || !is_thread(plugin, denied->pid)) return;
  // What lies behind the end of a mapping shortens it; the last byte stays 0.
  off_t place = (off_t)denied->data.args[argument];
  if (pread(plugin->memory, path, LAUNCH_PATH_BYTES_MAX - 1, place) < 0) path[0] = 0;
}
