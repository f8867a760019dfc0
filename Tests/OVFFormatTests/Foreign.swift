/// Descriptors after those of other programs, cut to what matters.
enum Foreign {
  private static let names = """
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" \
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" \
    xmlns:vmw="http://www.vmware.com/schema/ovf" \
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

  private static func item(_ members: KeyValuePairs<String, String>, _ more: String = "") -> String
  {
    "<Item>" + members.map { "<rasd:\($0.key)>\($0.value)</rasd:\($0.key)>" }.joined() + more
      + "</Item>"
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
      \(item(["ElementName": "2 virtual CPU", "InstanceID": "1", "ResourceType": "3", "VirtualQuantity": "2"]))
      \(item(["AllocationUnits": "MegaBytes", "ElementName": "2048 MB of memory", "InstanceID": "2", "ResourceType": "4", "VirtualQuantity": "2048"]))
      \(item(["Address": "0", "InstanceID": "3", "ResourceSubType": "PIIX4", "ResourceType": "5"]))
      \(item(["Address": "1", "InstanceID": "4", "ResourceSubType": "PIIX4", "ResourceType": "5"]))
      \(item(["Address": "0", "InstanceID": "5", "ResourceSubType": "AHCI", "ResourceType": "20"]))
      \(item(["AddressOnParent": "0", "ElementName": "disk1", "HostResource": "/disk/vmdisk1", "InstanceID": "6", "Parent": "5", "ResourceType": "17"]))
      \(item(["AddressOnParent": "0", "ElementName": "cdrom1", "InstanceID": "7", "Parent": "4", "ResourceType": "15"]))
      \(item(["Address": "080027AABBCC", "Connection": "NAT", "InstanceID": "8", "ResourceSubType": "E1000", "ResourceType": "10"]))
      \(item(["ElementName": "sound", "InstanceID": "9", "ResourceSubType": "ensoniq1371", "ResourceType": "35"]))
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
      \(item(["AllocationUnits": "byte * 2^20", "InstanceID": "2", "ResourceType": "4", "VirtualQuantity": "8192"]))
      \(item(["Address": "0", "InstanceID": "3", "ResourceSubType": "VirtualSCSI", "ResourceType": "6"]))
      \(item(["AddressOnParent": "0", "HostResource": "ovf:/disk/vmdisk1", "InstanceID": "4", "Parent": "3", "ResourceType": "17"]))
      \(item(["AddressOnParent": "7", "Connection": "VM Network", "InstanceID": "5", "ResourceSubType": "VmxNet3", "ResourceType": "10"]))
      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" \
      vmw:value="true"/>
      </VirtualHardwareSection></VirtualSystem>
      """)

  static let oVirt = """
    <ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1/" \
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" \
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
