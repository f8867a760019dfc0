// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Write mode (protocol.md §5.2): hands each frame to the writer once it is known to be in order.

use crate::channel::{Hello, Receiver};
use crate::constants::*;
use crate::data::{Data, Extent, Finished};
use crate::digest::Digest;
use crate::error::{refuse, Ending, PluginError, Result};
use crate::job::{Host, Job, Output, Stream};
use crate::json::parse;
use crate::system::Pool;
use crate::wire::{self, Header};
use std::ops::Range;

type Step<Value> = std::result::Result<Value, Ending>;

const ZERO_PIECE_BYTES: u64 = 64 << 30;

/// Turns streams into an archive. Called in this order: `new`, with need `map` `map` for each disk,
/// then for each stream `open`, any number of `data` and `zero`, `close`; at the end `finish`.
/// Instead of any of them `abort` may come. Ranges follow each other without gap.
pub trait ArchiveWriter {
    /// The place for every check of options, names and sizes. Leave nothing behind if it fails:
    /// `abort` is not called then.
    fn new(job: &Job, output: Output, host: &Host) -> Result<Self>
    where
        Self: Sized;

    /// Extents that cover the stream (§11).
    fn map(&mut self, _stream: &Stream, _extents: &[Extent]) -> Result<()> {
        Ok(())
    }

    /// A stream begins.
    fn open(&mut self, stream: &Stream) -> Result<()>;

    /// Bytes of the open stream. They go back to the host when this returns.
    fn data(&mut self, data: &mut Data) -> Result<()>;

    /// A range without data: `KIND_ZERO`, `KIND_HOLE` or, of an increment, `KIND_UNCHANGED`.
    fn zero(&mut self, range: Range<u64>, kind: u32) -> Result<()>;

    /// The open stream ends; the digest is the host's.
    fn close(&mut self, length: u64, digest: Option<&Digest>) -> Result<()>;

    /// Completes the archive and calls fsync. No lease may be left then.
    fn finish(&mut self) -> Result<Finished>;

    /// There will be no archive: remove what was written. May come after `finish`.
    fn abort(&mut self) {}
}

/// A stream of the job, as far as it has come.
struct Written {
    stream: Stream,
    is_opened: bool,
    has_map: bool,
    map: Vec<Extent>,
}

pub(crate) struct WriteSession<'a> {
    job: &'a Job,
    output: &'a str,
    host: &'a Host,
    hello: &'a Hello,
    pool: Option<Pool>,
    writer: Box<dyn ArchiveWriter>,
    streams: Vec<Written>,
    left: usize,
    active: Option<usize>,
    position: u64,
    /// Extent that the data has reached.
    reached: usize,
    is_done: bool,
}

impl<'a> WriteSession<'a> {
    pub fn new(
        job: &'a Job,
        output: &'a str,
        host: &'a Host,
        hello: &'a Hello,
        pool: Option<Pool>,
        writer: Box<dyn ArchiveWriter>,
    ) -> Self {
        let written = |stream: &Stream| Written {
            stream: stream.clone(),
            is_opened: false,
            has_map: false,
            map: Vec::new(),
        };
        let streams: Vec<Written> = job.streams.iter().map(written).collect();
        let left = streams.len();
        WriteSession {
            job,
            output,
            host,
            hello,
            pool,
            writer,
            streams,
            left,
            active: None,
            position: 0,
            reached: 0,
            is_done: false,
        }
    }

    /// Runs until the host has closed its end after FINISHED.
    pub fn run(mut self, receiver: &mut Receiver) -> Step<()> {
        self.host.sender.borrow_mut().leases_max = self.host.leases_max;
        self.host.sender.borrow_mut().append(JOB_ACK, 0, b"{}", 0);
        loop {
            let result = receiver.next_frame().and_then(|header| self.handle(receiver, &header));
            match result {
                Ok(()) => {}
                Err(Ending::HostGone) if self.is_done => return Ok(()),
                Err(ending) => {
                    self.writer.abort();
                    // FINISHED was our last word.
                    return Err(if self.is_done { Ending::HostFailed } else { ending });
                }
            }
        }
    }

    fn handle(&mut self, receiver: &Receiver, header: &Header) -> Step<()> {
        let payload = receiver.payload(header);
        let number = self.streams.iter().position(|each| each.stream.id == header.stream);
        let is_active = self.active.is_some() && self.active == number;
        let fresh =
            number.filter(|number| self.active.is_none() && !self.streams[*number].is_opened);
        match (header.kind, fresh) {
            _ if self.is_done => {}
            (EXTENTS, Some(number)) if self.takes_map(number) => {
                return self.extents(number, payload, header.flags);
            }
            (OPEN, Some(number)) if self.has_maps() => return self.open(number, payload),
            (DATA, _) if is_active => return self.data(payload, header.sequence),
            (ZERO, _) if is_active => return self.zero(payload, receiver),
            (CLOSE, _) if is_active => return Ok(self.close(payload)?),
            (FINISH, _) if self.left == 0 && self.active.is_none() => return self.finish(payload),
            _ => {}
        }
        let state = match self.active {
            _ if self.is_done => "after FINISHED",
            Some(_) => "inside a stream",
            None => "between streams",
        };
        Err(PluginError::host(E_STATE, format!("{} is not allowed {state}", header.name())).into())
    }

    fn takes_map(&self, number: usize) -> bool {
        let written = &self.streams[number];
        self.hello.uses_map
            && self.left == self.streams.len()
            && !written.has_map
            && written.stream.size.is_some()
    }

    fn has_maps(&self) -> bool {
        let has_map = |written: &Written| written.has_map || written.stream.kind != "disk";
        !self.hello.uses_map || self.streams.iter().all(has_map)
    }

    fn extents(&mut self, number: usize, payload: &[u8], flags: u16) -> Step<()> {
        let written = &mut self.streams[number];
        let size = written.stream.size.unwrap_or(0);
        let mut end = written.map.last().map_or(0, Extent::end);
        for extent in wire::parse_extents(payload)? {
            refuse!(extent.offset != end, "EXTENTS has a gap");
            refuse!(extent.length > size - end, "EXTENTS goes beyond the stream");
            if written.map.len() as u64 >= STREAM_EXTENTS_MAX {
                return Err(PluginError::host(E_LIMIT, "too many extents").into());
            }
            end = extent.end();
            written.map.push(extent);
        }
        if u32::from(flags) & EXTENTS_LAST != 0 {
            refuse!(end != size, "EXTENTS ends early");
            written.has_map = true;
            self.writer.map(&written.stream, &written.map)?;
        }
        Ok(())
    }

    fn open(&mut self, number: usize, payload: &[u8]) -> Step<()> {
        parse(payload)?;
        self.streams[number].is_opened = true;
        (self.active, self.position, self.reached) = (Some(number), 0, 0);
        Ok(self.writer.open(&self.streams[number].stream)?)
    }

    fn data(&mut self, payload: &[u8], sequence: u32) -> Step<()> {
        let head = wire::parse_data(payload)?;
        let (count, sender) = (head.length as usize, &self.host.sender);
        refuse!(head.request != 0, "DATA answers a READ");
        let mut slot = None;
        if let Some(number) = head.slot {
            let Some(pool) = self.pool else {
                return Err(
                    PluginError::host(E_PROTOCOL, "DATA in a slot, and no pool is in use").into()
                );
            };
            let fits = number < self.host.slot_count && head.length <= self.host.slot_bytes;
            refuse!(!fits, "DATA of {count} bytes in slot {number}");
            let is_lent = sender.borrow().is_lent[number as usize];
            refuse!(is_lent, "slot {number} is lent twice");
            slot = Some((number as usize, pool));
        }
        self.advance("DATA", head.offset, u64::from(head.length), EXTENT_DATA)?;
        let sender = &self.host.sender;
        if let Some((slot, _)) = slot {
            sender.borrow_mut().is_lent[slot] = true;
        }
        let bytes = slot.map_or(&payload[head.place..], |(slot, pool)| pool.lent(slot, count));
        let mut data = Data {
            offset: head.offset,
            bytes,
            is_shared: slot.is_some(),
            masks: head.masks,
            sequence,
            slot,
            sender,
            is_kept: false,
        };
        self.writer.data(&mut data)?;
        let mut sender = sender.borrow_mut();
        if !data.is_kept {
            sender.release(sequence, slot.map(|slot| slot.0));
        }
        if sender.is_due(self.host.slot_count) {
            sender.flush(&[])
        } else {
            Ok(())
        }
    }

    /// Hands a long range over in pieces, so that a host that is gone is seen meanwhile.
    fn zero(&mut self, payload: &[u8], receiver: &Receiver) -> Step<()> {
        let (offset, length, kind, request) = wire::parse_zero(payload)?;
        refuse!(request != 0, "ZERO answers a READ");
        self.advance("ZERO", offset, length, kind + 1)?;
        let is_covered = kind != KIND_UNCHANGED || self.parent_covers(offset + length);
        refuse!(!is_covered, "ZERO is unchanged where the parent has no bytes");
        let (mut start, end) = (offset, offset + length);
        while start < end {
            let next = end.min(start + ZERO_PIECE_BYTES);
            self.writer.zero(start..next, kind)?;
            start = next;
            if start < end {
                receiver.require_host()?;
            }
        }
        Ok(())
    }

    /// Whether the parent has these bytes: in whole clusters, or to the end of both [6.4-2].
    fn parent_covers(&self, end: u64) -> bool {
        let Some(stream) = self.active.map(|number| &self.streams[number].stream) else {
            return false;
        };
        let size = self.job.parent_size(&stream.name).unwrap_or(0);
        let is_within = end <= size / CLUSTER_BYTES * CLUSTER_BYTES;
        stream.is_incremental && (is_within || end == size && stream.size == Some(size))
    }

    /// Holds a range against the position, the size and the map [6.2-3].
    fn advance(&mut self, name: &str, offset: u64, length: u64, kind: u32) -> Result<()> {
        let Some(written) = self.active.map(|number| &self.streams[number]) else {
            return Ok(());
        };
        let (size, position) = (written.stream.size, self.position);
        refuse!(offset != position, "{name} continues at {offset}, not {position}");
        let most = size.unwrap_or(STREAM_BYTES_MAX);
        refuse!(length > most - offset, "{name} goes beyond the end of the stream");
        let end = offset + length;
        let is_cut = length % CLUSTER_BYTES != 0 && size.is_some_and(|size| size != end);
        refuse!(is_cut, "{name} ends inside a cluster");
        self.position = end;
        while let Some(extent) = written.map.get(self.reached) {
            if extent.end() > offset {
                let holds =
                    extent.kind == kind || (extent.kind, kind) == (EXTENT_DATA, EXTENT_ZERO);
                refuse!(!holds, "{name} at {offset} is not as in the map");
                if extent.end() >= end {
                    break;
                }
            }
            self.reached += 1;
        }
        Ok(())
    }

    fn close(&mut self, payload: &[u8]) -> Result<()> {
        let (length, digest) = wire::parse_close(payload)?;
        let size = self.active.and_then(|number| self.streams[number].stream.size);
        let is_whole = length == self.position && size.unwrap_or(length) == length;
        refuse!(!is_whole, "CLOSE says {length} bytes, but {} came", self.position);
        if let (Some(digest), Some(number)) = (&digest, self.active) {
            let is_increment = digest.algorithm == DIGEST_INCREMENT_TREE_SHA256_32K;
            let is_right = is_increment == self.streams[number].stream.is_incremental;
            refuse!(!is_right, "CLOSE has a digest of the wrong algorithm");
        }
        self.writer.close(length, digest.as_ref())?;
        self.active = None;
        self.left -= 1;
        Ok(())
    }

    fn finish(&mut self, payload: &[u8]) -> Step<()> {
        parse(payload)?;
        let finished = self.writer.finish()?;
        let is_one = finished.artefacts.len() == 1 && finished.artefacts[0].0 == "archive";
        if self.output != "directory" && !is_one {
            let text = "finish() announces no archive: Finished::archive() does";
            return Err(PluginError::new(E_INTERNAL, text).into());
        }
        if self.host.sender.borrow().lease_count > 0 {
            return Err(PluginError::new(E_INTERNAL, "the writer keeps data at the end").into());
        }
        self.is_done = true;
        self.host.sender.borrow_mut().send(FINISHED, &finished.json())
    }
}
