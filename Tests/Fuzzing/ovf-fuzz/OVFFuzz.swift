import FuzzInput
import OVFFormat

/// Called by libFuzzer with every input it makes: a descriptor, or how to make one; see
/// ``Descriptor``.
///
/// What must hold for any bytes: reading ends without a trap. What was read, and can be written,
/// can be read again, and is the same from then on; a descriptor of ours is the same at once.
@c(LLVMFuzzerTestOneInput)
public func fuzzDescriptors(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = Descriptor(UnsafeBufferPointer(start: data, count: count))
  guard let read = parsed(input.bytes) else { return 0 }
  check(read)
  #if CANARY
  precondition(read.files.isEmpty, "the canary: the fuzzer must notice this")
  #endif
  guard let text = written(read) else { return 0 }
  guard let again = parsed(text) else { preconditionFailure("what is written cannot be read") }
  check(again)
  precondition(again.files == read.files && again.backup == read.backup, "files or streams differ")
  if read.backup != nil {
    var expected = read
    // The machine of an appliance has a name.
    if expected.name.isEmpty { expected.name = "machine" }
    precondition(again == expected, "a descriptor of ours differs")
  }
  guard let last = written(again) else { preconditionFailure("it cannot be written again") }
  precondition(last == text || parsed(last) == again, "it differs when it is written again")
  return 0
}

private func check(_ descriptor: OVFDescriptor) {
  for disk in descriptor.disks {
    precondition(!disk.name.isEmpty && disk.capacity ?? 0 < 1 << 53, "a disk that cannot be")
  }
  precondition(
    Set(descriptor.disks.map(\.name)).count == descriptor.disks.count, "two disks of one name")
  for file in descriptor.files { precondition(!file.name.contains("/"), "a path") }
  var members = descriptor
  members.unescapeNames { !$0.contains("%") }
  precondition(members.files.map(\.id) == descriptor.files.map(\.id), "files got lost")
}

private func parsed(_ bytes: [UInt8]) -> OVFDescriptor? {
  do throws(OVFError) { return try OVFDescriptor(parsing: bytes) } catch {
    precondition(!error.description.isEmpty, "a failure without a word")
    return nil
  }
}

private func written(_ descriptor: OVFDescriptor) -> [UInt8]? {
  do throws(OVFError) { return try descriptor.serialised() } catch {
    precondition(!error.description.isEmpty, "a failure without a word")
    return nil
  }
}
