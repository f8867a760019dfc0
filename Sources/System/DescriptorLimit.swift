internal import Glibc

/// Lets the process have as many descriptors as a job of 1024 disks needs, if the system does.
///
/// The soft limit is 1024 for the sake of programs that use select(2); this one uses poll(2). A
/// privileged process may have more than it was given.
package func raiseDescriptorLimit() {
  let wanted: rlim_t = 16384
  var limit = rlimit()
  guard unsafe getrlimit(descriptors, &limit) == 0, limit.rlim_cur < wanted else { return }
  var raised = limit
  (raised.rlim_cur, raised.rlim_max) = (wanted, max(wanted, limit.rlim_max))
  if unsafe setrlimit(descriptors, &raised) == 0 { return }
  limit.rlim_cur = min(wanted, limit.rlim_max)
  unsafe _ = setrlimit(descriptors, &limit)
}

/// How many descriptors the process may have.
package func descriptorLimit() -> Int {
  var limit = rlimit()
  guard unsafe getrlimit(descriptors, &limit) == 0 else { return .max }
  return Int(clamping: limit.rlim_cur)
}

private var descriptors: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
