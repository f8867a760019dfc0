#include "attacks.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <grp.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

// Large doors of the kernel.
static int open_ring(void) {
  char parameters[128] = {0};
  return outcome(syscall(SYS_io_uring_setup, 1, parameters));
}
static int load_bpf(void) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  long map = syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
  return map < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(map);
}
static int count_events(void) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes,
                                       .config = PERF_COUNT_SW_CPU_CLOCK};
  long event = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
  return event < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(event);
}
static int handle_faults(void) {
  long file = syscall(SYS_userfaultfd, O_CLOEXEC);
  return file < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(file);
}
static int queue_io(void) {
  unsigned long context = 0;
  long result = syscall(SYS_io_setup, 1, &context);
  return result < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(result);
}
static int add_own_key(void) {
  long key = syscall(SYS_add_key, "user", "sluice-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING);
  return key < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(key);
}
static int read_session_keys(void) {
  long key = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_SESSION_KEYRING, 0);
  return key < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(key);
}
static int hide_behind_filter(void) {
  struct sock_filter allow = {.code = 0x06, .k = SECCOMP_RET_ALLOW};
  struct sock_fprog program = {1, &allow};
  return outcome(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

// Privileges. Where a call would do harm, it is made so that only its permission check is reached.
static int become_root(void) {
  if (setresuid(0, 0, 0) < 0) return errno;
  return geteuid() == 0 ? SUCCEEDED : EPERM;
}
static int leave_groups(void) { return outcome(setgroups(0, NULL)); }
static int take_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2] = {{0}};
  if (syscall(SYS_capget, &header, data) < 0) return errno;
  data[0].permitted |= 1 << CAP_SYS_ADMIN;
  data[0].effective |= 1 << CAP_SYS_ADMIN;
  return outcome(syscall(SYS_capset, &header, data));
}
static int enter_user_namespace(void) { return outcome(unshare(CLONE_NEWUSER)); }
static int enter_mount_namespace(void) { return outcome(unshare(CLONE_NEWNS)); }
static int join_namespace(void) {
  int space = open("/proc/self/ns/uts", O_RDONLY);
  return space < 0 ? errno : outcome(setns(space, 0));
}
static int join_namespace_of_victim(void) {
  int process = (int)syscall(SYS_pidfd_open, target.victim, 0);
  return process < 0 ? errno : outcome(setns(process, CLONE_NEWUTS));
}
static int change_root(void) { return outcome(chroot("/")); }
static int swap_root(void) { return passes_check(syscall(SYS_pivot_root, "/", "/"), EBUSY); }
static int mount_something(void) {
  return passes_check(mount("none", "/", "no-such-filesystem", 0, NULL), ENODEV);
}
static int unmount_something(void) {
  return passes_check(umount2(target.outside, 0), EINVAL);
}
static int open_filesystem(void) { return outcome(syscall(SYS_fsopen, "tmpfs", 0)); }
static int clone_mount(void) {
  return outcome(syscall(SYS_open_tree, OUTPUT, "", AT_EMPTY_PATH | 1 /* OPEN_TREE_CLONE */));
}
static int reboot_machine(void) {
  return passes_check(syscall(SYS_reboot, 0, 0, LINUX_REBOOT_CMD_CAD_OFF, NULL), EINVAL);
}
static int swap_on(void) { return passes_check(swapon("/nonexistent/sluice", 0), ENOENT); }
static int set_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return outcome(clock_settime(CLOCK_REALTIME, &now));
}
static int read_kernel_log(void) {
  char text[256];
  return outcome(klogctl(3, text, sizeof text));
}
static int set_host_name(void) {
  return outcome(sethostname(target.hostname, strlen(target.hostname)));
}
static int learn_host_name(void) {
  struct utsname name;
  if (uname(&name) < 0) return errno;
  return strcmp(name.nodename, target.hostname) == 0 ? SUCCEEDED : ENOENT;
}
static int write_kernel_setting(void) {
  return outcome(open("/proc/sys/vm/swappiness", O_WRONLY));
}
static int account_processes(void) { return passes_check(acct("/nonexistent/sluice"), ENOENT); }
static int load_module(void) {
  long result = syscall(SYS_finit_module, -1, "", 0);
  return result < 0 && errno == ENOSYS ? NOT_REACHABLE : passes_check(result, EBADF);
}
static int load_kernel(void) {
  long result = syscall(SYS_kexec_load, 0, 0, NULL, 0x8000);
  return result < 0 && errno == ENOSYS ? NOT_REACHABLE : passes_check(result, EINVAL);
}
static int change_personality(void) { return outcome(personality(READ_IMPLIES_EXEC)); }
static int become_undumpable(void) { return outcome(prctl(PR_SET_DUMPABLE, 0)); }
static int adopt_orphans(void) { return outcome(prctl(PR_SET_CHILD_SUBREAPER, 1)); }

#ifdef __x86_64__
static int use_ports(void) {
  long result = syscall(SYS_ioperm, 0x80, 1, 1);
  return result < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(result);
}
static int change_descriptor_table(void) {
  char table[16];
  long result = syscall(SYS_modify_ldt, 0, table, sizeof table);
  return result < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(result);
}
// getpid(2) of the 32-bit table.
static int call_as_32_bit(void) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
  return result > 0 ? SUCCEEDED : (int)-result;
}
static int call_as_x32(void) {
  long result = syscall(0x40000000 | 39);
  return result < 0 && errno == ENOSYS ? NOT_REACHABLE : outcome(result);
}
#endif

const struct attack kernel_attacks[] = {
    {"open-ring", open_ring}, {"load-bpf", load_bpf}, {"count-events", count_events},
    {"handle-faults", handle_faults}, {"queue-io", queue_io}, {"add-key", add_own_key},
    {"read-session-keys", read_session_keys}, {"hide-behind-filter", hide_behind_filter},
    {"become-root", become_root}, {"leave-groups", leave_groups},
    {"take-capabilities", take_capabilities}, {"enter-user-namespace", enter_user_namespace},
    {"enter-mount-namespace", enter_mount_namespace}, {"join-namespace", join_namespace},
    {"join-namespace-of-victim", join_namespace_of_victim}, {"change-root", change_root},
    {"swap-root", swap_root}, {"mount", mount_something}, {"unmount", unmount_something},
    {"open-filesystem", open_filesystem}, {"clone-mount", clone_mount},
    {"reboot", reboot_machine}, {"swap-on", swap_on}, {"set-clock", set_clock},
    {"read-kernel-log", read_kernel_log}, {"set-host-name", set_host_name},
    {"learn-host-name", learn_host_name}, {"write-kernel-setting", write_kernel_setting},
    {"account-processes", account_processes}, {"load-module", load_module},
    {"load-kernel", load_kernel}, {"change-personality", change_personality},
    {"become-undumpable", become_undumpable}, {"adopt-orphans", adopt_orphans},
#ifdef __x86_64__
    {"use-ports", use_ports}, {"change-descriptor-table", change_descriptor_table},
    {"call-as-32-bit", call_as_32_bit}, {"call-as-x32", call_as_x32},
#endif
    {NULL, NULL}};
