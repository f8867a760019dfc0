import Testing
import XML

/// Elements from text and back; what no document of ours may do.
@Suite struct XMLTests {
  private func parsed(_ text: String) throws -> XMLElement {
    try XMLElement(parsing: Array(text.utf8))
  }

  private func refusal(_ text: String, _ limits: XMLLimits = XMLLimits()) -> XMLError? {
    do throws(XMLError) {
      _ = try XMLElement(parsing: Array(text.utf8), limits: limits)
      return nil
    } catch {
      return error
    }
  }

  @Test func `names have the namespace of their prefix`() throws {
    let root = try parsed(
      #"<a xmlns="u:1" xmlns:p="u:2" p:x="1" y="2"><p:b>t</p:b><b xmlns="">v</b></a>"#)
    #expect(root.name == XMLName("a", in: "u:1"))
    #expect(root.attribute("x", in: "u:2") == "1" && root.attribute("y") == "2")
    #expect(root.attribute("x") == nil)
    #expect(root.first("b", in: "u:2")?.text == "t")
    #expect(root.first("b", in: "")?.text == "v")
    #expect(root.first("b") == nil)
  }

  @Test func `text is one piece whatever it was made of`() throws {
    let root = try parsed("<a>x &amp; <![CDATA[<y>]]>&#x263A;<!-- no --><?p no?>z</a>")
    #expect(root.children == [.text("x & <y>☺z")])
  }

  @Test(arguments: [
    "<!DOCTYPE a><a/>",
    #"<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>"#,
    #"<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>"#,
    #"<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>"#,
    #"<!DOCTYPE a [<!ENTITY b "&c;&c;"><!ENTITY c "&d;&d;">]><a>&b;</a>"#,
    #"<!DOCTYPE a [<!ENTITY % p SYSTEM "http://localhost/">%p;]><a/>"#,
  ])
  func `a document type is refused, and with it every entity`(text: String) {
    #expect(refusal(text) == .doctype(line: 1))
  }

  @Test(arguments: [
    "", "text", "<a>", "<a></b>", "<a/><b/>", "<a>&e;</a>", "<a b='1' b='2'/>", "<p:a/>",
    "<a>\u{1}</a>",
    "<a>&#0;</a>", "<a b=1/>", "<?xml version='1.0' encoding='EBCDIC-9'?><a/>",
  ])
  func `what is not well-formed is refused`(text: String) {
    guard case .malformed = refusal(text) else {
      Issue.record("\(text): \(String(describing: refusal(text)))")
      return
    }
  }

  @Test func `limits hold at their edge`() {
    var limits = XMLLimits()
    limits.depthMax = 3
    #expect(refusal("<a><b><c/></b></a>", limits) == nil)
    #expect(refusal("<a><b><c><d/></c></b></a>", limits) == .limit(.depth, line: 1))
    limits.elementsMax = 3
    #expect(refusal("<a><b/><c/></a>", limits) == nil)
    #expect(refusal("<a><b/>\n<c/><d/></a>", limits) == .limit(.elements, line: 2))
    limits.attributesMax = 2
    #expect(refusal("<a b='' c=''/>", limits) == nil)
    #expect(refusal("<a b='' c='' d=''/>", limits) == .limit(.attributes, line: 1))
    limits.nameBytesMax = 4
    #expect(refusal("<abcd/>", limits) == nil)
    #expect(refusal("<abcde/>", limits) == .limit(.nameBytes, line: 1))
    limits.bytesMax = 10
    #expect(refusal("<a>123</a>", limits) == nil)
    #expect(refusal("<a>1234</a>", limits) == .limit(.bytes, line: 1))
  }

  @Test func `what is written is read again as it was`() throws {
    let odd = "<&>\"' \t\n\r ]]> ☺ \u{10FFFD}"
    let element = XMLElement(
      XMLName("a", in: "u:1"), [.init(XMLName("x", in: "u:2"), odd), .init(XMLName("y"), "")],
      [
        .element(XMLElement(XMLName("b", in: "u:2"), [], [.text(odd)])),
        .element(XMLElement(XMLName("c", in: "u:1"))),
      ])
    let written = try element.serialised(prefixes: [XMLPrefix("", "u:1"), XMLPrefix("p", "u:2")])
    var read = try XMLElement(parsing: written)
    read.children.removeAll { if case .text = $0 { true } else { false } }
    #expect(read == element)
  }

  @Test func `what XML cannot hold is not written`() {
    func failure(_ element: XMLElement) -> XMLError? {
      do throws(XMLError) {
        _ = try element.serialised()
        return nil
      } catch {
        return error
      }
    }
    for scalar in ["\0", "\u{1F}", "\u{FFFE}"] {
      let text = XMLElement(XMLName("a"), [], [.text(scalar)])
      #expect(failure(text) == .character(scalar.unicodeScalars.first!.value))
      let attribute = XMLElement(XMLName("a"), [.init(XMLName("b"), scalar)])
      #expect(failure(attribute) == .character(scalar.unicodeScalars.first!.value))
    }
    #expect(failure(XMLElement(XMLName("a", in: "u"))) == .prefixMissing(namespace: "u"))
  }
}
