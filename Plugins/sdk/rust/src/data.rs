// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! What goes through a writer: pieces, ranges, and what it made of them.

use crate::channel::SharedSender;
use crate::constants::*;
use crate::json::{object, Value};
use crate::system::Pool;
use std::ops::Range;

/// A run of a stream whose bytes are of one kind (`EXTENT_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its first byte in the stream.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// `EXTENT_…`.
    pub kind: u32,
}

impl Extent {
    /// The byte behind it.
    pub fn end(&self) -> u64 {
        self.offset + self.length
    }
}

/// What the plugin made: names and sizes (§4.4).
#[derive(Clone, Debug, Default)]
pub struct Finished {
    /// One, `archive`, unless the output is a directory; then its files.
    pub artefacts: Vec<(String, u64)>,
    /// Bytes of all of them.
    pub stored: u64,
}

impl Finished {
    /// Of a file or a pipe.
    pub fn archive(bytes: u64) -> Finished {
        Finished { artefacts: vec![("archive".to_string(), bytes)], stored: bytes }
    }

    pub(crate) fn json(&self) -> Value {
        let entry = |(name, size): &(String, u64)| {
            object([("name", name.as_str().into()), ("size", (*size).into())])
        };
        let artefacts = Value::Array(self.artefacts.iter().map(entry).collect());
        object([("artefacts", artefacts), ("stored", self.stored.into())])
    }
}

/// A piece of a stream: the host's own memory, or the frame.
///
/// Its bytes begin on a page, and so do all `runs`: fit for O_DIRECT, but for the odd tail of a
/// stream.
pub struct Data<'a> {
    /// The first byte of the piece in its stream.
    pub offset: u64,
    /// In the pool if it `is_shared`.
    pub bytes: &'a [u8],
    /// Whether the bytes lie in the pool.
    pub is_shared: bool,
    pub(crate) masks: &'a [u8],
    pub(crate) sequence: u32,
    pub(crate) slot: Option<(usize, Pool)>,
    pub(crate) sender: &'a SharedSender,
    pub(crate) is_kept: bool,
}

impl Data<'_> {
    /// The runs of blocks that may hold anything but zeros, as ranges of `bytes` [4.7-1].
    pub fn runs(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let (block, count) = (BLOCK_BYTES as usize, self.bytes.len());
        let blocks = count.div_ceil(block);
        let is_data = move |index: usize| {
            self.masks.is_empty()
                || self.masks[index / 16 * 2 + index % 16 / 8] >> (index % 8) & 1 == 1
        };
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = (next..blocks).find(|index| is_data(*index))?;
            let end = (start..blocks).find(|index| !is_data(*index)).unwrap_or(blocks);
            next = end;
            Some(start * block..(end * block).min(count))
        })
    }

    /// Keeps the bytes beyond this call. While more data is awaited, keep leases of the most recent
    /// `leases_max` pieces only; end those of a stream in `close` [8.2-2]. Inline bytes are copied,
    /// to where they may not begin on a page.
    pub fn keep(&mut self) -> Lease {
        assert!(!self.is_kept, "data is kept once");
        self.is_kept = true;
        self.sender.borrow_mut().lease_count += 1;
        let (shared, copy) = match self.slot {
            Some((slot, pool)) => (Some(pool.lent(slot, self.bytes.len())), Vec::new()),
            None => (None, self.bytes.to_vec()),
        };
        let slot = self.slot.map(|slot| slot.0);
        Lease { shared, copy, sequence: self.sequence, slot, sender: self.sender.clone() }
    }
}

/// Bytes that a writer holds on to, until it is dropped.
pub struct Lease {
    shared: Option<&'static [u8]>,
    copy: Vec<u8>,
    sequence: u32,
    slot: Option<usize>,
    sender: SharedSender,
}

impl Lease {
    /// The bytes that are kept.
    pub fn bytes(&self) -> &[u8] {
        self.shared.unwrap_or(&self.copy)
    }

    /// Gives the bytes back to the host.
    pub fn release(self) {}
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut sender = self.sender.borrow_mut();
        sender.lease_count -= 1;
        sender.release(self.sequence, self.slot);
    }
}
