/// A family of operating systems as CIM counts them (`CIM_OperatingSystem.OSType`).
struct OVFSystem {
  let number: Int

  init(family: String, architecture: String) {
    let is32Bit = ["i386", "i686", "arm"].contains(architecture)
    number =
      switch family {
      case "linux": is32Bit ? 36 : 101
      case "bsd": is32Bit ? 42 : 78
      case "": is32Bit ? 1 : 102
      // The numbers of Windows name a version, which the family does not.
      default: 1
      }
  }

  /// The family of a number; empty for those of which we know none.
  static func family(_ number: Int) -> String {
    switch number {
    case 15...19, 58, 63, 67, 69...74, 76, 77, 103, 105, 111...120: "windows"
    case 36, 79, 80, 82...101, 106...109: "linux"
    case 40...43, 78: "bsd"
    default: ""
    }
  }
}
