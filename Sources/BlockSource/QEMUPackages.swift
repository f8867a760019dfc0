internal import Glibc

/// Which package brings a program of QEMU's.
package struct QEMUPackages {
  /// Whether this host has a QEMU of Proxmox VE.
  private let isProxmox: Bool

  /// - Parameter installed: Where dpkg lists the files of each package.
  package init(installed: String = "/var/lib/dpkg/info") {
    isProxmox = ["pve-qemu-kvm", "proxmox-ve", "pve-manager"].contains {
      unsafe access("\(installed)/\($0).list", F_OK) == 0
    }
  }

  /// What to do where the program is missing, for people.
  ///
  /// Proxmox VE's package and Debian's exclude each other: apt would remove Proxmox VE for ours.
  package func advice(for program: String) -> String {
    if isProxmox {
      return "apt-get install --no-remove --reinstall pve-qemu-kvm"
        + " (not Debian's qemu packages: apt would remove Proxmox VE for them)"
    }
    let package = program == "qemu-img" ? "qemu-utils" : "qemu-system-common"
    return "apt-get install --no-remove \(package)"
  }
}
