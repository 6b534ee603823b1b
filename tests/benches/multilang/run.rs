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
use tempfile::TempDir;

/// Who starts the children.
#[derive(Clone, Debug)]
pub(crate) enum Daemon {
    /// `kcl multilang` of this program.
    Ours(String),
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
            Daemon::Ours(_) => "kcl multilang",
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
    /// Records a second, from when every shard had its child to the last record.
    pub(crate) rate: f64,
    /// Processor time of the daemon alone, for each of these records.
    pub(crate) cpu: f64,
    /// How much of that time the busiest child ran.
    pub(crate) busy: f64,
    /// With a child for each shard of an empty stream.
    pub(crate) empty_kib: f64,
    /// Three seconds after the backlog was worked off.
    pub(crate) idle_kib: f64,
    pub(crate) peak_kib: f64,
}

/// The servers, a stream with a backlog, and one that is empty.
pub(crate) struct Lab {
    kinesis: Ferrokinesis,
    dynamodb: Dynalite,
    records: u32,
    shards: i32,
}

impl Lab {
    pub(crate) async fn new(records: u32, shards: i32) -> Self {
        let (kinesis, dynamodb) = (Ferrokinesis::start().unwrap(), Dynalite::start().unwrap());
        TestStream::create(kinesis.url(), "empty", shards).await.unwrap();
        let stream = TestStream::create(kinesis.url(), "backlog", shards).await.unwrap();
        let listed = stream.shards().await.unwrap();
        let starts: Vec<HashKey> = listed.iter().map(|it| it.range.unwrap().start).collect();
        let spread = starts.iter().cycle().take(records as usize);
        let all: Vec<(HashKey, String)> =
            spread.map(|start| (*start, "a record of one hundred bytes ".repeat(3))).collect();
        stream.put_all(&all).await.unwrap();
        Self { kinesis, dynamodb, records, shards }
    }

    pub(crate) fn run(&self, contestant: &Contestant, round: u32) -> Spent {
        let empty_kib = self.run_on_nothing(contestant, round);
        let Started { folder: _folder, notes, log, mut process } =
            self.start(contestant, "backlog", round);
        let pid = process.child().id();
        until(&log, || !notes_of(&notes).is_empty());
        let begun = (wall_millis() - process.started) / 1e3;
        // From then on every shard is worked on; what was done before does not count.
        until(&log, || notes_of(&notes).len() >= usize::try_from(self.shards).unwrap());
        let (from, cpu_before, before) = (wall_millis(), cpu(pid), total(&notes));
        let children_before: Vec<(u32, f64)> = running(&notes);
        until(&log, || total(&notes) >= self.records);
        let drained = (wall_millis() - from) / 1e3;
        let busy = running(&notes).into_iter().map(|(child, now)| {
            let before = children_before.iter().find(|(it, _)| *it == child);
            (now - before.map_or(0.0, |(_, before)| *before)) / drained
        });
        let records = f64::from(self.records - before).max(1.0);
        let (busy, spent) = (busy.fold(0.0, f64::max), cpu(pid) - cpu_before);
        thread::sleep(Duration::from_secs(3));
        let (idle_kib, peak_kib) = (memory(pid, "VmRSS:"), memory(pid, "VmHWM:"));
        end(&mut process, &log);
        let (rate, cpu) = (records / drained, spent / records);
        Spent { begun, rate, cpu, busy, empty_kib, idle_kib, peak_kib }
    }

    /// The memory of a daemon whose children wait for the first record.
    fn run_on_nothing(&self, contestant: &Contestant, round: u32) -> f64 {
        let Started { folder: _folder, notes, log, mut process } =
            self.start(contestant, "empty", round);
        until(&log, || notes_of(&notes).len() >= usize::try_from(self.shards).unwrap());
        thread::sleep(Duration::from_secs(5));
        let kib = memory(process.child().id(), "VmRSS:");
        end(&mut process, &log);
        kib
    }

    fn start(&self, contestant: &Contestant, stream: &str, round: u32) -> Started {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("notes");
        fs::create_dir(&notes).unwrap();
        let file = folder.path().join("app.properties");
        fs::write(&file, self.properties(contestant, stream, &notes, round)).unwrap();
        let log = folder.path().join("log");
        let mut command = command(contestant, &file);
        let process = Process::start(&mut command, &folder.path().join("out"), &log).unwrap();
        Started { folder, notes, log, process }
    }

    fn properties(
        &self,
        contestant: &Contestant,
        stream: &str,
        notes: &Path,
        round: u32,
    ) -> String {
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
            "executableName = {executable}\nstreamName = {stream}\n\
             applicationName = {name}-{stream}-{round}\nAwsCredentialsProvider = \
             DefaultCredentialsProvider\nregionName = us-east-1\n\
             initialPositionInStream = TRIM_HORIZON\nkinesisEndpoint = {}\ndynamoDBEndpoint = {}\n\
             retrievalMode = POLLING\nidleTimeBetweenReadsInMillis = 1\nmetricsLevel = NONE\n",
            self.kinesis.url(),
            self.dynamodb.url()
        )
    }
}

/// A daemon that was started, and the folders of its children's notes and of its log.
struct Started {
    folder: TempDir,
    notes: PathBuf,
    log: PathBuf,
    process: Process,
}

fn end(process: &mut Process, log: &Path) {
    process.signal(Signal::TERM).unwrap();
    until(log, || process.ended().unwrap().is_some());
}

fn command(contestant: &Contestant, properties: &Path) -> Command {
    let mut command = match &contestant.daemon {
        Daemon::Ours(program) => {
            let mut command = Launch::command(Path::new(program));
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
