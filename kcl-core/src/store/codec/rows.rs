//! The tables of all fields of all rows.
//!
//! A new field gets a line here, and a column in a store with a schema. It must be optional, or
//! have a meaning when it is missing: rows of older releases lack it, and older releases ignore it.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
    time::Duration,
};

use bytes::Bytes;

use super::{
    error::{BadField, BadRow, RowKind},
    field::{Field, Form, Value},
    fields::{Fields, Source, count, fields, joined, read},
    kept::{Kept, field, text},
};
use crate::lease::{
    Checkpoint, DocName, Document, Lease, LeaseKey, Progress, Report, Session, SessionId,
};

/// A row of a store: a key and fields.
pub trait Row: Fields + Debug + Send + Sync + Sized + 'static {
    /// The key, unique within an application.
    type Key: FromStr<Err: Display> + Send + Sync;

    /// The kind of the row.
    const KIND: RowKind;

    /// The key of this row.
    fn key(&self) -> &Self::Key;

    /// The key as the text that stores keep: at most 300 ASCII characters.
    fn key_text(key: &Self::Key) -> String;

    /// A row with this key and with default values, before its fields are read.
    fn blank(key: Self::Key) -> Self;

    /// Reads a row from its key and its stored values.
    ///
    /// # Errors
    /// The key or a field cannot be decoded. The error names the row, the field and its value.
    fn read(key: &str, source: &dyn Source) -> Result<Self, BadRow> {
        let bad = |why: &dyn Display| BadRow::new(Self::KIND, key, why);
        let known: Self::Key = key.parse().map_err(|why| bad(&format!("its key is bad: {why}")))?;
        let mut row = Self::blank(known);
        row.read_from(source).map_err(|field| bad(&field))?;
        Ok(row)
    }
}

fields! {
    Session {
        "b" "beat" = beat;
        "st" "state" = state;
        "mb" "mailbox" = mailbox;
        "n" "start" = start;
        "t" "timeout_ms" = timeout;
        "h" "interval_ms" = interval;
        "c" "capacity" = capacity;
        "s" "stream" = stream;
        "z" "zone" = zone;
        with report: Report;
    }
}

fields! {
    Report {
        "pt" "seen_term" = seen.term;
        "pv" "seen_version" = seen.version;
        "ch" "changes" = changes;
        "cf" "conflicts" = conflicts;
        "w" "watched" = watched;
    }
}

fields! {
    Lease {
        "o" "owner" = owner;
        "e" "epoch" = epoch;
        "pa" "parents" = parents;
        "cd" "children" = children;
        "hr" "hash_range" = range;
        "su" "successor" = successor;
        "av" "avoid" = avoid;
        with checkpoint: Checkpoint;
        with progress: Progress;
    }
}

fields! {
    Progress {
        "ca" "arrival_ms" = arrival;
        "cl" "lag_ms" = lag;
        "r" "rate" = rate;
    }
}

fields! {
    Document {
        "v" "version" = version;
        "d" "body" = body;
    }
}

/// A checkpoint has two fields: the text of [`Checkpoint::key`], which stores compare, and the text
/// of [`Checkpoint::kind`].
impl Fields for Checkpoint {
    const FIELDS: &'static [Field] = &[
        Field::new("k", "checkpoint", Form::Text, false),
        Field::new("ck", "kind", Form::Text, false),
    ];

    fn write_to(&self, put: &mut dyn FnMut(&'static Field, Option<Value<'_>>)) {
        put(&Self::FIELDS[0], Some(Value::Text(self.key().into())));
        put(&Self::FIELDS[1], Some(Value::Text(self.kind().into())));
    }

    fn read_from(&mut self, source: &dyn Source) -> Result<(), BadField> {
        let part = |field: &'static Field| {
            let read = source.get(field).and_then(text);
            read.map_err(|why| BadField::new(source.name_of(field), why))
        };
        let (key, kind) = (part(&Self::FIELDS[0])?, part(&Self::FIELDS[1])?);
        *self = Self::from_parts(&kind, &key).map_err(|why| {
            BadField::new(source.name_of(&Self::FIELDS[0]), format!("is bad: {why}"))
        })?;
        Ok(())
    }
}

impl Row for Session {
    type Key = SessionId;
    const KIND: RowKind = RowKind::Session;

    fn key(&self) -> &SessionId {
        &self.id
    }

    fn key_text(key: &SessionId) -> String {
        key.key()
    }

    fn blank(key: SessionId) -> Self {
        Self::new(key, 0, Duration::ZERO, Duration::ZERO)
    }
}

impl Row for Lease {
    type Key = LeaseKey;
    const KIND: RowKind = RowKind::Lease;

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn key_text(key: &LeaseKey) -> String {
        key.as_str().to_owned()
    }

    fn blank(key: LeaseKey) -> Self {
        Self::new(key, Checkpoint::TrimHorizon)
    }
}

impl Row for Document {
    type Key = DocName;
    const KIND: RowKind = RowKind::Document;

    fn key(&self) -> &DocName {
        &self.name
    }

    fn key_text(key: &DocName) -> String {
        key.as_str().to_owned()
    }

    fn blank(key: DocName) -> Self {
        Self::new(key, 0, Bytes::new())
    }
}
