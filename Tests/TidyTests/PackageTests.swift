import CommandLine
import Glibc
import Testing

/// What `./install` and `./quickstart` do to the packages of a host, tried on apt itself with
/// a database of its own in which nothing is real.
@Suite(.inTurns) struct PackageTests {
  private let place: Scratch
  private static let canRun = access("/usr/bin/apt-get", X_OK) == 0 && geteuid() == 0

  init() async throws {
    place = try Scratch()
    try await place.shell(
      "mkdir -p bin repo apt/lists/partial cache/archives/partial etc dpkg/info")
    try await place.shell(
      "for tool in sh id cat env uname dpkg-query; do ln -s \"$(command -v $tool)\" bin/$tool; done"
    )
    try place.write("repo/Packages", Array(Self.packages.utf8))
    try place.write(
      "etc/sources.list", Array("deb [trusted=yes] file:\(place.path("repo")) ./\n".utf8))
    try place.write("bin/apt-get", Array(apt.utf8))
    try await place.shell("chmod 755 bin/apt-get && touch dpkg/available asked")
  }

  /// Debian's QEMU, which excludes that of Proxmox VE.
  private static let packages = ["qemu-utils", "qemu-system-common"].map {
    """
    Package: \($0)
    Version: 1:7.2
    Architecture: all
    Conflicts: pve-qemu-kvm
    Filename: ./\($0).deb
    Size: 10
    SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    Description: of Debian


    """
  }.joined()

  private static func installed(_ name: String, _ more: String) -> String {
    """
    Package: \(name)
    Status: install ok installed
    Version: 8
    Architecture: all
    Maintainer: Proxmox <support@proxmox.com>
    \(more)
    Description: of Proxmox


    """
  }

  /// The real apt-get, of this database, which only says what it would do.
  private var apt: String {
    """
    #!/bin/sh
    echo "$*" >>'\(place.path("asked"))'
    case "$*" in *update*) simulate= ;; *) simulate=-s ;; esac
    exec /usr/bin/apt-get -o Dir::State='\(place.path("apt"))' \\
      -o Dir::State::status='\(place.path("dpkg/status"))' -o Dir::Cache='\(place.path("cache"))' \\
      -o Dir::Etc='\(place.path("etc"))' \\
      -o Dir::Etc::sourcelist='\(place.path("etc/sources.list"))' \\
      -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root $simulate "$@"
    """
  }

  /// Status of `need_packages` for what Sluice runs, on a host that has what is in `bin` only.
  private func needPackages() async throws -> String {
    let script = """
      cd '\(Tree.top)' && . scripts/common.sh && PATH='\(place.path("bin"))'
      need_packages $run_packages
      """
    try place.write("try.sh", Array(script.utf8))
    let environment = "PATH='\(place.path("bin"))' DPKG_ADMINDIR='\(place.path("dpkg"))'"
    try await place.shell("env -i \(environment) /bin/sh try.sh >words 2>&1; echo $? >status")
    return try place.text("status")
  }

  @Test(.enabled(if: Self.canRun, "needs apt, and root"))
  func `apt never removes a package for one of ours`() async throws {
    let status =
      Self.installed("proxmox-ve", "Depends: pve-qemu-kvm")
      + Self.installed("pve-qemu-kvm", "Conflicts: qemu-utils, qemu-system-common")
    try place.write("dpkg/status", Array(status.utf8))
    #expect(try await needPackages() == "69\n")
    #expect(try place.text("asked").contains("--no-remove"))
  }

  @Test(.enabled(if: Self.canRun, "needs apt, and root"))
  func `apt is not asked for what is there, whoever brought it`() async throws {
    try place.write("dpkg/status", [])
    try await place.shell(
      "for tool in qemu-img qemu-storage-daemon; do ln -s /bin/true bin/$tool; done")
    #expect(try await needPackages() == "0\n")
    #expect(try place.text("asked") == "")
  }

  @Test(.enabled(if: Self.canRun, "needs apt, and root"))
  func `apt installs what is missing and excludes nothing`() async throws {
    try place.write("dpkg/status", [])
    #expect(try await needPackages() == "0\n")
    #expect(try place.text("asked").contains("qemu-system-common qemu-utils"))
  }
}
