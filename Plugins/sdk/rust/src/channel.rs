// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Channels 3 and 4. Before the receiver waits, all answers are sent [8.2-1].

use crate::constants::*;
use crate::error::{refuse, Ending, PluginError};
use crate::json::Value;
use crate::system::{borrowed, is_hung_up};
use crate::trace::tell;
use crate::wire::{DataHead, Header};
use std::cell::RefCell;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::os::fd::RawFd;
use std::rc::Rc;

type Step<Value> = std::result::Result<Value, Ending>;
pub(crate) type SharedSender = Rc<RefCell<Sender>>;

const HEADER: usize = HEADER_BYTES as usize;
/// Header and struct of a DATA.
const DATA_HEAD: usize = HEADER + 32;
const PAGE: usize = 4096;

/// What HELLO said, and what of it is in use.
pub(crate) struct Hello {
    pub members: Value,
    pub slot_count: u32,
    pub slot_bytes: u32,
    pub window: u64,
    pub inflight: u32,
    pub uses_shared_memory: bool,
    pub uses_map: bool,
    pub uses_ranges: bool,
}

/// What goes to the host: frames that wait, and first of all DATA that the writer has done with.
pub(crate) struct Sender {
    output: RawFd,
    is_traced: bool,
    sequence: u32,
    pending: Vec<u8>,
    released: Vec<(u32, Option<usize>)>,
    /// Slots that the host has lent and not got back.
    pub is_lent: Vec<bool>,
    pub lease_count: u32,
    pub leases_max: u32,
}

impl Sender {
    pub fn new(output: RawFd, is_traced: bool) -> SharedSender {
        Rc::new(RefCell::new(Sender {
            output,
            is_traced,
            sequence: 0,
            pending: PREAMBLE.to_vec(),
            released: Vec::with_capacity(RELEASES_MAX as usize),
            is_lent: vec![false; SLOTS_MAX as usize],
            lease_count: 0,
            leases_max: u32::MAX,
        }))
    }

    /// Makes a frame that the next `flush` sends; `following` bytes are the caller's.
    pub fn append(&mut self, kind: u16, stream: u32, payload: &[u8], following: usize) -> u32 {
        let length = (payload.len() + following) as u32;
        let header = Header { length, kind, flags: 0, stream, sequence: self.sequence };
        self.pending.extend(length.to_le_bytes());
        self.pending.extend(u32::from(kind).to_le_bytes());
        self.pending.extend(stream.to_le_bytes());
        self.pending.extend(self.sequence.to_le_bytes());
        self.pending.extend(payload);
        if self.is_traced {
            tell("P → H", &header, payload);
        }
        self.sequence = self.sequence.wrapping_add(1);
        header.sequence
    }

    /// A frame that ends with a text, which is cut if it is too long.
    pub fn append_text(&mut self, kind: u16, stream: u32, head: &[u8], text: &str) {
        let mut end = text.len().min(TEXT_BYTES_MAX as usize);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.append(kind, stream, &[head, &text.as_bytes()[..end]].concat(), 0);
    }

    /// Notes that a DATA is no longer needed. Returns whether it is time to say so.
    pub fn release(&mut self, sequence: u32, slot: Option<usize>) {
        self.released.push((sequence, slot));
    }

    pub fn is_due(&self, slot_count: u32) -> bool {
        self.released.len() >= slot_count.div_ceil(4) as usize
    }

    /// Puts the releases behind what waits: also before the plugin's last word, after which nothing
    /// may come.
    pub fn append_releases(&mut self) {
        let released = std::mem::take(&mut self.released);
        for some in released.chunks(RELEASES_MAX as usize) {
            let mut payload = Vec::with_capacity(4 * some.len());
            for (sequence, slot) in some {
                payload.extend(sequence.to_le_bytes());
                if let Some(slot) = slot {
                    self.is_lent[*slot] = false;
                }
            }
            self.append(RELEASE, 0, &payload, 0);
        }
        self.released = released;
        self.released.clear();
    }

    /// Sends what waits, and `inline` bytes right behind it.
    pub fn flush(&mut self, inline: &[u8]) -> Step<()> {
        self.append_releases();
        let result = write_both(self.output, &self.pending, inline);
        self.pending.clear();
        result
    }

    pub fn send(&mut self, kind: u16, value: &Value) -> Step<()> {
        let text = value.to_string();
        if text.len() as u64 > JSON_BYTES_MAX {
            return Err(PluginError::new(E_LIMIT, "the answer would be too long").into());
        }
        self.append_releases();
        self.append(kind, 0, text.as_bytes(), 0);
        self.flush(&[])
    }
}

fn write_both(output: RawFd, mut first: &[u8], mut second: &[u8]) -> Step<()> {
    let mut file = borrowed(output);
    while !first.is_empty() || !second.is_empty() {
        match file.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]) {
            Ok(count) => {
                let part = count.min(first.len());
                first = &first[part..];
                second = &second[count - part..];
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Err(Ending::HostGone),
            Err(error) => return Err(PluginError::from(error).into()),
        }
    }
    Ok(())
}

/// What comes from the host.
#[doc(hidden)]
pub struct Receiver {
    input: RawFd,
    is_traced: bool,
    buffer: Vec<u8>,
    /// Where in the buffer its first page begins.
    first_page: usize,
    start: usize,
    end: usize,
    has_preamble: bool,
    /// Whether HELLO has come: before it nothing is skipped.
    pub is_greeted: bool,
    pub expected: u32,
    sender: SharedSender,
}

impl Receiver {
    pub(crate) fn new(input: RawFd, is_traced: bool, sender: SharedSender) -> Receiver {
        let buffer = vec![0; (FRAME_BYTES_MAX + CLUSTER_BYTES) as usize];
        Receiver {
            input,
            is_traced,
            first_page: buffer.as_ptr().align_offset(PAGE),
            buffer,
            start: 0,
            end: 0,
            has_preamble: false,
            is_greeted: false,
            expected: 0,
            sender,
        }
    }

    /// A receiver of bytes that are no session, for tests.
    pub fn of(input: RawFd, output: RawFd) -> Receiver {
        Receiver::new(input, false, Sender::new(output, false))
    }

    /// Whether nothing is half there.
    pub fn is_at_boundary(&self) -> bool {
        self.start == self.end && self.has_preamble
    }

    /// The next frame that is known, sound as far as its header goes. See `payload`.
    pub fn next_frame(&mut self) -> Step<Header> {
        loop {
            let Some(header) = self.take()? else {
                self.prepare_wait()?;
                self.fill()?;
                continue;
            };
            if self.is_traced {
                tell("H → P", &header, self.payload(&header));
            }
            match header.kind {
                ABORT => {
                    crate::json::parse(self.payload(&header))?;
                    return Err(Ending::Aborted);
                }
                ERROR => return Err(Ending::HostFailed),
                _ if header.is_known() => return Ok(header),
                _ if self.is_greeted => {}
                _ => {
                    let text = format!("{} came before HELLO", header.name());
                    return Err(PluginError::host(E_STATE, text).into());
                }
            }
        }
    }

    /// The payload of the last frame.
    pub fn payload(&self, header: &Header) -> &[u8] {
        &self.buffer[self.start - header.length as usize..self.start]
    }

    /// For work that goes on for long without reading: the end of input is ABORT [13.2-4].
    pub(crate) fn require_host(&self) -> Step<()> {
        if is_hung_up(self.input) {
            Err(Ending::HostGone)
        } else {
            Ok(())
        }
    }

    fn prepare_wait(&mut self) -> Step<()> {
        let mut sender = self.sender.borrow_mut();
        let (count, most) = (sender.lease_count, sender.leases_max);
        if count > most {
            let text = format!("the writer keeps {count} pieces, and may keep {most} [8.2-2]");
            return Err(PluginError::new(E_INTERNAL, text).into());
        }
        sender.flush(&[])
    }

    /// A frame of what has been read; `None` if more is needed.
    fn take(&mut self) -> Step<Option<Header>> {
        let bytes = &self.buffer[self.start..self.end];
        if !self.has_preamble {
            let seen = bytes.len().min(8);
            refuse!(bytes[..seen] != PREAMBLE[..seen], "it did not begin with the preamble");
            if seen < 8 {
                return Ok(None);
            }
            self.has_preamble = true;
            self.start += 8;
            return self.take();
        }
        if bytes.len() < HEADER {
            return Ok(None);
        }
        let header = Header::parse(bytes);
        header.check()?;
        let (found, expected) = (header.sequence, self.expected);
        refuse!(found != expected, "frame {found} came in place of {expected}");
        if bytes.len() < HEADER + header.length as usize {
            return Ok(None);
        }
        if self.inline_place().is_some() {
            self.settle();
        }
        self.start += HEADER + header.length as usize;
        self.expected = expected.wrapping_add(1);
        Ok(Some(header))
    }

    /// Where in the frame that waits its inline bytes begin; `None` if it has none, or not enough
    /// of it is there to tell.
    fn inline_place(&self) -> Option<usize> {
        let bytes = &self.buffer[self.start..self.end];
        if !self.has_preamble || bytes.len() < DATA_HEAD || Header::parse(bytes).kind != DATA {
            return None;
        }
        DataHead::place(&bytes[HEADER..]).map(|place| HEADER + place)
    }

    /// Moves what waits to where its inline bytes begin on a page: fit for O_DIRECT.
    fn settle(&mut self) {
        let before = (PAGE - self.inline_place().unwrap_or(0) % PAGE) % PAGE;
        let place = (self.first_page + before) % PAGE;
        if place != self.start {
            self.buffer.copy_within(self.start..self.end, place);
            (self.start, self.end) = (place, place + self.end - self.start);
        }
    }

    /// Bytes that are welcome: of a frame that is not known yet a little, and none beyond one that
    /// is half there. So next to nothing of an inline DATA is moved.
    fn room_wanted(&self) -> usize {
        let bytes = &self.buffer[self.start..self.end];
        if !self.has_preamble || bytes.len() < HEADER {
            return PAGE;
        }
        let header = Header::parse(bytes);
        if header.kind == DATA && bytes.len() < DATA_HEAD {
            return DATA_HEAD - bytes.len();
        }
        HEADER + header.length as usize - bytes.len()
    }

    fn fill(&mut self) -> Step<()> {
        self.settle();
        let room = self.room_wanted();
        loop {
            match borrowed(self.input).read(&mut self.buffer[self.end..self.end + room]) {
                Ok(0) => return Err(Ending::HostGone),
                Ok(count) => {
                    self.end += count;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Err(Ending::HostGone)
                }
                Err(error) => return Err(PluginError::from(error).into()),
            }
        }
    }
}
