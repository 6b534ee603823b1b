//! One run of one daemon with one kind of child over a backlog.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use kcl_core::stream::HashKey;
use kcl_tests::{
    fleet::{Launch, Process, Signal, wall_millis},
    kinesis::TestStream,
    servers::{Dynalite, Ferrokinesis, installed},
};

const SHARDS: i32 = 8;

/// Who starts the children.
#[derive(Clone, Debug)]
pub(crate) enum Daemon {
    Ours,
    /// The Java daemon, with its jars in this folder.
    Java(String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Child {
    Compiled,
    Python,
}

#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    pub(crate) daemon: Daemon,
    pub(crate) child: Child,
}

impl Contestant {
    pub(crate) fn name(&self) -> String {
        let daemon = match &self.daemon {
            Daemon::Ours => "kcl multilang",
            Daemon::Java(_) => "Java",
        };
        format!("{daemon}, {:?} child", self.child).to_lowercase()
    }
}

/// What a run took: seconds, and KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// From the start of the process to the first child that was told to begin.
    pub(crate) begun: f64,
    /// From the first record to the last.
    pub(crate) drained: f64,
    /// Processor time of the daemon alone.
    pub(crate) cpu: f64,
    /// How much of that time the busiest child ran.
    pub(crate) busy: f64,
    pub(crate) idle_kib: f64,
    pub(crate) peak_kib: f64,
}

/// The servers, and a stream with a backlog.
pub(crate) struct Lab {
    kinesis: Ferrokinesis,
    dynamodb: Dynalite,
    records: u32,
}

impl Lab {
    pub(crate) async fn new(records: u32) -> Self {
        let (kinesis, dynamodb) = (Ferrokinesis::start().unwrap(), Dynalite::start().unwrap());
        let stream = TestStream::create(kinesis.url(), "backlog", SHARDS).await.unwrap();
        let shards = stream.shards().await.unwrap();
        let starts: Vec<HashKey> = shards.iter().map(|it| it.range.unwrap().start).collect();
        let spread = starts.iter().cycle().take(records as usize);
        let all: Vec<(HashKey, String)> =
            spread.map(|start| (*start, "a record of one hundred bytes ".repeat(3))).collect();
        stream.put_all(&all).await.unwrap();
        Self { kinesis, dynamodb, records }
    }

    pub(crate) fn run(&self, contestant: &Contestant, round: u32) -> Spent {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        fs::create_dir(&notes).unwrap();
        let properties = self.properties(contestant, &notes, round);
        let file = folder.path().join("app.properties");
        fs::write(&file, properties).unwrap();
        let mut command = command(contestant, &file);
        let log = folder.path().join("log");
        let mut process = Process::start(&mut command, &folder.path().join("out"), &log).unwrap();
        let pid = process.child().id();
        until(&log, || !notes_of(&notes).is_empty());
        let begun = (wall_millis() - process.started) / 1e3;
        until(&log, || total(&notes) > 0);
        let (from, cpu_before) = (wall_millis(), cpu(pid));
        let children_before: Vec<(u32, f64)> = running(&notes);
        until(&log, || total(&notes) >= self.records);
        let drained = (wall_millis() - from) / 1e3;
        let busy = running(&notes).into_iter().map(|(child, now)| {
            let before = children_before.iter().find(|(it, _)| *it == child);
            (now - before.map_or(0.0, |(_, before)| *before)) / drained
        });
        let (busy, spent) = (busy.fold(0.0, f64::max), cpu(pid) - cpu_before);
        thread::sleep(Duration::from_secs(3));
        let (idle_kib, peak_kib) = (memory(pid, "VmRSS:"), memory(pid, "VmHWM:"));
        process.signal(Signal::TERM).unwrap();
        until(&log, || process.ended().unwrap().is_some());
        Spent { begun, drained, cpu: spent, busy, idle_kib, peak_kib }
    }

    fn properties(&self, contestant: &Contestant, notes: &Path, round: u32) -> String {
        let notes = notes.display();
        let executable = match contestant.child {
            Child::Compiled => format!("{} {notes}", env!("CARGO_BIN_EXE_child-under-test")),
            Child::Python => {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("multilang/counting.py");
                format!("python3 {} {notes}", script.display())
            }
        };
        let name = contestant.name().replace(|it: char| !it.is_ascii_alphanumeric(), "-");
        format!(
            "executableName = {executable}\nstreamName = backlog\n\
             applicationName = {name}-{round}\nAwsCredentialsProvider = \
             DefaultCredentialsProvider\nregionName = us-east-1\n\
             initialPositionInStream = TRIM_HORIZON\nkinesisEndpoint = {}\ndynamoDBEndpoint = {}\n\
             retrievalMode = POLLING\nidleTimeBetweenReadsInMillis = 1\nmetricsLevel = NONE\n",
            self.kinesis.url(),
            self.dynamodb.url()
        )
    }
}

fn command(contestant: &Contestant, properties: &Path) -> Command {
    let mut command = match &contestant.daemon {
        Daemon::Ours => {
            let mut command = Launch::command(Path::new(env!("CARGO_BIN_EXE_kcl-under-test")));
            command.args(["multilang", "--log", "warn", "--properties"]).arg(properties);
            command
        }
        Daemon::Java(jars) => {
            let mut command = Launch::command(Path::new("java"));
            command
                .args(["-Daws.cborEnabled=false", "-cp", &format!("{jars}/*")])
                .arg("software.amazon.kinesis.multilang.MultiLangDaemon")
                .arg("--properties-file")
                .arg(properties);
            command
        }
    };
    command.env("PYTHONPATH", installed("amazon_kclpy").unwrap()).stdin(Stdio::null());
    command
}

/// What children noted: each its process and how many records it was given.
fn notes_of(folder: &Path) -> Vec<(u32, u32)> {
    let entries = fs::read_dir(folder).unwrap().map_while(Result::ok);
    let note = |path: PathBuf| {
        let child = path.file_name()?.to_str()?.parse().ok()?;
        // One that is being written is empty.
        let records = fs::read_to_string(&path).ok()?.parse().unwrap_or(0);
        Some((child, records))
    };
    entries.filter_map(|entry| note(entry.path())).collect()
}

fn total(folder: &Path) -> u32 {
    notes_of(folder).into_iter().map(|(_, records)| records).sum()
}

/// Processor time of each child.
fn running(folder: &Path) -> Vec<(u32, f64)> {
    notes_of(folder).into_iter().map(|(child, _)| (child, cpu(child))).collect()
}

/// Processor time of a process without its children, in seconds.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = |field: usize| -> f64 {
        fields.split_whitespace().nth(field).and_then(|it| it.parse().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn memory(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.trim_end_matches("kB").trim().parse().unwrap_or(0.0)
}

fn until(log: &Path, mut wanted: impl FnMut() -> bool) {
    for _ in 0..120_000 {
        if wanted() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it does not come: {}", fs::read_to_string(log).unwrap_or_default());
}
