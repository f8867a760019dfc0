# The part of quickstart with a running machine. To be sourced, behind common.sh.
#
# The guest writes numbered records in turn to two disks, each with fdatasync (see
# Tests/Support/guest/record.h): copies that are not of one instant show it.

# start_guest NAME DISK_A DISK_B ARGUMENTS…: boots the small guest; sets guest_pid. What it says
# goes to NAME.log, its monitor is NAME.qmp.
start_guest() {
  guest=$demo/$1
  rm -f "$guest.log" "$guest.qmp"
  qemu-system-x86_64 -name demo-guest -machine q35 -accel tcg -m 256 -display none -nodefaults \
    -no-user-config -kernel .build/guest/vmlinuz -initrd .build/guest/initrd \
    -append "console=ttyS0 quiet panic=-1 ${*:4}" -serial "file:$guest.log" \
    -qmp "unix:$guest.qmp,server=on,wait=off" \
    -blockdev "driver=raw,node-name=a,file.driver=file,file.filename=$2" \
    -device virtio-blk-pci,drive=a,id=disk-a,werror=stop \
    -blockdev "driver=raw,node-name=b,file.driver=file,file.filename=$3" \
    -device virtio-blk-pci,drive=b,id=disk-b,werror=stop </dev/null 2>"$guest.errors" &
  guest_pid=$!
}

# await_guest WORDS: waits until the guest has said so.
await_guest() {
  for _ in $(seq 600); do
    if grep -q "^$1" "$guest.log" 2>/dev/null; then return; fi
    kill -0 "$guest_pid" 2>/dev/null || die 70 "the demo's guest has ended; see $guest.errors"
    sleep 0.1
  done
  die 70 "the demo's guest said nothing within 60 seconds; see $guest.log"
}

last_record() { grep -o '^record [0-9]*' "$guest.log" | tail -n 1; }

end_guest() {
  kill "$guest_pid" 2>/dev/null || true
  wait "$guest_pid" 2>/dev/null || true
}

record_number() { last_record | tr -dc 0-9; }

live_demo() {
  title "7. A machine that runs"
  text "A small Linux with two disks. It writes numbered records, each to the first disk and then"
  text "to the second, and waits for both to be stored before the next. It counts in its RAM, where"
  text "64 MiB change with the records, and compares RAM and disks before every write."
  Tests/Support/guest/build-guest .build/guest
  truncate -s 32M "$demo/a.raw" "$demo/b.raw"
  trap end_guest EXIT
  start_guest machine "$demo/a.raw" "$demo/b.raw" mode=raw ram=64
  await_guest "record "
  run "$sluice" doctor --qmp "$demo/machine.qmp"

  title "8. Back it up with its RAM while it writes"
  text "So far: $(last_record)."
  run "$sluice" backup --qmp "$demo/machine.qmp" --vmstate --guest-stall-limit 10 \
    --to "raw=$demo/tuesday"
  written=$(record_number)
  sleep 2
  [ "$(record_number)" != "$written" ] || die 70 "the guest writes no more; see $guest.log"
  text "It writes on: $(last_record). Now its QEMU is killed."
  require_sound_guest
  kill -9 "$guest_pid"
  end_guest

  title "9. Restore it, and let it go on"
  text "Not booted: it goes on in the middle of what it did."
  run "$sluice" restore "$demo/tuesday" --to "$demo/restored-machine" --start \
    --trust-command-line | tee "$demo/resumed"
  guest_pid=$(sed -n 's/^the machine is running: process \([0-9]*\).*/\1/p' "$demo/resumed")
  await_guest "record "
  ! grep -q '^= ready' "$guest.log" || die 70 "the restored machine has been booted"
  first=$(record_number)
  sleep 2
  [ "$(record_number)" -gt "$first" ] || die 70 "the restored machine does not go on"
  text "It counts on: record $first, $(last_record), and has found nothing in its RAM or on its"
  text "disks that is not as it was."
  require_sound_guest
  kill -9 "$guest_pid"
  end_guest

  title "10. Boot its disks alone"
  text "The kernel reads both disks: of one instant, the second is at most one record behind the"
  text "first, and no older record is missing on either."
  start_guest check "$demo/restored-machine/disk-a.raw" "$demo/restored-machine/disk-b.raw" \
    mode=check
  await_guest "\(one\|not one\) instant:"
  wait "$guest_pid" || true
  grep "instant:" "$guest.log"
  grep -q "^one instant:" "$guest.log" || die 70 "the restored disks are not of one instant"
  trap - EXIT
}

# No I/O error, and no disk that is not as the guest's RAM knows it.
require_sound_guest() {
  ! grep -q 'IOERROR\|DISAGREES' "$guest.log" || die 70 "the guest saw an error; see $guest.log"
}
