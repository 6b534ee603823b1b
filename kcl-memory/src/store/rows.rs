//! The rows of one application, by kind.

use std::{collections::BTreeMap, fmt::Debug, ops::Bound};

use kcl_core::{
    lease::{DocName, Document, Lease, LeaseKey, Session, SessionId},
    store::{Cursor, Page, codec},
};

/// Everything one application keeps.
#[derive(Debug, Default)]
pub(super) struct Rows {
    sessions: BTreeMap<SessionId, Session>,
    leases: BTreeMap<LeaseKey, Lease>,
    docs: BTreeMap<DocName, Document>,
}

/// A kind of row, and where it is kept.
pub(super) trait Row: codec::Row<Key: Ord + Clone + Debug + 'static> + Clone {
    fn table(rows: &Rows) -> &BTreeMap<Self::Key, Self>;
    fn table_mut(rows: &mut Rows) -> &mut BTreeMap<Self::Key, Self>;
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
        let start: Bound<R::Key> = match from {
            Some(cursor) => Bound::Excluded(cursor.0.parse().ok()?),
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
    ($row:ty, $key:ty: kept in $table:ident) => {
        impl Row for $row {
            fn table(rows: &Rows) -> &BTreeMap<$key, Self> {
                &rows.$table
            }

            fn table_mut(rows: &mut Rows) -> &mut BTreeMap<$key, Self> {
                &mut rows.$table
            }
        }
    };
}

row!(Session, SessionId: kept in sessions);
row!(Lease, LeaseKey: kept in leases);
row!(Document, DocName: kept in docs);
