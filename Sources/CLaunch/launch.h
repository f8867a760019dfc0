#pragma once

/// What the host tells the launcher, and what the launcher reports: the one definition both sides
/// compile. Integers are little endian and in the order written here; no padding.
///
/// ```
/// header | limits | paths | filter | monitor filter | descriptors | strings
/// ```
///
/// The strings are NUL-terminated and follow each other: arguments, environment, path names.
/// A change of any of this changes LAUNCH_VERSION; launcher and host are always of one build.

#include <stdint.h>

enum {
  LAUNCH_MAGIC = 0x434E4C53,  // "SLNC"
  LAUNCH_VERSION = 3,
  LAUNCH_BYTES_MAX = 256 << 10,
  LAUNCH_ARGUMENTS_MAX = 1024,
  LAUNCH_ENVIRONMENT_MAX = 64,
  LAUNCH_LIMITS_MAX = 16,
  LAUNCH_PATHS_MAX = 256,
  LAUNCH_FILTER_MAX = 4096,  // instructions: the kernel's BPF_MAXINSNS
  LAUNCH_PATH_BYTES_MAX = 512,
};

/// Descriptors of the launcher. 0…15 belong to the plugin and keep their numbers.
enum {
  LAUNCH_FD_PLUGIN_MAX = 15,
  LAUNCH_FD_STATUS = 16,
  LAUNCH_FD_LIFELINE = 17,
  LAUNCH_FD_DESCRIPTION = 18,
  LAUNCH_FD_EXECUTABLE = 19,
  LAUNCH_FD_PATHS = 32,  // the first descriptor that only stands for a path rule
  LAUNCH_FD_PATHS_MAX = 287,  // one for every path
};

/// The two descriptors the filter names: both close-on-exec and above RLIMIT_NOFILE, so that once
/// the plugin runs no descriptor of these numbers can ever exist again.
enum { LAUNCH_FD_EXEC = 1000, LAUNCH_FD_CONTROL = 1001 };

/// `launch_header.flags`.
enum {
  LAUNCH_STRICT = 1 << 0,            // refuse when any wanted layer is missing
  LAUNCH_NEW_ROOT = 1 << 1,          // an empty root holding only the bound paths
  LAUNCH_PRIVATE_PROC = 1 << 2,      // a read-only procfs of the plugin's own pid namespace
  LAUNCH_REFUSE_EXEC_GAIN = 1 << 3,  // PR_SET_MDWE
  LAUNCH_PROBE = 1 << 4,             // build the sandbox, report, and end without exec
  // For tests only: act as if the kernel lacked a layer. They can only remove one.
  LAUNCH_WITHOUT_LANDLOCK = 1 << 16,
  LAUNCH_WITHOUT_USER_NAMESPACE = 1 << 17,
  LAUNCH_WITHOUT_NAMESPACES = 1 << 18,
  LAUNCH_WITHOUT_MDWE = 1 << 19,
  LAUNCH_WITHOUT_LISTENER = 1 << 20,
};

/// Layers, as wanted in `launch_header.wanted` and as reported in `launch_report.layers`.
enum {
  LAUNCH_LAYER_FILTER = 1 << 0,
  LAUNCH_LAYER_REPORTS = 1 << 1,  // denied calls reach the monitor
  LAUNCH_LAYER_NO_NEW_PRIVILEGES = 1 << 2,
  LAUNCH_LAYER_LIMITS = 1 << 3,
  LAUNCH_LAYER_LANDLOCK = 1 << 4,
  LAUNCH_LAYER_LANDLOCK_TRUNCATE = 1 << 5,  // ABI 3
  LAUNCH_LAYER_LANDLOCK_NETWORK = 1 << 6,   // ABI 4
  LAUNCH_LAYER_LANDLOCK_SCOPES = 1 << 7,    // ABI 6: signals, abstract sockets
  LAUNCH_LAYER_USER_NAMESPACE = 1 << 8,
  LAUNCH_LAYER_MOUNT_NAMESPACE = 1 << 9,
  LAUNCH_LAYER_PID_NAMESPACE = 1 << 10,
  LAUNCH_LAYER_NET_NAMESPACE = 1 << 11,
  LAUNCH_LAYER_IPC_NAMESPACE = 1 << 12,
  LAUNCH_LAYER_UTS_NAMESPACE = 1 << 13,
  LAUNCH_LAYER_CGROUP_NAMESPACE = 1 << 14,
  LAUNCH_LAYER_REFUSE_EXEC_GAIN = 1 << 15,
  LAUNCH_LAYER_OWN_USER = 1 << 16,  // runs under a user id of its own
};

struct launch_header {
  uint32_t magic;
  uint32_t version;
  uint32_t bytes;  // of the whole description
  uint32_t flags;
  uint32_t wanted;  // layers; the namespace bits say which namespaces to make
  uint32_t user;    // host ids to run under when the launcher is root; UINT32_MAX keeps them
  uint32_t group;
  uint32_t limit_count;
  uint64_t capabilities;  // kept, as a bit mask; every other one is dropped
  uint32_t path_count;
  uint32_t filter_count;
  uint32_t monitor_filter_count;
  uint32_t descriptor_count;
  uint32_t argument_count;
  uint32_t environment_count;
  uint32_t string_bytes;
  uint32_t required;  // layers without which nothing is started
};

struct launch_limit {
  uint32_t resource;  // RLIMIT_*
  uint32_t reserved;
  uint64_t value;  // soft and hard
};

/// What a path rule allows, below the path if it is a directory.
enum {
  LAUNCH_PATH_READ = 1 << 0,
  LAUNCH_PATH_EXECUTE = 1 << 1,  // and map as code
  LAUNCH_PATH_WRITE = 1 << 2,   // create, change and remove
  LAUNCH_PATH_DEVICE = 1 << 3,  // is a device, and may be used as one
  LAUNCH_PATH_MAP = 1 << 4,     // map as code; executed only where Landlock is missing
};

/// `launch_path.flags`.
enum {
  LAUNCH_PATH_BIND = 1 << 0,      // stays visible at its own name in the new root
  LAUNCH_PATH_REROOT = 1 << 1,    // the descriptor becomes the root of a mount of its own
  LAUNCH_PATH_OPTIONAL = 1 << 2,  // a missing path is no error
};

struct launch_path {
  uint32_t descriptor;  // UINT32_MAX: open the name
  uint32_t rights;
  uint32_t flags;
  uint32_t reserved;
};

/// `launch_report.kind`.
enum {
  LAUNCH_REPORT_STARTED = 1,
  LAUNCH_REPORT_DENIED = 2,
  LAUNCH_REPORT_FAILED = 3,
  LAUNCH_REPORT_EXITED = 4,
};

/// One message on the status pipe; smaller than PIPE_BUF, so that it arrives whole.
struct launch_report {
  uint32_t magic;
  uint32_t kind;
  uint32_t layers;
  uint32_t landlock_version;  // 0: none
  int32_t code;               // errno of a failure; exit code or signal of an end
  uint32_t is_signal;
  uint64_t number;        // of the denied system call
  uint64_t arguments[6];  // of the denied system call
  uint64_t cpu_nanoseconds;
  uint64_t peak_bytes;
  char step[32];  // NUL-terminated name of the step that failed
  char path[LAUNCH_PATH_BYTES_MAX];  // NUL-terminated, of the denied call; what it says, cut off
};

#ifdef __STDC_VERSION__
_Static_assert(sizeof(struct launch_header) == 72, "no padding");
_Static_assert(sizeof(struct launch_limit) == 16, "no padding");
_Static_assert(sizeof(struct launch_path) == 16, "no padding");
_Static_assert(sizeof(struct launch_report) == 640, "no padding");
#endif
