//! What the source costs over a bare loop of the SDK: both drain the same backlog from a server of
//! prepared answers, which runs in a process of its own.
//!
//! `cargo bench -p kcl-kinesis` prints records per second and CPU time per record of each: the best
//! of several rounds that alternate.

#![allow(clippy::print_stdout, reason = "this is where results go")]
#![allow(clippy::unwrap_used, reason = "a bench has nobody to hand an error to")]

mod server;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use aws_sdk_kinesis::{
    Client,
    config::{BehaviorVersion, Builder, Credentials, Region},
    types::ShardIteratorType,
};
use kcl_core::{
    env::Env,
    stream::{ReadEvent, Room, StartAt, StreamSource},
};
use kcl_kinesis::KinesisSource;
use server::{ANSWERS, RECORDS};

const SHARDS: usize = 20;
const ROUNDS: usize = 15;

fn main() {
    if std::env::args().any(|argument| argument == "--serve") {
        return server::serve();
    }
    let (mut server, url) = start_server();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let http = aws_smithy_http_client::Builder::new().build_http();
    let client = Client::from_conf(config(&url).http_client(http).build());
    let kinesis = KinesisSource::builder("flood").client_config(config(&url)).build().unwrap();
    let (mut bare, mut source) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(measure(|| runtime.block_on(drain(|shard| by_sdk(client.clone(), shard)))));
        source.push(measure(|| runtime.block_on(drain(|shard| by_source(kinesis.clone(), shard)))));
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let (bare, source) = (best(bare), best(source));
    for (name, spent) in [("bare SDK loop", bare), ("KinesisSource", source)] {
        let records = f64::from(u32::try_from(SHARDS * ANSWERS * RECORDS).unwrap());
        let rate = records / spent.wall.as_secs_f64() / 1e6;
        let cost = spent.cpu.as_secs_f64() * 1e6 / records;
        println!("{name}: {rate:.2} M records/s, {cost:.2} us of CPU a record");
    }
    let ratio = bare.wall.as_secs_f64() / source.wall.as_secs_f64();
    println!("KinesisSource drains at {ratio:.2} of the bare loop's speed");
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spent {
    wall: Duration,
    cpu: Duration,
}

fn measure(run: impl FnOnce()) -> Spent {
    let cpu = || {
        let at = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::try_from(at).unwrap()
    };
    let clock = Env::system().clock;
    let (wall_before, cpu_before) = (clock.now(), cpu());
    run();
    Spent { wall: clock.now().since(wall_before), cpu: cpu() - cpu_before }
}

/// The least disturbed round.
fn best(spent: Vec<Spent>) -> Spent {
    spent.into_iter().min().unwrap()
}

fn start_server() -> (Child, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.arg("--serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    (child, format!("http://{}", address.trim()))
}

fn config(url: &str) -> Builder {
    aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests())
}

/// Drains every shard in a task of its own.
async fn drain<F>(shard: impl Fn(String) -> F)
where
    F: Future<Output = usize> + Send + 'static,
{
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..SHARDS {
        tasks.spawn(shard(format!("shardId-{index:012}")));
    }
    assert_eq!(tasks.join_all().await, [ANSWERS * RECORDS; SHARDS]);
}

async fn by_sdk(client: Client, shard: String) -> usize {
    let iterator = client.get_shard_iterator().stream_name("flood").shard_id(shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
    let mut iterator = iterator.unwrap().shard_iterator.unwrap();
    let mut records = 0;
    while records < ANSWERS * RECORDS {
        let answer =
            client.get_records().shard_iterator(iterator).limit(10_000).send().await.unwrap();
        records += answer.records.len();
        iterator = answer.next_shard_iterator.unwrap();
    }
    records
}

async fn by_source(source: KinesisSource, shard: String) -> usize {
    let mut reader = source.open(&shard.parse().unwrap(), StartAt::TrimHorizon).await.unwrap();
    let mut records = 0;
    while records < ANSWERS * RECORDS {
        match reader.next(Room(64 << 20)).await.unwrap() {
            ReadEvent::Batch(batch) => records += batch.records.len(),
            other => unreachable!("{other:?}"),
        }
    }
    records
}
