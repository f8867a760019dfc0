// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Archives that are one file, and a checksum for what is in them.

use crate::constants::*;
use crate::data::Finished;
use crate::error::{damaged, PluginError, Result};
use crate::job::Output;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt;

/// An archive that is one file or pipe, of the output or input that a plugin is given: written from
/// its start to its end; a file is read at any place.
pub struct ArchiveFile {
    file: ManuallyDrop<File>,
    is_pipe: bool,
    place: u64,
}

impl ArchiveFile {
    /// That of a job.
    pub fn new(output: Output) -> ArchiveFile {
        ArchiveFile { file: output.file(), is_pipe: output.kind == "pipe", place: 0 }
    }

    /// Bytes written so far.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// Bytes of a file that is read.
    pub fn size(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Writes what comes next, all of it.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.place += bytes.len() as u64;
        Ok(())
    }

    /// The `count` bytes at a place; `E_CORRUPT` if the archive ends before their end.
    pub fn read_all(&self, place: u64, count: u64) -> Result<Vec<u8>> {
        let early = || damaged("it ends early");
        if place.checked_add(count).ok_or_else(early)? > self.size()? {
            return Err(early());
        }
        let mut bytes = vec![0; count as usize];
        match self.file.read_exact_at(&mut bytes, place) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(early()),
            result => Ok(result.map(|()| bytes)?),
        }
    }

    /// Writes what is read first at the file's end: the text, its place (u64), length (u32) and
    /// CRC-32 (u32), and the magic bytes with which the file also begins. A text of more than 4
    /// MiB, which no reader would take, is `E_TOO_LARGE`: put what grows into records.
    pub fn write_index(&mut self, text: &[u8], magic: &[u8]) -> Result<()> {
        if text.len() as u64 > RECEIPT_BYTES_MAX {
            let message = "the index of the archive would have more than 4 MiB";
            return Err(PluginError::new(E_TOO_LARGE, message));
        }
        let mut end = self.place.to_le_bytes().to_vec();
        end.extend((text.len() as u32).to_le_bytes());
        end.extend(crc32(text).to_le_bytes());
        self.write_all(text)?;
        self.write_all(&end)?;
        self.write_all(magic)
    }

    /// The text; `E_CORRUPT` if the file has no such end, or no such beginning.
    pub fn read_index(&self, magic: &[u8]) -> Result<Vec<u8>> {
        let count = 16 + magic.len() as u64;
        let start = self.size()?.checked_sub(count).ok_or_else(|| damaged("it ends early"))?;
        let end = self.read_all(start, count)?;
        if &end[16..] != magic {
            return Err(damaged("it has no end, so it was not completed"));
        }
        if self.read_all(0, magic.len() as u64)? != magic {
            return Err(damaged("it has another beginning"));
        }
        let (place, length) = (little_endian(&end[..8]), little_endian(&end[8..12]));
        if place.checked_add(length) != Some(start) || length > RECEIPT_BYTES_MAX {
            return Err(damaged("its end is malformed"));
        }
        let text = self.read_all(place, length)?;
        if u64::from(crc32(&text)) != little_endian(&end[12..16]) {
            return Err(damaged("its index has another checksum"));
        }
        Ok(text)
    }

    /// Makes what was written durable; returns what `finish` of a writer has to.
    pub fn finish(&self) -> Result<Finished> {
        if !self.is_pipe {
            self.file.sync_all()?;
        }
        Ok(Finished::archive(self.place))
    }
}

/// The unsigned integer in up to eight bytes.
pub fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// What a byte becomes with so many more bytes behind it.
const CRC_TABLE: [[u32; 256]; 8] = {
    let mut table = [[0; 256]; 8];
    let mut index = 0;
    while index < 8 * 256 {
        let (more, byte) = (index / 256, index % 256);
        if more == 0 {
            let (mut sum, mut bit) = (byte as u32, 0);
            while bit < 8 {
                sum = sum >> 1 ^ if sum & 1 == 1 { 0xEDB88320 } else { 0 };
                bit += 1;
            }
            table[0][byte] = sum;
        } else {
            let sum: u32 = table[more - 1][byte];
            table[more][byte] = table[0][(sum & 0xFF) as usize] ^ sum >> 8;
        }
        index += 1;
    }
    table
};

/// CRC-32 as in zlib, gzip and PNG.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    let mut eights = bytes.chunks_exact(8);
    for eight in &mut eights {
        let first = sum.to_le_bytes();
        sum = (0..8).fold(0, |next, place| {
            let byte = eight[place] ^ first.get(place).unwrap_or(&0);
            next ^ CRC_TABLE[7 - place][byte as usize]
        });
    }
    let step = |sum: u32, byte: &u8| CRC_TABLE[0][(sum as u8 ^ byte) as usize] ^ sum >> 8;
    !eights.remainder().iter().fold(sum, step)
}
