//! Starts a server as a process, waits until it is ready, and ends it.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to say that it is ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a process of its own, which is killed when this is dropped. Its standard input is a
/// pipe, which is closed at every end of this process.
#[derive(Debug)]
pub struct ServerProcess(Child);

impl ServerProcess {
    /// Starts a server, and passes each line of its output to `ready` until that returns a value.
    ///
    /// # Errors
    /// The server cannot be started, ends, or is silent for a minute before it is ready.
    pub fn start<T>(
        command: &mut Command,
        mut ready: impl FnMut(&str) -> Option<T>,
    ) -> io::Result<(Self, T)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let server = Self(child);
        let (sender, lines) = mpsc::channel();
        output.map(|output| pass_on(output, sender.clone())).transpose()?;
        errors.map(|errors| pass_on(errors, sender)).transpose()?;
        let mut said = Vec::new();
        loop {
            let line = lines.recv_timeout(PATIENCE).map_err(|_| {
                io::Error::other(format!("{command:?} did not get ready. It said: {said:?}"))
            })?;
            if let Some(found) = ready(&line) {
                return Ok((server, found));
            }
            said.push(line);
        }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> i32 {
        Pid::from_child(&self.0).as_raw_nonzero().get()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// The signal cannot be sent.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }
}

/// Passes the lines of an output on, in a thread. It reads on when the receiver is gone: a full
/// pipe would block the server.
fn pass_on(output: impl Read + Send + 'static, to: mpsc::Sender<String>) -> io::Result<()> {
    let lines = BufReader::new(output).lines();
    let pass = move || lines.map_while(Result::ok).for_each(|line| drop(to.send(line)));
    std::thread::Builder::new().name("server output".into()).spawn(pass).map(drop)
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The path of a file that `tests/servers/install.sh` has installed: below `KCL_TEST_SERVERS`, or
/// else `.servers` of the workspace.
///
/// # Errors
/// The file does not exist.
pub fn installed(file: impl AsRef<Path>) -> io::Result<PathBuf> {
    let servers = std::env::var_os("KCL_TEST_SERVERS")
        .map_or_else(|| workspace().join(".servers"), PathBuf::from);
    let path = servers.join(file);
    if path.exists() {
        return Ok(path);
    }
    let path = path.display();
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!("{path} is not there: run tests/servers/install.sh"),
    ))
}

/// The path of a file in the folder of `install.sh`.
pub(super) fn beside_install(file: &str) -> PathBuf {
    workspace().join("tests/servers").join(file)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
