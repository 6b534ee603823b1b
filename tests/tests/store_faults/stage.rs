//! What the tests share: a stream, a fleet, and the way to its lease store.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use anyhow::{Result, ensure};
use kcl_core::lease::{Epoch, Lease, LeaseKey, SessionId};
use kcl_tests::{
    fleet::{Fleet, History, Launch, Producer, oracle, oracle::Verdict},
    kinesis::TestStream,
    servers::{Ferrokinesis, Link},
};

use super::backend::{Backend, Server};

/// The `kcl` command.
const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// The session timeout of the fast profile.
pub(crate) const SESSION: Duration = Duration::from_secs(3);

/// How often records are put while something happens.
pub(crate) const FLOW: Duration = Duration::from_millis(100);

/// The stream that all fleets' servers offer.
pub(crate) static KINESIS: LazyLock<Ferrokinesis> =
    LazyLock::new(|| Ferrokinesis::start().unwrap());

/// A stream, and a fleet that reads it. Everybody gets to the lease store by one way, which can be
/// spoilt; the test itself looks at the rows directly.
pub(crate) struct Stage {
    pub(crate) backend: Backend,
    pub(crate) link: Link,
    pub(crate) stream: TestStream,
    pub(crate) producer: Producer,
    pub(crate) fleet: Fleet,
}

/// Who holds which shard, by which life and under which epoch.
pub(crate) type Holders = BTreeMap<LeaseKey, (Option<SessionId>, Epoch)>;

impl Stage {
    /// A new stream, and nobody who reads it.
    pub(crate) async fn new(
        backend: Backend,
        server: &Server,
        name: &str,
        shards: i32,
    ) -> Result<Self> {
        Self::with(backend, server, name, shards, |launch| {
            launch.with(&["--profile", "fast"]).set("coordination.checkpoint_interval=500ms")
        })
        .await
    }

    /// The same with other settings of the fleet.
    pub(crate) async fn with(
        backend: Backend,
        server: &Server,
        name: &str,
        shards: i32,
        change: impl FnOnce(Launch) -> Launch,
    ) -> Result<Self> {
        let name = format!("{name}-{backend:?}").to_lowercase();
        let link = Link::to(server.port())?;
        let stream = TestStream::create(KINESIS.url(), &name, shards).await?;
        let launch = Launch::new(KCL, &name, KINESIS.url(), "http://127.0.0.1:1");
        let launch = led(backend, change(launch.set("consumer.poll_interval_ms=200")), link.port());
        let store = backend.store(&launch.application, server.port());
        let fleet = Fleet::watched_in(launch, store)?;
        fleet.keep_looking();
        Ok(Self { backend, link, producer: Producer::new(&stream, 40), stream, fleet })
    }

    /// Starts a worker that gets to the store by a way of its own.
    pub(crate) fn start_by(&mut self, link: &Link, worker: &str) -> Result<()> {
        let launch = led(self.backend, self.fleet.launch.clone(), link.port());
        self.fleet.start_command(worker, launch.consumer(worker))
    }

    /// Who holds what.
    pub(crate) async fn holders(&self) -> Holders {
        let held = |lease: Lease| (lease.key, (lease.owner, lease.epoch));
        self.fleet.leases().await.into_iter().map(held).collect()
    }

    /// The same, once everybody reads what it holds: an acquire that was answered too late is made
    /// anew.
    async fn settled(&self) -> Result<Holders> {
        let reads = |lease: &Lease| {
            let (lease, epoch) = (Some(lease.key.to_string()), Some(lease.epoch.to_string()));
            self.fleet
                .history()
                .events("kcl.lease.gained")
                .any(|gained| gained.text("lease") == lease && gained.text("epoch") == epoch)
        };
        let all = |leases: &[Lease]| leases.iter().all(reads);
        self.fleet.until_leases("everybody reads what it holds", all).await?;
        Ok(self.holders().await)
    }

    /// Fails if a lease has changed hands since, or was acquired anew by its owner.
    pub(crate) async fn check_unmoved(&self, before: &Holders) -> Result<()> {
        let now = self.holders().await;
        ensure!(now == *before, "it was {before:#?}, and is {now:#?}");
        ensure_nobody_fenced(&self.fleet.caught_up())
    }

    /// Lets something happen while records flow; fails if a lease moved for it, or a record was not
    /// delivered. Tells what was delivered twice.
    pub(crate) async fn unmoved_by(
        &mut self,
        happening: impl AsyncFnOnce(&mut Self) -> Result<()>,
    ) -> Result<Verdict> {
        let before = self.settled().await?;
        let load = self.producer.clone().go_on(10, FLOW);
        pause(1_000).await;
        happening(self).await?;
        // Whoever was to be fenced for it would have been by then.
        pause(4_500).await;
        self.producer = load.stop().await?;
        self.until_delivered().await?;
        self.check_unmoved(&before).await?;
        self.judge().await
    }

    /// Waits until everything that was put is delivered.
    pub(crate) async fn until_delivered(&self) -> Result<()> {
        self.fleet.until_delivered(self.producer.produced.len()).await
    }

    /// Judges what was written so far.
    pub(crate) async fn judge(&self) -> Result<Verdict> {
        let shards = self.stream.shards().await?;
        Ok(oracle::judge(&self.fleet.caught_up(), &self.producer.produced, &shards))
    }

    /// Asks everybody to leave; fails if anything was wrong from beginning to end, or a worker
    /// cannot leave.
    pub(crate) async fn end(mut self, workers: &[&str]) -> Result<()> {
        for worker in workers {
            self.fleet.leave(worker).await?;
        }
        let looks = self.fleet.caught_up().readings.len();
        ensure!(looks > 10, "only {looks} looks at the rows");
        self.judge().await?.check()
    }
}

/// The same, with the lease store at this port.
fn led(backend: Backend, mut launch: Launch, port: u16) -> Launch {
    let url = backend.url(port);
    match backend {
        Backend::Dynamo => launch.dynamodb = url,
        Backend::Postgres | Backend::Redis => launch.other_store = Some(url),
    }
    launch
}

/// Fails if anybody's session was ended by others.
pub(crate) fn ensure_nobody_fenced(history: &History) -> Result<()> {
    let fenced: Vec<_> = history.events("kcl.session.fenced").collect();
    ensure!(fenced.is_empty(), "{fenced:#?}");
    Ok(())
}

/// Fails if anything is wrong, or a record was delivered again by another process than before: who
/// goes on in place may repeat a batch that was interrupted.
pub(crate) fn check_repeats_in_place(verdict: &Verdict) -> Result<()> {
    verdict.check()?;
    let wandered = verdict.repeats.iter().find(|repeat| repeat.first != repeat.again);
    ensure!(wandered.is_none(), "{wandered:?}");
    Ok(())
}

/// Lets so many milliseconds pass for the processes.
#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Runs a scenario on each of these stores, side by side: most of its time it waits.
macro_rules! on_each {
    ($scenario:ident: $($backend:ident),+) => {{
        use anyhow::Context as _;
        tokio::try_join!($(async {
            let scenario = $scenario(crate::store_faults::backend::Backend::$backend);
            Box::pin(scenario).await.context(stringify!($backend))
        }),+)?;
        Ok(())
    }};
}
pub(crate) use on_each;
