//! The rows of one application, by kind.

use std::{collections::BTreeMap, fmt::Debug, ops::Bound};

use kcl_core::{
    lease::{DocName, Document, Lease, LeaseKey, Session, SessionId},
    store::{Cursor, Page},
};

/// Everything one application keeps.
#[derive(Debug, Default)]
pub(super) struct Rows {
    sessions: BTreeMap<SessionId, Session>,
    leases: BTreeMap<LeaseKey, Lease>,
    docs: BTreeMap<DocName, Document>,
}

/// A kind of row: where it is kept and what it is called.
pub(super) trait Row: Clone + Debug + Send + Sized + 'static {
    type Key: Ord + Clone + Debug + Send + 'static;

    fn table(rows: &Rows) -> &BTreeMap<Self::Key, Self>;
    fn table_mut(rows: &mut Rows) -> &mut BTreeMap<Self::Key, Self>;
    fn key(&self) -> &Self::Key;
    fn key_text(key: &Self::Key) -> String;
    fn parse_key(text: &str) -> Option<Self::Key>;
}

impl Rows {
    /// Puts `row` under `key`, or removes what is there; answers what was there.
    pub(super) fn set<R: Row>(&mut self, key: &R::Key, row: Option<R>) -> Option<R> {
        let table = R::table_mut(self);
        match row {
            Some(row) => table.insert(key.clone(), row),
            None => table.remove(key),
        }
    }

    /// Up to `size` rows after `from`, in the order of their keys; `None` if `from` is no cursor of
    /// this kind of row.
    pub(super) fn page<R: Row>(&self, from: Option<&Cursor>, size: usize) -> Option<Page<R>> {
        let start = match from {
            Some(cursor) => Bound::Excluded(R::parse_key(&cursor.0)?),
            None => Bound::Unbounded,
        };
        let mut rest = R::table(self).range((start, Bound::Unbounded)).map(|(_, row)| row);
        let items: Vec<R> = rest.by_ref().take(size).cloned().collect();
        let last = items.last().filter(|_| rest.next().is_some());
        let next = last.map(|row| Cursor(R::key_text(row.key())));
        Some(Page::new(items, next))
    }
}

macro_rules! row {
    ($row:ty, $key:ty: kept in $table:ident, named $name:ident, shown by $text:expr) => {
        impl Row for $row {
            type Key = $key;

            fn table(rows: &Rows) -> &BTreeMap<$key, Self> {
                &rows.$table
            }

            fn table_mut(rows: &mut Rows) -> &mut BTreeMap<$key, Self> {
                &mut rows.$table
            }

            fn key(&self) -> &$key {
                &self.$name
            }

            fn key_text(key: &$key) -> String {
                $text(key).into()
            }

            fn parse_key(text: &str) -> Option<$key> {
                text.parse().ok()
            }
        }
    };
}

row!(Session, SessionId: kept in sessions, named id, shown by SessionId::key);
row!(Lease, LeaseKey: kept in leases, named key, shown by LeaseKey::as_str);
row!(Document, DocName: kept in docs, named name, shown by DocName::as_str);
