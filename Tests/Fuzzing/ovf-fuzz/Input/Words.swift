/// What descriptors are made of. make-seeds reads these lists, too.
enum Words {
  static let names = [
    "Envelope", "References", "File", "DiskSection", "Info", "Disk", "NetworkSection", "Network",
    "VirtualSystem", "Name", "OperatingSystemSection", "Description", "VirtualHardwareSection",
    "System", "Item", "Content", "Section", "DeploymentOptionSection", "Configuration",
    "VirtualSystemCollection", "Machine", "id", "href", "size", "compression", "chunkSize",
    "diskId", "fileRef", "capacity", "capacityAllocationUnits", "format", "populatedSize",
    "parentRef", "required", "configuration", "default", "bound", "name", "kind", "role", "file",
    "version", "machine", "instant", "sha256", "encoding", "type", "key", "value",
    "rasd:Address", "rasd:AddressOnParent", "rasd:AllocationUnits", "rasd:AutomaticAllocation",
    "rasd:Caption", "rasd:Connection", "rasd:ElementName", "rasd:HostResource", "rasd:InstanceID",
    "rasd:InstanceId", "rasd:MACAddress", "rasd:Parent", "rasd:ResourceSubType",
    "rasd:ResourceType", "rasd:VirtualQuantity", "vssd:VirtualSystemType", "vmw:Config",
    "vmw:CoresPerSocket", "vmw:key", "vmw:value", "xsi:type", "vbox:Machine", "vbox:Hardware",
    "vbox:Firmware", "sluice:BackupSection", "sluice:Machine", "sluice:Stream", "ovf:id",
    "ovf:href", "ovf:size", "ovf:compression", "ovf:chunkSize", "ovf:diskId", "ovf:fileRef",
    "ovf:capacity", "ovf:capacityAllocationUnits", "ovf:format", "ovf:populatedSize",
    "ovf:parentRef", "ovf:required", "ovf:configuration", "ovf:default", "ovf:bound", "ovf:name",
  ]

  static let values = [
    "", "0", "1", "2", "3", "4", "5", "6", "7", "10", "14", "15", "16", "17", "20", "101", "9",
    "36", "105", "1024", "65536", "9007199254740991", "18446744073709551615", "file1", "file2",
    "disk1", "disk2", "disk", "config", "vmstate", "nvram", "gzip", "identity", "byte",
    "byte * 2^20", "MegaBytes", "byte * 1024 * 1024", "ovf:/disk/disk1", "ovf:/disk/disk2",
    "/disk/disk1", "lsilogic", "VirtualSCSI", "lsilogicsas", "AHCI", "PIIX4", "E1000", "VmxNet3",
    "PCNet32", "E1000e", "default", "firmware", "bootOptions.efiSecureBootEnabled", "efi", "bios",
    "EFI64", "true", "false", "normal", "max", "base64", "52:54:00:12:34:56", "080027AABBCC",
    "ovf:DiskSection_Type", "ovf:VirtualSystem_Type", "ovf:VirtualHardwareSection_Type",
    "ovf:OperatingSystemSection_Type",
    "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized",
    "http://www.gnome.org/~markmc/qcow-image-format.html",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0101010101010101010101010101010101010101010101010101010101010101",
    "2026-01-31T20:00:00Z", "AAAA", "AQ==", "m.vmdk", "a/b", "\u{E4}\u{1F600}",
  ]

  /// With the slash of oVirt's, and another version.
  static let namespaces = [
    "http://schemas.dmtf.org/ovf/envelope/1", "http://schemas.dmtf.org/ovf/envelope/1/",
    "http://schemas.dmtf.org/ovf/envelope/2",
  ]

  static let prefixes: KeyValuePairs = [
    "rasd":
      "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData",
    "vssd": "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData",
    "vmw": "http://www.vmware.com/schema/ovf", "vbox": "http://www.virtualbox.org/ovf/machine",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance", "sluice": "urn:sluice:ovf:1",
  ]
}
