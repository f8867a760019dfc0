internal import ArgumentParser
internal import BlockSource
internal import Coordinator
internal import Glibc

/// Splits `a,b=c` at single commas; `,,` is a comma.
func splitAtCommas(_ text: String) -> [String] {
  var parts = [""]
  var rest = text[...]
  while let character = rest.first {
    rest.removeFirst()
    if character != "," {
      parts[parts.count - 1].append(character)
    } else if rest.first == "," {
      rest.removeFirst()
      parts[parts.count - 1].append(",")
    } else {
      parts.append("")
    }
  }
  return parts
}

/// Splits `NAME=PATH[,OPTION…]`; neither name nor path is empty.
func splitNamedPath(_ text: String) -> (name: String, path: String, options: ArraySlice<String>)? {
  let parts = splitAtCommas(text)
  guard let equals = parts[0].firstIndex(of: "=") else { return nil }
  let name = String(parts[0][..<equals])
  let path = String(parts[0][parts[0].index(after: equals)...])
  return name.isEmpty || path.isEmpty ? nil : (name, path, parts.dropFirst())
}

/// `NAME=FILE[,format=F]`
struct ImageSpecification: ExpressibleByArgument {
  let image: BackupRequest.Image

  init?(argument: String) {
    guard let (name, path, options) = splitNamedPath(argument) else { return nil }
    var format: ImageFormat?
    for part in options {
      guard part.hasPrefix("format="),
        let known = ImageFormat(rawValue: String(part.dropFirst("format=".count)))
      else { return nil }
      format = known
    }
    image = BackupRequest.Image(name: name, path: path, format: format)
  }
}

/// `FORMAT=PATH` or `FORMAT:LABEL=PATH`; `-` and `|COMMAND` are streams
struct OutputSpecification: ExpressibleByArgument {
  let output: BackupRequest.Output

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "=") else { return nil }
    let head = argument[..<equals].split(separator: ":", omittingEmptySubsequences: false)
    let path = String(argument[argument.index(after: equals)...])
    guard (1...2).contains(head.count), head.allSatisfy({ !$0.isEmpty }), !path.isEmpty else {
      return nil
    }
    let place = OutputPlace(path)
    if case .command("") = place { return nil }
    output = BackupRequest.Output(
      format: String(head[0]), label: String(head[head.count - 1]), place: place)
  }
}

extension [OutputSpecification] {
  /// Whether an archive goes to standard output; then nothing else may be written to it.
  var takeStandardOutput: Bool { contains { $0.output.place == .standardOutput } }

  func checkStandardOutput(isJSON: Bool) throws {
    guard takeStandardOutput else { return }
    guard !isJSON else {
      throw ValidationError("--json cannot be used with an archive on standard output")
    }
    guard isatty(1) == 0 else {
      throw ValidationError("refusing to write an archive to a terminal; redirect standard output")
    }
  }
}

/// `FORMAT.KEY=VALUE` or `LABEL.KEY=VALUE`
struct OptionSpecification: ExpressibleByArgument {
  let option: BackupRequest.Option

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="),
      let dot = argument[..<equals].firstIndex(of: ".")
    else { return nil }
    let label = String(argument[..<dot])
    let key = String(argument[argument.index(after: dot)..<equals])
    guard !label.isEmpty, !key.isEmpty else { return nil }
    option = BackupRequest.Option(
      label: label, key: key, value: String(argument[argument.index(after: equals)...]))
  }
}

/// Bytes with an optional K, M, G or T (powers of 1024).
struct ByteCount: ExpressibleByArgument {
  let bytes: UInt64

  init?(argument: String) {
    let factors: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    let factor = argument.last.flatMap { factors[Character($0.uppercased())] }
    let digits = factor == nil ? argument[...] : argument.dropLast()
    guard let number = UInt64(digits), number > 0 else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
    guard !overflow else { return nil }
    bytes = product
  }
}

extension BackupRequest.TransportChoice: ExpressibleByArgument {}

/// The digest computed of every stream.
enum DigestChoice: String, ExpressibleByArgument, CaseIterable {
  case tree = "tree-sha256-32k"
  case none
}
