//! A digest of all that happened: equal for equal runs.

use kcl_core::{
    coordinator::StoreCall,
    lease::{Checkpoint, Lease},
};

/// Mixes numbers one after another (FNV-1a on words, with a rotation).
#[derive(Clone, Copy, Debug)]
pub(super) struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    pub(super) const fn add(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }

    /// A row as it is after a call.
    pub(super) fn row(&mut self, call: &StoreCall, row: Option<&Lease>) {
        self.text(call.name());
        let Some(row) = row else { return self.add(0) };
        self.text(row.key.as_str());
        self.add(row.epoch.0);
        if let Some(owner) = &row.owner {
            let bits = owner.incarnation.bits().to_le_bytes();
            self.bytes(&bits);
        }
        match &row.checkpoint {
            Checkpoint::After(at) => self.text(at.sequence.as_str()),
            Checkpoint::AtTimestamp(at) => self.add(at.as_millis()),
            other => self.add(1 + u64::from(other.is_end())),
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..word.len()].copy_from_slice(word);
            self.add(u64::from_le_bytes(padded));
        }
    }

    pub(super) const fn finish(self) -> u64 {
        self.0
    }
}
