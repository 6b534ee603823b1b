//! A fault, and what has to be said about it.

use std::{
    fs::File,
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use kcl_tests::{
    fleet::{Launch, Process, Signal},
    kinesis::TestStream,
    servers::Ferrokinesis,
};

/// The `kcl` command.
const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// Part of every address that can hold a password, and of no message.
pub(crate) const PASSWORD: &str = "hunter2";

/// How long anything may take that has to come: ten times as long as it should.
const PATIENCE: u64 = 40_000;

static KINESIS: LazyLock<Ferrokinesis> = LazyLock::new(|| Ferrokinesis::start().unwrap());

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// `kcl leases list`, which fails.
    List,
    /// `kcl leases copy` from the store, which fails.
    Copy,
    /// `kcl consume`, which fails: nothing gets better by waiting.
    Consume,
    /// `kcl consume`, which says what is wrong, waits, and leaves when it is asked to.
    ConsumeWaits,
}

/// A fault, and what has to be said about it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    fault: &'static str,
    run: Run,
    store: String,
    endpoint: Option<String>,
    words: Vec<String>,
}

impl Case {
    /// With a store that has this fault, the command has to say these words.
    pub(crate) fn new(fault: &'static str, run: Run, store: &str, words: &[&str]) -> Self {
        let words = words.iter().map(ToString::to_string).collect();
        Self { fault, run, store: store.to_owned(), endpoint: None, words }
    }

    /// Where DynamoDB is.
    pub(crate) fn at(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    fn command(&self) -> Command {
        let mut command = Launch::command(KCL.as_ref());
        match self.run {
            Run::List => command.args(["leases", "list", "--store", &self.store]),
            Run::Copy => {
                command.args(["leases", "copy", "--from", &self.store, "--to", "dynamodb"])
            }
            Run::Consume | Run::ConsumeWaits => {
                let consume = ["consume", "--stream", "messages", "--worker-id", "a"];
                let patience = ["--set", "coordination.shutdown_grace=2s", "--store"];
                command.args(consume).args(patience).arg(&self.store)
            }
        };
        command.args(["--app", "messages", "--region", "eu-west-1"]);
        command.args(["--kinesis-endpoint", KINESIS.url()]);
        command.args(self.endpoint.iter().flat_map(|url| ["--dynamodb-endpoint", url]));
        command
    }

    /// Runs the command, and fails unless it says what it should, in time, and nothing it should
    /// not.
    #[expect(clippy::print_stdout, reason = "cargo test shows it on request only")]
    async fn check(&self) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (output, log) = (folder.path().join("out"), folder.path().join("log"));
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(File::create(&log)?);
        let mut process = Process::spawn(&mut command)?;
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        let missing = || -> Vec<&String> {
            let said = said();
            self.words.iter().filter(|word| !said.contains(&***word)).collect()
        };
        if self.run == Run::ConsumeWaits {
            until(|| Ok(missing().is_empty() || process.ended()?.is_some())).await?;
            process.signal(Signal::TERM).with_context(said)?;
        }
        let ended = until(|| Ok(process.ended()?.is_some())).await?;
        let said = said();
        println!("--- {}: {:?} {}\n{said}", self.fault, self.run, self.store);
        ensure!(ended, "it does not end, and says {said}");
        let missing = missing();
        ensure!(missing.is_empty(), "{missing:?} are not said: {said}");
        ensure!(!said.contains(PASSWORD), "a password is shown: {said}");
        let failed = process.ended()?.is_some_and(|status| !status.success());
        ensure!(failed == (self.run != Run::ConsumeWaits), "{:?}: {said}", process.ended()?);
        ensure!(File::open(&output)?.metadata()?.len() == 0, "errors belong on standard error");
        Ok(())
    }
}

/// Checks every case, some at a time, and fails with all that are wrong.
pub(crate) async fn check_all(cases: Vec<Case>) -> Result<()> {
    // The stream is there: only the store is wrong.
    static MADE: tokio::sync::OnceCell<TestStream> = tokio::sync::OnceCell::const_new();
    MADE.get_or_try_init(|| TestStream::create(KINESIS.url(), "messages", 1)).await?;
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(6));
    let mut running = tokio::task::JoinSet::new();
    for case in cases {
        let places = std::sync::Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire().await;
            case.check().await.with_context(|| format!("{}, {:?}", case.fault, case.run))
        });
    }
    let results = running.join_all().await;
    let wrong: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    ensure!(wrong.is_empty(), "{} are wrong: {wrong:#?}", wrong.len());
    Ok(())
}

/// Whether something came in time.
#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
async fn until(mut done: impl FnMut() -> Result<bool>) -> Result<bool> {
    for _ in 0..PATIENCE / 20 {
        if done()? {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(false)
}
