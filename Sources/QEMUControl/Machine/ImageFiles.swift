internal import JSON
internal import System

/// Tells which file is behind a name that QEMU has for a medium.
struct ImageFiles {
  private let directory: String?

  /// Asks the kernel where QEMU stands, since its names may be relative.
  init(_ monitor: any Monitor) {
    directory = monitor.process.flatMap { try? realPath("/proc/\($0)/cwd") }
  }

  /// The file, if the name is one; not whether it is there.
  ///
  /// - Parameter name: A path, a path with a protocol (`nbd:…`), or `json:` and a description.
  func file(_ name: String?) -> String? {
    guard let name else { return nil }
    if name.hasPrefix("json:") { return described(Array(name.dropFirst(5).utf8)) }
    return path(name)
  }

  private func described(_ description: [UInt8]) -> String? {
    guard var node = try? JSONValue(parsingLeniently: description) else { return nil }
    // Filters and formats have their medium in "file", some levels down at most.
    for _ in 0..<8 {
      switch node["driver"]?.string {
      case "file", "host_device": return node["filename"]?.string.flatMap(path)
      default: break
      }
      guard let next = node["file"] else { return nil }
      node = next
    }
    return nil
  }

  private func path(_ name: String) -> String? {
    // Descriptors that somebody passed have no place among the files.
    if name.isEmpty || name.hasPrefix("/dev/fdset/") || name.hasPrefix("/dev/fd/") { return nil }
    if name.hasPrefix("/") { return name }
    let first = name.prefix { $0 != "/" }
    if name.hasPrefix("file:") { return path(String(name.dropFirst(5))) }
    if first.contains(":") { return nil }
    guard let directory else { return nil }
    let whole = directory == "/" ? "/\(name)" : "\(directory)/\(name)"
    return (try? FileStatus(path: whole)) == nil ? nil : whole
  }
}
