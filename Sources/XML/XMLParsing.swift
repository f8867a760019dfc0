internal import CExpat

extension XMLElement {
  /// Reads a whole document.
  ///
  /// Expat checks form and encoding (UTF-8, UTF-16, ISO-8859-1, US-ASCII). No entity but the five
  /// of XML itself exists, since nothing may declare one; nothing outside of `bytes` is ever read.
  ///
  /// - Parameter bytes: Of hostile origin or not.
  /// - Throws: `XMLError`; what was read so far is gone.
  package init(parsing bytes: [UInt8], limits: XMLLimits = XMLLimits()) throws(XMLError) {
    guard bytes.count <= limits.bytesMax else { throw .limit(.bytes, line: 1) }
    let builder = XMLTreeBuilder(limits)
    try builder.run(bytes)
    guard let root = builder.root else { throw .malformed(line: 1, reason: "no element found") }
    self = root
  }
}

/// What expat's calls are collected into. Safe because: the parser is used in calls of it alone.
@safe private final class XMLTreeBuilder {
  /// Between namespace and name in what expat hands over; no XML can hold it.
  static let separator: UInt8 = 1

  private let limits: XMLLimits
  private var open: [XMLElement] = []
  private var text = ""
  private var elementCount = 0
  private(set) var root: XMLElement?
  /// Why we stopped the parser, if we did.
  private var refusal: XMLError?
  private var parser: XML_Parser?

  init(_ limits: XMLLimits) { self.limits = limits }

  func run(_ bytes: [UInt8]) throws(XMLError) {
    guard let parser = unsafe XML_ParserCreateNS(nil, CChar(Self.separator)) else {
      throw .malformed(line: 0, reason: "out of memory")
    }
    // Safe because: ours alone, and freed once, when no call of it can come any more.
    defer { unsafe XML_ParserFree(parser) }
    unsafe self.parser = parser
    unsafe listen(parser)
    let status = unsafe bytes.withUnsafeBytes { buffer in
      unsafe XML_Parse(
        parser, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count), 1)
    }
    if let refusal { throw refusal }
    guard status == XML_STATUS_OK else {
      let reason = unsafe XML_ErrorString(XML_GetErrorCode(parser))
      throw unsafe .malformed(
        line: Int(clamping: XML_GetCurrentLineNumber(parser)),
        reason: unsafe reason.map { unsafe String(cString: $0) } ?? "not XML")
    }
  }

  /// The parser calls back while ``run(_:)`` holds this object.
  private func listen(_ parser: XML_Parser) {
    unsafe XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    unsafe XML_SetElementHandler(
      parser,
      { context, name, attributes in
        guard let name = unsafe name else { return }
        unsafe XMLTreeBuilder.of(context)?.start(name, attributes)
      }, { context, _ in unsafe XMLTreeBuilder.of(context)?.end() })
    unsafe XML_SetCharacterDataHandler(parser) { context, characters, count in
      guard let characters = unsafe characters else { return }
      let bytes = unsafe UnsafeRawBufferPointer(start: characters, count: Int(count))
      unsafe XMLTreeBuilder.of(context)?.text += String(decoding: bytes, as: UTF8.self)
    }
    // Without a DOCTYPE there is no declaration, and without one no entity.
    unsafe XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
      guard let builder = unsafe XMLTreeBuilder.of(context) else { return }
      builder.refuse(.doctype(line: builder.line))
    }
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> XMLTreeBuilder? {
    // Safe because: the context is the builder that waits in `run`.
    unsafe context.map { unsafe Unmanaged<XMLTreeBuilder>.fromOpaque($0).takeUnretainedValue() }
  }

  private var line: Int {
    guard let parser = unsafe parser else { return 0 }
    return unsafe Int(clamping: XML_GetCurrentLineNumber(parser))
  }

  private func refuse(_ error: XMLError) {
    guard refusal == nil, let parser = unsafe parser else { return }
    refusal = error
    unsafe _ = XML_StopParser(parser, 0)
  }

  // MARK: The tree

  private func start(
    _ name: UnsafePointer<CChar>, _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) {
    guard refusal == nil else { return }
    elementCount += 1
    guard elementCount <= limits.elementsMax else { return refuse(.limit(.elements, line: line)) }
    guard open.count < limits.depthMax else { return refuse(.limit(.depth, line: line)) }
    flushText()
    guard let name = unsafe self.name(name) else { return }
    var element = XMLElement(name)
    var index = 0
    while let key = unsafe attributes?[index], let value = unsafe attributes?[index + 1] {
      guard element.attributes.count < limits.attributesMax else {
        return refuse(.limit(.attributes, line: line))
      }
      guard let key = unsafe self.name(key) else { return }
      element.attributes.append(unsafe XMLAttribute(key, String(cString: value)))
      index += 2
    }
    open.append(element)
  }

  private func end() {
    guard refusal == nil else { return }
    flushText()
    guard let element = open.popLast() else { return }
    if open.isEmpty {
      root = element
    } else {
      open[open.count - 1].children.append(.element(element))
    }
  }

  private func flushText() {
    guard !text.isEmpty else { return }
    if !open.isEmpty { open[open.count - 1].children.append(.text(text)) }
    text = ""
  }

  /// `NAMESPACE` U+0001 `NAME`, or a name alone.
  private func name(_ text: UnsafePointer<CChar>) -> XMLName? {
    let whole = unsafe String(cString: text).utf8
    guard whole.count <= limits.nameBytesMax else {
      refuse(.limit(.nameBytes, line: line))
      return nil
    }
    guard let cut = whole.lastIndex(of: Self.separator) else { return XMLName(String(whole)) }
    return XMLName(
      String(whole[whole.index(after: cut)...]) ?? "", in: String(whole[..<cut]) ?? "")
  }
}
