import MachineStart
import Testing

/// Values of QEMU's options, read and written as QEMU does.
@Suite struct KeyValuesTests {
  @Test func `a comma that is doubled belongs to the value`() {
    let values = KeyValues(parsing: "file,node-name=a,,b,filename=/x,,y=z", implied: "driver")
    #expect(values["driver"] == "file")
    #expect(values["node-name"] == "a,b")
    #expect(values["filename"] == "/x,y=z")
    #expect(values.text(implied: "driver") == "file,node-name=a,,b,filename=/x,,y=z")
  }

  @Test func `a name without a value is on`() {
    let values = KeyValues(parsing: "socket,server,wait=off", implied: "backend")
    #expect(values["server"] == "on" && values["wait"] == "off")
  }

  @Test func `JSON has names with dots for what is inside`() {
    let text =
      #"{"driver":"raw","file":{"driver":"file","filename":"a,b"},"read-only":true,"n":[3]}"#
    let values = KeyValues(parsing: text)
    #expect(values["file.filename"] == "a,b" && values["n.0"] == "3")
    #expect(
      values.text() == "driver=raw,file.driver=file,file.filename=a,,b,read-only=on,n.0=3")
  }

  @Test func `a comma with an accent on it is no comma`() {
    // One character to Swift, and two to QEMU.
    let values = KeyValues(parsing: "id=a,\u{301}b=c")
    #expect(values.pairs.count == 2)
    #expect(KeyValues.doubled("a,\u{301}") == "a,,\u{301}")
  }

  @Test func `the words of a line are its options again`() {
    let words = ["-S", "--device", "virtio-net-pci", "disk.raw", "-m", "64", "-nodefaults"]
    let options = LineOption.list(words)
    #expect(options.map(\.name) == ["S", "device", "", "m", "nodefaults"])
    #expect(options.map(\.value) == [nil, "virtio-net-pci", "disk.raw", "64", nil])
  }
}
