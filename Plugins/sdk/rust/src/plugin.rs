// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! What a plugin is and the code behind it.

use crate::channel::{Hello, Receiver, Sender, SharedSender};
use crate::check::control;
use crate::constants::*;
use crate::error::{Ending, PluginError, Result};
use crate::job::{Host, Job, Options, Output, Stream};
use crate::json::{object, parse, Value};
use crate::read::{ArchiveReader, ReadSession};
use crate::system::{ignore_signals, is_sealed, Pool};
use crate::write::{ArchiveWriter, WriteSession};
use std::env;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::exit;

type Step<Value> = std::result::Result<Value, Ending>;
type MakeWriter = fn(&Job, Output, &Host) -> Result<Box<dyn ArchiveWriter>>;
type MakeReader = fn(&Job, Output, &Host) -> Result<Box<dyn ArchiveReader>>;

/// A plugin. Its `main` makes one of the manifest, says who writes and reads each of its formats,
/// and calls `run`.
pub struct Plugin {
    text: String,
    manifest: Value,
    writers: Vec<(String, MakeWriter)>,
    readers: Vec<(String, MakeReader)>,
    reads_ranges: bool,
}

impl Plugin {
    /// Of the manifest (§2.3): `include_str!` keeps it beside the source.
    pub fn new(manifest: &str) -> Plugin {
        Plugin {
            text: manifest.to_string(),
            manifest: parse(manifest.as_bytes()).expect("the manifest is JSON"),
            writers: Vec::new(),
            readers: Vec::new(),
            reads_ranges: false,
        }
    }

    /// Who writes a format of the manifest.
    pub fn writer<Writer: ArchiveWriter + 'static>(mut self, format: &str) -> Plugin {
        let make: MakeWriter = |job, output, host| Ok(Box::new(Writer::new(job, output, host)?));
        self.writers.push((format.to_string(), make));
        self
    }

    /// Who reads it.
    pub fn reader<Reader: ArchiveReader + 'static>(mut self, format: &str) -> Plugin {
        let make: MakeReader = |job, input, host| Ok(Box::new(Reader::new(job, input, host)?));
        self.readers.push((format.to_string(), make));
        self.reads_ranges |= Reader::reads_ranges();
        self
    }

    fn name(&self) -> &str {
        self.manifest.text_of("name")
    }

    /// Does what SLUICE_PROTOCOL says, and ends the process (§2.2).
    pub fn run(&self) -> ! {
        match env::var("SLUICE_PROTOCOL").as_deref() {
            Ok("1") => exit(self.serve()),
            Ok("info") => {
                println!("{}", self.text.trim_end());
                exit(0)
            }
            _ => {
                let (name, version) = (self.name(), self.manifest.text_of("version"));
                eprintln!(
                    "{name} {version} is a plugin of a Sluice host and not meant to be started by \
                     hand; try: sluice plugin info FORMAT"
                );
                exit(2)
            }
        }
    }

    /// One job, from the first byte to the last. Returns the exit status.
    fn serve(&self) -> i32 {
        ignore_signals();
        let is_traced = env::var("SLUICE_TRACE").as_deref() == Ok("1");
        let sender = Sender::new(4, is_traced);
        let mut receiver = Receiver::new(3, is_traced, sender.clone());
        let session = AssertUnwindSafe(|| self.converse(&mut receiver, &sender));
        let result = catch_unwind(session).unwrap_or_else(|_| {
            Err(PluginError::new(E_INTERNAL, "a bug in the plugin: it panicked").into())
        });
        let mut sender = sender.borrow_mut();
        sender.append_releases();
        match result {
            Ok(()) => return 0,
            Err(Ending::Aborted) => {
                sender.append(ABORTED, 0, b"{\"reason\":\"the host said so\"}", 0);
            }
            Err(Ending::Failed(error)) => {
                sender.append(ERROR, 0, &error_payload(&error, ERROR_FATAL, 0), 0);
            }
            Err(_) => return 1,
        }
        let _ = sender.flush(&[]);
        1
    }

    fn converse(&self, receiver: &mut Receiver, sender: &SharedSender) -> Step<()> {
        let hello = self.greet(receiver, sender)?;
        let mut job = Job::parse(expect(receiver, JOB)?)?;
        let kind = self.check(&mut job)?;
        let is_write = job.mode == "write";
        let pool = match hello.uses_shared_memory {
            true => Some(
                Pool::map(hello.slot_count, hello.slot_bytes, !is_write)
                    .map_err(PluginError::from)?,
            ),
            false => None,
        };
        let version = self.manifest.text_of("version");
        let host = Host::new(&hello, self.name(), version, &job, sender.clone());
        let output = Output { descriptor: 6, kind: kind.clone() };
        if is_write {
            let writer =
                find(&self.writers, &job.format, self.refusal(&job))?(&job, output, &host)?;
            WriteSession::new(&job, &kind, &host, &hello, pool, writer).run(receiver)
        } else {
            let reader =
                find(&self.readers, &job.format, self.refusal(&job))?(&job, output, &host)?;
            ReadSession::new(&job, &host, &hello, reader).run(receiver, pool)
        }
    }

    fn refusal(&self, job: &Job) -> PluginError {
        PluginError::new(E_UNSUPPORTED, format!("{} has no {} mode", self.name(), job.mode))
    }

    /// HELLO and HELLO_ACK.
    fn greet(&self, receiver: &mut Receiver, sender: &SharedSender) -> Step<Hello> {
        let members = expect(receiver, HELLO)?;
        let versions = members.get("versions").map_or(&[][..], Value::elements);
        if !versions.contains(&Value::Integer(VERSION as i64)) {
            let text = format!("{} speaks version {VERSION} of the protocol", self.name());
            return Err(PluginError::new(E_VERSION, text).into());
        }
        let number = |object: &str, name: &str, absent: u64| {
            members.get(object).and_then(|object| object.integer_of(name)).unwrap_or(absent)
        };
        let (slots, slot_bytes) = (number("pool", "slots", 0), number("pool", "slot_size", 0));
        let least = self.manifest.integer_of("min_slots").unwrap_or(SLOTS_MIN);
        if slots < least {
            return Err(
                PluginError::new(E_LIMIT, format!("{} needs {least} slots", self.name())).into()
            );
        }
        let offered = members.get("features").map_or(&[][..], Value::elements);
        let offers = |name: &str| offered.contains(&name.into());
        let hello = Hello {
            slot_count: slots as u32,
            slot_bytes: slot_bytes as u32,
            window: number("limits", "window", WINDOW_BYTES_DEFAULT),
            inflight: number("limits", "inflight", INFLIGHT_DEFAULT) as u32,
            uses_shared_memory: offers(FEATURE_SHM) && is_sealed(slots * slot_bytes),
            uses_map: offers(FEATURE_MAP) && self.needs("map"),
            uses_ranges: offers(FEATURE_RANDOM_READ) && self.reads_ranges,
            members: members.clone(),
        };
        let features = [
            (hello.uses_shared_memory, FEATURE_SHM),
            (hello.uses_map, FEATURE_MAP),
            (hello.uses_ranges, FEATURE_RANDOM_READ),
        ];
        let accepted = features.iter().filter(|feature| feature.0).map(|feature| feature.1.into());
        let answer = object([
            ("version", VERSION.into()),
            ("features", Value::Array(accepted.collect())),
            ("plugin", self.name().into()),
            ("plugin_version", self.manifest.text_of("version").into()),
        ]);
        sender.borrow_mut().send(HELLO_ACK, &answer)?;
        Ok(hello)
    }

    fn needs(&self, need: &str) -> bool {
        self.manifest.get("needs").is_some_and(|needs| needs.elements().contains(&need.into()))
    }

    /// Whether this plugin can do the job; takes its options, and returns what channel 6 is.
    fn check(&self, job: &mut Job) -> Result<String> {
        let refuse = |code, text: String| Err(PluginError::new(code, text));
        let formats = self.manifest.get("formats").map_or(&[][..], Value::elements);
        let Some(format) = formats.iter().find(|format| format.text_of("name") == job.format)
        else {
            return refuse(E_BAD_JOB, format!("{} knows no format {}", self.name(), job.format));
        };
        let lists = |member: &str, word: &str| {
            format.get(member).is_some_and(|list| list.elements().contains(&word.into()))
        };
        if !lists("modes", &job.mode) {
            return Err(self.refusal(job));
        }
        let kind = job.members.get("output").map_or("", |output| output.text_of("kind"));
        if !lists("output", kind) {
            return refuse(E_UNSUPPORTED, format!("{} is not kept in a {kind}", job.format));
        }
        let holds = |kind: &str| match format.get("streams") {
            Some(kinds) => kinds.elements().contains(&kind.into()),
            None => kind != "vmstate",
        };
        if let Some(stream) = job.streams.iter().find(|stream| !holds(&stream.kind)) {
            return refuse(E_UNSUPPORTED, format!("{} holds no {}", job.format, stream.kind));
        }
        let is_increment = |stream: &Stream| stream.is_incremental;
        if job.streams.iter().any(is_increment) && !format.is_true("incremental") {
            return refuse(E_UNSUPPORTED, format!("{} cannot hold increments", job.format));
        }
        let is_endless = |stream: &Stream| stream.size.is_none();
        if self.needs("size") && job.streams.iter().any(is_endless) {
            return refuse(E_UNSUPPORTED, format!("{} needs the size of every stream", job.format));
        }
        job.options = Options::take(format, &job.members)?;
        Ok(kind.to_string())
    }
}

fn find<Make: Copy>(list: &[(String, Make)], format: &str, otherwise: PluginError) -> Result<Make> {
    list.iter().find(|entry| entry.0 == format).map(|entry| entry.1).ok_or(otherwise)
}

/// The control frame that must come now.
fn expect(receiver: &mut Receiver, kind: u16) -> Step<Value> {
    let header = receiver.next_frame()?;
    let name = if kind == HELLO { "HELLO" } else { "JOB" };
    if header.kind != kind {
        let text = format!("{} came before {name}", header.name());
        return Err(PluginError::host(E_STATE, text).into());
    }
    receiver.is_greeted = true;
    Ok(control(name, receiver.payload(&header))?)
}

/// The payload of an ERROR.
pub(crate) fn error_payload(error: &PluginError, flags: u32, answers: u32) -> Vec<u8> {
    let message: String = error.message.chars().take(1000).collect();
    let mut members = vec![("message".to_string(), message.as_str().into())];
    members.extend(error.errno_name().map(|name| ("errno".to_string(), name.into())));
    let numbers = [error.code, flags, answers, 0].map(u32::to_le_bytes).concat();
    [numbers, Value::Object(members).to_string().into_bytes()].concat()
}
