//! A decoder of the protobuf message inside an aggregate.
//!
//! It is written by hand because a decoder that prost derives allocates before the entries can be
//! counted, and refuses a message in which a known field has another wire type or a text is not
//! UTF-8. Other decoders skip such a field like an unknown one, and so does this one.

use bytes::{Buf, Bytes};

use super::damage::{Damage, MAX_ENTRIES};

/// The largest depth of nested groups, the same as in other decoders.
const MAX_DEPTH: usize = 100;

/// `AggregatedRecord` of the KPL. Every value is a slice of the message.
#[derive(Debug, Default)]
pub(super) struct AggregatedRecord {
    pub(super) partition_keys: Vec<Bytes>,
    pub(super) explicit_hash_keys: Vec<Bytes>,
    pub(super) records: Vec<SubRecord>,
}

/// `Record` of the KPL.
#[derive(Debug, Default)]
pub(super) struct SubRecord {
    pub(super) partition_key: Option<u64>,
    pub(super) explicit_hash_key: Option<u64>,
    pub(super) data: Option<Bytes>,
}

impl AggregatedRecord {
    pub(super) fn read(message: Bytes) -> Result<Self, Damage> {
        let mut read = Self::default();
        let mut entries = 0;
        for field in Fields(message) {
            let (number @ 1..=3, Value::Bytes(bytes)) = field? else { continue };
            entries += 1;
            if entries > MAX_ENTRIES {
                return Err(Damage::Entries);
            }
            match number {
                1 => read.partition_keys.push(bytes),
                2 => read.explicit_hash_keys.push(bytes),
                _ => read.records.push(SubRecord::read(bytes)?),
            }
        }
        Ok(read)
    }
}

impl SubRecord {
    fn read(message: Bytes) -> Result<Self, Damage> {
        let mut read = Self::default();
        for field in Fields(message) {
            match field? {
                (1, Value::Number(index)) => read.partition_key = Some(index),
                (2, Value::Number(index)) => read.explicit_hash_key = Some(index),
                (3, Value::Bytes(data)) => read.data = Some(data),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The value of a field.
enum Value {
    Number(u64),
    Bytes(Bytes),
    /// A value of a type that no known field has: eight or four bytes, or a group.
    Other,
}

/// Iterates over the fields of a message with their numbers. Ends after the first malformed field,
/// which is an error.
struct Fields(Bytes);

impl Iterator for Fields {
    type Item = Result<(u64, Value), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0.clear();
        }
        Some(field.ok_or(Damage::Message))
    }
}

impl Fields {
    /// Reads the next field; `None` if it is malformed.
    fn field(&mut self) -> Option<(u64, Value)> {
        let (number, kind) = self.tag()?;
        let value = match kind {
            3 => self.skip_group(number)?,
            _ => self.value(kind)?,
        };
        Some((number, value))
    }

    /// The number of a field, and its wire type.
    fn tag(&mut self) -> Option<(u64, u64)> {
        let tag = self.varint()?;
        let number = tag >> 3;
        (1..=0x1fff_ffff).contains(&number).then_some((number, tag & 7))
    }

    /// Reads a value of the wire type `kind`; `None` if it is malformed.
    fn value(&mut self, kind: u64) -> Option<Value> {
        match kind {
            0 => self.varint().map(Value::Number),
            1 => self.take(8).map(|_| Value::Other),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length).map(Value::Bytes)
            }
            5 => self.take(4).map(|_| Value::Other),
            _ => None,
        }
    }

    /// Skips a group, with the groups nested in it.
    fn skip_group(&mut self, number: u64) -> Option<Value> {
        let mut open = vec![number];
        while let Some(innermost) = open.last() {
            match self.tag()? {
                (number, 4) if number == *innermost => {
                    open.pop();
                }
                (number, 3) if open.len() < MAX_DEPTH => open.push(number),
                (_, kind) => {
                    self.value(kind)?;
                }
            }
        }
        Some(Value::Other)
    }

    /// Takes the next `length` bytes; `None` if there are fewer.
    fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.0.len()).then(|| self.0.split_to(length))
    }

    /// Reads a variable-length integer: seven bits per byte, the lowest first, at most ten bytes.
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.0.try_get_u8().ok()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}
