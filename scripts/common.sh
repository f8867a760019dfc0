# What install, quickstart, run-tests and .ci/run share. To be sourced, from the top of the tree.

# Debian's names. What a build needs, what Sluice runs, what only the tests and the demo run.
build_packages="pkg-config libexpat1-dev libjansson-dev libnbd-dev libseccomp-dev libssl-dev
  libzstd-dev libdeflate-dev zlib1g-dev"
# Hashing many messages at once: there for one architecture only.
[ "$(uname -m)" != x86_64 ] || build_packages="$build_packages libipsec-mb-dev"
run_packages="qemu-system-common qemu-utils"
demo_packages="cpio e2fsprogs gcc libc6-dev qemu-system-x86"
test_packages="$demo_packages bindfs bzip2 exfat-fuse exfatprogs libarchive-tools libnbd-bin
  libxml2-utils lz4 lzop make nbdkit ntfs-3g openssh-sftp-server openssl p7zip-full perl python3
  python3-venv sshfs strace swtpm virt-v2v xfsprogs xz-utils zstd"

# mke2fs and its like are not on every user's PATH.
PATH=$PATH:/usr/sbin:/sbin

# A plugin that others could overwrite is refused: what is built must not be group-writable.
umask 022

say() { printf 'sluice: %s\n' "$*" >&2; }

die() {
  status=$1
  shift
  say "$@"
  exit "$status"
}

# need_swift: the compiler is there.
need_swift() {
  command -v swift >/dev/null ||
    die 69 "swift is not on the PATH; Swift $(cat .swift-version) is at https://swift.org/install"
}

# is_provided NAME: what Sluice runs of a package is there, whoever brought it. Proxmox VE has a
# QEMU of its own, pve-qemu-kvm, which apt would remove, and Proxmox VE with it, for Debian's.
is_provided() {
  case $1 in
    qemu-utils) command -v qemu-img ;;
    qemu-system-common) command -v qemu-storage-daemon ;;
    qemu-system-x86) command -v qemu-system-x86_64 ;;
    *) return 1 ;;
  esac >/dev/null
}

# need_packages NAME…: installs what is missing of them, by apt, as root or through sudo. Nothing
# that is installed is ever removed for it.
need_packages() {
  missing=
  for package in "$@"; do
    is_provided "$package" && continue
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
      installed) ;;
      *) missing="$missing $package" ;;
    esac
  done
  [ -n "$missing" ] || return 0
  as_root=
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die 69 "missing packages; as root: apt-get install$missing"
    as_root=sudo
  fi
  say "installing by apt:$missing"
  # An update that fails for a source we do not need is no reason to stop.
  $as_root apt-get -qq update || say "apt-get update failed; trying with the lists there are"
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y --no-remove --no-install-recommends $missing >/dev/null ||
    die 69 "apt did not install$missing; if it would have to remove a package for one of them, as" \
      "Proxmox VE's QEMU for Debian's, install what that package provides from your distribution"
}

# plugin_names: every writer of this tree.
plugin_names() {
  for manifest in Plugins/*/*.json; do basename "$manifest" .json; done
}

# What sluice runs besides plugins and QEMU, and finds beside itself.
helpers="sluice-launcher sluice-sink sluice-watchdog sluice-null-writer sluice-plugin-sh"

# build_release: the program, its helpers and every writer, into .build/release. With the Swift
# runtime inside: what is installed does not need the compiler's directory any more.
build_release() {
  for product in sluice $helpers $(plugin_names | sed 's/^/sluice-writer-/'); do
    swift build -c release --static-swift-stdlib --product "$product"
  done
}
