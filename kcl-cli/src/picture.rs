//! Reads an application once, from store and stream, and makes the plan that its planner would
//! make. Commands use it to show the effect of a change before they make the change.
//!
//! A [`Picture`] holds the rows, the live sessions and the stream's shards. [`Picture::plan`] calls
//! `kcl_core::coordinator::forecast`, the planner's own function, so that a preview and the fleet
//! cannot differ in their rules. `outlook` compares that plan with the present owners.

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

/// One reading of an application.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) application: String,
    /// The address of the store, without secrets.
    pub(crate) store: String,
    /// The document with the rules and marks in force, or why it cannot be decoded.
    pub(crate) stored: Stored,
    /// The application's stream; `None` if no worker has read one yet and the settings name none.
    pub(crate) stream: Option<StreamDescription>,
    /// The stream's shards, or why they could not be listed.
    pub(crate) listed: Result<StreamView, String>,
    /// All lease rows that can be decoded.
    pub(crate) rows: Vec<Lease>,
    /// The sessions whose beats moved.
    pub(crate) living: Vec<Session>,
    /// The document of inherited rules; `None` if there is none.
    pub(crate) inherited: Option<Document>,
    /// The settings of this command, with which the plan is made.
    pub(crate) settings: Coordination,
    /// The time of the reading, by this machine's wall clock.
    pub(crate) now: WallTime,
}

impl Picture {
    /// Reads everything. It takes about a heartbeat interval, until it is known of each session
    /// whether its beat moves.
    ///
    /// # Errors
    /// The store fails. A failure of the stream is no error: see [`Picture::listed`].
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

    /// The rules in force; empty if there are none, or if they cannot be decoded.
    pub(crate) fn rules(&self) -> PlacementRules {
        self.stored.placement.as_ref().map(|it| it.rules.clone()).unwrap_or_default()
    }

    /// The document in force; an empty one if there is none.
    ///
    /// # Errors
    /// The document cannot be decoded, so an edit would lose its content.
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

    /// Whether the beat of a worker moved.
    pub(crate) fn is_alive(&self, worker: &WorkerId) -> bool {
        self.living.iter().any(|session| session.id.worker == *worker)
    }

    /// The owner of a lease, if it lives.
    pub(crate) fn holder<'r>(&self, row: &'r Lease) -> Option<&'r WorkerId> {
        row.owner.as_ref().map(|owner| &owner.worker).filter(|worker| self.is_alive(worker))
    }

    /// The lease that an argument names: by a shard id of the stream's present life, or by a whole
    /// lease key.
    ///
    /// # Errors
    /// No lease has this name.
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

    /// The stream's name as rules and leases spell it.
    ///
    /// # Errors
    /// The stream is unknown.
    pub(crate) fn stream_name(&self) -> anyhow::Result<&str> {
        let stream = self.stream.as_ref().context(
            "which stream the application reads is not known: no worker has read one yet; name it \
             with --stream",
        )?;
        Ok(&stream.key.name)
    }

    /// The stream's shards; empty if they could not be listed.
    pub(crate) fn shards(&self) -> &[Shard] {
        self.listed.as_ref().map_or(&[], |view| &view.shards)
    }

    /// The plan that the planner would make with this placement document. It is empty if the stream
    /// is unknown.
    pub(crate) fn plan(&self, rules: &Document) -> Forecast {
        let Some(stream) = &self.stream else { return Forecast::default() };
        let mut situation = Situation::new(&self.rows, &self.living, stream);
        situation.listed = self.listed.as_ref().ok();
        situation.rules = Some(rules);
        situation.inherited = self.inherited.as_ref();
        situation.at = self.now;
        forecast(&situation, &self.settings)
    }

    /// Calls `with` on a resolver, which finds the rule of each shard as the planner does. `None`
    /// if the stream is unknown.
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

/// The stream's description and shards, by calls to the stream.
async fn list(store: &dyn LeaseStore, config: &Config) -> anyhow::Result<StreamView> {
    let source = connect::source_of_leases(store, config).await?;
    let description = source.describe().await?;
    Ok(StreamView { description, shards: source.shards().await? })
}

/// The stream by the application's document, else by the settings. Then only its name is known: its
/// retention is zero. It serves if the stream does not answer.
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
