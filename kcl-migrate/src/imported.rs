//! What was imported: a document of the application, so that whoever starts later can see it.

use bytes::Bytes;
use kcl_core::{
    env::WallTime,
    lease::DocName,
    store::{LeaseStore, StoreResult},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fence::Fence;

/// The one format there is.
const FORMAT: u64 = 1;

/// What the document [`DocName::imported`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Imported {
    format: u64,
    /// The imports, the latest last.
    pub imports: Vec<Entry>,
    /// What later versions add.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// From where, like `dynamodb-kcl:orders`.
    pub from: String,
    /// The table's name.
    pub table: String,
    /// The stream's name, as leases carry it.
    pub stream: String,
    /// When that stream was made.
    pub life: WallTime,
    /// When it was imported, by the stream's clock.
    pub at: WallTime,
    /// By which command.
    pub by: String,
    /// What kept the old fleet from going on.
    pub fence: Fence,
    /// How many leases were taken that have not ended.
    pub open: usize,
    /// How many that have.
    pub ended: usize,
    /// What later versions add.
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
        // Serialising plain structs with string keys into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Reads the document.
    ///
    /// # Errors
    /// It makes no sense, or is of a later format.
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

    /// With one more.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.imports.push(entry);
        self
    }

    /// The last import of a table of this name.
    #[must_use]
    pub fn of(&self, table: &str) -> Option<&Entry> {
        self.imports.iter().rfind(|entry| entry.table == table)
    }
}

/// What an import is to be remembered by.
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

/// The document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the document imported makes no sense: {0}; a later version may have written it")]
pub struct UnreadableImports(String);

/// The last import of the table `table` into the application of this store; `None`: there was none,
/// or it was taken back.
///
/// # Errors
/// The store's. The inner one: the document makes no sense, so that nobody knows.
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
