// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Read and verify mode (protocol.md §5.3): answers each READ with the frames of its stream.

use crate::channel::{Hello, Receiver};
use crate::check::check_object;
use crate::constants::*;
use crate::digest::TreeDigest;
use crate::error::{damaged, refuse, Ending, PluginError, Result};
use crate::job::{Host, Job, Output, Stream};
use crate::json::{object, parse, Value};
use crate::plugin::error_payload;
use crate::sink::{ReadSink, Slots};
use crate::system::Pool;
use crate::wire::{self, Header, WHOLE_STREAM};
use std::ops::Range;
use std::rc::Rc;

type Step<Value> = std::result::Result<Value, Ending>;

/// What an archive tells of the backup it holds, as JOB has it.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Ids and names unique, sizes known.
    pub streams: Vec<Stream>,
    /// Id, name and uuid of the machine.
    pub vm: Option<Value>,
    /// Its description, as it came with JOB.
    pub machine: Option<Value>,
    /// When the backup was made.
    pub instant: String,
}

impl Contents {
    /// Takes the streams, whose `members` have all that it says, and what else the archive tells
    /// from a receipt in it; `E_CORRUPT` if it is malformed.
    pub fn read_receipt(text: &[u8]) -> Result<Contents> {
        let malformed = |_| damaged("its receipt is malformed");
        let members = parse(text).map_err(malformed)?;
        let streams = Stream::list(members.get("streams")).map_err(malformed)?;
        if streams.iter().any(|stream| stream.size.is_none()) {
            return Err(damaged("its receipt lacks the size of a stream"));
        }
        let (vm, machine) = (members.get("vm").cloned(), members.get("machine").cloned());
        Ok(Contents { streams, vm, machine, instant: members.text_of("instant").to_string() })
    }
}

/// Turns an archive back into streams. The archive is hostile input: check all of it.
pub trait ArchiveReader {
    /// Whether `read` is quick for a part of a stream, in any order.
    fn reads_ranges() -> bool
    where
        Self: Sized,
    {
        false
    }

    /// Whether all that is read is verified by digests of the streams for you.
    fn checks_digests(&self) -> bool {
        false
    }

    /// Opens the archive. In mode `verify` also checks what costs time.
    fn new(job: &Job, input: Output, host: &Host) -> Result<Self>
    where
        Self: Sized;

    /// What is in it.
    fn contents(&self) -> Contents;

    /// Puts a range of the stream into the sink, in order and complete.
    fn read(&mut self, stream: &Stream, range: Range<u64>, sink: &mut ReadSink) -> Result<()>;

    /// The host wants no more: checks what shows at the archive's end only.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether you have held all that was read against digests of the archive [4.4-3]; not asked
    /// with `checks_digests`.
    fn is_proven(&self) -> bool {
        false
    }
}

pub(crate) struct ReadSession<'a> {
    job: &'a Job,
    host: &'a Host,
    hello: &'a Hello,
    reader: Box<dyn ArchiveReader>,
    streams: Rc<Vec<Stream>>,
    /// A list is no reason to go to the archive's end.
    has_end_to_check: bool,
    has_damage: bool,
    is_proven: bool,
}

impl<'a> ReadSession<'a> {
    pub fn new(
        job: &'a Job,
        host: &'a Host,
        hello: &'a Hello,
        reader: Box<dyn ArchiveReader>,
    ) -> Self {
        let has_end_to_check = job.mode == "verify";
        ReadSession {
            job,
            host,
            hello,
            reader,
            streams: Rc::default(),
            has_end_to_check,
            has_damage: false,
            is_proven: true,
        }
    }

    /// Runs until the host has closed its end after FINISHED.
    pub fn run(mut self, receiver: &mut Receiver, pool: Option<Pool>) -> Step<()> {
        self.acknowledge()?;
        let mut slots = Slots::new(self.host, self.hello, receiver, pool);
        loop {
            match self.step(&mut slots) {
                Ok(()) => {}
                Err(Ending::HostGone) if slots.is_done => return Ok(()),
                Err(_) if slots.is_done => return Err(Ending::HostFailed),
                Err(ending) => return Err(ending),
            }
        }
    }

    fn step(&mut self, slots: &mut Slots) -> Step<()> {
        let header = slots.receiver.next_frame()?;
        slots.admit(&header)?;
        match header.kind {
            READ => {
                let (offset, length) = wire::parse_read(slots.receiver.payload(&header))?;
                self.answer(slots, &header, offset, length)
            }
            FINISH => {
                parse(slots.receiver.payload(&header))?;
                self.finish(slots)
            }
            _ => Ok(()),
        }
    }

    fn acknowledge(&mut self) -> Step<()> {
        let contents = self.reader.contents();
        let entry = |stream: &Stream| {
            let mut members = stream.json();
            members.push(("id".to_string(), u64::from(stream.id).into()));
            let digest = stream.digest.iter().map(|digest| ("digest".to_string(), digest.json()));
            members.extend(digest);
            Value::Object(members)
        };
        let streams = Value::Array(contents.streams.iter().map(entry).collect());
        for (name, value) in [("vm", &contents.vm), ("machine", &contents.machine)] {
            if value.as_ref().is_some_and(|value| check_object(name, value).is_err()) {
                let text = "what the archive tells of its backup is malformed";
                return Err(PluginError::new(E_CORRUPT, text).into());
            }
        }
        let mut about = vec![("instant".to_string(), contents.instant.as_str().into())];
        about.extend(contents.vm.into_iter().map(|vm| ("vm".to_string(), vm)));
        about.extend(contents.machine.into_iter().map(|machine| ("machine".to_string(), machine)));
        let answer = object([("streams", streams), ("job", Value::Object(about))]);
        self.streams = Rc::new(contents.streams);
        self.host.sender.borrow_mut().send(JOB_ACK, &answer)
    }

    fn answer(&mut self, slots: &mut Slots, header: &Header, offset: u64, length: u64) -> Step<()> {
        let mut status = 0;
        slots.is_reading = true;
        let mut ending = None;
        if let Err(error) = self.read(slots, header, offset, length, &mut ending) {
            if let Some(ending) = ending {
                return Err(ending);
            }
            if error.is_hosts_fault {
                return Err(error.into());
            }
            status = error.code;
            let payload = error_payload(&error, ERROR_READ, header.sequence);
            self.host.sender.borrow_mut().append(ERROR, header.stream, &payload, 0);
        }
        self.has_end_to_check = status == 0 && !self.has_damage;
        slots.is_reading = false;
        let payload = [header.sequence.to_le_bytes(), status.to_le_bytes()].concat();
        let mut sender = self.host.sender.borrow_mut();
        sender.append(READ_DONE, header.stream, &payload, 0);
        sender.flush(&[])
    }

    /// Everything of the answer but its READ_DONE.
    fn read(
        &mut self,
        slots: &mut Slots,
        header: &Header,
        offset: u64,
        length: u64,
        ending: &mut Option<Ending>,
    ) -> Result<()> {
        let streams = self.streams.clone();
        let (stream, range) = self.wanted(&streams, header.stream, offset, length)?;
        let sender = &self.host.sender;
        if length == WHOLE_STREAM {
            sender.borrow_mut().append(OPEN, stream.id, b"{}", 0);
        }
        let digest = stream.digest.as_ref().filter(|_| length == WHOLE_STREAM);
        let was_proven = std::mem::replace(&mut self.is_proven, false);
        let mut sink = ReadSink {
            slots,
            stream,
            request: header.sequence,
            position: range.start,
            end: range.end,
            salvages: self.job.salvages,
            has_damage: false,
            tree: digest.filter(|_| self.reader.checks_digests()).map(|_| TreeDigest::default()),
            ending: None,
        };
        let result = self.reader.read(stream, range, &mut sink);
        self.has_damage |= sink.has_damage;
        let is_whole = sink.position == sink.end;
        let tree = sink.tree;
        *ending = sink.ending;
        result?;
        if !is_whole {
            let text = format!("the reader stopped before the end of {}", stream.name);
            return Err(PluginError::new(E_INTERNAL, text));
        }
        if let Some(tree) = tree {
            self.is_proven = tree.proves(digest)? && was_proven;
        }
        if length == WHOLE_STREAM {
            let mut payload = stream.size.unwrap_or(0).to_le_bytes().to_vec();
            payload.extend(digest.map_or(0, |digest| digest.algorithm).to_le_bytes());
            payload.extend(digest.map_or(0u16, |_| 32).to_le_bytes());
            payload.extend([0; 4]);
            payload.extend(digest.iter().flat_map(|digest| digest.value));
            sender.borrow_mut().append(CLOSE, stream.id, &payload, 0);
        }
        Ok(())
    }

    /// What a READ is about; only what there is can be read [7.2-5].
    fn wanted<'b>(
        &self,
        streams: &'b [Stream],
        id: u32,
        offset: u64,
        length: u64,
    ) -> Result<(&'b Stream, Range<u64>)> {
        let refusal = |code, text: String| Err(PluginError::new(code, text));
        let Some(stream) = streams.iter().find(|stream| stream.id == id) else {
            return refusal(E_NOT_FOUND, format!("the archive has no stream {id}"));
        };
        let size = stream.size.unwrap_or(0);
        if length == WHOLE_STREAM {
            return Ok((stream, 0..size));
        }
        if !self.hello.uses_ranges {
            return refusal(E_UNSUPPORTED, "reading parts of a stream was not agreed on".into());
        }
        let end = offset + length;
        if end > size {
            return refusal(
                E_LIMIT,
                format!("{} ends before the part that was asked for", stream.name),
            );
        }
        refuse!(end % CLUSTER_BYTES != 0 && end != size, "READ ends inside a cluster");
        Ok((stream, offset..end))
    }

    fn finish(&mut self, slots: &mut Slots) -> Step<()> {
        if self.has_end_to_check {
            self.reader.finish()?;
        }
        let mut members = vec![("artefacts".to_string(), Value::Array(Vec::new()))];
        let is_proven = match self.reader.checks_digests() {
            true => self.is_proven,
            false => self.reader.is_proven(),
        };
        if self.has_end_to_check && is_proven {
            members.push(("proven".to_string(), Value::Bool(true)));
        }
        slots.is_done = true;
        self.host.sender.borrow_mut().send(FINISHED, &Value::Object(members))
    }
}
