//! What there is to judge rules by: read from store and stream, once.

use std::time::Duration;

use anyhow::Context;
use kcl_core::{
    assignment::placement::{Inherited, PlacementRules, Resolver},
    coordinator::{Forecast, Situation, StreamView, forecast},
    env::{Clock, WallTime},
    lease::{DocName, Document, Lease, Session, Streams},
    lineage::Lineage,
    placing::{self, Stored},
    settings::Coordination,
    store::{LeaseStore, LeaseStoreExt},
    stream::{Shard, StreamDescription, StreamKey, StreamSource},
};

use crate::{beats, config::Config, connect};

/// An application as it was found.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) application: String,
    pub(super) store: String,
    /// The rules that are in force.
    pub(super) stored: Stored,
    /// The stream that is read; `None`, if nobody has read any yet and none is named.
    pub(super) stream: Option<StreamDescription>,
    /// Its shards, or why they could not be listed.
    pub(super) listed: Result<StreamView, String>,
    pub(super) rows: Vec<Lease>,
    /// The sessions that were seen to beat.
    pub(super) living: Vec<Session>,
    pub(super) inherited: Option<Document>,
    pub(super) settings: Coordination,
    pub(super) now: WallTime,
}

impl Picture {
    /// Looks at everything, for as long as a heartbeat takes: whoever beats meanwhile is alive.
    ///
    /// # Errors
    /// The store's. That the stream cannot be listed is part of the picture.
    pub(super) async fn take(
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
    pub(super) fn rules(&self) -> PlacementRules {
        self.stored.placement.as_ref().map(|it| it.rules.clone()).unwrap_or_default()
    }

    /// The name of the stream by which rules and leases know it.
    ///
    /// # Errors
    /// It is not known.
    pub(super) fn stream_name(&self) -> anyhow::Result<&str> {
        let stream = self.stream.as_ref().context(
            "which stream the application reads is not known: no worker has read one yet; name it \
             with --stream",
        )?;
        Ok(&stream.key.name)
    }

    /// The shards that are listed; none, if they could not be.
    pub(super) fn shards(&self) -> &[Shard] {
        self.listed.as_ref().map_or(&[], |view| &view.shards)
    }

    /// What the planner would plan under these rules.
    ///
    /// # Errors
    /// The rules make no document.
    pub(super) fn plan(&self, rules: &Document) -> Forecast {
        let Some(stream) = &self.stream else { return Forecast::default() };
        let mut situation = Situation::new(&self.rows, &self.living, stream);
        situation.listed = self.listed.as_ref().ok();
        situation.rules = Some(rules);
        situation.inherited = self.inherited.as_ref();
        forecast(&situation, &self.settings)
    }

    /// What `with` makes of the rule of each shard, as the planner resolves it.
    pub(super) fn resolved<T>(
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
