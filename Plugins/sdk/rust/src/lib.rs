// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Everything a Sluice plugin in Rust needs; no dependencies.
//!
//! A plugin turns the streams of a backup (disks, config files) into an archive, and an archive
//! back into streams. You write an [`ArchiveWriter`] and, to restore, an [`ArchiveReader`]; this
//! crate speaks the protocol (protocol.md, which the numbers in brackets cite) with the host:
//!
//! ```no_run
//! # use sluice_plugin::*;
//! # use std::ops::Range;
//! # struct Writer; impl ArchiveWriter for Writer {
//! # fn new(_: &Job, _: Output, _: &Host) -> Result<Self> { Ok(Writer) }
//! # fn open(&mut self, _: &Stream) -> Result<()> { Ok(()) }
//! # fn data(&mut self, _: &mut Data) -> Result<()> { Ok(()) }
//! # fn zero(&mut self, _: Range<u64>, _: u32) -> Result<()> { Ok(()) }
//! # fn close(&mut self, _: u64, _: Option<&Digest>) -> Result<()> { Ok(()) }
//! # fn finish(&mut self) -> Result<Finished> { Ok(Finished::default()) } }
//! # let manifest = "";
//! Plugin::new(manifest).writer::<Writer>("reel").run();
//! ```
//!
//! All that arrives has been checked before your code sees it. Your code returns a
//! [`PluginError`], or lets an [`std::io::Error`] pass with `?`; a panic counts as a bug of yours.
//! With `SLUICE_TRACE=1` in the environment every frame is told on standard error.

#![warn(missing_docs)]

mod channel;
mod check;
#[rustfmt::skip] // generated
mod constants;
mod data;
mod digest;
mod error;
mod file;
mod job;
pub mod json;
mod plugin;
mod read;
mod receipt;
mod sink;
mod system;
mod trace;
#[doc(hidden)]
pub mod wire;
mod write;

pub use constants::*;
pub use data::{Data, Extent, Finished, Lease};
pub use digest::{Digest, Sha256, TreeDigest};
pub use error::{damaged, PluginError, Result};
pub use file::{crc32, little_endian, ArchiveFile};
pub use job::{Host, Job, Options, Output, Stream};
pub use plugin::Plugin;
pub use read::{ArchiveReader, Contents};
pub use receipt::{receipt, Closed};
pub use sink::ReadSink;
pub use write::ArchiveWriter;
