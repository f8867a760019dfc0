// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! The example plugin in Rust: writes, reads and verifies Reel archives (../FORMAT.md).

use sluice_plugin::json::{parse, Value};
use sluice_plugin::*;
use std::fs::File;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::os::unix::fs::FileExt;

const MAGIC: [u8; 8] = *b"\x89REL\r\n\x1a\n";
const HEAD_BYTES: usize = 32;
const TAIL_BYTES: u64 = 24;
const RECORD_DATA_MAX: u64 = 1 << 20;

/// CRC-32, as in zlib.
struct Crc([u32; 256]);

impl Crc {
    fn new() -> Crc {
        let turned = |sum: u32, _| sum >> 1 ^ if sum & 1 == 1 { 0xEDB88320 } else { 0 };
        Crc(std::array::from_fn(|byte| (0..8).fold(byte as u32, turned)))
    }

    fn of(&self, bytes: &[u8]) -> u32 {
        let step = |sum: u32, byte: &u8| self.0[(sum as u8 ^ byte) as usize] ^ sum >> 8;
        !bytes.iter().fold(u32::MAX, step)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

struct Writer {
    job: Job,
    host: Host,
    file: ManuallyDrop<File>,
    crc: Crc,
    place: u64,
    start: u64,
    stream: Option<Stream>,
    closed: Vec<Closed>,
}

impl Writer {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.place += bytes.len() as u64;
        Ok(())
    }

    fn record(&mut self, kind: u32, range: Range<u64>, data: &[u8]) -> Result<()> {
        let id = self.stream.as_ref().map_or(0, |stream| stream.id);
        let mut head = [id.to_le_bytes(), kind.to_le_bytes()].concat();
        head.extend(range.start.to_le_bytes());
        head.extend((range.end - range.start).to_le_bytes());
        head.extend(self.crc.of(data).to_le_bytes());
        head.extend(self.crc.of(&head).to_le_bytes());
        self.put(&head)?;
        self.put(data)
    }
}

impl ArchiveWriter for Writer {
    fn new(job: &Job, output: Output, host: &Host) -> Result<Self> {
        let (file, crc, job, host) = (output.file(), Crc::new(), job.clone(), host.clone());
        let closed = Vec::new();
        let mut writer = Writer { job, host, file, crc, place: 0, start: 0, stream: None, closed };
        writer.put(&MAGIC)?;
        Ok(writer)
    }

    fn open(&mut self, stream: &Stream) -> Result<()> {
        self.stream = Some(stream.clone());
        self.start = self.place;
        Ok(())
    }

    fn data(&mut self, data: &mut Data) -> Result<()> {
        let mut offset = data.offset;
        for piece in data.bytes.chunks((self.job.options.integer("record-kib") as usize) << 10) {
            let end = offset + piece.len() as u64;
            self.record(EXTENT_DATA, offset..end, piece)?;
            offset = end;
        }
        Ok(())
    }

    fn zero(&mut self, range: Range<u64>, kind: u32) -> Result<()> {
        self.record(kind + 1, range, &[])
    }

    fn close(&mut self, _length: u64, digest: Option<&Digest>) -> Result<()> {
        if let Some(stream) = self.stream.take() {
            let id = ("id".to_string(), u64::from(stream.id).into());
            let more = vec![id, ("at".to_string(), self.start.into())];
            self.closed.push(Closed { stream, digest: digest.cloned(), more });
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Finished> {
        let mut index = receipt(&self.job, &self.host, &self.closed);
        if let (Value::Object(members), Some(machine)) =
            (&mut index, self.job.members.get("machine"))
        {
            members.push(("machine".to_string(), machine.clone()));
        }
        let (text, at) = (index.to_string(), self.place);
        let mut tail = at.to_le_bytes().to_vec();
        tail.extend((text.len() as u32).to_le_bytes());
        tail.extend(self.crc.of(text.as_bytes()).to_le_bytes());
        tail.extend(MAGIC);
        self.put(text.as_bytes())?;
        self.put(&tail)?;
        self.file.sync_all()?;
        Ok(Finished::archive(self.place))
    }
}

struct Reader {
    file: ManuallyDrop<File>,
    crc: Crc,
    contents: Contents,
    /// Where streams begin, and the last one ends.
    places: Vec<u64>,
    is_proven: bool,
}

fn damaged(what: impl std::fmt::Display) -> PluginError {
    PluginError::new(E_CORRUPT, format!("the archive is damaged: {what}"))
}

fn take(file: &File, place: u64, count: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count as usize];
    match file.read_exact_at(&mut bytes, place) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(damaged("it ends early"))
        }
        result => Ok(result.map(|()| bytes)?),
    }
}

impl ArchiveReader for Reader {
    fn new(_job: &Job, input: Output, _host: &Host) -> Result<Self> {
        let (file, crc) = (input.file(), Crc::new());
        let size = file.metadata()?.len();
        if size < 8 + TAIL_BYTES || take(&file, 0, 8)? != MAGIC {
            return Err(damaged("this is no complete reel"));
        }
        let tail = take(&file, size - TAIL_BYTES, TAIL_BYTES)?;
        let (at, count) = (number(&tail[..8]), number(&tail[8..12]));
        let is_tail = tail[16..] == MAGIC && count <= 4 << 20;
        if !is_tail || at.checked_add(count + TAIL_BYTES) != Some(size) {
            return Err(damaged("it has no tail"));
        }
        let text = take(&file, at, count)?;
        if u64::from(crc.of(&text)) != number(&tail[12..16]) {
            return Err(damaged("the index has another checksum"));
        }
        let index = parse(&text).map_err(damaged)?;
        let streams = Stream::list(index.get("streams")).map_err(damaged)?;
        let places = streams.iter().map(|stream| stream.members.integer_of("at").unwrap_or(0));
        let places: Vec<u64> = places.chain([at]).collect();
        if places[0] != 8 || streams.iter().any(|stream| stream.size.is_none()) {
            return Err(damaged("its index does not fit"));
        }
        let (vm, machine) = (index.get("vm").cloned(), index.get("machine").cloned());
        let contents = Contents { streams, vm, machine, instant: index.text_of("instant").into() };
        Ok(Reader { file, crc, contents, places, is_proven: true })
    }

    fn contents(&self) -> Contents {
        self.contents.clone()
    }

    fn is_proven(&self) -> bool {
        self.is_proven
    }

    fn read(&mut self, stream: &Stream, _range: Range<u64>, sink: &mut ReadSink) -> Result<()> {
        let known = &self.contents.streams;
        let index = known.iter().position(|each| each.id == stream.id).unwrap_or(0);
        let (mut place, mut tree, mut is_whole) = (self.places[index], TreeDigest::default(), true);
        let was_proven = std::mem::replace(&mut self.is_proven, false);
        while sink.position() < sink.end() {
            let head = take(&self.file, place, HEAD_BYTES as u64)?;
            if u64::from(self.crc.of(&head[..28])) != number(&head[28..]) {
                return Err(damaged(format!("a record of {} at byte {place}", stream.name)));
            }
            let (id, kind) = (number(&head[..4]), number(&head[4..8]) as u32);
            let (offset, length) = (number(&head[8..16]), number(&head[16..24]));
            let follows = id == u64::from(stream.id) && offset == sink.position() && length > 0;
            let most = if kind == EXTENT_DATA { RECORD_DATA_MAX } else { sink.end() };
            let last = if stream.is_incremental { EXTENT_UNCHANGED } else { EXTENT_HOLE };
            if !follows || length > most.min(sink.end() - offset) || kind > last {
                return Err(damaged(format!("a record does not continue {}", stream.name)));
            }
            if (offset + length) % CLUSTER_BYTES != 0 && offset + length != sink.end() {
                return Err(damaged(format!("a record does not continue {}", stream.name)));
            }
            place += HEAD_BYTES as u64;
            if kind == EXTENT_UNCHANGED {
                tree.unchanged(length);
                sink.unchanged(length)?;
            } else if kind != EXTENT_DATA {
                tree.zeros(length);
                sink.zeros(length, kind - 1)?;
            } else {
                let data = take(&self.file, place, length)?;
                place += length;
                if u64::from(self.crc.of(&data)) != number(&head[24..28]) {
                    is_whole = false;
                    let what = damaged(format!("the data before byte {place}"));
                    sink.damaged(length, &what.message)?;
                    continue;
                }
                tree.update(&data);
                for piece in data.chunks(sink.piece_bytes_max()) {
                    sink.data(piece.len(), &[], |room| {
                        room.copy_from_slice(piece);
                        Ok(())
                    })?;
                }
            }
        }
        if place != self.places[index + 1] {
            return Err(damaged(format!("something lies behind {}", stream.name)));
        }
        let digest = stream.digest.as_ref().filter(|digest| digest.algorithm != DIGEST_SHA256);
        let found = tree.finish();
        if is_whole && digest.is_some_and(|digest| digest.value != found) {
            return Err(damaged(format!("{} has another digest", stream.name)));
        }
        self.is_proven = was_proven && is_whole && digest.is_some();
        Ok(())
    }
}

fn main() {
    Plugin::new(include_str!("../reel.json"))
        .writer::<Writer>("reel")
        .reader::<Reader>("reel")
        .run()
}
