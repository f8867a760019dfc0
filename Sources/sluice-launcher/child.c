#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

static int call(long result) { return result < 0 ? -errno : 0; }

// The monitor writes the id maps first.
static int await_maps(struct setup *setup) {
  char go;
  ssize_t count;
  do { count = read(setup->control, &go, 1); } while (count < 0 && errno == EINTR);
  return count == 1 ? 0 : -ECANCELED;
}

static int leave_session(struct setup *setup) {
  // The machine's name is nobody's business.
  if (setup->namespaces & LAUNCH_LAYER_UTS_NAMESPACE && sethostname("sandbox", 7) < 0)
    return -errno;
  // Away from the terminal and from the keys of the caller; without keyrings there is nothing
  // to leave.
  setsid();
  syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  umask(077);
  return 0;
}

static int move_descriptor(int from, int to) {
  return dup3(from, to, O_CLOEXEC) < 0 ? -errno : 0;
}

static int is_listed(const struct plan *plan, int descriptor) {
  for (uint32_t i = 0; i < plan->header->descriptor_count; i++)
    if (plan->descriptors[i] == (uint32_t)descriptor) return 1;
  return 0;
}

// Leaves the plugin's descriptors, the executable and the control socket, and nothing else.
static int sort_descriptors(struct setup *setup) {
  int result = move_descriptor(LAUNCH_FD_EXECUTABLE, LAUNCH_FD_EXEC);
  if (result == 0) result = move_descriptor(setup->control, LAUNCH_FD_CONTROL);
  if (result < 0) return result;
  setup->control = LAUNCH_FD_CONTROL;
  for (int descriptor = 0; descriptor <= LAUNCH_FD_PLUGIN_MAX; descriptor++) {
    if (is_listed(setup->plan, descriptor))
      result = call(fcntl(descriptor, F_SETFD, 0));
    else
      close(descriptor);
    if (result < 0) return result;
  }
  result = call(syscall(SYS_close_range, LAUNCH_FD_PLUGIN_MAX + 1, LAUNCH_FD_EXEC - 1, 0));
  if (result == 0) result = call(syscall(SYS_close_range, LAUNCH_FD_CONTROL + 1, ~0U, 0));
  return result;
}

// After the change of user, which would clear it. If the monitor died before, its end of the
// socket is closed.
static int die_with_monitor(struct setup *setup) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return -errno;
  struct pollfd monitor = {.fd = setup->control, .events = 0};
  return poll(&monitor, 1, 0) == 0 ? 0 : -ECANCELED;
}

static int install_plugin_filter(struct setup *setup) {
  const struct plan *plan = setup->plan;
  uint32_t count = plan->header->filter_count;
  int listener = -EBUSY;
  if (!(plan->header->flags & LAUNCH_WITHOUT_LISTENER)) {
    unsigned int flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    listener = install_filter(plan->filter, count, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    if (listener == -EINVAL) listener = install_filter(plan->filter, count, flags);  // before 5.19
  }
  // EBUSY: somebody outside (a container) already listens. Denied calls then fail with ENOSYS.
  int result = listener == -EBUSY ? install_filter(plan->filter, count, 0) : listener;
  if (result < 0) return result;
  setup->listener = listener < 0 ? -1 : listener;
  setup->layers |= LAUNCH_LAYER_FILTER | (listener < 0 ? 0 : LAUNCH_LAYER_REPORTS);
  return 0;
}

static int require_layers(struct setup *setup) {
  return setup->plan->header->required & ~setup->layers ? -EOPNOTSUPP : 0;
}

static int judge_layers(struct setup *setup) {
  const struct launch_header *header = setup->plan->header;
  uint32_t always =
      LAUNCH_LAYER_FILTER | LAUNCH_LAYER_NO_NEW_PRIVILEGES | LAUNCH_LAYER_LIMITS;
  if ((setup->layers & always) != always) return -EPERM;
  if (!(setup->layers & (LAUNCH_LAYER_LANDLOCK | LAUNCH_LAYER_MOUNT_NAMESPACE))) return -ENOSYS;
  int is_complete = (header->wanted & ~setup->layers) == 0;
  return header->flags & LAUNCH_STRICT && !is_complete ? -EOPNOTSUPP : 0;
}

// The whole order of the sandbox. A Landlocked task cannot mount, so the file system is earlier;
// a task without capabilities cannot either; the filter is last because it forbids the rest.
static const struct {
  const char *name;
  int (*run)(struct setup *);
} steps[] = {
    {"maps", await_maps},
    {"session", leave_session},
    {"identity", take_identity},
    {"filesystem", build_filesystem},
    {"no-new-privileges", set_no_new_privileges},
    {"landlock", restrict_with_landlock},
    {"descriptors", sort_descriptors},
    {"capabilities", drop_capabilities},
    {"limits", set_limits},
    {"lifeline", die_with_monitor},
    {"exec-gain", refuse_exec_gain},
    {"filter", install_plugin_filter},
    {"required-layers", require_layers},
    {"layers", judge_layers},
};

static _Noreturn void give_up(struct setup *setup, const char *step, int error) {
  struct launch_report report = {.kind = LAUNCH_REPORT_FAILED, .code = error,
                                 .layers = setup->layers,
                                 .landlock_version = setup->landlock_version};
  snprintf(report.step, sizeof report.step, "%s", step);
  send_report_with_descriptor(setup->control, &report, -1);
  _exit(126);
}

_Noreturn void become_plugin(struct setup *setup) {
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    int result = steps[i].run(setup);
    if (result < 0) give_up(setup, steps[i].name, -result);
  }
  struct launch_report report = {.kind = LAUNCH_REPORT_STARTED, .layers = setup->layers,
                                 .landlock_version = setup->landlock_version};
  int result = send_report_with_descriptor(setup->control, &report, setup->listener);
  if (result < 0) _exit(126);
  if (setup->plan->header->flags & LAUNCH_PROBE) _exit(0);
  syscall(SYS_execveat, LAUNCH_FD_EXEC, "", setup->plan->arguments, setup->plan->environment,
          AT_EMPTY_PATH);
  give_up(setup, "exec", errno);
}
