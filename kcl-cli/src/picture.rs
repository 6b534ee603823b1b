//! An application as it was found, read from store and stream once, and what its planner would make
//! of it: what commands show before they change anything.

#[cfg(test)]
pub(crate) mod testing;

use std::time::Duration;

use anyhow::{Context, bail};
use kcl_core::{
    assignment::placement::{Inherited, Placement, PlacementRules, Resolver},
    coordinator::{Forecast, Situation, StreamView, forecast},
    env::{Clock, WallTime},
    lease::{DocName, Document, Lease, Session, Streams, WorkerId},
    lineage::Lineage,
    placing::{self, Stored},
    settings::Coordination,
    store::{LeaseStore, LeaseStoreExt},
    stream::{Shard, StreamDescription, StreamKey, StreamSource},
};

use crate::{beats, config::Config, connect};

/// An application as it was found.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) application: String,
    pub(crate) store: String,
    /// The rules that are in force.
    pub(crate) stored: Stored,
    /// The stream that is read; `None`, if nobody has read any yet and none is named.
    pub(crate) stream: Option<StreamDescription>,
    /// Its shards, or why they could not be listed.
    pub(crate) listed: Result<StreamView, String>,
    pub(crate) rows: Vec<Lease>,
    /// The sessions that were seen to beat.
    pub(crate) living: Vec<Session>,
    pub(crate) inherited: Option<Document>,
    pub(crate) settings: Coordination,
    pub(crate) now: WallTime,
}

impl Picture {
    /// Looks at everything, for as long as a heartbeat takes: whoever beats meanwhile is alive.
    ///
    /// # Errors
    /// The store's. That the stream cannot be listed is part of the picture.
    pub(crate) async fn take(
        store: &dyn LeaseStore,
        config: &Config,
        clock: &dyn Clock,
    ) -> anyhow::Result<Self> {
        let (sessions, beats) = beats::settled(store, clock).await?;
        let living = sessions.into_iter().filter(|session| beats.lives(session)).collect();
        let stored = placing::read(store).await?;
        let inherited = store.doc(&DocName::inherited()).await?;
        let rows = store.list_leases().await?.rows;
        let listed = list(store, config).await.map_err(|error| format!("{error:#}"));
        let stream = match &listed {
            Ok(view) => Some(view.description.clone()),
            Err(_) => known_stream(store, config).await?,
        };
        let (application, location) = (store.application().to_owned(), store.location());
        Ok(Self {
            application,
            store: location,
            stored,
            stream,
            listed,
            rows,
            living,
            inherited,
            settings: config.coordination.clone(),
            now: clock.wall(),
        })
    }

    /// The rules in force; none, if there are none or they make no sense.
    pub(crate) fn rules(&self) -> PlacementRules {
        self.stored.placement.as_ref().map(|it| it.rules.clone()).unwrap_or_default()
    }

    /// The document in force; an empty one, if there is none.
    ///
    /// # Errors
    /// It makes no sense: an edit would lose what is in it.
    pub(crate) fn readable(&self) -> anyhow::Result<Placement> {
        if let Some(problem) = &self.stored.problem {
            bail!(
                "the placement rules in {} make no sense ({problem}): replace them with `kcl \
                 placement apply FILE`",
                self.store
            );
        }
        Ok(self.stored.placement.clone().unwrap_or_default())
    }

    /// Whether a worker is seen to beat.
    pub(crate) fn is_alive(&self, worker: &WorkerId) -> bool {
        self.living.iter().any(|session| session.id.worker == *worker)
    }

    /// The worker that holds a lease and lives.
    pub(crate) fn holder<'r>(&self, row: &'r Lease) -> Option<&'r WorkerId> {
        row.owner.as_ref().map(|owner| &owner.worker).filter(|worker| self.is_alive(worker))
    }

    /// The lease that an argument names: a shard of the stream that is read, or a lease's whole
    /// key.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn lease(&self, named: &str) -> anyhow::Result<&Lease> {
        let of_this_life = |row: &&Lease| {
            self.stream.as_ref().is_none_or(|stream| row.key.stream().as_ref() == Some(&stream.key))
        };
        let is_it = |row: &&Lease| {
            row.key.as_str() == named
                || row.key.shard().is_some_and(|shard| shard.as_str() == named) && of_this_life(row)
        };
        self.rows.iter().filter(|row| !row.key.is_role()).find(is_it).with_context(|| {
            format!(
                "{} in {} has no lease of a shard {named}: `kcl leases list` shows those there are",
                self.application, self.store
            )
        })
    }

    /// The name of the stream by which rules and leases know it.
    ///
    /// # Errors
    /// It is not known.
    pub(crate) fn stream_name(&self) -> anyhow::Result<&str> {
        let stream = self.stream.as_ref().context(
            "which stream the application reads is not known: no worker has read one yet; name it \
             with --stream",
        )?;
        Ok(&stream.key.name)
    }

    /// The shards that are listed; none, if they could not be.
    pub(crate) fn shards(&self) -> &[Shard] {
        self.listed.as_ref().map_or(&[], |view| &view.shards)
    }

    /// What the planner would plan under these rules.
    ///
    /// # Errors
    /// The rules make no document.
    pub(crate) fn plan(&self, rules: &Document) -> Forecast {
        let Some(stream) = &self.stream else { return Forecast::default() };
        let mut situation = Situation::new(&self.rows, &self.living, stream);
        situation.listed = self.listed.as_ref().ok();
        situation.rules = Some(rules);
        situation.inherited = self.inherited.as_ref();
        situation.at = self.now;
        forecast(&situation, &self.settings)
    }

    /// What `with` makes of the rule of each shard, as the planner resolves it.
    pub(crate) fn resolved<T>(
        &self,
        rules: &PlacementRules,
        with: impl FnOnce(&Lineage<'_>, &Resolver<'_>) -> T,
    ) -> Option<T> {
        let stream = self.stream.as_ref()?;
        let inherited = self.inherited.as_ref().and_then(|doc| Inherited::decode(&doc.body).ok());
        let inherited = inherited.map(|(_, says)| says).unwrap_or_default();
        let lineage = Lineage::new(&stream.key, self.shards(), &self.rows);
        let resolver = Resolver::new(rules, &lineage).with_inherited(&inherited);
        Some(with(&lineage, &resolver))
    }
}

async fn list(store: &dyn LeaseStore, config: &Config) -> anyhow::Result<StreamView> {
    let source = connect::source_of_leases(store, config).await?;
    let description = source.describe().await?;
    Ok(StreamView { description, shards: source.shards().await? })
}

/// The stream as the store knows it, or else the one that the settings name. Of that nothing is
/// known but the name.
async fn known_stream(
    store: &dyn LeaseStore,
    config: &Config,
) -> anyhow::Result<Option<StreamDescription>> {
    let none = WallTime::from_millis(0);
    let doc = store.doc(&DocName::streams()).await?;
    let streams = doc.and_then(|doc| Streams::decode(&doc.body).ok());
    if let Some((streams, name)) = streams.as_ref().and_then(|it| Some((it, it.name()?.clone()))) {
        let life = streams.life_of(&name).unwrap_or(none);
        // Before the stream's own name stand account and region.
        let short = name.as_str().rsplit(':').next().unwrap_or_default().to_owned();
        let key = StreamKey::new(&short, life);
        return Ok(Some(StreamDescription::new(name, key, Duration::ZERO, none)));
    }
    let Ok(named) = config.stream() else { return Ok(None) };
    let key = StreamKey::new(named.short(), none);
    let name = named.short().parse().context("the stream's name")?;
    Ok(Some(StreamDescription::new(name, key, Duration::ZERO, none)))
}
