#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

enum { SETUP_MILLISECONDS_MAX = 30000, STEP_MAX = 32 };

static const uint32_t namespace_layers =
    LAUNCH_LAYER_USER_NAMESPACE | LAUNCH_LAYER_MOUNT_NAMESPACE | LAUNCH_LAYER_PID_NAMESPACE |
    LAUNCH_LAYER_NET_NAMESPACE | LAUNCH_LAYER_IPC_NAMESPACE | LAUNCH_LAYER_UTS_NAMESPACE |
    LAUNCH_LAYER_CGROUP_NAMESPACE;

// How an attempt ended that did not lead to a running plugin.
struct failure {
  char step[STEP_MAX];
  int error;
};

static int fail(struct failure *failure, const char *step, int error) {
  snprintf(failure->step, sizeof failure->step, "%s", step);
  failure->error = error;
  return -1;
}

static unsigned long clone_flags(uint32_t layers) {
  return (layers & LAUNCH_LAYER_USER_NAMESPACE ? CLONE_NEWUSER : 0) |
         (layers & LAUNCH_LAYER_MOUNT_NAMESPACE ? CLONE_NEWNS : 0) |
         (layers & LAUNCH_LAYER_PID_NAMESPACE ? CLONE_NEWPID : 0) |
         (layers & LAUNCH_LAYER_NET_NAMESPACE ? CLONE_NEWNET : 0) |
         (layers & LAUNCH_LAYER_IPC_NAMESPACE ? CLONE_NEWIPC : 0) |
         (layers & LAUNCH_LAYER_UTS_NAMESPACE ? CLONE_NEWUTS : 0) |
         (layers & LAUNCH_LAYER_CGROUP_NAMESPACE ? CLONE_NEWCGROUP : 0);
}

static int write_file(pid_t pid, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -errno;
  ssize_t written = write(file, text, strlen(text));
  int result = written < 0 ? -errno : 0;
  close(file);
  return result;
}

// One id maps to itself. Root may map any; everybody else only the own one, and only a process
// without setgroups(2) may have it.
static int write_maps(const struct launch_header *header, pid_t pid) {
  int is_own = geteuid() == 0 && header->user != UINT32_MAX;
  uid_t user = is_own ? header->user : geteuid();
  gid_t group = is_own ? header->group : getegid();
  char text[64];
  snprintf(text, sizeof text, "%u %u 1", group, group);
  int result = write_file(pid, "gid_map", text);
  if (result == -EPERM && write_file(pid, "setgroups", "deny") == 0)
    result = write_file(pid, "gid_map", text);
  if (result < 0) return result;
  snprintf(text, sizeof text, "%u %u 1", user, user);
  return write_file(pid, "uid_map", text);
}

// clone(2) rather than clone3(2): it knows every flag needed here, and containers allow it.
static pid_t start_child(struct setup *setup, struct plugin *plugin, int sockets[2]) {
  long pid = syscall(SYS_clone, clone_flags(setup->namespaces) | CLONE_PIDFD | SIGCHLD, NULL,
                     &plugin->pidfd, NULL, NULL);
  if (pid == 0) {
    close(sockets[0]);
    setup->control = sockets[1];
    become_plugin(setup);
  }
  return pid < 0 ? -errno : (pid_t)pid;
}

// Waits for the child's next report. The host's lifeline is watched meanwhile.
static int await_report(int control, struct launch_report *report, int *descriptor) {
  struct pollfd watched[] = {{.fd = control, .events = POLLIN},
                             {.fd = LAUNCH_FD_LIFELINE, .events = POLLIN}};
  int ready;
  do { ready = poll(watched, 2, SETUP_MILLISECONDS_MAX); } while (ready < 0 && errno == EINTR);
  if (ready == 0) return -ETIMEDOUT;
  if (ready < 0 || watched[1].revents) return -ECANCELED;
  return receive_report(control, report, descriptor);
}

// Follows the child until it has become the plugin: its end of the socket closes with exec.
static int follow_setup(int control, struct plugin *plugin, struct launch_report *started,
                        struct failure *failure) {
  struct launch_report report;
  int descriptor;
  int result = await_report(control, &report, &descriptor);
  if (result <= 0) return fail(failure, "setup", result == 0 ? ECHILD : -result);
  if (report.kind == LAUNCH_REPORT_FAILED) return fail(failure, report.step, report.code);
  *started = report;
  plugin->listener = descriptor;
  result = await_report(control, &report, &descriptor);
  if (result < 0) return fail(failure, "exec", -result);
  return result == 0 ? 0 : fail(failure, report.step, report.code);
}

static int attempt(struct setup *setup, struct plugin *plugin, struct launch_report *started,
                   struct failure *failure) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    return fail(failure, "socket", errno);
  plugin->listener = plugin->memory = -1;
  plugin->pid = start_child(setup, plugin, sockets);
  close(sockets[1]);
  int result = 0;
  if (plugin->pid < 0) {
    close(sockets[0]);
    return fail(failure, "namespaces", -plugin->pid);
  }
  if (setup->namespaces & LAUNCH_LAYER_USER_NAMESPACE)
    result = write_maps(setup->plan->header, plugin->pid);
  if (result < 0)
    result = fail(failure, "maps", -result);
  else if (send(sockets[0], "g", 1, MSG_NOSIGNAL) < 0)
    result = fail(failure, "maps", errno);
  else
    result = follow_setup(sockets[0], plugin, started, failure);
  close(sockets[0]);
  if (result < 0) kill_and_reap(plugin);
  return result;
}

static int is_about_namespaces(const struct failure *failure) {
  const char *steps[] = {"namespaces", "maps", "identity", "filesystem"};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    if (strcmp(failure->step, steps[i]) == 0) return failure->error != ECANCELED;
  return 0;
}

// Which namespaces to try, from all that are wanted down to none.
static int list_attempts(const struct launch_header *header, uint32_t attempts[3]) {
  uint32_t wanted = header->wanted & namespace_layers;
  uint32_t without_user = wanted & ~LAUNCH_LAYER_USER_NAMESPACE;
  int count = 0;
  if (header->flags & LAUNCH_WITHOUT_NAMESPACES) wanted = without_user = 0;
  if (header->flags & LAUNCH_WITHOUT_USER_NAMESPACE)
    wanted = geteuid() == 0 ? without_user : 0;
  attempts[count++] = wanted;
  if (header->flags & LAUNCH_STRICT) return count;
  if (geteuid() == 0 && wanted != without_user) attempts[count++] = without_user;
  if (attempts[count - 1] != 0) attempts[count++] = 0;
  return count;
}

static int start(struct plan *plan, struct plugin *plugin, struct failure *failure) {
  uint32_t attempts[3];
  int count = list_attempts(plan->header, attempts);
  struct launch_report started;
  for (int i = 0; i < count; i++) {
    // The mount namespace counts once its file system stands.
    struct setup setup = {.plan = plan, .namespaces = attempts[i], .listener = -1,
                          .layers = attempts[i] & ~LAUNCH_LAYER_MOUNT_NAMESPACE};
    if (geteuid() == 0 && plan->header->user != UINT32_MAX)
      setup.layers |= LAUNCH_LAYER_OWN_USER;
    if (attempt(&setup, plugin, &started, failure) == 0) {
      send_report(LAUNCH_FD_STATUS, &started);
      return 0;
    }
    if (!is_about_namespaces(failure)) return -1;
  }
  return -1;
}

static int check_own_descriptors(void) {
  int expected[] = {0, 1, 2, LAUNCH_FD_STATUS, LAUNCH_FD_LIFELINE, LAUNCH_FD_DESCRIPTION,
                    LAUNCH_FD_EXECUTABLE};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
    if (fcntl(expected[i], F_GETFD) < 0) return -errno;
  return 0;
}

// The plugin is what the kernel should end first when memory runs out; before privileges go.
static void volunteer_for_oom(void) {
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t written = write(file, "1000", 4);
  (void)written;
  close(file);
}

// Of the plugin that runs now, and of nobody else, whatever its number stands for later: this needs
// rights that the monitor soon has no more. Without it denied calls are reported without a path.
static void open_memory(struct plugin *plugin) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/mem", plugin->pid);
  plugin->memory = open(path, O_RDONLY | O_CLOEXEC);
}

// Everything but the two pipes to the host: above all the plugin's ends of its own pipes, whose
// closing tells the host of the plugin's death.
static int close_the_rest(struct plugin *plugin) {
  int pidfd = fcntl(plugin->pidfd, F_DUPFD_CLOEXEC, LAUNCH_FD_EXEC);
  if (pidfd < 0) return -errno;
  int listener = -1;
  if (plugin->listener >= 0) {
    listener = fcntl(plugin->listener, F_DUPFD_CLOEXEC, LAUNCH_FD_EXEC);
    if (listener < 0) return -errno;
  }
  int memory = -1;
  if (plugin->memory >= 0) {
    memory = fcntl(plugin->memory, F_DUPFD_CLOEXEC, LAUNCH_FD_EXEC);
    if (memory < 0) return -errno;
  }
  *plugin = (struct plugin){
      .pid = plugin->pid, .pidfd = pidfd, .listener = listener, .memory = memory};
  syscall(SYS_close_range, 0, LAUNCH_FD_STATUS - 1, 0);
  syscall(SYS_close_range, LAUNCH_FD_LIFELINE + 1, LAUNCH_FD_EXEC - 1, 0);
  return 0;
}

static int run(struct failure *failure) {
  static struct plan plan;
  struct plugin plugin;
  int result = check_own_descriptors();
  if (result < 0) return fail(failure, "descriptors", -result);
  if ((result = read_description(&plan)) < 0) return fail(failure, "description", -result);
  if ((result = open_paths(&plan)) < 0) return fail(failure, "paths", -result);
  if ((result = prepare_mounts(&plan)) < 0) return fail(failure, "mounts", -result);
  volunteer_for_oom();
  if (start(&plan, &plugin, failure) < 0) return -1;
  open_memory(&plugin);
  // Only now: an ignored signal would be inherited by the plugin.
  signal(SIGPIPE, SIG_IGN);
  if ((result = close_the_rest(&plugin)) == 0 && (result = monitor(&plan, &plugin)) == 0)
    return 0;
  kill_and_reap(&plugin);
  return fail(failure, "monitor", -result);
}

int main(void) {
  struct failure failure;
  if (run(&failure) == 0) return 0;
  report_failure(LAUNCH_FD_STATUS, failure.step, failure.error);
  return 1;
}
