//! Changing an application on every store: a reset, one that crashes, an undo, a late write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use kcl_core::{
    change::{self, ChangeError, Changed, Design, FrozenStart, Intent, Reset},
    env::Env,
    lease::{
        Advance, Checkpoint, DocName, Document, Epoch, Incarnation, Lease, LeaseKey, PutDoc,
        Session, SessionId,
    },
    settings::InitialPosition,
    store::{LeaseStore, LeaseStoreExt, StoreErrorKind},
    stream::{Position, SequenceNumber, StreamKey, StreamSource},
};
use kcl_dynamo::DynamoStore;
use kcl_memory::{
    Faulty, MemoryStore, MemoryStream,
    faults::{Call, Fate, Outcome},
};
use kcl_postgres::PostgresStore;
use kcl_redis::RedisStore;
use kcl_tests::{
    dynamo,
    servers::{Dynoxide, Postgres, RedisMake, RedisServer},
};

const SHARDS: u32 = 12;
/// How long a session that died without a word is watched.
const TIMEOUT: Duration = Duration::from_millis(600);

/// An application whose one worker died while it held every shard.
struct Dead {
    store: Arc<dyn LeaseStore>,
    stream: MemoryStream,
    key: StreamKey,
    owner: SessionId,
    rows: Vec<Lease>,
}

fn at(record: u128) -> Checkpoint {
    Checkpoint::After(Position::from(SequenceNumber::from(record)))
}

impl Dead {
    async fn new(store: Arc<dyn LeaseStore>) -> Result<Self> {
        store.prepare().await?;
        let stream = MemoryStream::new("orders", SHARDS);
        let key = stream.describe().await?.key;
        let owner = SessionId::new("dead".parse()?, Incarnation::from_bits(7));
        let session = Session::new(owner.clone(), 1, TIMEOUT, TIMEOUT / 4);
        ensure!(store.register(session).await?.value.is_done());
        let shards = stream.shards().await?;
        for (shard, number) in shards.iter().zip(1_u128..) {
            let mut row = Lease::new(LeaseKey::of_shard(&key, &shard.id), at(number));
            row = row.of_shard(Vec::new(), shard.range);
            row.owner = Some(owner.clone());
            row.epoch = Epoch(5);
            ensure!(store.create(row).await?.is_done());
        }
        let start = FrozenStart { at: None, by: None }.encode();
        // Two that fill a document each: the copy has parts.
        let large = || Bytes::from("x".repeat(Document::MAX_BODY));
        let docs = [
            (DocName::start(&key), start),
            (DocName::placement(), large()),
            ("assignment:dead".parse()?, large()),
        ];
        for (name, body) in docs {
            ensure!(store.put_doc(PutDoc::new(name, None, body)).await?.is_done());
        }
        let rows = rows(&*store).await?;
        ensure!(rows.len() == shards.len());
        Ok(Self { store, stream, key, owner, rows })
    }

    async fn change(&self, intent: Intent) -> Result<Changed, ChangeError> {
        self.change_in(&self.store, intent).await
    }

    async fn change_in(
        &self,
        store: &Arc<dyn LeaseStore>,
        intent: Intent,
    ) -> Result<Changed, ChangeError> {
        change::apply(intent, "a test", store, Some(&self.stream), &Env::system()).await
    }

    /// A checkpoint that the dead worker had sent lands.
    async fn late_checkpoint(&self) -> Result<bool> {
        let row = &self.rows[0];
        let late = Advance::new(row.key.clone(), self.owner.clone(), row.epoch, at(99));
        Ok(self.store.advance(late).await?.is_done())
    }
}

/// The rows of the shards, by key.
async fn rows(store: &dyn LeaseStore) -> Result<Vec<Lease>> {
    let mut rows = store.all_leases().await?;
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(rows)
}

fn from_the_beginning() -> Intent {
    let reset: Arc<dyn Design> = Arc::new(Reset::All(InitialPosition::TrimHorizon));
    Intent::Make(reset)
}

fn spots(rows: &[Lease]) -> Vec<&Checkpoint> {
    rows.iter().map(|row| &row.checkpoint).collect()
}

/// Each row is above the one before, and nobody's.
fn risen(before: &[Lease], after: &[Lease]) -> bool {
    let above = |(before, after): (&Lease, &Lease)| {
        after.epoch > before.epoch && after.owner.is_none() && before.key == after.key
    };
    before.len() == after.len() && before.iter().zip(after).all(above)
}

/// The oldest change of which there is a copy, and of how many documents all copies are: those of
/// the last change and of the one before stay.
async fn copies(store: &dyn LeaseStore) -> Result<(u64, usize)> {
    let docs = store.all_docs().await?;
    let copies = docs.iter().filter_map(|doc| doc.name.copy_of());
    Ok(copies.fold((u64::MAX, 0), |(low, parts), of| (low.min(of), parts + 1)))
}

/// A reset, and what comes late; then it is taken back.
async fn is_reset_and_undone(store: Arc<dyn LeaseStore>) -> Result<()> {
    let dead = Dead::new(store).await?;
    let changed = dead.change(from_the_beginning()).await?;
    ensure!((changed.leases, changed.undone) == (dead.rows.len(), false), "{changed:?}");
    let reset = rows(&*dead.store).await?;
    ensure!(spots(&reset).iter().all(|spot| **spot == Checkpoint::TrimHorizon), "{reset:#?}");
    ensure!(risen(&dead.rows, &reset), "{reset:#?}");
    ensure!(!dead.late_checkpoint().await?, "a checkpoint from before the reset was taken");
    let changing = change::state(&*dead.store).await?.context("it was never closed")?;
    ensure!(!changing.is_closed(), "{changing}");

    dead.change(Intent::Undo).await?;
    let undone = rows(&*dead.store).await?;
    ensure!(spots(&undone) == spots(&dead.rows) && risen(&reset, &undone), "{undone:#?}");
    let (lowest, parts) = copies(&*dead.store).await?;
    ensure!(parts >= 4 && lowest == changed.number, "copies of {lowest}, {parts} documents");
    let latest = Reset::All(InitialPosition::Latest);
    dead.change(Intent::Make(Arc::new(latest))).await?;
    let (lowest, parts) = copies(&*dead.store).await?;
    ensure!(parts >= 4 && lowest > changed.number, "copies of {lowest}, {parts} documents");
    let start = dead.store.doc(&DocName::start(&dead.key)).await?.context("no start")?;
    ensure!(FrozenStart::decode(&start.body).is_some_and(|start| start.at.is_some()));
    Ok(())
}

/// A reset dies in the midst of the rows; the same command goes on, another is refused.
async fn goes_on_after_a_crash(store: Arc<dyn LeaseStore>) -> Result<()> {
    let dead = Dead::new(store).await?;
    crash(&dead, SHARDS as usize / 2).await?;
    let half = rows(&*dead.store).await?;
    let rewritten = half.iter().filter(|row| row.checkpoint == Checkpoint::TrimHorizon).count();
    ensure!(rewritten > 0 && rewritten < half.len(), "{rewritten} rows are rewritten");
    let latest: Arc<dyn Design> = Arc::new(Reset::All(InitialPosition::Latest));
    let refused = dead.change(Intent::Make(latest)).await;
    ensure!(matches!(&refused, Err(ChangeError::Busy { .. })), "{refused:?}");
    dead.change(from_the_beginning()).await?;
    let reset = rows(&*dead.store).await?;
    ensure!(spots(&reset).iter().all(|spot| **spot == Checkpoint::TrimHorizon), "{reset:#?}");
    ensure!(risen(&half, &reset), "every run writes every row");
    Ok(())
}

/// A reset dies in the midst of the rows, and is taken back: the copy is from before it.
async fn is_taken_back_after_a_crash(store: Arc<dyn LeaseStore>) -> Result<()> {
    let dead = Dead::new(store).await?;
    crash(&dead, SHARDS as usize / 2).await?;
    crash(&dead, SHARDS as usize - 2).await?;
    let changed = dead.change(Intent::Undo).await?;
    ensure!(changed.undone, "{changed:?}");
    let undone = rows(&*dead.store).await?;
    ensure!(spots(&undone) == spots(&dead.rows) && risen(&dead.rows, &undone), "{undone:#?}");
    let start = dead.store.doc(&DocName::start(&dead.key)).await?.context("no start")?;
    ensure!(FrozenStart::decode(&start.body) == Some(FrozenStart { at: None, by: None }));
    Ok(())
}

/// A reset that is denied further writes, for good, when it has rewritten so many rows.
async fn crash(dead: &Dead, rows: usize) -> Result<()> {
    let rewritten = AtomicUsize::new(0);
    let policy = move |call: &Call| {
        let is_denied = call.op == "restart" && rewritten.fetch_add(1, Ordering::Relaxed) >= rows;
        let denied = Fate::of(Outcome::Refused(StoreErrorKind::Denied));
        if is_denied { denied } else { Fate::CALM }
    };
    let faulty = Faulty::new(dead.store.clone(), Env::system(), Arc::new(policy));
    let faulty: Arc<dyn LeaseStore> = Arc::new(faulty);
    let died = dead.change_in(&faulty, from_the_beginning()).await;
    ensure!(matches!(died, Err(ChangeError::Store { closed: true, .. })), "{died:?}");
    Ok(())
}

/// Tries everything on a store; `open` makes that of an application.
async fn try_all(open: impl Fn(&str) -> Result<Arc<dyn LeaseStore>>) -> Result<()> {
    is_reset_and_undone(open("reset")?).await?;
    goes_on_after_a_crash(open("crashed")?).await?;
    is_taken_back_after_a_crash(open("undone")?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() -> Result<()> {
    try_all(|name| Ok(Arc::new(MemoryStore::new(name)))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_dynamodb() -> Result<()> {
    let server = Dynoxide::start()?;
    let config = dynamo::config(server.url());
    try_all(|name| {
        let store = DynamoStore::builder(name).client_config(config.clone());
        Ok(Arc::new(store.build()?))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() -> Result<()> {
    let server = Postgres::start()?;
    try_all(|name| Ok(Arc::new(PostgresStore::new(name, &server.url())?))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis() -> Result<()> {
    let server = RedisServer::start(RedisMake::Redis)?;
    try_all(|name| Ok(Arc::new(RedisStore::new(name, &server.url())?))).await
}
