//! `kcl import`: takes an application over from the lease table of another library.
//!
//! ```text
//! read table, stream, shards ─► judge ─► show ─► ask ─┬─► close (--prepare)
//!                                                     └─► see that the old fleet has stopped
//!                                                         ─► close, write, open
//! ```
//!
//! `kcl-migrate` judges the table, and `kcl_core::change` closes the application and rewrites its
//! rows. The same command continues an import that was interrupted, if the table has not changed;
//! `--abandon` takes it back. `probe` reads each shard at its old checkpoint, `show` shows the
//! judgement.

mod args;
mod probe;
mod show;

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use kcl_core::{
    change::{self, Change, Changed, Design, Found, Intent, Spot, StreamView},
    env::{Clock, Env, Time},
    lease::{Changing, DocName, Document, Lease},
    store::{LeaseStore, LeaseStoreExt, StoreErrorKind, StoreResult},
    stream::{ShardId, StreamSource},
};
use kcl_migrate::{
    Beside, Contents, Fence, Import, Library, Place, Probe, Table,
    beside::{self, SideRead},
    fence,
};

pub(crate) use self::args::ImportArgs;

use self::{args::NamedFence, show::Scene};
use crate::{ask, config::Config, connect, report, stdout, store_url::StoreUrl, transfer};

/// Runs the command.
///
/// # Errors
/// A finding refuses the import, the old fleet still writes, the user says no, or the table, the
/// store or the stream fails.
pub(crate) fn run(args: &ImportArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(args, config))?;
    Ok(ExitCode::SUCCESS)
}

/// Carries out `--abandon`, an import from a file, or an import from a table.
async fn act(args: &ImportArgs, config: &Config) -> anyhow::Result<()> {
    let url = StoreUrl::of(config)?;
    let store = url.open_shared(config)?;
    if args.abandon {
        return abandon(args, &store).await;
    }
    let (library, name) = match args.place()? {
        Place::Table { library, name } => (*library, name),
        Place::File { path } => return transfer::import(&*store, path, args.while_running).await,
        _ => bail!("this version does not know that place"),
    };
    refuse_own_table(&url, name, config)?;
    let source: Arc<dyn StreamSource> = Arc::new(connect::source(config)?);
    let sdk = connect::dynamodb(config).await?;
    let table = Table::new(&sdk, config.dynamodb_endpoint(), name).paced(args.read_units);
    let clock = Env::system().clock;
    let run = Run { args, store, source, table, library, clock };
    run.whole().await
}

/// Fails if the old table is the one in which this library keeps the application's leases.
fn refuse_own_table(url: &StoreUrl, name: &str, config: &Config) -> anyhow::Result<()> {
    let StoreUrl::Dynamo { table } = url else { return Ok(()) };
    let own = match table {
        Some(table) => table,
        None => config.application()?,
    };
    if own == name {
        bail!(
            "the table {name} is the old fleet's, and kcl keeps its leases in a table of its own: \
             give another one, like --store dynamodb://{name}-kcl"
        );
    }
    Ok(())
}

/// One run of the command for a table.
struct Run<'a> {
    args: &'a ImportArgs,
    store: Arc<dyn LeaseStore>,
    source: Arc<dyn StreamSource>,
    table: Table,
    library: Library,
    clock: Arc<dyn Clock>,
}

/// The first reading of everything.
struct First {
    /// The contents of the table.
    contents: Contents,
    /// When the table was read: from then on it is watched.
    read: Time,
    stream: StreamView,
    probes: BTreeMap<ShardId, Probe>,
}

impl Run<'_> {
    /// All steps, in order.
    async fn whole(&self) -> anyhow::Result<()> {
        let mut first = self.look().await?;
        if !self.probes_last() {
            first.probes = self.probe(&first, probe::ALONE).await;
        }
        let changing = state(&*self.store).await?;
        let design = self.design(&first, first.contents.clone(), Fence::Watched)?;
        let refusals = design.judgement(&first.stream).refusals().count();
        if !self.probes_last() || refusals > 0 {
            self.show(&first, &design, changing.as_ref())?;
        }
        if refusals > 0 {
            bail!("nothing was changed: {refusals} findings are in the way");
        }
        let closed = changing.as_ref().filter(|it| it.is_closed()).and_then(Change::of);
        let is_mine = closed.as_ref().is_some_and(|change| change.what == design.what());
        self.precheck(&design, &first.stream, closed.as_ref().filter(|_| is_mine)).await?;
        if self.args.dry_run {
            return Ok(());
        }
        if self.args.finish && !is_mine {
            bail!(
                "nothing is prepared: the application is not closed by `kcl import --prepare` of \
                 this table. Leave --finish out to import at once"
            );
        }
        self.agree()?;
        let store = &self.store;
        store.prepare().await.with_context(|| format!("{} cannot be used", store.location()))?;
        if self.args.prepare {
            return self.prepare(design).await;
        }
        let (fence, contents, between) = self.fence(&first).await?;
        let design = self.design(&first, contents, fence)?;
        let changed = self.finish(design.clone(), fence, between).await?;
        if self.probes_last() {
            first.probes = self.probe(&first, probe::BESIDE_WORKERS).await;
            let design = design.seen(first.probes.clone());
            self.show(&first, &design, None)?;
        }
        if self.args.json {
            let from = self.args.place()?;
            let says = fence.says(between);
            return stdout::line(show::outcome(&changed, from, &fence.to_string(), &says));
        }
        Ok(())
    }

    /// Whether the shards are probed after the application was opened: no answer of a probe stops
    /// an import, and workers wait. Where the operator is asked first, or the table is watched for
    /// longer than probing takes, they are probed before.
    const fn probes_last(&self) -> bool {
        self.args.finish && self.args.fence.is_some() && self.args.yes
    }

    async fn probe(&self, first: &First, at_once: usize) -> BTreeMap<ShardId, Probe> {
        let (stream, contents) = (&first.stream, &first.contents);
        probe::look(&self.source, stream, contents, &self.clock, at_once).await
    }

    /// Reads the table, and lists the stream.
    async fn look(&self) -> anyhow::Result<First> {
        let contents = self.read().await?;
        let read = self.clock.now();
        let stream = change::view(&*self.source).await.context("the stream cannot be listed")?;
        let is_listed = |id: &ShardId| stream.shards.iter().any(|shard| shard.id == *id);
        if let Some((id, _)) = self.args.shards.iter().find(|(id, _)| !is_listed(id)) {
            bail!("--shard {id}: the stream lists no such shard; `kcl stream describe` shows them");
        }
        Ok(First { contents, read, stream, probes: BTreeMap::new() })
    }

    /// Reads the table, and the tables in which the Java KCL 3 keeps items that are no leases. A
    /// table without leases is an error: it is probably the wrong one.
    async fn read(&self) -> anyhow::Result<Contents> {
        let (items, beside) =
            tokio::join!(Box::pin(self.table.read(self.library)), Box::pin(self.beside()));
        let items = items?;
        let mut contents = kcl_migrate::read(self.library, &items);
        if contents.is_empty() {
            bail!(
                "the table {} holds no lease among its {} items: check its name, and whose it is",
                self.table.name(),
                items.len()
            );
        }
        for (beside, read) in beside {
            beside::add(&mut contents, beside, &beside.table(self.old_app()), read);
        }
        Ok(contents)
    }

    /// The name of the old application: the Java KCL names its table by it, unless configured
    /// otherwise.
    fn old_app(&self) -> &str {
        self.args.old_app.as_deref().unwrap_or_else(|| self.table.name())
    }

    /// Reads the tables beside the lease table.
    async fn beside(&self) -> Vec<(Beside, SideRead)> {
        if self.library != Library::Kcl {
            return Vec::new();
        }
        let read = async |beside| {
            let read = Box::pin(self.table.read_beside(beside, self.old_app())).await;
            (beside, read.map_err(|error| error.to_string()))
        };
        let [state, stats] = Beside::ALL;
        let (state, stats) = tokio::join!(read(state), read(stats));
        vec![state, stats]
    }

    fn design(&self, first: &First, contents: Contents, fence: Fence) -> anyhow::Result<Import> {
        let from = self.args.place()?.clone();
        let by = change::caller("kcl import");
        let design = Import::new(from, contents, self.args.options());
        let design = design.seen(first.probes.clone()).over_others(self.args.replace);
        Ok(design.behind(fence, &by))
    }

    /// Shows the judgement, as text or as JSON.
    fn show(
        &self,
        first: &First,
        design: &Import,
        changing: Option<&Changing>,
    ) -> anyhow::Result<()> {
        let judgement = design.judgement(&first.stream);
        let store = self.store.location();
        let scene = Scene {
            from: self.args.place()?,
            contents: &first.contents,
            judgement: &judgement,
            probes: &first.probes,
            application: self.store.application(),
            store: &store,
            now: first.stream.description.server_time,
            changing,
        };
        if self.args.json { stdout::line(scene.json()) } else { stdout::write(&scene.text()) }
    }

    /// Fails if the import is impossible with the rows in the store. `mine` is an interrupted run
    /// of the same import: it continues with the rows that it planned, so the table must still have
    /// the same checkpoints.
    async fn precheck(
        &self,
        design: &Import,
        stream: &StreamView,
        mine: Option<&Change>,
    ) -> anyhow::Result<()> {
        let copy = match mine {
            Some(change) => change::stored_copy(&*self.store, change).await?,
            None => None,
        };
        let Some(copy) = copy else {
            let (rows, docs) = contents_of(&*self.store).await?;
            design.plan(&Found::new(&rows, &docs, stream))?;
            return Ok(());
        };
        let judgement = design.judgement(stream);
        let moved = judgement.rows().iter().find(|row| {
            let planned = copy.target.rows.iter().find(|it| *it.key() == row.key);
            planned.is_none_or(|planned| planned.to != Spot::of(row))
        });
        match moved {
            None => Ok(()),
            Some(row) => bail!(
                "an import of this table was broken off, and the table stands elsewhere now, as \
                 for {}: somebody has used it since. --abandon opens the application again; then \
                 import it anew, with --replace",
                row.key
            ),
        }
    }

    /// Asks the user.
    fn agree(&self) -> anyhow::Result<()> {
        if self.args.yes {
            return Ok(());
        }
        let (application, store) = (self.store.application(), self.store.location());
        let how = if self.args.prepare {
            "Close it for this import, until --finish or --abandon?".to_owned()
        } else {
            match self.args.fence {
                Some(_) => "Is the old fleet stopped, and shall this be imported?".to_owned(),
                None => format!("Watch the table for {:?}, and import this?", self.watched()),
            }
        };
        ask::agreed(&format!("{application} in {store}: {how}"))
    }

    /// How long the table is watched: every worker of the old fleet writes within half of it.
    fn watched(&self) -> Duration {
        self.args.failover * 2
    }

    /// Closes the application. It stays closed until the import is finished or abandoned.
    async fn prepare(&self, design: Import) -> anyhow::Result<()> {
        let by = change::caller(&format!("kcl {} --prepare", design.what()));
        let intent = Intent::Prepare(Arc::new(design));
        let source = Some(&*self.source);
        let prepared = change::apply(intent, &by, &self.store, source, &Env::system()).await?;
        if self.args.json {
            return stdout::line(serde_json::json!({"change": prepared.number, "prepared": true}));
        }
        report::progress(
            "prepared: the application is closed, workers of kcl that start now wait. Stop the old \
             fleet, then run the same with --finish in place of --prepare; --abandon takes it back",
        );
        Ok(())
    }

    /// Reads the table a second time, and fails if a worker of the old fleet wrote it since the
    /// first reading. Returns the fence, the new contents, and the time between the readings.
    async fn fence(&self, first: &First) -> anyhow::Result<(Fence, Contents, Duration)> {
        let fence = match self.args.fence {
            Some(NamedFence::WritesRevoked) => Fence::WritesRevoked,
            Some(NamedFence::AtZero) => Fence::AtZero,
            None => Fence::Watched,
        };
        if fence == Fence::Watched {
            let watched = self.watched();
            report::progress(&format!(
                "watching the table for {watched:?}, twice the old fleet's failover time"
            ));
            self.clock.sleep_until(first.read + watched).await;
        }
        let contents = self.read().await?;
        let between = self.clock.now().since(first.read);
        let movers = fence::movers(&first.contents, &contents);
        if movers.is_empty() {
            return Ok((fence, contents, between));
        }
        let named: Vec<String> = movers.iter().take(10).map(ToString::to_string).collect();
        bail!(
            "the old fleet still moves in the table {}: {}. Stop it, or revoke its right to write \
             the table, and run this again; nothing was imported",
            self.table.name(),
            named.join(", ")
        )
    }

    /// Closes the application, writes its rows, and opens it.
    async fn finish(
        &self,
        design: Import,
        fence: Fence,
        between: Duration,
    ) -> anyhow::Result<Changed> {
        let by = change::caller(&format!("kcl {}", design.what()));
        let intent = Intent::Make(Arc::new(design));
        let source = Some(&*self.source);
        let changed = change::apply(intent, &by, &self.store, source, &Env::system()).await?;
        if !self.args.json {
            report::progress(&format!(
                "{} leases are written; the application is open. Fence: {}",
                changed.leases,
                fence.says(between)
            ));
        }
        Ok(changed)
    }
}

/// Takes an unfinished import back, and opens the application.
///
/// # Errors
/// No import has closed the application, the user says no, or the store fails.
async fn abandon(args: &ImportArgs, store: &Arc<dyn LeaseStore>) -> anyhow::Result<()> {
    let changing = state(&**store).await?.filter(Changing::is_closed);
    let change = changing.as_ref().and_then(Change::of);
    let change = match change {
        Some(change) if change.what.starts_with("import ") => change,
        Some(change) => bail!(
            "the application is closed by {:?}, which is no import: `kcl leases reset --undo` \
             takes that back",
            change.what
        ),
        None => bail!("no import has closed the application {}", store.application()),
    };
    let copy = change::stored_copy(&**store, &change).await?;
    let says = match &copy {
        None => "nothing was written yet: the application has no leases of it".to_owned(),
        Some(copy) => format!(
            "its {} leases may be written in part: they are all set to where the table stood, or \
             where they stood before. The same import again finishes it instead",
            copy.target.rows.len()
        ),
    };
    if !args.yes {
        ask::agreed(&format!("{}: {says}. Open the application again?", change.what))?;
    }
    let by = change::caller("kcl import --abandon");
    let undone = change::apply(Intent::Undo, &by, store, None, &Env::system()).await?;
    if args.json {
        let leases = undone.leases;
        return stdout::line(serde_json::json!({"abandoned": change.what, "leases": leases}));
    }
    report::progress(&format!("abandoned: {says}; the application is open"));
    Ok(())
}

/// The document that says whether the application is closed; `None` if there is none, or if the
/// store's table does not exist yet.
async fn state(store: &dyn LeaseStore) -> anyhow::Result<Option<Changing>> {
    match change::state(store).await {
        Err(change::Failed::Store(error)) if error.kind == StoreErrorKind::Missing => Ok(None),
        state => Ok(state?),
    }
}

/// All leases and documents of the application, without the document of a change; empty if the
/// store's table does not exist yet.
async fn contents_of(store: &dyn LeaseStore) -> StoreResult<(Vec<Lease>, Vec<Document>)> {
    let rows = match store.all_leases().await {
        Err(error) if error.kind == StoreErrorKind::Missing => Vec::new(),
        rows => rows?,
    };
    let docs = match store.all_docs().await {
        Err(error) if error.kind == StoreErrorKind::Missing => Vec::new(),
        docs => docs?,
    };
    let is_kept = |doc: &Document| doc.name != DocName::changing();
    Ok((rows, docs.into_iter().filter(is_kept).collect()))
}
