/// Descriptors after those of other programs, cut to what matters.
enum Foreign {
  private static let rasd =
    "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  private static let names = """
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" \
    xmlns:rasd="\(rasd)" xmlns:vmw="http://www.vmware.com/schema/ovf" \
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
    xmlns:vbox="http://www.virtualbox.org/ovf/machine"
    """

  static func envelope(
    files: String = "", disks: String = "", system: String = "<VirtualSystem ovf:id='m'/>"
  ) -> String {
    """
    <?xml version="1.0"?>
    <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" \(names)>
      <References>\(files)</References>
      <DiskSection><Info/>\(disks)</DiskSection>
      \(system)
    </Envelope>
    """
  }

  static func file(_ attributes: String) -> String { envelope(files: "<File \(attributes)/>") }
  static func disk(_ attributes: String) -> String { envelope(disks: "<Disk \(attributes)/>") }

  /// An item of `key=value; key=value`, with short names for the words of CIM.
  private static func item(_ members: String) -> String {
    let words = [
      "type": "ResourceType", "id": "InstanceID", "count": "VirtualQuantity",
      "sub": "ResourceSubType", "address": "Address", "parent": "Parent",
      "slot": "AddressOnParent", "host": "HostResource", "unit": "AllocationUnits",
      "net": "Connection", "name": "ElementName",
    ]
    let elements = members.split(separator: "; ").map { member in
      let parts = member.split(separator: "=")
      let word = words[String(parts[0])]!
      return "<rasd:\(word)>\(parts[1])</rasd:\(word)>"
    }
    return "<Item>\(elements.joined())</Item>"
  }

  private static let stream =
    "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"

  static let virtualBox = envelope(
    files: "<File ovf:id='file1' ovf:href='vb-disk001.vmdk'/>",
    disks: """
      <Disk ovf:capacity='8589934592' ovf:diskId='vmdisk1' ovf:fileRef='file1' \
      ovf:format='\(stream)' vbox:uuid='1'/>
      """,
    system: """
      <VirtualSystem ovf:id="vb"><Info>A virtual machine</Info>
      <OperatingSystemSection ovf:id="96"><Info/><Description>Debian_64</Description>
      </OperatingSystemSection>
      <VirtualHardwareSection><Info/>
      \(item("name=2 virtual CPU; id=1; type=3; count=2"))
      \(item("unit=MegaBytes; name=2048 MB of memory; id=2; type=4; count=2048"))
      \(item("address=0; id=3; sub=PIIX4; type=5"))
      \(item("address=1; id=4; sub=PIIX4; type=5"))
      \(item("address=0; id=5; sub=AHCI; type=20"))
      \(item("slot=0; name=disk1; host=/disk/vmdisk1; id=6; parent=5; type=17"))
      \(item("slot=0; name=cdrom1; id=7; parent=4; type=15"))
      \(item("address=080027AABBCC; net=NAT; id=8; sub=E1000; type=10"))
      \(item("name=sound; id=9; sub=ensoniq1371; type=35"))
      </VirtualHardwareSection>
      <vbox:Machine ovf:required="false" version="1.19-linux" name="vb"><ovf:Info/>
      <vbox:Hardware><vbox:Firmware type="EFI"/></vbox:Hardware></vbox:Machine>
      </VirtualSystem>
      """)

  static let vmware = envelope(
    files: """
      <File ovf:id='file1' ovf:href='esx-disk1.vmdk.gz' ovf:compression='gzip' ovf:size='77' \
      ovf:chunkSize='7516192768'/>
      """,
    disks: """
      <Disk ovf:capacity='16' ovf:capacityAllocationUnits='byte * 2^30' ovf:diskId='vmdisk1' \
      ovf:fileRef='file1' ovf:format='\(stream)' ovf:populatedSize='123'/>
      <Disk ovf:capacity='5' ovf:capacityAllocationUnits='byte*1024*1024' ovf:diskId='my disk/2' \
      ovf:format='\(stream)'/>
      """,
    system: """
      <DeploymentOptionSection><Info/><Configuration ovf:id="small"/>
      <Configuration ovf:id="big" ovf:default="true"/></DeploymentOptionSection>
      <VirtualSystem ovf:id="id"><Info/><Name>esx</Name>
      <VirtualHardwareSection><Info/>
      <Item ovf:configuration="small"><rasd:InstanceID>1</rasd:InstanceID>\
      <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item ovf:configuration="huge big"><rasd:InstanceID>1</rasd:InstanceID>\
      <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>4</rasd:VirtualQuantity>\
      <vmw:CoresPerSocket ovf:required="false">2</vmw:CoresPerSocket></Item>
      <Item ovf:bound="max"><rasd:InstanceID>1</rasd:InstanceID>\
      <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>99</rasd:VirtualQuantity></Item>
      \(item("unit=byte * 2^20; id=2; type=4; count=8192"))
      \(item("address=0; id=3; sub=VirtualSCSI; type=6"))
      \(item("slot=0; host=ovf:/disk/vmdisk1; id=4; parent=3; type=17"))
      \(item("slot=7; net=VM Network; id=5; sub=VmxNet3; type=10"))
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" \
      vmw:value="true"/>
      </VirtualHardwareSection></VirtualSystem>
      """)

  static let oVirt = """
    <ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1/" \
    xmlns:rasd="\(rasd)" \
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ovf:version="0.9">
    <References><File ovf:href="a" ovf:id="a" ovf:size="6"/></References>
    <Section xsi:type="ovf:DiskSection_Type"><Info/>
    <Disk ovf:diskId="a" ovf:size="6" ovf:capacityAllocationUnits="byte * 2^30" ovf:fileRef="a" \
    ovf:format="http://www.vmware.com/specifications/vmdk.html_sparse"/></Section>
    <Content ovf:id="out" xsi:type="ovf:VirtualSystem_Type"><Name>ov</Name>
    <Section xsi:type="ovf:VirtualHardwareSection_Type"><Info/>
    <Item><rasd:InstanceId>1</rasd:InstanceId><rasd:ResourceType>3</rasd:ResourceType>\
    <rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
    <Item><rasd:InstanceId>2</rasd:InstanceId><rasd:ResourceType>4</rasd:ResourceType>\
    <rasd:AllocationUnits>MegaBytes</rasd:AllocationUnits>\
    <rasd:VirtualQuantity>1024</rasd:VirtualQuantity></Item>
    </Section></Content></ovf:Envelope>
    """
}
