// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

use crate::digest::Digest;
use crate::job::{Host, Job, Stream};
use crate::json::{object, Value};

/// A stream of a receipt.
pub struct Closed {
    /// As JOB described it.
    pub stream: Stream,
    /// That of its CLOSE.
    pub digest: Option<Digest>,
    /// Members of the plugin's own.
    pub more: Vec<(String, Value)>,
}

/// The receipt of an archive (protocol.md §14.3).
pub fn receipt(job: &Job, host: &Host, streams: &[Closed]) -> Value {
    let vm = job.members.get("vm").unwrap_or(&Value::Null);
    let vm = object(["id", "name", "uuid"].map(|name| (name, vm.text_of(name).into())));
    let tools = host.programs.iter().map(|program| program.as_str().into()).collect();
    let mut members = vec![
        ("sluice_receipt".to_string(), Value::Integer(1)),
        ("job".to_string(), job.id.as_str().into()),
        ("format".to_string(), job.format.as_str().into()),
        ("instant".to_string(), job.instant.as_str().into()),
        ("vm".to_string(), vm),
        ("tools".to_string(), Value::Array(tools)),
    ];
    if let Some(parent) = job.members.get("parent") {
        members.push(("level".to_string(), job.level.as_str().into()));
        members.push(("parent".to_string(), parent.clone()));
    }
    let entries = streams.iter().map(|closed| {
        let mut entry = closed.stream.json();
        let digest = closed.digest.iter();
        entry.extend(digest.map(|digest| ("digest".to_string(), digest.json())));
        entry.extend(closed.more.iter().cloned());
        Value::Object(entry)
    });
    members.push(("streams".to_string(), Value::Array(entries.collect())));
    Value::Object(members)
}
