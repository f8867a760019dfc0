#pragma once

/// The launcher: reads a launch description, builds the sandbox in a child, executes the plugin
/// there and stays behind as its monitor. It has no policy of its own: what is allowed comes as
/// data, filters included, from the host that wrote the description.
///
/// Functions return 0 or a value, or -errno.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch.h"

/// A parsed and checked description; it points into one static buffer.
struct plan {
  const struct launch_header *header;
  const struct launch_limit *limits;
  const struct launch_path *paths;
  const struct sock_filter *filter;
  const struct sock_filter *monitor_filter;
  const uint32_t *descriptors;
  char *arguments[LAUNCH_ARGUMENTS_MAX + 1];
  char *environment[LAUNCH_ENVIRONMENT_MAX + 1];
  const char *path_names[LAUNCH_PATHS_MAX];
  int path_descriptors[LAUNCH_PATHS_MAX];  // -1: an optional path that is missing
  int trees[LAUNCH_PATHS_MAX];             // detached mounts, -1 while there is none
};

/// One attempt to build the sandbox, seen from the child.
struct setup {
  struct plan *plan;
  int control;          // socket to the monitor
  uint32_t namespaces;  // layer bits of the namespaces this attempt has
  uint32_t layers;      // layers that stand so far
  uint32_t landlock_version;
  int listener;  // of the filter, -1 without reports
};

// description.c

/// Reads and checks the description behind LAUNCH_FD_DESCRIPTION.
int read_description(struct plan *plan);

// filesystem.c

/// Opens what the path rules name, with the rights of the launcher's caller.
int open_paths(struct plan *plan);
/// Makes the mounts that can be made from outside of the plugin's namespaces (root only).
int prepare_mounts(struct plan *plan);
/// Makes the plugin's file system: re-rooted descriptors, and the new root if one is wanted.
int build_filesystem(struct setup *setup);

// landlock.c

/// Restricts this process to the executable and the path rules, as far as the kernel can.
int restrict_with_landlock(struct setup *setup);

// privileges.c

/// Becomes the plugin's user; capabilities survive until drop_capabilities.
int take_identity(struct setup *setup);
/// Drops every capability but the kept ones, for good.
int drop_capabilities(struct setup *setup);
int set_no_new_privileges(struct setup *setup);
int set_limits(struct setup *setup);
int refuse_exec_gain(struct setup *setup);
/// Replaces this process's capabilities, permitted and effective, with those of `kept` it has.
int set_capabilities(uint64_t kept, uint64_t inheritable);

// child.c

/// Builds the sandbox and becomes the plugin; runs in the child of clone(2).
_Noreturn void become_plugin(struct setup *setup);

// monitor.c

/// A plugin that has been started.
struct plugin {
  pid_t pid;
  int pidfd;
  int listener;
  int memory;  // of its first process, to be read; -1 if it may not be
};

/// Watches the plugin, its denied calls and the host's lifeline until the plugin has ended.
int monitor(const struct plan *plan, struct plugin *plugin);
/// Kills the plugin (with a pid namespace: all of it) and reaps it without a report.
void kill_and_reap(struct plugin *plugin);

// path.c

/// Reads the path that a denied call names; leaves it empty if it names none, or cannot be read.
/// The call's task waits, but its other threads may write over the path meanwhile: it is for
/// people, and nothing is decided by it.
void read_path(const struct plugin *plugin, const struct seccomp_notif *denied,
               char path[LAUNCH_PATH_BYTES_MAX]);

// report.c

void report_failure(int descriptor, const char *step, int error);
/// Writes a report to the status pipe or, in the child, to the control socket.
void send_report(int descriptor, struct launch_report *report);
/// Sends a report and a descriptor (or -1) over the control socket.
int send_report_with_descriptor(int socket, struct launch_report *report, int descriptor);
/// Receives a report: 1, 0 at the end, or -errno. `descriptor` is -1 when none came along.
int receive_report(int socket, struct launch_report *report, int *descriptor);
/// Installs a filter; returns the listener if `flags` ask for one.
int install_filter(const struct sock_filter *filter, uint32_t count, unsigned int flags);
