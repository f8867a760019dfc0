import Testing

@testable import Requests

/// Requests that contradict themselves, each in one way.
@Suite struct ValidationTests {
  /// A request that is in order, with a change to it.
  private func backup(
    _ change: (inout BackupRequest) throws -> Void = { _ in }
  ) rethrows -> BackupRequest {
    var request = BackupRequest()
    request.images = (try? [.init(parsing: "d=d.raw")]) ?? []
    request.outputs = (try? [.init(parsing: "raw=x")]) ?? []
    try change(&request)
    return request
  }

  private func live(_ change: (inout BackupRequest) -> Void = { _ in }) -> BackupRequest {
    backup {
      $0.images = []
      $0.guest = GuestRequest(socket: "qmp")
      change(&$0)
    }
  }

  private func outputs(_ texts: [String]) throws -> BackupRequest {
    try backup { $0.outputs = try texts.map { try .init(parsing: $0) } }
  }

  @Test func `requests that are in order are accepted`() throws {
    try backup().validate()
    try live().validate()
    try live { $0.transport = .spool }.validate()
    try backup { $0.allowBacking = ["/"] }.validate()
    try backup { $0.isStrict = true }.validate()
  }

  @Test func `a running machine has no images, and their options`() {
    #expect(throws: RequestError.imagesAndGuest) {
      try backup { $0.guest = GuestRequest(socket: "qmp") }.validate()
    }
    #expect(throws: RequestError.backingOfGuest) { try live { $0.allowBacking = ["/"] }.validate() }
    #expect(throws: RequestError.strictGuest) { try live { $0.isStrict = true }.validate() }
  }

  @Test func `a spool is for a running machine`() {
    #expect(throws: RequestError.spoolOfImages) { try backup { $0.transport = .spool }.validate() }
  }

  @Test(arguments: [0, -1, 1e9, .infinity, .nan, -.infinity])
  func `a stall limit is more than none, and ends`(seconds: Double) {
    #expect(throws: RequestError.stallLimit) { try backup { $0.stallLimit = seconds }.validate() }
    #expect(throws: RequestError.stallLimit) { try requireStallLimit(seconds) }
  }

  @Test(arguments: [0.001, 600, 999_999_999])
  func `a stall limit may be short or long`(seconds: Double) throws {
    try backup { $0.stallLimit = seconds }.validate()
  }

  @Test(arguments: [0, -1, 60.001, .nan, .infinity])
  func `a guest is frozen for a minute at most`(seconds: Double) {
    #expect(throws: RequestError.guestStallLimit) {
      try live { $0.guest?.stallLimit = seconds }.validate()
    }
  }

  @Test(arguments: [0.001, 1, 60])
  func `a guest may be frozen for up to a minute`(seconds: Double) throws {
    try live { $0.guest?.stallLimit = seconds }.validate()
  }

  @Test func `only an agent can freeze the guest`() throws {
    #expect(throws: RequestError.freezeWithoutAgent) {
      try live { $0.guest?.freeze = .require }.validate()
    }
    try live {
      $0.guest?.freeze = .require
      $0.guest?.agentSocket = "agent"
    }.validate()
    try live { $0.guest?.freeze = .never }.validate()
  }

  @Test func `there is an output`() {
    #expect(throws: RequestError.noOutput) { try backup { $0.outputs = [] }.validate() }
  }

  @Test func `standard output takes one archive`() throws {
    #expect(throws: RequestError.severalOnStandardOutput) {
      try outputs(["vma=-", "tar=-"]).validate()
    }
    try outputs(["vma=-", "tar=|cat", "ova=|cat"]).validate()
  }

  @Test(arguments: [["raw=a", "raw=b"], ["raw:raw=a", "raw=b"], ["vma:raw=a", "raw=b"]])
  func `outputs have different names`(texts: [String]) {
    #expect(throws: RequestError.duplicateOutput(label: "raw", format: "raw")) {
      try outputs(texts).validate()
    }
  }

  @Test func `labels tell outputs of one format apart`() throws {
    try outputs(["raw:a=a", "raw:b=b", "raw=c"]).validate()
  }

  @Test(arguments: [["raw=a"], ["vma=-", "tar=|cat"], ["raw=a", "raw:b=b"]])
  func `a receipt is saved of exactly one stream`(texts: [String]) {
    #expect(throws: RequestError.receiptOfNoStream) {
      var request = try outputs(texts)
      request.savedReceipt = "r"
      try request.validate()
    }
  }

  @Test func `a receipt is saved of the one stream beside others`() throws {
    var request = try outputs(["raw=a", "vma=-"])
    request.savedReceipt = "r"
    try request.validate()
  }

  @Test func `an option is for an output`() throws {
    var request = try outputs(["raw:a=x", "vma=y"])
    request.options = try ["a.k=v", "vma.k=v"].map { try .init(parsing: $0) }
    try request.validate()
    request.options.append(try .init(parsing: "raw.k=v"))
    #expect(throws: RequestError.optionOfNoOutput(label: "raw", key: "k")) {
      try request.validate()
    }
  }

  @Test func `a name needs an ID that is known, or will be`() throws {
    var request = try outputs(["raw={vmid}"])
    #expect(throws: RequestError.unknownVMID) { try request.validate() }
    try request.validateOutputs(isVMIDToCome: true)
    request.vmID = "101"
    try request.validate()
    request.vmID = "../101"
    #expect(throws: RequestError.unusableVMID("../101")) { try request.validate() }
  }

  private func restore(_ disks: [String], skip: [String] = []) throws -> RestoreRequest {
    var request = RestoreRequest(ArchiveRequest("a"))
    request.disks = try disks.map { try .init(parsing: $0) }
    request.skipped = skip
    return request
  }

  @Test func `a restore has a destination`() throws {
    var request = try restore([])
    #expect(throws: RequestError.noDestination) { try request.validate() }
    request.directory = "x"
    try request.validate()
    try restore(["d=x"]).validate()
  }

  @Test func `a disk has one destination`() throws {
    try restore(["d=x", "e=y"], skip: ["f"]).validate()
    #expect(throws: RequestError.diskTwice("d")) { try restore(["d=x", "d=y"]).validate() }
    #expect(throws: RequestError.skippedDisk("e")) {
      try restore(["d=x", "e=y"], skip: ["e"]).validate()
    }
  }
}
