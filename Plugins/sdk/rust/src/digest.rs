// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

//! Digests of streams (protocol.md §10).

use crate::constants::*;
use crate::error::{damaged, Result};
use crate::json::{object, Value};

const NAMES: [&str; 4] = ["none", "sha256", "tree-sha256-32k", "increment-tree-sha256-32k"];

/// A digest: its algorithm by number (`DIGEST_…`) and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// `DIGEST_…`.
    pub algorithm: u16,
    /// The digest itself.
    pub value: [u8; 32],
}

impl Digest {
    /// As receipts and JOB_ACK have it.
    pub fn json(&self) -> Value {
        let value: String = self.value.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = NAMES[usize::from(self.algorithm)];
        object([("alg", name.into()), ("value", value.as_str().into())])
    }

    /// Of the JSON form, which has been checked.
    pub(crate) fn parse(members: &Value) -> Option<Digest> {
        let name = members.text_of("alg");
        let algorithm = NAMES.iter().position(|each| *each == name)? as u16;
        let text = members.text_of("value");
        let mut value = [0; 32];
        for (index, byte) in value.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Digest { algorithm, value })
    }
}

/// SHA-256.
#[derive(Clone)]
pub struct Sha256 {
    state: [u32; 8],
    count: u64,
    block: [u8; 64],
}

const START: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

impl Default for Sha256 {
    fn default() -> Self {
        Sha256 { state: START, count: 0, block: [0; 64] }
    }
}

impl Sha256 {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let filled = (self.count % 64) as usize;
        self.count += bytes.len() as u64;
        if filled > 0 {
            let part = bytes.len().min(64 - filled);
            self.block[filled..filled + part].copy_from_slice(&bytes[..part]);
            if filled + part < 64 {
                return;
            }
            let block = self.block;
            self.add(&block);
            bytes = &bytes[part..];
        }
        let whole = bytes.chunks_exact(64);
        let rest = whole.remainder();
        for block in whole {
            self.add(block);
        }
        self.block[..rest.len()].copy_from_slice(rest);
    }

    /// The digest of all bytes.
    pub fn finish(mut self) -> [u8; 32] {
        let bits = self.count * 8;
        let mut padding = [0u8; 64];
        padding[0] = 0x80;
        self.update(&padding[..1 + (119 - self.count as usize % 64) % 64]);
        self.update(&bits.to_be_bytes());
        let mut value = [0; 32];
        for (index, word) in self.state.iter().enumerate() {
            value[4 * index..4 * index + 4].copy_from_slice(&word.to_be_bytes());
        }
        value
    }

    fn add(&mut self, block: &[u8]) {
        let mut w = [0u32; 64];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        for i in 16..64 {
            let a = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ w[i - 15] >> 3;
            let b = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ w[i - 2] >> 10;
            w[i] = w[i - 16].wrapping_add(a).wrapping_add(w[i - 7]).wrapping_add(b);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = self.state;
        for i in 0..64 {
            let s = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let choice = (e & f) ^ (!e & g);
            let t = h.wrapping_add(s).wrapping_add(choice).wrapping_add(K[i]).wrapping_add(w[i]);
            let s = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let majority = (a & b) ^ (a & c) ^ (b & c);
            (h, g, f, e) = (g, f, e, d.wrapping_add(t));
            (d, c, b, a) = (c, b, a, t.wrapping_add(s).wrapping_add(majority));
        }
        for (word, added) in self.state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = word.wrapping_add(added);
        }
    }
}

/// tree-sha256-32k and, with [`TreeDigest::unchanged`], increment-tree-sha256-32k.
pub struct TreeDigest {
    leaf: Sha256,
    chunk: Sha256,
    top: Sha256,
    position: u64,
    zero_leaf: [u8; 32],
    zero_chunk: [u8; 32],
    unchanged_chunk: [u8; 32],
}

static ZEROS: [u8; LEAF_BYTES as usize] = [0; LEAF_BYTES as usize];

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::default();
    hash.update(bytes);
    hash.finish()
}

impl Default for TreeDigest {
    fn default() -> Self {
        let zero_leaf = sha256(&ZEROS);
        let start = Sha256::default;
        TreeDigest {
            leaf: start(),
            chunk: start(),
            top: start(),
            position: 0,
            zero_leaf,
            zero_chunk: sha256(&zero_leaf.repeat((CHUNK_BYTES / LEAF_BYTES) as usize)),
            unchanged_chunk: sha256(&ZEROS[..32 * (CHUNK_BYTES / LEAF_BYTES) as usize]),
        }
    }
}

impl TreeDigest {
    /// Takes the next bytes of the stream.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let part = bytes.len().min((LEAF_BYTES - self.position % LEAF_BYTES) as usize);
            self.leaf.update(&bytes[..part]);
            self.advance(part as u64);
            bytes = &bytes[part..];
        }
    }

    /// Takes zeros, without hashing them where whole leaves are zeros.
    pub fn zeros(&mut self, mut count: u64) {
        while count > 0 {
            let room = LEAF_BYTES - self.position % LEAF_BYTES;
            if self.is_chunk(count) {
                self.top.update(&self.zero_chunk);
                self.position += CHUNK_BYTES;
                count -= CHUNK_BYTES;
            } else if room == LEAF_BYTES && count >= room {
                self.chunk.update(&self.zero_leaf);
                self.advance(room);
                count -= room;
            } else {
                let part = count.min(room);
                self.update(&ZEROS[..part as usize]);
                count -= part;
            }
        }
    }

    /// Bytes as in the parent, in whole clusters or up to the stream's end [10.3-1].
    pub fn unchanged(&mut self, mut count: u64) {
        while count > 0 {
            if self.is_chunk(count) {
                self.top.update(&self.unchanged_chunk);
                self.position += CHUNK_BYTES;
                count -= CHUNK_BYTES;
            } else {
                // A cluster counts as two leaves, whole or not.
                let part = count.min(CLUSTER_BYTES);
                self.chunk.update(&ZEROS[..64]);
                self.advance(part);
                count -= part;
            }
        }
    }

    /// The digest of the stream.
    pub fn finish(mut self) -> [u8; 32] {
        if self.leaf.count > 0 {
            self.end_leaf();
        }
        if self.chunk.count > 0 {
            self.end_chunk();
        }
        self.top.finish()
    }

    /// Whether an archive's digest, if it has one, is that of the bytes; `E_CORRUPT` if it is that
    /// of others.
    pub fn proves(self, digest: Option<&Digest>) -> Result<bool> {
        match digest {
            Some(digest) if digest.algorithm != DIGEST_SHA256 => {
                if self.finish() == digest.value {
                    return Ok(true);
                }
                Err(damaged("its bytes have another digest"))
            }
            _ => Ok(false),
        }
    }

    /// Whether a whole chunk begins here.
    fn is_chunk(&self, count: u64) -> bool {
        self.position % CHUNK_BYTES == 0 && count >= CHUNK_BYTES
    }

    fn advance(&mut self, count: u64) {
        self.position += count;
        if self.leaf.count > 0 && self.position % LEAF_BYTES == 0 {
            self.end_leaf();
        }
        if self.position % CHUNK_BYTES == 0 {
            self.end_chunk();
        }
    }

    fn end_leaf(&mut self) {
        self.chunk.update(&std::mem::take(&mut self.leaf).finish());
    }

    fn end_chunk(&mut self) {
        self.top.update(&std::mem::take(&mut self.chunk).finish());
    }
}
