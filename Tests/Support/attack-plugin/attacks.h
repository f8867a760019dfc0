#pragma once

/// A hostile plugin. Each attack has one goal; it is tried once per process.

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  SUCCEEDED = 0,
  NOT_REACHABLE = 200,  // this kernel or this machine does not have it
};

/// Returns SUCCEEDED, NOT_REACHABLE, or the errno that stopped it. Being killed counts as stopped.
struct attack {
  const char *name;
  int (*run)(void);
};

extern const struct attack file_attacks[], process_attacks[], network_attacks[], memory_attacks[],
    kernel_attacks[];

/// Where the attacker may look for victims; given as arguments.
struct target {
  pid_t victim;      // a process of the host's user, listening on everything below
  pid_t host;        // the plugin's host
  int tcp, udp;      // ports of the victim on 127.0.0.1
  void *address;     // a buffer of 16 bytes in the victim
  const char *hostname;
  const char *outside;  // a directory of the host's user; the output directory is in it
};
extern struct target target;

/// Descriptors of a plugin.
enum { IN = 3, OUT = 4, POOL = 5, OUTPUT = 6, LEAKED = 15, POOL_BYTES = 1 << 20 };

/// The outcome of a call: `result` of 0 or more succeeded.
static inline int outcome(long result) { return result >= 0 ? SUCCEEDED : errno; }

/// The outcome of a call made so that it does no harm: failing with `expected` proves that the
/// kernel's permission check was passed.
static inline int passes_check(long result, int expected) {
  return result >= 0 || errno == expected ? SUCCEEDED : errno;
}

/// A path in the outside directory.
const char *outside(const char *name);
/// Makes a file in the output directory; a descriptor or -1.
int make_output(const char *name);

/// The smallest program: it exits with 0.
extern const unsigned char tiny_program[];
extern const size_t tiny_program_size;
