import CommandLine
import System

/// The processes of a running job.
extension Program {
  /// A process of the job, as soon as there is one of that name; 0 if the job ends before.
  ///
  /// - Parameter name: How the name begins; the kernel keeps 15 bytes of it.
  func member(_ name: String) async throws -> Int32 {
    for _ in 0..<500 {
      let parent = process
      if parent > 0 {
        if name == "sluice" { return parent }
        let family = Self.family(of: parent)
        if let found = family.first(where: { Self.name($0).hasPrefix(name) }) { return found }
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    return 0
  }

  /// Everything below a process.
  private static func family(of parent: Int32) -> [Int32] {
    let all = ((try? listDirectory("/proc")) ?? []).compactMap { Int32($0) }
    let parents = all.map { process in
      // Behind the name, which may hold anything: state and parent.
      let rest = text(process, "stat").split(separator: ")").last ?? ""
      return (process, Int32(rest.split(separator: " ").dropFirst().first ?? "") ?? 0)
    }
    var family = [parent]
    for member in 0..<parents.count where member < family.count {
      family += parents.filter { $0.1 == family[member] }.map(\.0)
    }
    return Array(family.dropFirst())
  }

  private static func name(_ process: Int32) -> String { text(process, "comm") }

  private static func text(_ process: Int32, _ file: String) -> String {
    let bytes = (try? readSmallFile("/proc/\(process)/\(file)", limit: 4096)) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }
}
