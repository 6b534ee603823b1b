//! The document `imported` of an application, which lists its imports.
//!
//! [`crate::Import`] adds an entry together with the imported rows. [`was_imported`] reads it for
//! `kcl multilang`, which starts beside the table of an old fleet only if that table was imported:
//! otherwise it would begin at the newest record by mistake.

use bytes::Bytes;
use kcl_core::{
    env::WallTime,
    lease::DocName,
    store::{LeaseStore, StoreResult},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fence::Fence;

/// The only format so far.
const FORMAT: u64 = 1;

/// The contents of the document [`DocName::imported`]. Unknown fields are kept when it is written
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Imported {
    format: u64,
    /// The imports, the latest last.
    pub imports: Vec<Entry>,
    /// The fields that this version does not know.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// One import: from where, of which stream, when and by which command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The text of the [`Place`](crate::Place), like `dynamodb-kcl:orders`.
    pub from: String,
    /// The name of the table, or the path of the file.
    pub table: String,
    /// The stream's name, as leases carry it.
    pub stream: String,
    /// The creation time of that stream.
    pub life: WallTime,
    /// The time of the import, by the clock of the stream's service.
    pub at: WallTime,
    /// The command that imported, as the user ran it.
    pub by: String,
    /// Why the command could believe that the old fleet does not write any more.
    pub fence: Fence,
    /// How many imported leases had not ended.
    pub open: usize,
    /// How many imported leases had ended.
    pub ended: usize,
    /// The fields that this version does not know.
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Default for Imported {
    fn default() -> Self {
        Self { format: FORMAT, imports: Vec::new(), more: Map::new() }
    }
}

impl Imported {
    /// The document's text.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Plain structs with string keys can always be serialised into memory.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Reads the document.
    ///
    /// # Errors
    /// The document is malformed, or has a later format.
    pub fn decode(body: &[u8]) -> Result<Self, UnreadableImports> {
        let imported: Self =
            serde_json::from_slice(body).map_err(|error| UnreadableImports(error.to_string()))?;
        if imported.format != FORMAT {
            let why =
                format!("it is of format {}, and this version reads {FORMAT}", imported.format);
            return Err(UnreadableImports(why));
        }
        Ok(imported)
    }

    /// These imports and one more.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.imports.push(entry);
        self
    }

    /// The last import of the table of this name; `None` if there was none.
    #[must_use]
    pub fn of(&self, table: &str) -> Option<&Entry> {
        self.imports.iter().rfind(|entry| entry.table == table)
    }
}

/// The fields of a new [`Entry`], which has private ones.
pub(crate) struct Told<'a> {
    pub(crate) from: String,
    pub(crate) table: String,
    pub(crate) stream: &'a str,
    pub(crate) life: WallTime,
    pub(crate) at: WallTime,
    pub(crate) by: String,
    pub(crate) fence: Fence,
    pub(crate) open: usize,
    pub(crate) ended: usize,
}

impl From<Told<'_>> for Entry {
    fn from(told: Told<'_>) -> Self {
        let Told { from, table, stream, life, at, by, fence, open, ended } = told;
        let stream = stream.to_owned();
        Self { from, table, stream, life, at, by, fence, open, ended, more: Map::new() }
    }
}

/// The document `imported` is malformed. Holds the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document imported makes no sense: {0}; a later version may have written it")]
pub struct UnreadableImports(String);

/// The last import of the table `table` into the application of this store; `None` if there was
/// none, or if the import was taken back.
///
/// # Errors
/// The store failed. The inner error: the document is malformed, so that the answer is unknown.
pub async fn was_imported(
    store: &dyn LeaseStore,
    table: &str,
) -> StoreResult<Result<Option<Entry>, UnreadableImports>> {
    let Some(doc) = store.doc(&DocName::imported()).await? else { return Ok(Ok(None)) };
    Ok(Imported::decode(&doc.body).map(|imported| imported.of(table).cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_remembered_by_its_table_and_what_later_versions_add_is_kept() {
        let told = |table: &str, open| Told {
            from: format!("dynamodb-kcl:{table}"),
            table: table.to_owned(),
            stream: "orders",
            life: WallTime::from_millis(5),
            at: WallTime::from_millis(9),
            by: "kcl import".to_owned(),
            fence: Fence::AtZero,
            open,
            ended: 1,
        };
        let imported = Imported::default().with(told("a", 1).into()).with(told("a", 2).into());
        let text = String::from_utf8(imported.encode().to_vec()).unwrap();
        let later = text.replacen("\"format\":1", "\"format\":1,\"since\":3", 1);
        let read = Imported::decode(later.as_bytes()).unwrap();
        assert_eq!(read.of("a").map(|entry| entry.open), Some(2));
        assert_eq!(read.of("b"), None);
        assert!(String::from_utf8(read.encode().to_vec()).unwrap().contains("\"since\":3"));
        let newer = text.replacen("\"format\":1", "\"format\":2", 1);
        assert!(Imported::decode(newer.as_bytes()).is_err());
        assert!(Imported::decode(b"{}").is_err());
    }
}
