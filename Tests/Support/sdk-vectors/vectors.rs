//! Decodes byte strings with the SDK's decoder: one line for each, as the vectors' `expect` has it.
//!
//!   vectors FILE:FIRST-SEQ …

use sluice_plugin::wire::{self, Ending, Header, Receiver};
use sluice_plugin::*;
use std::fs::File;
use std::os::fd::AsRawFd;

const ERRORS: [(u32, &str); 5] = [
    (E_PROTOCOL, "E_PROTOCOL"),
    (E_UNKNOWN_FRAME, "E_UNKNOWN_FRAME"),
    (E_UNSUPPORTED, "E_UNSUPPORTED"),
    (E_LIMIT, "E_LIMIT"),
    (E_STATE, "E_STATE"),
];

/// Inline bytes begin on a page.
fn parse_data(payload: &[u8]) -> Result<()> {
    let data = wire::parse_data(payload)?;
    let address = payload.as_ptr() as usize + data.place;
    match data.slot {
        None if address % 4096 != 0 => Err(PluginError::new(0, "misplaced")),
        _ => Ok(()),
    }
}

fn decode(header: &Header, payload: &[u8]) -> Result<()> {
    match header.kind {
        HELLO => wire::control("HELLO", payload).map(drop),
        JOB => wire::control("JOB", payload).and_then(Job::parse).map(drop),
        DATA => parse_data(payload),
        ZERO => wire::parse_zero(payload).map(drop),
        CLOSE => wire::parse_close(payload).map(drop),
        READ => wire::parse_read(payload).map(drop),
        RELEASE => wire::parse_release(payload).map(drop),
        EXTENTS => wire::parse_extents(payload).map(drop),
        OPEN | FINISH => json::parse(payload).map(drop),
        _ => Ok(()),
    }
}

fn verdict(path: &str, first: u32) -> String {
    let (input, output) = (File::open(path).unwrap(), File::create("/dev/null").unwrap());
    let mut receiver = Receiver::of(input.as_raw_fd(), output.as_raw_fd());
    receiver.expected = first;
    receiver.is_greeted = true;
    loop {
        let result = receiver.next_frame().and_then(|header| {
            if !header.is_from_host() {
                return Err(PluginError::new(0, "not-for-a-plugin").into());
            }
            Ok(decode(&header, receiver.payload(&header))?)
        });
        match result {
            Ok(()) => {}
            Err(Ending::Failed(error)) => {
                let name = ERRORS.iter().find(|entry| entry.0 == error.code);
                return name.map_or(error.message, |entry| entry.1.to_string());
            }
            Err(_) => {
                let word = if receiver.is_at_boundary() { "ok" } else { "incomplete" };
                return format!("{word} {}", receiver.expected.wrapping_sub(first));
            }
        }
    }
}

fn main() {
    for argument in std::env::args().skip(1) {
        let (path, first) = argument.rsplit_once(':').unwrap();
        let name = path.rsplit('/').next().unwrap();
        println!("{name} {}", verdict(path, first.parse().unwrap()));
    }
}
