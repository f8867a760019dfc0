#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

// A plugin is killed at its first denied call; threads may have made a few more by then.
enum { DENIALS_MAX = 8 };

static void kill_plugin(const struct plugin *plugin) {
  // The first process of a pid namespace takes the whole namespace along.
  syscall(SYS_pidfd_send_signal, plugin->pidfd, SIGKILL, NULL, 0);
}

static int reap(const struct plugin *plugin, struct launch_report *report) {
  int status;
  struct rusage usage;
  pid_t reaped;
  do { reaped = wait4(plugin->pid, &status, 0, &usage); } while (reaped < 0 && errno == EINTR);
  if (reaped < 0) return -errno;
  report->is_signal = WIFSIGNALED(status) ? 1 : 0;
  report->code = report->is_signal ? WTERMSIG(status) : WEXITSTATUS(status);
  uint64_t microseconds = (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  uint64_t seconds = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
  report->cpu_nanoseconds = seconds * 1000000000 + microseconds * 1000;
  report->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
  return 0;
}

void kill_and_reap(struct plugin *plugin) {
  struct launch_report ignored = {0};
  kill_plugin(plugin);
  reap(plugin, &ignored);
  close(plugin->pidfd);
  if (plugin->listener >= 0) close(plugin->listener);
  if (plugin->memory >= 0) close(plugin->memory);
}

// Tells the host of one denied call. The call is never answered: its task waits until it is killed.
static void report_denial(const struct plugin *plugin) {
  union {
    struct seccomp_notif notification;
    char room[512];  // the kernel's structure may grow
  } received;
  memset(&received, 0, sizeof received);
  if (ioctl(plugin->listener, SECCOMP_IOCTL_NOTIF_RECV, &received.notification) < 0) return;
  const struct seccomp_data *data = &received.notification.data;
  struct launch_report report = {.kind = LAUNCH_REPORT_DENIED,
                                 .number = (uint64_t)(uint32_t)data->nr};
  for (int i = 0; i < 6; i++) report.arguments[i] = data->args[i];
  read_path(plugin, &received.notification, report.path);
  send_report(LAUNCH_FD_STATUS, &report);
}

// What is left of the launcher's rights: enough to kill the plugin.
static int harden(const struct plan *plan) {
  int result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
  if (result == 0 && geteuid() == 0) result = set_capabilities(1ULL << CAP_KILL, 0);
  if (result < 0) return result;
  return install_filter(plan->monitor_filter, plan->header->monitor_filter_count, 0);
}

static void watch(struct plugin *plugin) {
  struct pollfd watched[] = {{.fd = plugin->pidfd, .events = POLLIN},
                             {.fd = plugin->listener, .events = POLLIN},
                             {.fd = LAUNCH_FD_LIFELINE, .events = POLLIN},
                             {.fd = LAUNCH_FD_STATUS, .events = 0}};
  for (int denials = 0;;) {
    if (poll(watched, 4, -1) < 0) continue;
    if (watched[1].revents & POLLIN) {
      if (denials++ < DENIALS_MAX) report_denial(plugin);
      kill_plugin(plugin);
      if (denials >= DENIALS_MAX) watched[1].fd = -1;
    } else if (watched[1].revents) {
      watched[1].fd = -1;  // every task under the filter has ended
    }
    // The host let go of either pipe: it wants no plugin any more, or it is dead.
    if (watched[2].revents || watched[3].revents) {
      kill_plugin(plugin);
      watched[2].fd = watched[3].fd = -1;
    }
    if (watched[0].revents) return;
  }
}

int monitor(const struct plan *plan, struct plugin *plugin) {
  int result = harden(plan);
  if (result < 0) return result;
  watch(plugin);
  struct launch_report report = {.kind = LAUNCH_REPORT_EXITED};
  result = reap(plugin, &report);
  if (result < 0) return result;
  send_report(LAUNCH_FD_STATUS, &report);
  return 0;
}
