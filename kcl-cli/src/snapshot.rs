//! The rows of an application that outlive its workers, as one value and as JSON: the format of
//! `kcl leases export` and `import`. Sessions and documents of workers are left out.

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use kcl_core::{
    env::Env,
    lease::{DocName, Document, Lease, LeaseRecord, PutDoc, Write},
    store::{LeaseStore, LeaseStoreExt},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::times::rfc3339;

/// The name of the format, and its version. A higher version is refused.
const FORMAT: &str = "kcl-leases";
const VERSION: u32 = 1;

/// Whether a document is exported. Assignments and reports of workers are not, because they are of
/// no use elsewhere; nor is the state of a change, which concerns this store only.
fn is_kept(document: &Document) -> bool {
    let name = &document.name;
    !name.is_of_worker()
        && !name.is_told()
        && *name != DocName::changing()
        && name.copy_of().is_none()
}

/// The leases and documents of an application.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// [`FORMAT`].
    format: String,
    version: u32,
    /// The application and the store that were read, for people.
    application: String,
    store: String,
    /// RFC 3339.
    exported_at: String,
    pub(crate) leases: Vec<LeaseRecord>,
    documents: Vec<DocumentRecord>,
}

/// A document. Its content is in one of the two fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct DocumentRecord {
    name: String,
    /// The content as JSON, so that a person can read it. Only if the JSON, written again, has the
    /// same bytes.
    body: Option<Value>,
    /// Any other content, in base64.
    body_base64: Option<String>,
}

/// How many rows of a snapshot were written to a store.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Written {
    /// New leases.
    leases: usize,
    /// New documents.
    documents: usize,
    /// Rows that the store had already, with the same content.
    unchanged: usize,
}

impl Snapshot {
    /// Reads all leases, and the documents that are exported.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn read(store: &dyn LeaseStore) -> anyhow::Result<Self> {
        let leases = store.all_leases().await?;
        let documents = store.all_docs().await?;
        Ok(Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            application: store.application().to_owned(),
            store: store.location(),
            exported_at: rfc3339(Env::system().clock.wall()),
            leases: leases.iter().map(LeaseRecord::of).collect(),
            documents: documents.iter().filter(|it| is_kept(it)).map(DocumentRecord::of).collect(),
        })
    }

    /// Parses an export.
    ///
    /// # Errors
    /// The text is no export, or has a newer version.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let snapshot: Self =
            serde_json::from_str(text).context("this is no export of `kcl leases export`")?;
        let Self { format, version, .. } = &snapshot;
        ensure!(format == FORMAT, "this is {format:?}, not {FORMAT:?}");
        ensure!(*version <= VERSION, "a {FORMAT} of version {version}: this kcl reads {VERSION}");
        Ok(snapshot)
    }

    /// Fails if the snapshot is empty. A misspelt name of an application gives an empty snapshot,
    /// and a fleet that starts on its copy would begin anew.
    ///
    /// # Errors
    /// There are neither leases nor documents.
    pub(crate) fn ensure_something(&self) -> anyhow::Result<()> {
        let Self { application, store, leases, documents, .. } = self;
        ensure!(
            !(leases.is_empty() && documents.is_empty()),
            "there is nothing of the application {application} in {store}, neither leases nor \
             documents: check the name (--app) and the store"
        );
        Ok(())
    }

    /// Writes every row that the store lacks. It never overwrites a row.
    ///
    /// # Errors
    /// The store fails, a row cannot be decoded, or the store has a row of the same key with
    /// another content. Rows that were written before stay.
    pub(crate) async fn write(&self, store: &dyn LeaseStore) -> anyhow::Result<Written> {
        let leases = self.leases.iter().map(LeaseRecord::read);
        let leases = leases.collect::<Result<Vec<Lease>, _>>()?;
        let mut written = Written::default();
        for lease in leases {
            let key = lease.key.clone();
            let record = LeaseRecord::of(&lease);
            match store.create(lease).await? {
                Write::Done(_) => written.leases += 1,
                Write::Refused(Some(present)) if LeaseRecord::of(&present).says(&record) => {
                    written.unchanged += 1;
                }
                Write::Refused(_) => bail!(
                    "{} already has a lease {key} that stands elsewhere: nothing is written over; \
                     choose a store or an application that is empty",
                    store.location()
                ),
            }
        }
        for document in &self.documents {
            let name: DocName = document.name.parse()?;
            let body = document.content()?;
            match store.put_doc(PutDoc::new(name, None, body.clone())).await? {
                Write::Done(_) => written.documents += 1,
                Write::Refused(Some(present)) if present.body == body => written.unchanged += 1,
                Write::Refused(_) => bail!(
                    "{} already has another document {}: nothing is written over",
                    store.location(),
                    document.name
                ),
            }
        }
        Ok(written)
    }
}

impl DocumentRecord {
    /// The record of a document in an export.
    fn of(document: &Document) -> Self {
        let body = serde_json::from_slice::<Value>(&document.body).ok();
        // The body is shown as JSON only if writing that JSON gives the same bytes.
        let body = body.filter(|body| body.to_string().as_bytes() == &document.body[..]);
        let raw = body.is_none().then(|| STANDARD.encode(&document.body));
        Self { name: document.name.as_str().to_owned(), body, body_base64: raw }
    }

    /// The content of the document, byte by byte as it was exported.
    fn content(&self) -> anyhow::Result<Bytes> {
        match (&self.body, &self.body_base64) {
            (_, Some(raw)) => Ok(STANDARD.decode(raw).context("a document's body")?.into()),
            (Some(body), None) => Ok(body.to_string().into()),
            (None, None) => bail!("the document {} has no body", self.name),
        }
    }
}

/// Reads an export and every row in it; how many leases it has.
///
/// # Panics
/// A row that was read is written back as another.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_back(text: &str) -> usize {
    let Ok(snapshot) = Snapshot::parse(text) else { return 0 };
    let leases = snapshot.leases.iter().filter_map(|record| record.read().ok());
    let leases = leases.inspect(|lease| {
        let again = LeaseRecord::of(lease).read().ok();
        assert_eq!(again.as_ref(), Some(lease), "a lease of an export changes on its way");
    });
    for (body, record) in snapshot.documents.iter().filter_map(|it| Some((it.content().ok()?, it)))
    {
        let Ok(name) = record.name.parse() else { continue };
        let again = DocumentRecord::of(&Document::new(name, 1, body.clone())).content().ok();
        assert_eq!(again, Some(body), "a document of an export changes on its way");
    }
    leases.count()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use kcl_core::{
        env::WallTime,
        lease::{Checkpoint, Epoch, LeaseKey, Session},
        store::Consistency,
        stream::{HashRange, Position, SequenceNumber},
    };
    use kcl_memory::MemoryStore;

    use super::*;

    async fn filled() -> Arc<dyn LeaseStore> {
        let store = MemoryStore::new("indexer");
        let at = Checkpoint::After(Position::new(SequenceNumber::from(49_u128), 3));
        let range = HashRange::new("0".parse().unwrap(), "9".parse().unwrap());
        let parents = vec!["shardId-0".parse().unwrap()];
        let mut lease = Lease::new("orders/7/shardId-1".parse().unwrap(), at);
        lease = lease.of_shard(parents, Some(range));
        lease.epoch = Epoch(1_769_850_000_007);
        lease.progress.lag = Some(Duration::from_millis(1_250));
        lease.progress.arrival = Some(WallTime::from_millis(1_769_850_000_001));
        lease.progress.rate = 1_024;
        lease.avoid = Some("w1".parse().unwrap());
        assert!(store.create(lease).await.unwrap().is_done());
        let mut ended = Lease::new("orders/7/shardId-0".parse().unwrap(), Checkpoint::ShardEnd);
        ended.children = vec!["shardId-1".parse().unwrap(), "shardId-2".parse().unwrap()];
        assert!(store.create(ended).await.unwrap().is_done());
        let planner = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
        assert!(store.create(planner).await.unwrap().is_done());
        let (id, second) = ("w1#00000000-0000-0000-0000-000000000001", Duration::from_secs(1));
        let session = Session::new(id.parse().unwrap(), 1, 6 * second, second);
        assert!(store.register(session).await.unwrap().value.is_done());
        for (name, body) in [
            ("start:orders:7", &br#"{"at":5}"#[..]),
            ("placement", b"\xff not JSON"),
            ("assignment:w1", b"{}"),
            ("report:w1", b"{}"),
            ("copy:1:t:0", b"{}"),
            ("changing", b"{}"),
        ] {
            let put = PutDoc::new(name.parse().unwrap(), None, Bytes::from_static(body));
            assert!(store.put_doc(put).await.unwrap().is_done());
        }
        Arc::new(store)
    }

    #[tokio::test]
    async fn what_is_exported_arrives_and_arrives_only_once() {
        let from = filled().await;
        let text = serde_json::to_string(&Snapshot::read(&*from).await.unwrap()).unwrap();
        let snapshot = Snapshot::parse(&text).unwrap();
        let to = MemoryStore::new("indexer");
        let written = snapshot.write(&to).await.unwrap();
        assert_eq!((written.leases, written.documents, written.unchanged), (3, 2, 0));
        assert_eq!(to.all_leases().await.unwrap(), from.all_leases().await.unwrap());
        assert!(to.all_sessions(Consistency::Strong).await.unwrap().is_empty());
        let kept: Vec<Bytes> =
            to.all_docs().await.unwrap().into_iter().map(|document| document.body).collect();
        assert_eq!(kept.len(), 2);
        assert!(kept.contains(&Bytes::from_static(b"\xff not JSON")));
        let again = snapshot.write(&to).await.unwrap();
        assert_eq!((again.leases, again.documents, again.unchanged), (0, 0, 5));
    }

    #[tokio::test]
    async fn owner_and_successor_stay_behind() {
        let (from, to) = (MemoryStore::new("indexer"), MemoryStore::new("indexer"));
        let mut lease = Lease::new("orders/7/shardId-1".parse().unwrap(), Checkpoint::Latest);
        lease.epoch = Epoch(8);
        let free = lease.clone();
        lease.owner = Some("w1#00000000-0000-0000-0000-000000000001".parse().unwrap());
        lease.successor = Some("w2#00000000-0000-0000-0000-000000000002".parse().unwrap());
        assert!(from.create(lease).await.unwrap().is_done());
        Snapshot::read(&from).await.unwrap().write(&to).await.unwrap();
        assert_eq!(to.all_leases().await.unwrap(), [free]);
    }

    #[test]
    fn a_lease_exported_by_an_older_release_is_read() {
        let text = r#"{"format":"kcl-leases","version":1,"application":"a","store":"s",
            "exported_at":"","leases":[{"key":"@planner","owner":null,"epoch":5,
            "checkpoint":{"kind":"TRIM_HORIZON","key":"KEY"},"arrival_ms":null,"lag_ms":null,
            "bytes_per_second":0,"parents":[],"children":[],"hash_range":null}],"documents":[]}"#;
        let text = text.replace("KEY", &Checkpoint::TrimHorizon.key());
        let mut lease = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
        lease.epoch = Epoch(5);
        assert_eq!(Snapshot::parse(&text).unwrap().leases[0].read().unwrap(), lease);
    }

    #[tokio::test]
    async fn a_lease_that_stands_elsewhere_is_not_written_over() {
        let snapshot = Snapshot::read(&*filled().await).await.unwrap();
        let to = MemoryStore::new("indexer");
        let key = "orders/7/shardId-1".parse().unwrap();
        assert!(to.create(Lease::new(key, Checkpoint::TrimHorizon)).await.unwrap().is_done());
        let refused = snapshot.write(&to).await.unwrap_err().to_string();
        assert!(refused.contains("orders/7/shardId-1") && refused.contains("empty"), "{refused}");
    }

    #[tokio::test]
    async fn an_application_of_which_there_is_nothing_is_no_snapshot() {
        Snapshot::read(&*filled().await).await.unwrap().ensure_something().unwrap();
        let nothing = Snapshot::read(&MemoryStore::new("indxer")).await.unwrap();
        let refused = nothing.ensure_something().unwrap_err().to_string();
        assert!(refused.contains("indxer") && refused.contains("--app"), "{refused}");
    }

    #[test]
    fn what_is_no_export_is_refused() {
        assert!(Snapshot::parse("{}").is_err());
        let newer = r#"{"format":"kcl-leases","version":2,"application":"a","store":"s",
            "exported_at":"","leases":[],"documents":[]}"#;
        assert!(Snapshot::parse(newer).unwrap_err().to_string().contains("version 2"));
    }
}
