//! One child: started, written to, ended.

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

/// How many messages may wait to be heard: a child answers, and seldom asks unasked.
const ANSWERS: usize = 1_024;

/// How long what a child wrote before its end is read on: whatever it started may hold its pipes.
const REST: Duration = Duration::from_secs(1);

/// For what a child is started: its environment says so.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) application: Arc<str>,
    pub(crate) worker: String,
    pub(crate) stream: String,
    pub(crate) shard: ShardId,
    /// The fencing token.
    pub(crate) epoch: u64,
}

/// A child that was started. Dropped, it is killed with its group.
#[derive(Debug)]
pub(crate) struct Child {
    place: Place,
    stdin: Option<ChildStdin>,
    answers: mpsc::Receiver<Answer>,
    ended: watch::Receiver<Option<String>>,
    last_words: LastWords,
    children: Children,
    transcript: Option<Transcript>,
    /// What it was told of a message, for the transcript.
    said: Vec<u8>,
}

impl Child {
    /// Starts one.
    ///
    /// # Errors
    /// The operating system's.
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
            // Nobody may want to know.
            tell.send_replace(Some(how));
        };
        // It goes on when whoever holds the child is gone.
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
    /// Its process id.
    pub(crate) const fn pid(&self) -> u32 {
        self.place.pid
    }

    /// Writes a part of a message.
    ///
    /// # Errors
    /// It does not read any more.
    ///
    /// # Cancel safety
    /// A part of it may be written: nothing else may follow.
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

    /// Its next message; `None` when it has closed its output.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answers.recv().await
    }

    /// A message that it has written already.
    pub(crate) fn answered(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// How it ended, and the last line that it wrote on stderr; waits for that.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn ended(&mut self) -> String {
        let how = match self.ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "nobody knows how".to_owned(),
        };
        self.with_last_words(how)
    }

    /// The same if it has ended.
    pub(crate) fn has_ended(&mut self) -> Option<String> {
        let how = self.ended.borrow().clone()?;
        Some(self.with_last_words(how))
    }

    fn with_last_words(&self, how: String) -> String {
        match self.last_words.get() {
            last if last.is_empty() => how,
            last => format!("{how}; the last line on its stderr: {last}"),
        }
    }

    /// Lets it end by itself: its input is over.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
    }

    /// Kills it, and whatever it started in its group.
    pub(crate) fn kill(&self) {
        self.children.kill(self.place.pid);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A child, and what listens to it.
struct Watched<M, L> {
    started: tokio::process::Child,
    messages: Pin<Box<M>>,
    log: Pin<Box<L>>,
    place: Place,
    children: Children,
    clock: Arc<dyn Clock>,
}

impl<M: Future<Output = ()>, L: Future<Output = ()>> Watched<M, L> {
    /// Listens until it has ended, and is reaped; how that was.
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

async fn log_of(from: Option<ChildStderr>, place: Place, last: LastWords) {
    if let Some(from) = from {
        listen::log(from, place, last).await;
    }
}

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
        // Ctrl-c on a terminal is the worker's: it asks each child in its turn.
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
