// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! The calls of Linux that the standard library does not have, and nothing else that is unsafe.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{FromRawFd, RawFd};

extern "C" {
    fn mmap(at: *mut u8, count: usize, access: i32, flags: i32, file: i32, offset: i64) -> *mut u8;
    fn fcntl(descriptor: i32, command: i32, ...) -> i32;
    fn poll(entries: *mut PollEntry, count: u64, milliseconds: i32) -> i32;
    fn signal(number: i32, handler: usize) -> usize;
}

#[repr(C)]
struct PollEntry {
    descriptor: i32,
    events: i16,
    found: i16,
}

/// A descriptor of the process as a file, which stays open.
pub(crate) fn borrowed(descriptor: RawFd) -> ManuallyDrop<File> {
    // Safe because: whoever gets the file does not close it.
    ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) })
}

/// Writes that fail tell it; they end nobody.
pub(crate) fn ignore_signals() {
    for number in [13, 25] {
        // SIGPIPE, SIGXFSZ; SIG_IGN is 1. Safe because: there is no handler.
        unsafe { signal(number, 1) };
    }
}

/// Whether channel 5 is a pool that nobody can shrink under our feet [9.1-2].
pub(crate) fn is_sealed(bytes: u64) -> bool {
    // F_GET_SEALS; F_SEAL_SHRINK and F_SEAL_GROW. Safe because: it has no third argument.
    let seals = unsafe { fcntl(5, 1034) };
    seals >= 0 && seals & 6 == 6 && borrowed(5).metadata().is_ok_and(|about| about.len() == bytes)
}

/// Whether the other end of a pipe is closed, even with bytes left to read.
pub(crate) fn is_hung_up(descriptor: RawFd) -> bool {
    let mut entry = PollEntry { descriptor, events: 0, found: 0 };
    // Safe because: one entry, which outlives the call.
    let count = unsafe { poll(&mut entry, 1, 0) };
    count > 0 && entry.found & 0x10 != 0
}

/// The host's pool, mapped until the process ends.
#[derive(Clone, Copy)]
pub(crate) struct Pool {
    base: *mut u8,
    slot_bytes: usize,
    slot_count: usize,
}

impl Pool {
    pub fn map(slot_count: u32, slot_bytes: u32, is_writable: bool) -> io::Result<Pool> {
        let (slot_count, slot_bytes) = (slot_count as usize, slot_bytes as usize);
        let access = if is_writable { 3 } else { 1 };
        // MAP_SHARED. Safe because: the kernel chooses the place.
        let base = unsafe { mmap(std::ptr::null_mut(), slot_count * slot_bytes, access, 1, 5, 0) };
        if base as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(Pool { base, slot_bytes, slot_count })
    }

    /// Bytes of a slot that the host has lent.
    ///
    /// Safe because: both bounds are checked, the mapping stays, its seals keep it whole, and the
    /// host does not write before the release [9.2-3]; one that did would change the archive only.
    pub fn lent(&self, slot: usize, count: usize) -> &'static [u8] {
        assert!(slot < self.slot_count && count <= self.slot_bytes);
        unsafe { std::slice::from_raw_parts(self.base.add(slot * self.slot_bytes), count) }
    }

    /// Bytes of a slot of our own, in read mode.
    ///
    /// Safe because: as above, and a slot is given to one reader at a time.
    pub fn own(&mut self, slot: usize, count: usize) -> &mut [u8] {
        assert!(slot < self.slot_count && count <= self.slot_bytes);
        unsafe { std::slice::from_raw_parts_mut(self.base.add(slot * self.slot_bytes), count) }
    }
}
