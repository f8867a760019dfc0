import QEMUControl
import Testing

@Suite struct ProtectionTests {
  @Test(arguments: [
    ("stop", true, true), ("enospc", true, false), ("auto", true, false), ("report", false, false),
    ("ignore", false, false), ("", false, false), ("nonsense", false, false),
  ])
  func `a disk is protected as its policy says`(policy: String, full: Bool, failing: Bool) {
    let protection = Protection(writeErrorPolicy: policy)
    #expect(protection.holdsWhenFull == full)
    #expect(protection.holdsWhenFailing == failing)
    #expect(!protection.holdsWhenHanging)
    let warnings = protection.warnings(disk: "disk0", policy: policy)
    #expect(warnings.isEmpty == (full && failing))
    #expect(warnings.allSatisfy { $0.hasPrefix("disk0: ") && !$0.contains("\n") })
  }

  @Test func `a job that breaks the backup instead protects every disk`() {
    for policy in ["report", "", "enospc"] {
      let protection = Protection(writeErrorPolicy: policy, breaksBackup: true)
      #expect(protection.holdsWhenFull && protection.holdsWhenFailing)
      #expect(protection.warnings(disk: "d", policy: policy).isEmpty)
    }
  }
}
