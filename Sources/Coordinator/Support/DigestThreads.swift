internal import Glibc

/// Threads for hashing: as many as there are processors, four at most.
package func digestThreadCount() -> Int {
  max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
