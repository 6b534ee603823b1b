//! Reads some records of a shard for the page, from a position that the user chooses.
//!
//! It takes no lease and changes no checkpoint. The records go to the page only, never to the log.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use kcl_core::{
    env::Clock,
    lease::LeaseKey,
    stream::{ByteLimit, KplMark, Record, ShardId, StartAt, StreamSource},
};
use serde_json::{Value, json};

use super::watched::Watched;
use crate::{
    connect,
    glance::{Glance, Met},
    start_at,
};

/// The most records that a request may ask for, and how many it gets if it names no number.
const MOST: usize = 200;
const USUAL: usize = 20;
/// How many bytes of a record's data the page shows.
const SHOWN: usize = 16_384;
/// How long a request waits for records. A shard may have long gaps without any.
const PATIENCE: Duration = Duration::from_secs(8);
/// The byte limit of one read.
const ROOM: ByteLimit = ByteLimit(1 << 20);

/// A request for records.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    shard: ShardId,
    from: From,
    /// How many records, `1..=200`.
    most: usize,
}

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    /// After the checkpoint of the shard's lease: at the record that is processed next.
    Checkpoint,
    /// At a position of the stream.
    At(StartAt),
}

impl Asked {
    /// Parses a query, like `shard=shardId-…&from=2026-01-31T09:00:00Z&most=20`. An unknown name is
    /// an error.
    fn parse(query: &str) -> anyhow::Result<Self> {
        let (mut shard, mut from, mut most) = (None, From::Checkpoint, USUAL);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "shard" => shard = Some(value.parse()?),
                "from" if value == "checkpoint" || value.is_empty() => from = From::Checkpoint,
                "from" => {
                    let place = start_at::place(&value);
                    let place = place.map_err(|why| anyhow::anyhow!("from={value:?}: {why}"));
                    from = From::At(place?);
                }
                "most" => {
                    most = value.parse().with_context(|| format!("most={value} is no number"))?;
                }
                _ => bail!("there is no {name} to ask for: expected shard, from and most"),
            }
        }
        ensure!((1..=MOST).contains(&most), "most={most}: choose 1 to {MOST}");
        Ok(Self { shard: shard.context("name a shard: shard=shardId-…")?, from, most })
    }
}

/// The records that were read, and why the read ended.
#[derive(Debug)]
struct Found {
    records: Vec<Record>,
    /// `tip`: no newer record yet; `end`: the shard has ended; `more`: the number was reached;
    /// `late`: the time was up.
    then: &'static str,
    /// Whether the stream had trimmed records after the position.
    lost: bool,
}

/// Reads the records for which a query asks, as JSON.
///
/// # Errors
/// The query is invalid; the shard, or the lease whose checkpoint is asked for, does not exist; the
/// store or the stream fails.
pub(crate) async fn look(watched: &Watched, query: &str) -> anyhow::Result<Value> {
    let asked = Asked::parse(query)?;
    let store = &*watched.sight.store;
    let mut config = watched.config.clone();
    config.consumer.max_records = Some(asked.most);
    let source = connect::source_of_leases(store, &config).await?;
    let stream = source.describe().await?;
    let at = match &asked.from {
        From::At(at) => at.clone(),
        From::Checkpoint => {
            let lease = store.lease(&LeaseKey::of_shard(&stream.key, &asked.shard)).await?;
            let lease = lease.with_context(|| {
                format!("{} has no lease, and so no checkpoint: choose another start", asked.shard)
            })?;
            lease.checkpoint.start().with_context(|| {
                format!("{} was read to its end: choose another start", asked.shard)
            })?
        }
    };
    let most = (asked.most, ROOM);
    let mut glance = Glance::open(&source, &stream.key, &asked.shard, at.clone(), most).await?;
    let found = read(&mut glance, &*watched.sight.clock).await;
    glance.close().await;
    let Found { records, then, lost } = found?;
    Ok(json!({
        "shard": asked.shard.as_str(),
        "from": format!("{at:?}"),
        "then": then,
        "lost": lost,
        "records": records.iter().map(shown).collect::<Vec<_>>(),
    }))
}

/// Reads until the number, the tip or the end is reached, or [`PATIENCE`] is over.
async fn read(glance: &mut Glance, clock: &dyn Clock) -> anyhow::Result<Found> {
    let until = clock.now() + PATIENCE;
    let mut found = Found { records: Vec::new(), then: "more", lost: false };
    loop {
        let met = tokio::select! {
            met = glance.next() => met?,
            () = clock.sleep_until(until) => {
                found.then = "late";
                return Ok(found);
            }
        };
        match met {
            Met::Records { records, is_tip } => {
                found.records.extend(records);
                if is_tip {
                    found.then = "tip";
                    return Ok(found);
                }
            }
            Met::Lost { .. } => found.lost = true,
            Met::End => {
                found.then = "end";
                return Ok(found);
            }
            Met::Standstill { why, .. } => bail!("reading gets nowhere: {why}"),
            Met::Enough => return Ok(found),
        }
    }
}

/// A record as JSON. Its data is text if it is UTF-8, else base64; `cut` says that only the first
/// [`SHOWN`] bytes are there.
fn shown(record: &Record) -> Value {
    let data = &record.data[..record.data.len().min(SHOWN)];
    let text = std::str::from_utf8(data).or_else(|error| {
        // The cut may fall within a character: its first bytes are left out.
        let cut = error.error_len().is_none() && data.len() < record.data.len();
        std::str::from_utf8(&data[..if cut { error.valid_up_to() } else { data.len() }])
    });
    let text = text.ok();
    json!({
        "sequence": record.position.sequence.as_str(),
        "sub": record.position.sub,
        "partition_key": record.partition_key,
        "arrival_ms": record.arrival.map(kcl_core::env::WallTime::as_millis),
        "bytes": record.data.len(),
        "text": text,
        "base64": text.is_none().then(|| STANDARD.encode(data)),
        "cut": record.data.len() > SHOWN,
        "kpl": mark(record.kpl),
    })
}

/// What the KPL decoding found out about a record; `None` for a plain one.
const fn mark(kpl: KplMark) -> Option<&'static str> {
    match kpl {
        KplMark::Plain => None,
        KplMark::Aggregated => Some("aggregated"),
        KplMark::OutsideShard => Some("outside-shard"),
        KplMark::Malformed => Some("malformed"),
        _ => Some("unknown"),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kcl_core::{
        env::{Env, WallTime},
        stream::SequenceNumber,
    };
    use kcl_memory::{MemoryStream, stream::StreamOptions, virtual_env};

    use super::*;

    #[test]
    fn a_query_names_a_shard_a_place_and_a_number() {
        let at = |query: &str| Asked::parse(query).map(|asked| (asked.from, asked.most));
        let start = |at| From::At(at);
        assert_eq!(at("shard=s-0").unwrap(), (From::Checkpoint, 20));
        assert_eq!(at("shard=s-0&from=checkpoint&most=7").unwrap(), (From::Checkpoint, 7));
        assert_eq!(at("shard=s-0&from=latest").unwrap().0, start(StartAt::Latest));
        let time = StartAt::AtTimestamp(WallTime::from_millis(1_769_850_000_000));
        assert_eq!(at("shard=s-0&from=2026-01-31T09%3A00%3A00Z").unwrap().0, start(time));
        let number = "49590338271490256608559692538361571095921575989136588898";
        let sequence = StartAt::At(number.parse().unwrap());
        assert_eq!(at(&format!("shard=s-0&from={number}")).unwrap().0, start(sequence));
        for odd in [
            "",
            "shard=%3Cimg%3E",
            "shard=s-0&most=0",
            "shard=s-0&most=201",
            "shard=s-0&from=yesterday",
            "shard=s-0&x=1",
            "shard=s-0&most=-1",
        ] {
            assert!(Asked::parse(odd).is_err(), "{odd}");
        }
    }

    async fn shard(env: &Env, records: usize, most: usize) -> (MemoryStream, Glance) {
        let mut options = StreamOptions::new("orders");
        options.shards = 1;
        options.env = env.clone();
        let memory = MemoryStream::with(options);
        for number in 0..records {
            memory.put("key", format!("record {number}")).unwrap();
        }
        let stream = memory.describe().await.unwrap().key;
        let shard = memory.shards().await.unwrap().remove(0).id;
        let reader = memory.open(&stream, &shard, StartAt::TrimHorizon).await.unwrap();
        (memory, Glance::of(reader, (most, ROOM)))
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_are_read_as_were_asked_for_or_as_there_are() {
        let env = virtual_env(1);
        let (_memory, mut glance) = shard(&env, 5, 3).await;
        let found = read(&mut glance, &*env.clock).await.unwrap();
        assert_eq!((found.records.len(), found.then), (3, "more"));
        let (_memory, mut glance) = shard(&env, 5, 50).await;
        let found = read(&mut glance, &*env.clock).await.unwrap();
        assert_eq!((found.records.len(), found.then, found.lost), (5, "tip", false));
    }

    #[test]
    fn data_is_shown_as_text_where_it_is_text_and_cut_where_it_is_long() {
        let record = |data: &[u8]| {
            let position = SequenceNumber::from(49_u128).into();
            let data = Bytes::copy_from_slice(data);
            shown(&Record::new(position, Some("<b>key</b>".to_owned()), data))
        };
        let text = record("bellü".as_bytes());
        assert_eq!((&text["text"], &text["base64"]), (&json!("bellü"), &Value::Null));
        assert_eq!(text["partition_key"], "<b>key</b>", "as it is: the page shows it as text");
        let bytes = record(&[0xff, 0x00]);
        assert_eq!((&bytes["text"], &bytes["base64"]), (&Value::Null, &json!("/wA=")));
        let long = record("ü".repeat(SHOWN).as_bytes());
        assert_eq!((&long["cut"], &long["bytes"]), (&json!(true), &json!(2 * SHOWN)));
        assert!(long["text"].as_str().unwrap().len() >= SHOWN - 1);
    }
}
