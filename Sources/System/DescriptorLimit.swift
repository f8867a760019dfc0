internal import Glibc

/// Lets the process have as many descriptors as a job of 1024 disks needs, if the system does.
///
/// The soft limit is 1024 for the sake of programs that use select(2); this one uses poll(2).
package func raiseDescriptorLimit() {
  let wanted: rlim_t = 16384
  let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  var limit = rlimit()
  guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
  limit.rlim_cur = min(wanted, limit.rlim_max)
  unsafe _ = setrlimit(resource, &limit)
}
