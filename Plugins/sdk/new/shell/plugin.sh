#!/bin/sh
# The format newformat (FORMAT.md): a directory with a file ID.zst for each disk and configuration,
# compressed by zstd, the map of each disk, the receipt and SHA-256 sums. To look at one without
# Sluice:
#
#   sha256sum -c SHA256SUMS && zstd -dc 2.zst    # the data of stream 2, in the order of 2.map
set -eu

# Lines of SHA256SUMS about the small files: a reader relies on them before it has read the disks.
small_sums() {
  while read -r sum file; do
    case $file in
      *.map | receipt.json) echo "$sum  $file" ;;
    esac
  done <SHA256SUMS
}

verb=$1
id=${2-}
case $verb in
  config)
    # Gaps of disks are told by write-map, and not given as zeros.
    echo map
    ;;
  write-disk | write-config | write-vmstate)
    zstd -q --check -3 -c >"$id.zst"
    ;;
  write-map)
    cat >"$id.map"
    ;;
  finish)
    cat >receipt.json
    set -- receipt.json
    for file in *.zst *.map; do
      # A pattern that nothing matches stands for itself.
      if [ -f "$file" ]; then set -- "$@" "$file"; fi
    done
    sha256sum "$@" >SHA256SUMS
    ;;
  list)
    small_sums | sha256sum --check --quiet --strict >&2
    cat receipt.json
    ;;
  read-disk | read-config | read-vmstate)
    zstd -q -dc "$id.zst"
    ;;
  read-map)
    cat "$id.map"
    ;;
  *) exit 2 ;;
esac
