/// Machines as hypervisors write them.
package enum Samples {
  package static let libvirt = """
    <domain type='kvm' id='3'>
      <name>db &amp; web</name>
      <uuid>3F0C8F0E-6A55-4F0A-9F43-0D8A3F1F6A10</uuid>
      <metadata>
        <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
          <libosinfo:os id="http://debian.org/debian/12"/>
        </libosinfo:libosinfo>
      </metadata>
      <memory unit='GiB'>6</memory>
      <vcpu placement='static'>8</vcpu>
      <os>
        <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
        <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
        <nvram>/var/lib/libvirt/qemu/nvram/db_VARS.fd</nvram>
      </os>
      <cpu mode='host-passthrough'><topology sockets='2' dies='1' cores='2' threads='2'/></cpu>
      <devices>
        <disk type='file' device='disk'>
          <driver name='qemu' type='qcow2'/>
          <source file='/var/lib/libvirt/images/db.qcow2'/>
          <target dev='vda' bus='virtio'/>
          <boot order='1'/>
          <alias name='virtio-disk0'/>
        </disk>
        <disk type='block' device='disk'>
          <source dev='/dev/vg0/db-data'/>
          <target dev='sdb' bus='scsi'/>
          <serial>D2</serial>
          <address type='drive' controller='0' bus='0' target='0' unit='3'/>
        </disk>
        <disk type='file' device='cdrom'>
          <target dev='sda' bus='sata'/>
          <readonly/>
        </disk>
        <controller type='scsi' index='0' model='virtio-scsi'/>
        <controller type='sata' index='0'/>
        <controller type='pci' index='0' model='pcie-root'/>
        <interface type='network'>
          <mac address='52:54:00:AA:bb:01'/><source network='default'/><model type='virtio'/>
        </interface>
        <interface type='bridge'>
          <mac address='52:54:00:aa:bb:02'/><source bridge='br0'/><model type='e1000e'/>
        </interface>
      </devices>
    </domain>
    """

  package static let proxmox = """
    #Datenbank%3A alt
    agent: 1
    bios: ovmf
    boot: order=scsi0;ide2;net0
    cores: 2
    cpu: x86-64-v2-AES,flags=+aes
    efidisk0: local-lvm:vm-101-disk-1,efitype=4m,pre-enrolled-keys=1,size=4M
    ide2: none,media=cdrom
    machine: pc-q35-8.1
    memory: 3072
    name: db1
    net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1
    net1: model=vmxnet3,macaddr=BC:24:11:00:00:02,bridge=vmbr1
    ostype: l26
    sata1: local:101/vm-101-disk-3.qcow2,size=1G
    scsi0: local-lvm:vm-101-disk-0,iothread=1,serial=S1,size=32G
    scsi8: local-lvm:vm-101-disk-2,size=8G
    scsihw: virtio-scsi-pci
    smbios1: uuid=5e2b9f6c-1111-4222-8333-444455556666
    sockets: 2
    tpmstate0: local-lvm:vm-101-disk-4,size=4M,version=v2.0

    [before-update]
    cores: 16
    memory: 9999
    """

  package static let json = """
    {"name": "db1", "uuid": "3f0c8f0e-6a55-4f0a-9f43-0d8a3f1f6a10", "architecture": "x86_64",
     "processors": {"count": 4, "sockets": 1, "cores": 4, "model": "host"}, "memory": 4294967296,
     "firmware": {"kind": "efi", "secure_boot": true},
     "controllers": [{"bus": "scsi", "index": 0, "model": "pvscsi"}],
     "disks": [{"name": "scsi0", "stream": "root", "bus": "scsi", "controller": 0, "slot": 2}],
     "nics": [{"model": "vmxnet3", "mac": "52:54:00:12:34:56", "network": "lan"}]}
    """
}
