//! Runs one reading: first the store, then the stream while the store's reader waits for beats.
//!
//! `kcl doctor` calls [`Sight::look`]. The dashboard reads the store and the stream at different
//! rates: it calls [`Sight::look_at_store`], and, less often, [`Sight::ask_stream`] with the
//! [`Question`] that a reading of the store gave.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kcl_core::{
    env::{Clock, WallTime},
    lease::{Lease, LeaseKey, Streams, report},
    store::{LeaseStore, Listing},
    stream::{Shard, StreamSource},
};

use super::{
    Documents, Facts, Known, Lag, Right, Sessions, rights, store::Reader as StoreReader,
    stream::Reader as StreamReader,
};
use crate::{beats::Beats, config::Config, connect, times::millis};

/// The most records that one read of a shard brings. The lag needs the first one only.
const RECORDS: usize = 2;

/// What a reading needs: the store, the settings, and its limits.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) store: Arc<dyn LeaseStore>,
    /// The settings of this command: the stream's name, if given, the region and the endpoints.
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long one call may take (`--deadline`).
    pub(crate) patience: Duration,
    /// Whether the stream is left out (`--no-stream`).
    pub(crate) no_stream: bool,
    /// The lag of how many shards is measured at most (`--lag-of`).
    pub(crate) lag_of: usize,
}

/// The stream's part of a reading; the fields are those of [`Facts`].
#[derive(Clone, Debug)]
pub(crate) struct OfStream {
    asked: Option<String>,
    stream: Known<super::Described>,
    shards: Known<Vec<Shard>>,
    lags: Known<BTreeMap<LeaseKey, Lag>>,
    identity: Known<String>,
    rights: Vec<Right>,
}

/// Which stream to ask, and the lag of which leases to measure. A reading of the store makes it.
#[derive(Debug)]
pub(crate) struct Question {
    /// The settings with the stream's name; `None` if nothing names a stream.
    config: Option<Config>,
    /// The leases with their checkpoints; `None` if the store did not list them.
    leases: Option<Listing<Lease>>,
}

impl Sight {
    /// Reads the store and the stream. `beats` and `reader` hold what earlier readings saw of beats
    /// and of reports; the first reading passes empty ones.
    pub(crate) async fn look(&self, mut beats: Beats, reader: &mut report::Reader) -> Facts {
        let (clock, patience) = (Arc::clone(&self.clock), self.patience);
        let store = StoreReader { store: Arc::clone(&self.store), clock, patience };
        let first = store.first(&mut beats).await;
        let asked = self.stream_to_ask(first.documents.as_ref().ok(), first.leases.get());
        let leases = first.leases.get().cloned();
        let (rest, told) =
            tokio::join!(store.rest(first, beats, reader), self.ask(asked, leases.as_ref()));
        self.seen(rest, told)
    }

    /// Reads the store alone, and does not wait for beats. `told` is what the stream answered last:
    /// the facts contain it with its own time.
    pub(crate) async fn look_at_store(
        &self,
        mut beats: Beats,
        reader: &mut report::Reader,
        told: OfStream,
    ) -> Facts {
        let (clock, patience) = (Arc::clone(&self.clock), self.patience);
        let store = StoreReader { store: Arc::clone(&self.store), clock, patience };
        let first = store.first(&mut beats).await;
        self.seen(store.at_once(first, beats, reader).await, told)
    }

    /// The question to the stream that follows from a reading of the store.
    pub(crate) fn question(&self, seen: &Facts) -> Question {
        let leases = seen.leases.get().cloned();
        Question { config: self.stream_to_ask(seen.documents.get(), leases.as_ref()), leases }
    }

    /// Asks the stream for its description, shards, lag and rights.
    pub(crate) async fn ask_stream(&self, question: Question) -> OfStream {
        self.ask(question.config, question.leases.as_ref()).await
    }

    /// Joins both parts of a reading, and stamps it with the present time.
    fn seen(
        &self,
        (sessions, leases, documents): (Known<Sessions>, Known<Listing<Lease>>, Known<Documents>),
        told: OfStream,
    ) -> Facts {
        let (at, wall) = (self.clock.now(), self.clock.wall());
        Facts {
            application: self.store.application().to_owned(),
            store: self.store.location(),
            at,
            wall,
            sessions,
            leases,
            documents,
            stream_asked: told.asked,
            stream: told.stream,
            shards: told.shards,
            lags: told.lags.map(|lags, read| as_read(lags, at.since(read))),
            identity: told.identity,
            rights: told.rights,
        }
    }

    /// The settings with the name of the stream to ask: the stream that the settings name, else the
    /// stream of the application's document, else the stream of the newest lease. `None` if there
    /// is none of these.
    fn stream_to_ask(
        &self,
        documents: Option<&Documents>,
        leases: Option<&Listing<Lease>>,
    ) -> Option<Config> {
        let mut config = self.config.clone();
        config.consumer.max_records = Some(RECORDS);
        if config.kinesis.stream_name.is_some() {
            return Some(config);
        }
        let named = documents.and_then(|it| it.streams.as_ref()).and_then(Streams::name);
        // The document holds `ACCOUNT:REGION:NAME`, or a bare name.
        let mut parts = named.map_or("", |name| name.as_str()).rsplitn(3, ':');
        let (name, region) = (parts.next().filter(|name| !name.is_empty()), parts.next());
        if let Some(region) = region.filter(|_| config.aws.region.is_none()) {
            config.aws.region = Some(region.to_owned());
        }
        let newest = || {
            let streams = leases?.rows.iter().filter_map(|lease| lease.key.stream());
            Some(streams.max_by_key(|stream| stream.created)?.name.to_string())
        };
        config.kinesis.stream_name = name.map(str::to_owned).or_else(newest);
        config.kinesis.stream_name.is_some().then_some(config)
    }

    /// Asks the stream that `config` names. The lags need the stream's description and the leases.
    async fn ask(&self, config: Option<Config>, leases: Option<&Listing<Lease>>) -> OfStream {
        if self.no_stream {
            return OfStream::left_out("--no-stream");
        }
        let Some(config) = config else { return OfStream::failed(None, NO_STREAM.to_owned()) };
        let asked = config.kinesis.stream_name.clone();
        let source: Arc<dyn StreamSource> = match connect::source(&config) {
            Ok(source) => Arc::new(source),
            Err(error) => return OfStream::failed(asked, error.to_string()),
        };
        let (clock, patience) = (Arc::clone(&self.clock), self.patience);
        let reader = StreamReader { source, clock, patience };
        let (stream, shards, identity) =
            tokio::join!(reader.describe(), reader.shards(), self.identity(&config));
        let lags = match (stream.get(), leases) {
            (Some(it), Some(leases)) => reader.lags(&it.description.key, leases, self.lag_of).await,
            _ => Known::Failed("neither is known without the stream and the leases".to_owned()),
        };
        let mut rights = vec![
            of_call("kinesis:DescribeStreamSummary", &stream),
            of_call("kinesis:ListShards", &shards),
        ];
        rights.extend(self.reading(&config, &shards).await);
        OfStream { asked, stream, shards, lags, identity, rights }
    }

    /// The identity of the credentials, or why there are none.
    async fn identity(&self, config: &Config) -> Known<String> {
        let answer = tokio::select! {
            answer = connect::identity(config) => answer.map_err(|error| format!("{error:#}")),
            () = self.clock.sleep(self.patience) => Err("no credentials in time".to_owned()),
        };
        Known::of(answer, self.clock.now())
    }

    /// Tests the rights to read an open shard; empty if none is known.
    async fn reading(&self, config: &Config, shards: &Known<Vec<Shard>>) -> Vec<Right> {
        let open = shards.get().and_then(|shards| shards.iter().find(|shard| !shard.closed));
        let (Some(shard), Ok(stream)) = (open, config.stream()) else { return Vec::new() };
        let Ok(client) = connect::kinesis(config).await else { return Vec::new() };
        rights::of_reading(&client, &stream, &shard.id, &*self.clock, self.patience).await
    }
}

const NO_STREAM: &str = "no stream is named, and neither documents nor leases tell of one: give \
    --stream";

impl OfStream {
    /// The stream's part before the first answer of the stream.
    pub(crate) fn not_yet() -> Self {
        Self::failed(None, "it was not asked yet".to_owned())
    }

    /// The stream's part if the stream was not asked.
    fn left_out(why: &'static str) -> Self {
        let (stream, shards) = (Known::LeftOut(why), Known::LeftOut(why));
        let (lags, identity) = (Known::LeftOut(why), Known::LeftOut(why));
        Self { asked: None, stream, shards, lags, identity, rights: Vec::new() }
    }

    /// The stream's part if the stream could not be asked: it has failed, for this reason.
    fn failed(asked: Option<String>, why: String) -> Self {
        let failed = Self::left_out("the stream cannot be asked");
        Self { asked, stream: Known::Failed(why.clone()), shards: Known::Failed(why), ..failed }
    }
}

/// Lags that were read `ago` before now, with ages as they were then. Nobody has read the shards
/// since, and the records may have been processed: so their ages must not grow with the clock.
fn as_read(mut lags: BTreeMap<LeaseKey, Lag>, ago: Duration) -> BTreeMap<LeaseKey, Lag> {
    for lag in lags.values_mut() {
        if let Lag::Unread { since, .. } = lag {
            *since = WallTime::from_millis(since.as_millis() + millis(ago));
        }
    }
    lags
}

/// The right to a call that was made anyway, as its answer shows it.
fn of_call<T>(action: &'static str, answer: &Known<T>) -> Right {
    let (outcome, why) = match answer {
        Known::Read { .. } => ("allowed", None),
        Known::Failed(why) if why.contains("denied") => ("denied", Some(why.clone())),
        Known::Failed(why) => ("unknown", Some(why.clone())),
        Known::LeftOut(why) => ("unknown", Some((*why).to_owned())),
    };
    Right { action, how: "called", outcome, why }
}
