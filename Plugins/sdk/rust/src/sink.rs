// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Where a reader's bytes go: the slots it has, and the answer to one READ.

use crate::channel::{Hello, Receiver};
use crate::constants::*;
use crate::digest::TreeDigest;
use crate::error::{Ending, PluginError, Result};
use crate::job::{Host, Stream};
use crate::system::Pool;
use crate::wire::{self, Header};

type Step<Value> = std::result::Result<Value, Ending>;

/// The slots of a reader, its own until it lends them to the host.
pub(crate) struct Slots<'a> {
    pub host: &'a Host,
    pub receiver: &'a mut Receiver,
    pub pool: Option<Pool>,
    /// Where inline bytes are put together.
    pub inline: Vec<u8>,
    pub piece_bytes_max: usize,
    pub free: Vec<usize>,
    pub lent: Vec<(u32, usize)>,
    pub is_reading: bool,
    pub is_done: bool,
}

impl<'a> Slots<'a> {
    pub fn new(
        host: &'a Host,
        hello: &Hello,
        receiver: &'a mut Receiver,
        pool: Option<Pool>,
    ) -> Self {
        let mut count = u64::from(host.slot_count.min(hello.inflight));
        let mut most = u64::from(host.slot_bytes);
        if pool.is_none() {
            most = most.min(INLINE_BYTES_MAX).min(hello.window / 2) / CLUSTER_BYTES * CLUSTER_BYTES;
            count = count.min(hello.window / most);
        }
        Slots {
            host,
            receiver,
            pool,
            inline: vec![0; if pool.is_none() { most as usize } else { 0 }],
            piece_bytes_max: most as usize,
            free: (0..count as usize).collect(),
            lent: Vec::with_capacity(count as usize),
            is_reading: false,
            is_done: false,
        }
    }

    /// Refuses what the state does not admit, and takes a RELEASE.
    pub fn admit(&mut self, header: &Header) -> Result<()> {
        let is_idle = !self.is_reading && !self.is_done;
        if header.kind == RELEASE {
            for sequence in wire::parse_release(self.receiver.payload(header))? {
                let place = self.lent.iter().position(|lent| lent.0 == sequence);
                let Some(place) = place else {
                    let text = format!("RELEASE names {sequence}, which is not lent");
                    return Err(PluginError::host(E_PROTOCOL, text));
                };
                self.free.push(self.lent.swap_remove(place).1);
            }
        } else if !is_idle || !matches!(header.kind, READ | FINISH) {
            let text = format!("{} is not allowed in read mode now", header.name());
            return Err(PluginError::host(E_STATE, text));
        }
        Ok(())
    }

    /// A slot of our own; waits for a RELEASE if there is none [8.2-4].
    fn take(&mut self) -> Step<usize> {
        loop {
            if let Some(slot) = self.free.pop() {
                return Ok(slot);
            }
            let header = self.receiver.next_frame()?;
            self.admit(&header)?;
        }
    }
}

/// Where a reader puts a range of a stream, in order: into the pool, or into frames.
pub struct ReadSink<'a, 'b> {
    pub(crate) slots: &'a mut Slots<'b>,
    pub(crate) stream: &'a Stream,
    pub(crate) request: u32,
    pub(crate) position: u64,
    pub(crate) end: u64,
    pub(crate) salvages: bool,
    pub(crate) has_damage: bool,
    /// The digest of what was put, if it is to be checked.
    pub(crate) tree: Option<TreeDigest>,
    /// Why the session ended while a piece waited for its slot.
    pub(crate) ending: Option<Ending>,
}

impl ReadSink<'_, '_> {
    /// The next byte of the stream that is wanted.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The end of what is wanted.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Bytes of the largest piece; a multiple of 64 KiB.
    pub fn piece_bytes_max(&self) -> usize {
        self.slots.piece_bytes_max
    }

    /// Whether so many bytes can come next: no more than are wanted, and no cluster cut. An archive
    /// that has others is damaged.
    pub fn takes(&self, count: u64) -> bool {
        self.check(count).is_ok()
    }

    /// Puts the next `count` bytes, at most `piece_bytes_max`, and whole clusters of 64 KiB unless
    /// they reach the end. `fill` writes them into the host's memory; if it fails, nothing was put.
    /// `masks`, one for each cluster or none, name the blocks that are not zeros [4.7-1].
    pub fn data(
        &mut self,
        count: usize,
        masks: &[u16],
        fill: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<()> {
        assert!(count <= self.slots.piece_bytes_max, "a piece of {count} bytes");
        self.check(count as u64)?;
        let slot = match self.slots.take() {
            Ok(slot) => slot,
            Err(ending) => return Err(self.end_session(ending)),
        };
        let memory = match &mut self.slots.pool {
            Some(pool) => pool.own(slot, count),
            None => &mut self.slots.inline[..count],
        };
        if let Err(error) = fill(memory) {
            self.slots.free.push(slot);
            return Err(error);
        }
        if let Some(tree) = &mut self.tree {
            tree.update(memory);
        }
        let result = self.lend(slot, count, masks);
        self.position += count as u64;
        result.map_err(|ending| self.end_session(ending))
    }

    /// Puts bytes of any count, in pieces that are as large as they may be.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        for piece in bytes.chunks(self.piece_bytes_max()) {
            self.data(piece.len(), &[], |room| {
                room.copy_from_slice(piece);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn lend(&mut self, slot: usize, count: usize, masks: &[u16]) -> Step<()> {
        let is_shared = self.slots.pool.is_some();
        let mut head = Vec::with_capacity(32 + 2 * masks.len() + 8);
        head.extend(self.position.to_le_bytes());
        head.extend((count as u32).to_le_bytes());
        head.extend((if is_shared { IN_SLOT } else { IN_FRAME } as u16).to_le_bytes());
        head.extend((masks.len() as u16).to_le_bytes());
        head.extend((if is_shared { slot as u32 } else { 0 }).to_le_bytes());
        head.extend([0; 4]);
        head.extend(self.request.to_le_bytes());
        head.extend([0; 4]);
        head.extend(masks.iter().flat_map(|mask| mask.to_le_bytes()));
        head.resize(head.len().next_multiple_of(8), 0);
        let mut sender = self.slots.host.sender.borrow_mut();
        let inline = if is_shared { &[][..] } else { &self.slots.inline[..count] };
        let sequence = sender.append(DATA, self.stream.id, &head, inline.len());
        self.slots.lent.push((sequence, slot));
        sender.flush(inline)
    }

    /// Says that the next bytes are zeros; `count` may be terabytes.
    pub fn zeros(&mut self, count: u64, kind: u32) -> Result<()> {
        self.check(count)?;
        let mut payload = [self.position.to_le_bytes(), count.to_le_bytes()].concat();
        payload.extend([kind.to_le_bytes(), self.request.to_le_bytes()].concat());
        self.slots.host.sender.borrow_mut().append(ZERO, self.stream.id, &payload, 0);
        match &mut self.tree {
            Some(tree) if kind == KIND_UNCHANGED => tree.unchanged(count),
            Some(tree) => tree.zeros(count),
            None => {}
        }
        self.position += count;
        Ok(())
    }

    /// Says that the next bytes are as in the parent, which the host has.
    pub fn unchanged(&mut self, count: u64) -> Result<()> {
        if !self.stream.is_incremental {
            let text = "the reader calls a part of a full stream unchanged";
            return Err(PluginError::new(E_INTERNAL, text));
        }
        self.zeros(count, KIND_UNCHANGED)
    }

    /// Says that the archive has lost the next bytes. E_CORRUPT, which fails the READ, unless the
    /// host wants what is left (§7.5).
    pub fn damaged(&mut self, count: u64, reason: &str) -> Result<()> {
        if !self.salvages {
            return Err(PluginError::new(E_CORRUPT, reason));
        }
        self.check(count)?;
        let mut head = [self.position.to_le_bytes(), count.to_le_bytes()].concat();
        head.extend([self.request.to_le_bytes(), [0; 4]].concat());
        self.slots.host.sender.borrow_mut().append_text(DAMAGED, self.stream.id, &head, reason);
        self.position += count;
        self.has_damage = true;
        self.tree = None;
        Ok(())
    }

    fn check(&self, count: u64) -> Result<()> {
        let refusal = |text| Err(PluginError::new(E_INTERNAL, text));
        if count < 1 || count > self.end - self.position {
            return refusal("the reader has more bytes than were asked for");
        }
        if count % CLUSTER_BYTES != 0 && self.position + count != self.end {
            return refusal("the reader cuts a stream inside a cluster");
        }
        Ok(())
    }

    fn end_session(&mut self, ending: Ending) -> PluginError {
        self.ending = Some(ending);
        PluginError::new(E_CANCELLED, "the host gave up")
    }
}
