import JSON
import MachineStart
import Testing

/// A recorded machine beside the QEMU at hand.
@Suite struct ComparisonTests {
  private static let record = MachineRecord(
    facts: [
      "query-target": ["arch": "x86_64"], "machine-type": "pc-q35-10.0-machine",
      "cpu-type": "EPYC-x86_64-cpu", "query-kvm": ["enabled": true],
      "query-memory-size-summary": ["base-memory": 4_294_967_296],
      "devices": [["name": "d", "type": "igb"], ["name": "e", "type": "VGA"]],
    ], drives: [])

  @Test func `what a QEMU lacks of a machine is told`() {
    var emulator = EmulatorAbilities()
    emulator.version = "7.2.22"
    emulator.machines = ["pc-q35-7.2", "q35"]
    emulator.devices = ["VGA"]
    emulator.availableBytes = 1 << 30
    #expect(
      MachineComparison(Self.record, with: emulator).differences == [
        "the type of machine, pc-q35-10.0, is unknown to QEMU 7.2.22",
        "the processor, EPYC-x86_64-cpu, is unknown to QEMU 7.2.22",
        "the machine ran with KVM, which cannot be used here",
        "the machine has 4096 MiB of memory, of which 1024 MiB are available here",
        "the device igb is unknown to QEMU 7.2.22",
      ])
  }

  @Test func `a QEMU that has everything differs in nothing`() {
    var emulator = EmulatorAbilities()
    emulator.machines = ["pc-q35-10.0"]
    emulator.processors = ["EPYC-x86_64-cpu"]
    emulator.devices = ["VGA", "igb", "e1000"]
    emulator.hasKVM = true
    emulator.availableBytes = 8 << 30
    #expect(MachineComparison(Self.record, with: emulator).differences == [])
  }
}
