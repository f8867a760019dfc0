import Glibc
import Testing

@testable import BlockSource

struct PackageAdviceTests {
  @Test func `on a host of Proxmox VE the advice is its own package`() throws {
    let folder = try ImageFolder()
    let debian = QEMUPackages(installed: folder.directory)
    #expect(debian.advice(for: "qemu-img").contains("qemu-utils"))
    #expect(debian.advice(for: "qemu-storage-daemon").contains("qemu-system-common"))
    close(open(folder.directory + "/pve-qemu-kvm.list", O_CREAT | O_WRONLY, 0o644))
    for program in ["qemu-img", "qemu-storage-daemon"] {
      let advice = QEMUPackages(installed: folder.directory).advice(for: program)
      #expect(advice.contains("pve-qemu-kvm") && advice.contains("--no-remove"))
      #expect(!advice.contains("qemu-utils") && !advice.contains("qemu-system-common"))
    }
  }
}
