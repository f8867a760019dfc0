// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Headers and payloads (protocol.md §3, §4): parsed, and refused for their bytes alone.

use crate::constants::*;
use crate::error::{refuse, PluginError, Result};

pub use crate::channel::Receiver;
pub use crate::check::control;
pub use crate::error::Ending;

/// READ of a whole stream.
pub const WHOLE_STREAM: u64 = u64::MAX;

fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(crate) fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from(get16(bytes, at)) | u32::from(get16(bytes, at + 2)) << 16
}

pub(crate) fn get64(bytes: &[u8], at: usize) -> u64 {
    u64::from(get32(bytes, at)) | u64::from(get32(bytes, at + 4)) << 32
}

/// The 16 bytes before every payload.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub length: u32,
    pub kind: u16,
    pub flags: u16,
    pub stream: u32,
    pub sequence: u32,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8]) -> Header {
        Header {
            length: get32(bytes, 0),
            kind: get16(bytes, 4),
            flags: get16(bytes, 6),
            stream: get32(bytes, 8),
            sequence: get32(bytes, 12),
        }
    }

    fn rule(&self) -> Option<&'static FrameRule> {
        FRAMES.iter().find(|rule| rule.0 == self.kind)
    }

    pub fn is_known(&self) -> bool {
        self.rule().is_some()
    }

    pub fn is_from_host(&self) -> bool {
        self.rule().is_some_and(|rule| rule.5)
    }

    pub fn name(&self) -> String {
        frame_name(self.kind)
    }

    /// What can be refused before the payload has come [3.2-1].
    pub(crate) fn check(&self) -> Result<()> {
        let (name, length) = (self.name(), u64::from(self.length));
        let most = self.rule().map_or(FRAME_BYTES_MAX, |rule| u64::from(rule.3));
        if length > most {
            return Err(PluginError::host(
                E_LIMIT,
                format!("{name} of {length} bytes is over the limit"),
            ));
        }
        let Some(FrameRule(_, _, least, _, streams, _)) = self.rule() else {
            let is_ignorable = self.kind & 0x8000 != 0;
            let refusal = || PluginError::host(E_UNKNOWN_FRAME, format!("unknown frame {name}"));
            return if is_ignorable { Ok(()) } else { Err(refusal()) };
        };
        refuse!(self.length < *least, "{name} has a payload of {length} bytes");
        let known = if self.kind == EXTENTS { EXTENTS_LAST as u16 } else { 0 };
        refuse!(self.flags & !known != 0, "{name} sets undefined bits of its flags");
        let is_proper = match streams {
            Stream::None => self.stream == 0,
            Stream::One => (1..=STREAMS_MAX).contains(&u64::from(self.stream)),
            Stream::Any => u64::from(self.stream) <= STREAMS_MAX,
        };
        refuse!(!is_proper, "{name} names stream {}", self.stream);
        Ok(())
    }
}

pub(crate) fn frame_name(kind: u16) -> String {
    let rule = FRAMES.iter().find(|rule| rule.0 == kind);
    rule.map_or_else(|| format!("type 0x{kind:04X}"), |rule| rule.1.to_string())
}

fn check_range(name: &str, offset: u64, length: u64, most: u64) -> Result<()> {
    let is_cut = offset % CLUSTER_BYTES != 0;
    refuse!(is_cut || offset > STREAM_BYTES_MAX, "{name} has offset {offset}");
    let most = most.min(STREAM_BYTES_MAX - offset);
    refuse!(length < 1 || length > most, "{name} has length {length}");
    Ok(())
}

/// A DATA (§4.7); `masks` are the bytes of them.
pub struct DataHead<'a> {
    pub offset: u64,
    pub length: u32,
    pub slot: Option<u32>,
    pub request: u32,
    pub masks: &'a [u8],
    /// Where inline bytes begin.
    pub place: usize,
}

impl DataHead<'_> {
    /// Where inline bytes begin in a payload of which the struct is there; `None` if it has none.
    pub(crate) fn place(payload: &[u8]) -> Option<usize> {
        let masks = usize::from(get16(payload, 14));
        (u32::from(get16(payload, 12)) == IN_FRAME).then(|| 32 + (2 * masks).div_ceil(8) * 8)
    }
}

pub fn parse_data(payload: &[u8]) -> Result<DataHead<'_>> {
    let (offset, length) = (get64(payload, 0), get32(payload, 8));
    let (place, count, slot) = (get16(payload, 12), get16(payload, 14), get32(payload, 16));
    refuse!(u32::from(place) > IN_SLOT, "DATA has where {place}");
    let is_inline = u32::from(place) == IN_FRAME;
    let most = if is_inline { INLINE_BYTES_MAX } else { SLOT_BYTES_MAX };
    check_range("DATA", offset, u64::from(length), most)?;
    let clusters = u64::from(length).div_ceil(CLUSTER_BYTES);
    refuse!(count != 0 && u64::from(count) != clusters, "DATA has {count} masks");
    let reserved = get32(payload, 20) | get32(payload, 28) | if is_inline { slot } else { 0 };
    refuse!(reserved != 0, "DATA has a reserved field that is not zero");
    let (count, end) = (usize::from(count), 32 + usize::from(count).div_ceil(4) * 8);
    let bytes = if is_inline { length as usize } else { 0 };
    refuse!(payload.len() != end + bytes, "DATA has another length");
    let masks = &payload[32..32 + 2 * count];
    let is_padded = payload[32 + 2 * count..end].iter().all(|byte| *byte == 0);
    refuse!(!is_padded, "DATA has padding that is not zero");
    if count > 0 {
        let tail = u64::from(length) - (clusters - 1) * CLUSTER_BYTES;
        let last = u32::from(get16(masks, 2 * (count - 1)));
        refuse!(last >> tail.div_ceil(BLOCK_BYTES) != 0, "DATA has bits past its end");
    }
    let slot = (!is_inline).then_some(slot);
    Ok(DataHead { offset, length, slot, request: get32(payload, 24), masks, place: end })
}

/// A ZERO (§4.8): offset, length, kind, request.
pub fn parse_zero(payload: &[u8]) -> Result<(u64, u64, u32, u32)> {
    let (offset, length, kind) = (get64(payload, 0), get64(payload, 8), get32(payload, 16));
    check_range("ZERO", offset, length, STREAM_BYTES_MAX)?;
    refuse!(kind > KIND_UNCHANGED, "ZERO has kind {kind}");
    Ok((offset, length, kind, get32(payload, 20)))
}

/// A CLOSE (§4.9): length and digest.
pub fn parse_close(payload: &[u8]) -> Result<(u64, Option<crate::Digest>)> {
    let (length, algorithm, count) = (get64(payload, 0), get16(payload, 8), get16(payload, 10));
    refuse!(length > STREAM_BYTES_MAX, "CLOSE has a length over the limit");
    let is_known = algorithm <= DIGEST_INCREMENT_TREE_SHA256_32K;
    refuse!(!is_known, "CLOSE has digest_alg {algorithm}");
    let expected = if algorithm == 0 { 0 } else { 32 };
    let is_proper = count == expected && payload.len() == 16 + usize::from(count);
    refuse!(!is_proper || get32(payload, 12) != 0, "CLOSE has a digest of another length");
    let value = payload[16..].try_into().ok();
    Ok((length, value.map(|value| crate::Digest { algorithm, value })))
}

/// A READ (§4.10): offset and length.
pub fn parse_read(payload: &[u8]) -> Result<(u64, u64)> {
    let (offset, length) = (get64(payload, 0), get64(payload, 8));
    if (offset, length) != (0, WHOLE_STREAM) {
        check_range("READ", offset, length, STREAM_BYTES_MAX)?;
    }
    Ok((offset, length))
}

/// A RELEASE (§4.11).
pub fn parse_release(payload: &[u8]) -> Result<Vec<u32>> {
    refuse!(payload.len() % 4 != 0, "RELEASE has a payload of {} bytes", payload.len());
    Ok((0..payload.len() / 4).map(|place| get32(payload, 4 * place)).collect())
}

/// An EXTENTS (§4.14).
pub fn parse_extents(payload: &[u8]) -> Result<Vec<crate::Extent>> {
    refuse!(payload.len() % 24 != 0, "EXTENTS has a payload of {} bytes", payload.len());
    let mut extents: Vec<crate::Extent> = Vec::new();
    for entry in payload.chunks_exact(24) {
        let (offset, length, kind) = (get64(entry, 0), get64(entry, 8), get32(entry, 16));
        check_range("EXTENTS", offset, length, STREAM_BYTES_MAX)?;
        refuse!(kind > EXTENT_UNCHANGED || get32(entry, 20) != 0, "EXTENTS has a wrong kind");
        let is_gap = extents.last().is_some_and(|last| last.end() != offset);
        refuse!(is_gap, "EXTENTS has a gap");
        extents.push(crate::Extent { offset, length, kind });
    }
    Ok(extents)
}
