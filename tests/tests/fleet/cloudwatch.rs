//! What a real worker sends to a CloudWatch that is not ours: moto, as it is published.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kcl_tests::{
    fleet::Signal,
    servers::{Link, Moto},
};

use super::stage::{Servers, Stage, pause};

const RECORDS: usize = 60;

/// The sum over the last hour of a metric with these dimensions; `None` if it was never sent.
fn sum(moto: &Moto, namespace: &str, name: &str, of: &[(&str, &str)]) -> Result<Option<f64>> {
    let now = jiff::Timestamp::now();
    let hour = Duration::from_secs(3_600);
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (from, to) = (time(now - hour), time(now + hour));
    let dimension = |((name, value), place): (&(&str, &str), usize)| {
        let at = format!("&Dimensions.member.{place}");
        format!("{at}.Name={name}{at}.Value={value}")
    };
    let dimensions: String = of.iter().zip(1..).map(dimension).collect();
    let answer = moto.ask(&format!(
        "Action=GetMetricStatistics&Version=2010-08-01&Namespace={namespace}&MetricName={name}\
         {dimensions}&StartTime={from}&EndTime={to}&Period=7200&Statistics.member.1=Sum"
    ))?;
    let numbers = answer.split("<Sum>").skip(1);
    let numbers = numbers.map(|rest| rest.split('<').next().unwrap_or_default().parse::<f64>());
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    Ok((!numbers.is_empty()).then(|| numbers.iter().sum()))
}

/// Asks until the sum is as wanted.
async fn until(
    what: &str,
    wanted: impl Fn(f64) -> bool,
    sum: impl Fn() -> Result<Option<f64>>,
) -> Result<()> {
    let mut last = None;
    for _ in 0..600 {
        last = sum()?;
        if last.is_some_and(&wanted) {
            return Ok(());
        }
        pause(100).await;
    }
    bail!("{what} stays {last:?}")
}

#[expect(clippy::float_cmp, reason = "small whole numbers")]
fn all(sum: f64) -> bool {
    sum == 60.0
}

/// A worker that sends each second to the server at this port.
async fn stage(name: &str, port: u16, names: &str) -> Result<Stage> {
    let endpoint = format!("http://127.0.0.1:{port}");
    Stage::with(Servers::InProcess, name, 2, |launch| {
        let launch = launch.with(&[names, "--cloudwatch-endpoint", &endpoint]);
        launch.set("metrics.cloudwatch.period=1s")
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alarms_on_the_java_kcl_s_names_see_what_a_worker_does() -> Result<()> {
    let moto = Moto::start()?;
    let name = "cloudwatch-kcl";
    let mut stage = stage(name, moto.port(), "--cloudwatch=kcl").await?;
    stage.producer.put(RECORDS).await?;
    stage.fleet.start("a")?;
    stage.until_delivered().await?;
    let shards = stage.stream.shards().await?;
    until("RecordsProcessed", all, || {
        let mut all = None;
        for shard in &shards {
            let of = [("Operation", "ProcessTask"), ("ShardId", shard.id.as_str())];
            let of_shard = sum(&moto, name, "RecordsProcessed", &of)?;
            all = [all, of_shard].into_iter().flatten().reduce(|one, other| one + other);
        }
        Ok(all)
    })
    .await?;
    let of = [("Operation", "ApplicationTracker")];
    until("MillisBehindLatest", |_| true, || sum(&moto, name, "MillisBehindLatest", &of)).await?;
    let of = [("Operation", "RenewAllLeases"), ("WorkerIdentifier", "a")];
    until("CurrentLeases", |it| it > 0.0, || sum(&moto, name, "CurrentLeases", &of)).await?;
    stage.fleet.leave("a").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_does_not_notice_that_cloudwatch_is_dark_and_nothing_is_lost_before_its_end()
-> Result<()> {
    let moto = Moto::start()?;
    let link = Link::to(moto.port())?;
    let name = "cloudwatch-ours";
    let mut stage = stage(name, link.port(), "--cloudwatch").await?;
    stage.producer.put(RECORDS).await?;
    link.refuse(true);
    stage.fleet.start("a")?;
    stage.until_delivered().await?;
    // The next look comes after some of the pauses between attempts.
    stage
        .fleet
        .until("a complaint", |history| history.events("kcl.cloudwatch.failed").count() > 0)
        .await?;
    link.refuse(false);
    let records = "kcl_records_processed_total";
    let of = [("application", name), ("stream", name)];
    until(records, all, || sum(&moto, "KCL", records, &of)).await?;
    // What a shard did is summed up over shards, unless it is asked for in detail.
    let metrics = moto.ask("Action=ListMetrics&Version=2010-08-01&Namespace=KCL")?;
    ensure!(!metrics.contains("shardId"), "{metrics}");
    // It goes down, and nobody answers any more: the worker leaves all the same.
    link.hold(true);
    stage.fleet.signal("a", Signal::TERM)?;
    let status = stage.fleet.gone("a").await?;
    ensure!(status.success(), "a ended with {status}");
    let history = stage.fleet.caught_up();
    let dropped = history.events("kcl.cloudwatch.dropped").last();
    dropped.context("what was left is not told to be dropped").map(drop)
}
