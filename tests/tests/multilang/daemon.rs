//! A `kcl multilang` process, with its properties, its log and its transcript in a folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use anyhow::{Result, bail};
use kcl_dynamo::DynamoStore;
use kcl_tests::{
    dynamo,
    fleet::{Launch, Process, Signal},
};
use rustix::process::{Pid, kill_process, test_kill_process};
use tempfile::TempDir;

use super::transcript::{Said, read};
use crate::fleet::stage::{KCL, pause};

/// What each test's properties have in common.
pub(super) struct Properties {
    pub(super) executable: String,
    pub(super) application: String,
    pub(super) stream: String,
    pub(super) kinesis: String,
    pub(super) dynamodb: String,
    pub(super) more: String,
}

impl Properties {
    fn text(&self) -> String {
        let Self { executable, application, stream, kinesis, dynamodb, more } = self;
        format!(
            "# for a test\nexecutableName = {executable}\napplicationName = {application}\n\
             streamName = {stream}\nAwsCredentialsProvider = DefaultCredentialsProvider\n\
             regionName = us-east-1\ninitialPositionInStream = TRIM_HORIZON\n\
             kinesisEndpoint = {kinesis}\ndynamoDBEndpoint = {dynamodb}\n\
             idleTimeBetweenReadsInMillis = 200\nworkerId = worker-1\n{more}\n"
        )
    }
}

/// A folder with a properties file, and a program in java's place.
pub(super) struct Place {
    folder: TempDir,
    pub(super) properties: PathBuf,
    pub(super) transcript: PathBuf,
    /// A link to the command by the name of `kcl-java`.
    pub(super) java: PathBuf,
}

impl Place {
    pub(super) fn new(properties: &Properties) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        fs::write(file("app.properties"), properties.text())?;
        std::os::unix::fs::symlink(KCL, file("kcl-java"))?;
        let (transcript, java) = (file("transcript.jsonl"), file("kcl-java"));
        Ok(Self { properties: file("app.properties"), transcript, java, folder })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `kcl multilang` with these arguments.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(Path::new(KCL));
        command.args(["multilang", "--properties"]).arg(&self.properties).args(arguments);
        command
    }

    /// A program in the environment of a test, which records.
    pub(super) fn program(&self, program: &Path) -> Command {
        let mut command = Launch::command(program);
        command.env("KCL_MULTILANG_RECORD", &self.transcript).current_dir(self.folder());
        command
    }

    pub(super) fn start(self, mut command: Command) -> Result<Daemon> {
        let process = Process::start(
            &mut command,
            &self.folder().join("stdout"),
            &self.folder().join("stderr"),
        )?;
        Ok(Daemon { process, place: self })
    }
}

/// A daemon that runs.
pub(super) struct Daemon {
    pub(super) process: Process,
    pub(super) place: Place,
}

impl Daemon {
    pub(super) fn said(&self) -> Result<Vec<Said>> {
        read(&self.place.transcript)
    }

    /// Everything that it wrote, and its launcher.
    pub(super) fn log(&self) -> String {
        let read = |name: &str| fs::read(self.place.folder().join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
        text("stdout") + &text("stderr")
    }

    /// Waits until what was said holds this.
    pub(super) async fn until(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&[Said]) -> bool,
    ) -> Result<Vec<Said>> {
        for _ in 0..1_200 {
            let said = self.said()?;
            if wanted(&said) {
                return Ok(said);
            }
            if let Some(status) = self.process.ended()? {
                bail!("it ended, {status}, before {what}:\n{}", self.log());
            }
            pause(50).await;
        }
        bail!("{what} did not come:\n{}\n{:#?}", self.log(), self.said()?)
    }

    /// Waits until the log holds this.
    pub(super) async fn until_logged(&mut self, text: &str) -> Result<()> {
        self.until_log(text, |log| log.contains(text)).await
    }

    /// The same for whatever is wanted of it.
    pub(super) async fn until_log(
        &mut self,
        what: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<()> {
        for _ in 0..1_200 {
            if wanted(&self.log()) {
                return Ok(());
            }
            pause(50).await;
        }
        bail!("{what:?} is not logged:\n{}", self.log())
    }

    /// Sends SIGTERM to a process, and waits until it, and this, have ended.
    pub(super) async fn terminate(&mut self, pid: u64) -> Result<ExitStatus> {
        signal(pid, Signal::TERM)?;
        for _ in 0..1_200 {
            if let Some(status) = self.process.ended()?
                && !lives(pid)
            {
                return Ok(status);
            }
            pause(25).await;
        }
        bail!("it does not end:\n{}", self.log())
    }
}

pub(super) fn pid(pid: u64) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

pub(super) fn signal(of: u64, signal: Signal) -> Result<()> {
    let Some(of) = pid(of) else { bail!("{of} is no process") };
    Ok(kill_process(of, signal)?)
}

/// Whether there is such a process, a zombie among it.
pub(super) fn lives(of: u64) -> bool {
    pid(of).is_some_and(|of| test_kill_process(of).is_ok())
}

/// Whether such a process runs: one that has ended, and that whoever inherited it has not reaped
/// yet, does not.
pub(super) fn runs(of: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{of}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z")
}

/// The one child of a process.
pub(super) fn child_of(parent: u32) -> Option<u64> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// The table that an application has, unless its properties say otherwise.
pub(super) fn leases_of(dynamodb: &str, application: &str) -> Result<DynamoStore> {
    let store = DynamoStore::builder(application).table(&format!("{application}-kcl"));
    Ok(store.client_config(dynamo::config(dynamodb)).build()?)
}
