//! The experiment that was published about another library, played with real processes on real
//! servers: a fleet shares a stream, shards are split, more workers join. `docs/EXPERIMENT.md` has
//! the published results and those of this library.

pub mod manual;
mod outcome;
mod picture;
mod timeline;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use self::outcome::s;
pub use self::{outcome::Outcome, timeline::Timeline};
use crate::{
    fleet::{Fleet, History, Launch, Producer, oracle, wall_millis},
    kinesis::TestStream,
};

/// The number of partition keys: enough for each shard to have some.
const KEYS: usize = 400;

/// The servers and files of an experiment.
#[derive(Clone, Debug)]
pub struct Place {
    /// The binary of the `kcl` command.
    pub binary: PathBuf,
    /// The URL of the Kinesis server.
    pub kinesis: String,
    /// The URL of the DynamoDB server.
    pub dynamodb: String,
    /// The folder with the settings of the workers: `config-pod1.yaml` and so on.
    pub settings: PathBuf,
    /// The folder for logs, leases and the picture.
    pub results: PathBuf,
}

impl Place {
    /// How consumers of this stream are started.
    #[must_use]
    pub fn launch(&self, stream: &str) -> Launch {
        let mut launch = Launch::new("", stream, &self.kinesis, &self.dynamodb);
        launch.binary.clone_from(&self.binary);
        launch
    }

    /// Runs a command about the application to its end. Returns its output, and whether its exit
    /// code is 0.
    ///
    /// # Errors
    /// The command cannot be started, or its output is not UTF-8.
    pub fn ask(&self, launch: &Launch, words: &[&str]) -> Result<(String, bool)> {
        let mut command = Launch::command(&self.binary);
        command.args(words).args(["--region", "us-east-1"]);
        command.args(["--kinesis-endpoint", &self.kinesis]);
        command.args(["--dynamodb-endpoint", &self.dynamodb]);
        command.env("APP_NAME", &launch.application).env("STREAM_NAME", &launch.stream);
        let output = command.output().with_context(|| format!("{words:?}"))?;
        let mut said = String::from_utf8(output.stdout)?;
        said.push_str(&String::from_utf8(output.stderr)?);
        Ok((said, output.status.success()))
    }
}

/// The size of the experiment: shards, pods and times.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The stream's name. It must be new on the server.
    pub stream: String,
    /// The number of open shards at first.
    pub shards: usize,
    /// The number of pods that start at first.
    pub pods: usize,
    /// The number of pods in the end.
    pub more: usize,
    /// How long each state lasts once it is even.
    pub rest: Duration,
}

impl Plan {
    /// As it was published: 20 shards and 3 pods, half of the shards split, 5 pods.
    #[must_use]
    pub fn published() -> Self {
        let rest = Duration::from_secs(5);
        Self { stream: "experiment".into(), shards: 20, pods: 3, more: 5, rest }
    }
}

/// Plays the experiment, and adds each step to the timeline.
///
/// # Errors
/// A server or the operating system fails, an expected fact does not come within a minute, or the
/// oracle finds a broken invariant.
pub async fn play(place: &Place, plan: &Plan, told: &mut Timeline) -> Result<Outcome> {
    let shards = i32::try_from(plan.shards)?;
    let stream = TestStream::create(&place.kinesis, &plan.stream, shards).await?;
    let mut fleet = Fleet::new(place.launch(&plan.stream))?;
    told.tell(format!("{} pods start on {} shards", plan.pods, plan.shards));
    fleet.keep_looking();
    let started = start(&mut fleet, place, 1..=plan.pods)?;
    let even = settled(&fleet, plan.shards, plan.pods).await?;
    told.at(even, format!("even: {}", shared(plan.shards, plan.pods)));
    let load = Producer::new(&stream, KEYS).go_on(100, Duration::from_millis(500));
    told.tell("a producer puts 200 records a second".into());
    pause(plan.rest).await;

    let split = split_half(&stream).await?;
    let (open, last) = (plan.shards + split.len(), latest(&split)?);
    told.at(last, format!("{} shards were split: {open} are open", split.len()));
    let children = children(&stream, &fleet, &split).await?;
    told.tell(format!("each child was read {} after its parent's split at most", s(children)));
    let again = settled(&fleet, open, plan.pods).await?;
    told.at(again.max(last), format!("even: {}", shared(open, plan.pods)));
    pause(plan.rest).await;

    told.tell(format!("{} more pods start", plan.more - plan.pods));
    let joined = start(&mut fleet, place, plan.pods + 1..=plan.more)?;
    let grown = settled(&fleet, open, plan.more).await?;
    told.at(grown, format!("even: {}", shared(open, plan.more)));
    pause(plan.rest).await;

    let producer = load.stop().await?;
    fleet.until_delivered(producer.produced.len()).await?;
    let listed = stream.shards().await?;
    oracle::judge(&fleet.caught_up(), &producer.produced, &listed).check_repeats_of(&[])?;
    let records = producer.produced.len();
    told.tell(format!("{records} records: each delivered once, each key in order"));
    fleet.keep_logs(&place.results)?;
    let (leases, _) = place.ask(&fleet.launch, &["leases", "list", "--format", "json"])?;
    std::fs::write(place.results.join("leases.json"), leases)?;
    let picture = told.draw(&fleet.history().readings);
    std::fs::write(place.results.join("timeline.svg"), picture)?;
    let seconds = |from: f64, to: f64| ((to - from) / 1e3).max(0.0);
    Ok(Outcome {
        first: seconds(started, even),
        children,
        split: seconds(last, again),
        grown: seconds(joined, grown),
        records,
    })
}

/// Starts pods with their settings. Returns the time before the first start.
fn start(fleet: &mut Fleet, place: &Place, pods: std::ops::RangeInclusive<usize>) -> Result<f64> {
    let at = wall_millis();
    for pod in pods {
        let mut command = fleet.launch.consumer(&format!("pod-{pod}"));
        command.arg("--config").arg(place.settings.join(format!("config-pod{pod}.yaml")));
        fleet.start_command(&format!("pod-{pod}"), command)?;
    }
    Ok(at)
}

/// An even share of `shards` for each pod, the largest first.
fn shares(shards: usize, pods: usize) -> Vec<usize> {
    (0..pods).map(|pod| (shards + pods - 1 - pod) / pods).collect()
}

/// The even shares as text, like `7/7/6`.
fn shared(shards: usize, pods: usize) -> String {
    shares(shards, pods).iter().map(ToString::to_string).collect::<Vec<_>>().join("/")
}

/// Waits until the leases are even and each is read by its owner. Returns the time of the last of
/// these first reads.
async fn settled(fleet: &Fleet, shards: usize, pods: usize) -> Result<f64> {
    fleet.until_shared(&shares(shards, pods)).await?;
    let held = fleet.leases().await.into_iter().filter(|lease| lease.owner.is_some());
    let held = held.map(|lease| Some((lease.key.shard()?.to_string(), lease.epoch.0)));
    let held: Vec<(String, u64)> = held.collect::<Option<_>>().context("a lease of a shard")?;
    let mut last = None;
    fleet
        .until("each lease is read by its owner", |history| {
            let first = first_reads(history);
            let at: Option<Vec<f64>> = held.iter().map(|held| first.get(held).copied()).collect();
            last = at.and_then(|at| at.into_iter().reduce(f64::max));
            last.is_some()
        })
        .await?;
    last.context("no leases")
}

/// The time of the first read of each shard under each epoch.
fn first_reads(history: &History) -> BTreeMap<(String, u64), f64> {
    let mut first = BTreeMap::new();
    for line in history.events("kcl.read.first") {
        if let (Some(shard), Some(epoch)) = (line.shard(), line.number("epoch")) {
            first.entry((shard, epoch)).or_insert(line.at);
        }
    }
    first
}

/// Splits half of the open shards, one after another. Returns each with the time after its split.
async fn split_half(stream: &TestStream) -> Result<BTreeMap<String, f64>> {
    let mut open = stream.shards().await?;
    open.retain(|shard| !shard.closed);
    let mut done = BTreeMap::new();
    for shard in &open[..open.len() / 2] {
        stream.split(shard).await?;
        done.insert(shard.id.to_string(), wall_millis());
    }
    Ok(done)
}

fn latest(times: &BTreeMap<String, f64>) -> Result<f64> {
    times.values().copied().reduce(f64::max).context("nothing was split")
}

/// Waits until each child of these shards is read. Returns the longest time from a parent's split
/// to the first read of a child, in seconds.
async fn children(
    stream: &TestStream,
    fleet: &Fleet,
    split: &BTreeMap<String, f64>,
) -> Result<f64> {
    let listed = stream.shards().await?;
    let parent = |shard: &kcl_core::stream::Shard| {
        let parent = shard.parents.first()?;
        Some((shard.id.to_string(), *split.get(parent.as_str())?))
    };
    let children: BTreeMap<String, f64> = listed.iter().filter_map(parent).collect();
    ensure!(children.len() == 2 * split.len(), "{children:?}");
    let mut longest = None;
    fleet
        .until("each child is read", |history| {
            let first = first_reads(history);
            let span = |(child, split): (&String, &f64)| {
                let mut reads = first.iter().filter(|((shard, _), _)| shard == child);
                Some(reads.next()?.1 - split)
            };
            let spans: Option<Vec<f64>> = children.iter().map(span).collect();
            longest = spans.and_then(|spans| spans.into_iter().reduce(f64::max));
            longest.is_some()
        })
        .await?;
    Ok((longest.context("no children")? / 1e3).max(0.0))
}

#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// The folder of the project with the settings of the workers.
#[must_use]
pub fn settings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_rounded_up() {
        assert_eq!(shares(20, 3), [7, 7, 6]);
        assert_eq!(shares(30, 5), [6, 6, 6, 6, 6]);
        assert_eq!(shared(30, 3), "10/10/10");
    }
}
