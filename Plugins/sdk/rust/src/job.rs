// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! What is to be done, and for whom (protocol.md §4.3, §6.1).

use crate::channel::{Hello, SharedSender};
use crate::check::check_object;
use crate::constants::*;
use crate::digest::Digest;
use crate::error::{refuse, PluginError, Result};
use crate::json::Value;
use crate::system::borrowed;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::RawFd;

/// A disk, a config file or a VM state.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// 1 … 1024; frames name a stream by it.
    pub id: u32,
    /// `disk`, `config` or `vmstate`.
    pub kind: String,
    /// Unique in its backup; no path.
    pub name: String,
    /// What it is for; the kind if nobody said.
    pub role: String,
    /// `None` while nobody knows.
    pub size: Option<u64>,
    /// Whether parts of it may be as in the parent.
    pub is_incremental: bool,
    /// Of an archive that is read.
    pub digest: Option<Digest>,
    /// All that was said of it.
    pub members: Value,
}

impl Stream {
    fn parse(members: &Value) -> Result<Stream> {
        check_object("stream", members)?;
        let kind = members.text_of("kind");
        let stream = Stream {
            id: members.integer_of("id").unwrap_or(0) as u32,
            kind: kind.to_string(),
            name: members.text_of("name").to_string(),
            role: members.get("role").and_then(Value::text).unwrap_or(kind).to_string(),
            size: members.integer_of("size"),
            is_incremental: members.is_true("incremental"),
            digest: members.get("digest").and_then(Digest::parse),
            members: members.clone(),
        };
        if let Some(digest) = &stream.digest {
            let is_increment = digest.algorithm == DIGEST_INCREMENT_TREE_SHA256_32K;
            refuse!(is_increment != stream.is_incremental, "a digest of the wrong algorithm");
        }
        Ok(stream)
    }

    /// Streams as JOB, JOB_ACK and receipts list them: ids and names differ [1.4-2]. Names are
    /// compared as they are: normalisation needs tables that the library does not have, and the
    /// host has compared them.
    pub fn list(list: Option<&Value>) -> Result<Vec<Stream>> {
        let elements = match list {
            Some(Value::Array(elements)) if elements.len() as u64 <= STREAMS_MAX => elements,
            _ => return Err(PluginError::host(E_PROTOCOL, "no proper \"streams\"")),
        };
        let mut streams: Vec<Stream> = Vec::new();
        for element in elements {
            let stream = Stream::parse(element)?;
            let is_twice = |other: &Stream| other.id == stream.id || other.name == stream.name;
            refuse!(streams.iter().any(is_twice), "a stream id or name occurs twice");
            streams.push(stream);
        }
        Ok(streams)
    }

    /// As receipts have it; JOB_ACK adds id and digest.
    pub(crate) fn json(&self) -> Vec<(String, Value)> {
        let mut members: Vec<(String, Value)> = vec![
            ("name".into(), self.name.as_str().into()),
            ("kind".into(), self.kind.as_str().into()),
            ("role".into(), self.role.as_str().into()),
            ("size".into(), self.size.map_or(Value::Null, Value::from)),
        ];
        for name in ["incremental", "method", "reason"] {
            if let Some(value) = self.members.get(name) {
                members.push((name.into(), value.clone()));
            }
        }
        members
    }
}

/// What is to be written or read; a text that was not given is empty.
#[derive(Clone, Debug)]
pub struct Job {
    /// The id of the job.
    pub id: String,
    /// `write`, `read` or `verify`.
    pub mode: String,
    /// The format that is written or read.
    pub format: String,
    /// When the backup was made: `2026-01-31T20:00:00Z`.
    pub instant: String,
    /// `full`, `incremental` or `differential`.
    pub level: String,
    /// Whether what a damaged archive still holds is wanted.
    pub salvages: bool,
    /// None in read mode.
    pub streams: Vec<Stream>,
    /// Those of the format.
    pub options: Options,
    /// All that JOB says, as `vm`, `machine` and `parent`.
    pub members: Value,
}

impl Job {
    #[doc(hidden)]
    pub fn parse(members: Value) -> Result<Job> {
        let text = |name| members.text_of(name).to_string();
        let mut job = Job {
            id: text("job"),
            mode: text("mode"),
            format: text("format"),
            instant: text("instant"),
            level: text("level"),
            salvages: members.is_true("salvage"),
            streams: Vec::new(),
            options: Options::default(),
            members: members.clone(),
        };
        if job.level.is_empty() {
            job.level = "full".into();
        }
        refuse!(job.salvages && job.mode != "read", "salvage is for read mode");
        let machine = members.get("machine").map_or(0, |machine| machine.to_string().len());
        refuse!(machine > 65536, "machine is too large");
        if job.mode == "write" {
            job.take_streams()?;
        }
        Ok(job)
    }

    fn take_streams(&mut self) -> Result<()> {
        self.streams = Stream::list(self.members.get("streams"))?;
        let parent = self.members.get("parent");
        refuse!((self.level == "full") != parent.is_none(), "level and parent do not agree");
        for stream in &self.streams {
            let is_known = stream.size.is_some() || stream.kind == "vmstate";
            refuse!(!is_known, "a stream has no size");
            let has_parent = self.parent_size(&stream.name).is_some() && stream.kind == "disk";
            refuse!(stream.is_incremental && !has_parent, "{} cannot be incremental", stream.name);
        }
        Ok(())
    }

    /// Bytes that the parent has of a stream.
    pub(crate) fn parent_size(&self, name: &str) -> Option<u64> {
        self.members.get("parent")?.get("streams")?.get(name)?.integer_of("size")
    }
}

/// Options of the manifest, with its types and defaults.
#[derive(Clone, Debug, Default)]
pub struct Options(Vec<(String, Value)>);

impl Options {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|option| option.0 == name).map(|option| &option.1)
    }

    /// An option of the type `integer`; 0 if there is none.
    pub fn integer(&self, name: &str) -> i64 {
        self.get(name).and_then(Value::integer).unwrap_or(0)
    }

    /// An option of the type `bool`.
    pub fn bool(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }

    /// An option of the type `string` or `choice`; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::text).unwrap_or("")
    }

    /// Those of a job, checked; what the manifest does not have is refused [4.3-3].
    pub(crate) fn take(format: &Value, job: &Value) -> Result<Options> {
        let refusal = |text: String| PluginError::new(E_BAD_OPTION, text);
        let described = format.get("options").map_or(&[][..], Value::elements);
        let given = job.get("options").map_or(&[][..], Value::members);
        let find = |name: &str| described.iter().find(|option| option.text_of("name") == name);
        for (name, value) in given.iter().filter(|option| option.1 != Value::Null) {
            let option = find(name).ok_or_else(|| refusal(format!("there is no option {name}")))?;
            if !suits(value, option) {
                return Err(refusal(format!("option {name} cannot be {value}")));
            }
        }
        let value = |option: &Value| {
            let name = option.text_of("name");
            let given = given.iter().find(|each| each.0 == name && each.1 != Value::Null);
            let value = given.map(|each| &each.1).or(option.get("default"));
            (name.to_string(), value.cloned().unwrap_or(Value::Null))
        };
        Ok(Options(described.iter().map(value).collect()))
    }
}

fn suits(value: &Value, option: &Value) -> bool {
    let choices = option.get("choices").map_or(&[][..], Value::elements);
    let bound = |name, absent| option.get(name).and_then(Value::integer).unwrap_or(absent);
    match option.text_of("type") {
        "bool" => matches!(value, Value::Bool(_)),
        "integer" => {
            let range = bound("min", 0)..=bound("max", 1 << 53);
            value.integer().is_some_and(|integer| range.contains(&integer))
        }
        "string" => value.text().is_some(),
        _ => choices.contains(value),
    }
}

/// The archive: an open file, pipe or directory, until the process ends.
#[derive(Clone, Debug)]
pub struct Output {
    /// Open for the job; do not close it.
    pub descriptor: RawFd,
    /// `file`, `pipe` or `directory`.
    pub kind: String,
}

impl Output {
    /// The same as a file of the standard library, which nobody closes.
    pub fn file(&self) -> ManuallyDrop<File> {
        borrowed(self.descriptor)
    }
}

/// The host as a plugin sees it: who it is, what it lent, and how to tell it something.
#[derive(Clone)]
pub struct Host {
    /// The programs that make the archive: the host, then this plugin.
    pub programs: [String; 2],
    /// Pieces that may be unreleased.
    pub slot_count: u32,
    /// Bytes of the largest piece in the pool.
    pub slot_bytes: u32,
    /// DATA that a writer may keep while it waits for more [8.2-2].
    pub leases_max: u32,
    /// Whether data comes in the pool, not in frames.
    pub uses_shared_memory: bool,
    /// A descriptor, if the manifest needs `scratch` and there is one.
    pub scratch: Option<RawFd>,
    pub(crate) sender: SharedSender,
}

impl Host {
    pub(crate) fn new(
        hello: &Hello,
        name: &str,
        version: &str,
        job: &Job,
        sender: SharedSender,
    ) -> Host {
        let host = hello.members.get("host").unwrap_or(&Value::Null);
        let scratch = job.members.get("scratch").and_then(|scratch| scratch.integer_of("fd"));
        Host {
            programs: [
                format!("{} {}", host.text_of("name"), host.text_of("version")),
                format!("{name} writer {version}"),
            ],
            slot_count: hello.slot_count,
            slot_bytes: hello.slot_bytes,
            leases_max: hello.slot_count.min(hello.inflight) / 2,
            uses_shared_memory: hello.uses_shared_memory,
            scratch: scratch.map(|descriptor| descriptor as RawFd),
            sender,
        }
    }

    /// A line for people, `LOG_DEBUG` … `LOG_ERROR`; sent with the next frames.
    pub fn log(&self, level: u32, text: &str) {
        self.sender.borrow_mut().append_text(LOG, 0, &level.to_le_bytes(), text);
    }

    /// Bytes the archive has by now, and bytes of the streams in it.
    pub fn progress(&self, stored: u64, logical: u64) {
        let mut payload = [stored.to_le_bytes(), logical.to_le_bytes()].concat();
        payload.extend([u32::MAX.to_le_bytes(), [0; 4]].concat());
        self.sender.borrow_mut().append(PROGRESS, 0, &payload, 0);
    }

    /// Says at once that what comes next takes long.
    pub fn busy(&self, milliseconds: u32, reason: &str) {
        let most = u64::from(milliseconds).min(BUSY_MILLISECONDS_MAX);
        let mut sender = self.sender.borrow_mut();
        sender.append_text(BUSY, 0, &most.to_le_bytes(), reason);
        // A host that is gone shows at the next read.
        let _ = sender.flush(&[]);
    }
}
