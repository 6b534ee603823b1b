//! Servers in processes of their own.

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

/// A server in a process of its own, which is killed when this is dropped. Its standard input is
/// closed when this process ends, in whatever way.
#[derive(Debug)]
pub struct ServerProcess(Child);

impl ServerProcess {
    /// Starts a server, and feeds the lines it writes to `ready` until that returns something.
    ///
    /// # Errors
    /// The server cannot be started, ends, or is not ready within a minute.
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

    /// The process.
    #[must_use]
    pub fn id(&self) -> i32 {
        Pid::from_child(&self.0).as_raw_nonzero().get()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }
}

/// Passes on what the server writes, and reads on when nobody listens any more: a full pipe would
/// stop the server.
fn pass_on(output: impl Read + Send + 'static, to: mpsc::Sender<String>) -> io::Result<()> {
    let lines = BufReader::new(output).lines();
    let pass = move || lines.map_while(Result::ok).for_each(|line| drop(to.send(line)));
    std::thread::Builder::new().name("server output".into()).spawn(pass).map(drop)
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Where `tests/servers/install.sh` put a file of a server.
///
/// # Errors
/// It is not there.
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

/// A file beside `install.sh`.
pub(super) fn beside_install(file: &str) -> PathBuf {
    workspace().join("tests/servers").join(file)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
