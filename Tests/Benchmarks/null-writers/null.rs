//! Takes everything and writes nothing.

use sluice_plugin::*;
use std::ops::Range;

struct Nothing;

impl ArchiveWriter for Nothing {
    fn new(_job: &Job, _output: Output, _host: &Host) -> Result<Self> {
        Ok(Nothing)
    }
    fn open(&mut self, _stream: &Stream) -> Result<()> {
        Ok(())
    }
    fn data(&mut self, _data: &mut Data) -> Result<()> {
        Ok(())
    }
    fn zero(&mut self, _range: Range<u64>, _kind: u32) -> Result<()> {
        Ok(())
    }
    fn close(&mut self, _length: u64, _digest: Option<&Digest>) -> Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> Result<Finished> {
        Ok(Finished::archive(0))
    }
}

fn main() {
    Plugin::new(include_str!(env!("NULL_MANIFEST"))).writer::<Nothing>("null").run()
}
