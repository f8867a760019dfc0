//! Writes, reads and verifies newformat archives (FORMAT.md).

use sluice_plugin::json::Value;
use sluice_plugin::*;
use std::ops::Range;

const MAGIC: &[u8] = b"\x89newformat\r\n\x1a\n";
const HEAD_BYTES: u64 = 24; // Of a record, whose data came from a slot.

struct Writer {
    job: Job,
    host: Host,
    file: ArchiveFile,
    open: Option<(Stream, u64)>,
    closed: Vec<Closed>,
}

impl Writer {
    fn record(&mut self, kind: u32, length: u64, data: &[u8]) -> Result<()> {
        let id = self.open.as_ref().map_or(0, |(stream, _)| stream.id);
        let mut head = [&id.to_le_bytes()[..], &kind.to_le_bytes(), &length.to_le_bytes()].concat();
        head.extend(crc32(data).to_le_bytes());
        head.extend(crc32(&head).to_le_bytes());
        self.file.write_all(&head)?;
        self.file.write_all(data)
    }
}

impl ArchiveWriter for Writer {
    fn new(job: &Job, output: Output, host: &Host) -> Result<Self> {
        let (job, host, mut file) = (job.clone(), host.clone(), ArchiveFile::new(output));
        file.write_all(MAGIC)?;
        Ok(Writer { job, host, file, open: None, closed: Vec::new() })
    }

    fn open(&mut self, stream: &Stream) -> Result<()> {
        self.open = Some((stream.clone(), self.file.place()));
        Ok(())
    }

    fn data(&mut self, data: &mut Data) -> Result<()> {
        self.record(EXTENT_DATA, data.bytes.len() as u64, data.bytes)
    }

    fn zero(&mut self, range: Range<u64>, kind: u32) -> Result<()> {
        self.record(kind + 1, range.end - range.start, &[])
    }

    fn close(&mut self, _length: u64, digest: Option<&Digest>) -> Result<()> {
        let (stream, start) = self.open.take().expect("a stream is open");
        let more = [("id", u64::from(stream.id)), ("start", start)];
        let more = more.map(|(name, value)| (name.to_string(), value.into())).to_vec();
        self.closed.push(Closed { stream, digest: digest.cloned(), more });
        Ok(())
    }

    fn finish(&mut self) -> Result<Finished> {
        let mut index = receipt(&self.job, &self.host, &self.closed);
        let machine = self.job.members.get("machine").cloned();
        if let Value::Object(members) = &mut index {
            members.push(("machine".to_string(), machine.unwrap_or(Value::Null)));
        }
        self.file.write_index(index.to_string().as_bytes(), MAGIC)?;
        self.file.finish()
    }
}

struct Reader {
    file: ArchiveFile,
    contents: Contents,
}

impl ArchiveReader for Reader {
    fn checks_digests(&self) -> bool {
        true
    }

    fn new(_job: &Job, input: Output, _host: &Host) -> Result<Self> {
        let file = ArchiveFile::new(input);
        Ok(Reader { contents: Contents::read_receipt(&file.read_index(MAGIC)?)?, file })
    }

    fn contents(&self) -> Contents {
        self.contents.clone()
    }

    fn read(&mut self, stream: &Stream, _range: Range<u64>, sink: &mut ReadSink) -> Result<()> {
        let mut place = stream.members.integer_of("start").unwrap_or(0);
        while sink.position() < sink.end() {
            let head = self.file.read_all(place, HEAD_BYTES)?;
            let (kind, length) = (little_endian(&head[4..8]) as u32, little_endian(&head[8..16]));
            let is_sound = u64::from(crc32(&head[..20])) == little_endian(&head[20..]);
            let is_of_it = little_endian(&head[..4]) == u64::from(stream.id) && kind <= EXTENT_HOLE;
            let stored = if kind == EXTENT_DATA { length } else { 0 };
            if !is_sound || !is_of_it || !sink.takes(length) || stored > SLOT_BYTES_MAX {
                return Err(damaged(format!("a record of {} at byte {place}", stream.name)));
            }
            let data = self.file.read_all(place + HEAD_BYTES, stored)?;
            place += HEAD_BYTES + stored;
            if kind != EXTENT_DATA {
                sink.zeros(length, kind - 1)?;
            } else if u64::from(crc32(&data)) == little_endian(&head[16..20]) {
                sink.write_all(&data)?;
            } else {
                sink.damaged(length, "the archive is damaged: data of a record")?;
            }
        }
        Ok(())
    }
}

fn main() {
    Plugin::new(include_str!("../newformat.json"))
        .writer::<Writer>("newformat")
        .reader::<Reader>("newformat")
        .run()
}
