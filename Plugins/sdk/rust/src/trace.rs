// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! SLUICE_TRACE=1: frames in words.

use crate::constants::*;
use crate::wire::{frame_name, get32, get64, Header};

pub(crate) fn tell(direction: &str, header: &Header, payload: &[u8]) {
    let stream =
        if header.stream > 0 { format!(" stream {}", header.stream) } else { String::new() };
    let (name, more) = (frame_name(header.kind), words(header.kind, payload));
    eprintln!("sluice-trace: {direction} #{} {name}{stream}{more}", header.sequence);
}

fn words(kind: u16, payload: &[u8]) -> String {
    let text = |from: usize| {
        let shown = &payload[from.min(payload.len())..payload.len().min(240)];
        String::from_utf8_lossy(shown).into_owned()
    };
    match kind {
        DATA => {
            let slot = match payload[12] {
                0 => String::new(),
                _ => format!(" slot {}", get32(payload, 16)),
            };
            format!(" offset {} length {}{slot}", get64(payload, 0), get32(payload, 8))
        }
        ZERO | DAMAGED | READ => {
            format!(" offset {} length {}", get64(payload, 0), get64(payload, 8))
        }
        CLOSE => format!(" length {} digest_alg {}", get64(payload, 0), payload[8]),
        RELEASE | READ_DONE => {
            let numbers = payload.chunks_exact(4).take(20).map(|bytes| get32(bytes, 0));
            format!(" {:?}", numbers.collect::<Vec<u32>>())
        }
        ERROR => format!(" code {} {}", get32(payload, 0), text(16)),
        _ if kind <= ABORTED || kind == OPEN => format!(" {}", text(0)),
        _ => format!(", {} bytes", payload.len()),
    }
}
