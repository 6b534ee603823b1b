//! One running child: [`Child`] is the worker's end, and a task ("watched") is the other.
//!
//! ```text
//! Child::start ─┬─► Child: writes to stdin, receives messages, kills
//!               └─► task:  reads stdout and stderr, waits for the end, reaps
//! ```
//!
//! The task outlives a dropped `Child`, so that every child is reaped.

use std::{
    future::Future,
    io,
    os::unix::process::ExitStatusExt,
    pin::Pin,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use kcl_core::{
    env::{Clock, Env},
    stream::ShardId,
};
use tokio::{
    io::AsyncWriteExt,
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
    sync::{mpsc, watch},
};
use tracing::{Instrument, info};

use super::{
    Children, Executable, listen,
    place::{LastWords, Place},
};
use crate::{
    protocol::Answer,
    transcript::{Transcript, Who},
};

/// How many messages of a child may wait until the worker receives them. A child mostly answers,
/// and seldom sends more than one request without an answer.
const ANSWERS: usize = 1_024;

/// How long the worker goes on reading the pipes of a child that has ended. It cannot wait for
/// their end: a process that the child started outside of its group may hold them open.
const REST: Duration = Duration::from_secs(1);

/// The lease that a child is started for. The child finds each field in its environment, as
/// `KCL_APPLICATION`, `KCL_WORKER`, `KCL_STREAM`, `KCL_SHARD` and `KCL_FENCE`.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) application: Arc<str>,
    pub(crate) worker: String,
    pub(crate) stream: String,
    pub(crate) shard: ShardId,
    /// The fencing token: the epoch of the lease.
    pub(crate) epoch: u64,
}

/// A child that was started. A dropped `Child` is killed with its process group.
#[derive(Debug)]
pub(crate) struct Child {
    place: Place,
    /// `None` after [`Child::close`].
    stdin: Option<ChildStdin>,
    /// The messages that the child wrote and nobody received yet.
    answers: mpsc::Receiver<Answer>,
    /// How the child ended, in words; `None` while it lives.
    ended: watch::Receiver<Option<String>>,
    last_words: LastWords,
    children: Children,
    transcript: Option<Transcript>,
    /// The written part of the current message, for the transcript; empty without one.
    said: Vec<u8>,
}

impl Child {
    /// Starts a child in a process group of its own, and the task that reads its output.
    ///
    /// # Errors
    /// The operating system cannot start the program.
    pub(crate) fn start(
        executable: &Executable,
        identity: &Identity,
        children: &Children,
        transcript: Option<&Transcript>,
        env: &Env,
    ) -> io::Result<Self> {
        let mut started = command(executable, identity).spawn()?;
        let pid = started.id().unwrap_or_default();
        children.begin(pid);
        let place = Place { shard: identity.shard.clone(), pid };
        let (stdin, stdout, stderr) =
            (started.stdin.take(), started.stdout.take(), started.stderr.take());
        let (sender, answers) = mpsc::channel(ANSWERS);
        let last_words = LastWords::default();
        let watched = Watched {
            started,
            messages: Box::pin(listen_to(stdout, sender, place.clone(), transcript.cloned())),
            log: Box::pin(log_of(stderr, place.clone(), last_words.clone())),
            place: place.clone(),
            children: children.clone(),
            clock: Arc::clone(&env.clock),
        };
        let (tell, ended) = watch::channel(None);
        let watching = async move {
            let how = watched.until_it_ends().await;
            // The `Child` may be dropped: then nobody receives it.
            tell.send_replace(Some(how));
        };
        // The task goes on when the `Child` is dropped.
        drop(env.spawner.spawn("kcl-child", Box::pin(watching.in_current_span())));
        info!(shard = %place.shard, pid, epoch = identity.epoch, "kcl.child.started");
        let (children, transcript) = (children.clone(), transcript.cloned());
        Ok(Self {
            place,
            stdin,
            answers,
            ended,
            last_words,
            children,
            transcript,
            said: Vec::new(),
        })
    }
}

impl Child {
    /// The child's process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.place.pid
    }

    /// Writes a part of a message to the child's standard input.
    ///
    /// # Errors
    /// The child has closed its standard input, or [`Child::close`] was called.
    ///
    /// # Cancel safety
    /// None: the child may have got a part of the bytes, so nothing may be written after them.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(transcript) = &self.transcript {
            self.said.extend_from_slice(bytes);
            if let Some(line) = self.said.strip_suffix(b"\n") {
                transcript.note(&self.place, Who::Worker, line);
                self.said = Vec::new();
            }
        }
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(bytes).await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Waits for the child's next message; `None` when the child has closed its standard output.
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answers.recv().await
    }

    /// The next message that the child wrote already; `None` if there is none.
    pub(crate) fn answered(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// Waits until the child has ended. Returns how it ended, with the last line of its standard
    /// error.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub(crate) async fn ended(&mut self) -> String {
        let how = match self.ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "nobody knows how".to_owned(),
        };
        self.with_last_words(how)
    }

    /// How the child ended, as by [`Child::ended`]; `None` while it lives.
    pub(crate) fn has_ended(&mut self) -> Option<String> {
        let how = self.ended.borrow().clone()?;
        Some(self.with_last_words(how))
    }

    /// Adds the last line of the standard error, if there is one.
    fn with_last_words(&self, how: String) -> String {
        match self.last_words.get() {
            last if last.is_empty() => how,
            last => format!("{how}; the last line on its stderr: {last}"),
        }
    }

    /// Closes the child's standard input. A client ends by itself then.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// Kills the child and its process group; does nothing if it is reaped.
    pub(crate) fn kill(&self) {
        self.children.kill(self.place.pid);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The process of a child, and the futures that read its output.
struct Watched<M, L> {
    started: tokio::process::Child,
    /// Reads the standard output.
    messages: Pin<Box<M>>,
    /// Reads the standard error.
    log: Pin<Box<L>>,
    place: Place,
    children: Children,
    clock: Arc<dyn Clock>,
}

impl<M: Future<Output = ()>, L: Future<Output = ()>> Watched<M, L> {
    /// Reads the child's output until the child has ended, reaps it, and reads what is left in its
    /// pipes for [`REST`] at most. Returns how the child ended, in words.
    async fn until_it_ends(self) -> String {
        let Self { mut started, messages, log, place, children, clock } = self;
        let listen = async {
            tokio::join!(messages, log);
        };
        let mut listen = std::pin::pin!(listen);
        let mut over = false;
        let status = loop {
            tokio::select! {
                status = started.wait() => break status,
                () = &mut listen, if !over => over = true,
            }
        };
        children.reaped(place.pid);
        if !over {
            tokio::select! {
                () = &mut listen => {}
                () = clock.sleep(REST) => {}
            }
        }
        let (how, shard, pid) = (how(status), &place.shard, place.pid);
        info!(%shard, pid, how, "kcl.child.ended");
        how
    }
}

/// Reads the messages of a child; ends at once without a pipe.
async fn listen_to(
    from: Option<ChildStdout>,
    to: mpsc::Sender<Answer>,
    place: Place,
    transcript: Option<Transcript>,
) {
    if let Some(from) = from {
        listen::messages(from, to, place, transcript).await;
    }
}

/// Logs the standard error of a child; ends at once without a pipe.
async fn log_of(from: Option<ChildStderr>, place: Place, last: LastWords) {
    if let Some(from) = from {
        listen::log(from, place, last).await;
    }
}

/// The command that starts a child, with pipes for all its standard streams.
fn command(executable: &Executable, identity: &Identity) -> Command {
    let mut command = Command::new(&executable.program);
    command
        .args(&executable.arguments)
        .env("KCL_APPLICATION", &*identity.application)
        .env("KCL_WORKER", &identity.worker)
        .env("KCL_STREAM", &identity.stream)
        .env("KCL_SHARD", identity.shard.as_str())
        .env("KCL_FENCE", identity.epoch.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-c on a terminal must not reach the child: the worker asks it to shut down.
        .process_group(0);
    command
}

/// How a process ended, in words.
fn how(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended with exit code {code}"),
            (None, Some(signal)) => format!("it was ended by signal {signal}"),
            (None, None) => format!("it ended: {status}"),
        },
        Err(error) => format!("how it ended cannot be told: {error}"),
    }
}
