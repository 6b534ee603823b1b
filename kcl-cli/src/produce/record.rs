//! A record before it is put.

/// A record to put.
#[derive(Clone, Debug)]
pub(super) struct NewRecord {
    /// Its number among the lines of the input, or among the generated records, from 1.
    pub(super) number: u64,
    pub(super) key: String,
    pub(super) data: Vec<u8>,
    /// Whether it was part of a call.
    pub(super) was_tried: bool,
}

impl NewRecord {
    /// The size by which Kinesis limits records: data and partition key, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.key.len() + self.data.len()
    }
}
