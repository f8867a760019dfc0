import MachineStart
import Testing

/// What of a command line is no business of an archive.
@Suite struct RedactionTests {
  struct Case: CustomTestStringConvertible {
    let option: String
    let value: String
    let secret: String
    let told: String
    var testDescription: String { told }
  }

  static let cases = [
    Case(
      option: "-object", value: "secret,id=s0,data=tops3cret", secret: "tops3cret",
      told: "-object s0: data"),
    Case(
      option: "-object", value: #"{"qom-type":"secret","id":"s0","data":"tops3cret"}"#,
      secret: "tops3cret", told: "-object s0: data"),
    Case(
      option: "-spice", value: "port=5900,password=tops3cret", secret: "tops3cret",
      told: "-spice: password"),
    Case(
      option: "-drive", value: "file=https://me:tops3cret@host/a.iso,id=cd", secret: "tops3cret",
      told: "-drive cd: login in file"),
    Case(
      option: "-drive", value: #"file=json:{"driver":"https",,"password":"tops3cret"},id=d"#,
      secret: "tops3cret", told: "-drive d: file"),
    Case(
      option: "-blockdev", value: "driver=iscsi,node-name=n,user=me,password=tops3cret",
      secret: "tops3cret", told: "-blockdev n: password"),
    Case(
      option: "-drive", value: "file=rbd:pool/image:id=admin:key=tops3cret:conf=x,id=r",
      secret: "tops3cret", told: "-drive r: login in file"),
    Case(
      option: "-cdrom", value: "https://me:tops3cret@host/a.iso?x=y,z", secret: "tops3cret",
      told: "-cdrom: login"),
    Case(
      option: "-fw_cfg", value: "name=opt/key,string=tops3cret", secret: "tops3cret",
      told: "-fw_cfg opt/key: string"),
    Case(
      option: "-smbios", value: "type=11,value=io.systemd.credential:k=tops3cret",
      secret: "tops3cret", told: "-smbios: value"),
    Case(
      option: "-device", value: "isa-applesmc,osk=tops3cret", secret: "tops3cret",
      told: "-device: osk"),
  ]

  @Test(arguments: cases) func `a secret is taken out and named`(_ row: Case) {
    let cleared = CommandLineRedaction(["qemu-system-x86_64", row.option, row.value, "-S"])
    #expect(cleared.redacted == [row.told])
    #expect(!cleared.arguments.joined(separator: " ").contains(row.secret))
    #expect(cleared.arguments[2].contains(RecordedLine.redactedMark))
    #expect(cleared.arguments.count == 4)
  }

  @Test func `what is no secret stays as it is`() {
    let words = [
      "/usr/bin/qemu-system-x86_64", "-spice", "port=0,password-secret=s0",
      "-vnc", ":1,password=on", "-object", "tls-creds-x509,id=t,dir=/etc/pki",
      "-object", "secret,id=s1,file=/run/key", "-blockdev",
      #"{"driver":"luks","key-secret":"s1","node-name":"n"}"#, "-cdrom", "a@b.iso", "-m", "64",
    ]
    let cleared = CommandLineRedaction(words)
    #expect(cleared.arguments == words)
    #expect(cleared.redacted == [])
  }
}
