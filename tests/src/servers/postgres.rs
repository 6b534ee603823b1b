//! PostgreSQL servers, each with its data in a temporary folder.

use std::{
    fs,
    io::{self, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    certificate::Certificate,
    process::{ServerProcess, installed},
};

/// A server with an empty database, whose superuser `postgres` needs no password.
#[derive(Debug)]
pub struct Postgres {
    release: PostgresRelease,
    home: Folder,
    port: u16,
    /// Further settings, like `max_connections=500`.
    settings: Vec<String>,
    process: Option<ServerProcess>,
}

/// A release of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostgresRelease {
    /// The release of the operating system's packages: 15 on Debian 12.
    Packaged,
    /// Release 18, from Maven.
    Newest,
}

impl PostgresRelease {
    /// The folder with the programs of the release.
    fn programs(self) -> io::Result<PathBuf> {
        match self {
            // The path without links: the servers' user may lack the right to follow them.
            Self::Newest => installed("postgres-18/bin")?.canonicalize(),
            Self::Packaged => {
                let releases = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
                let newest = releases.map(|release| release.path().join("bin")).max();
                newest.filter(|bin| bin.join("postgres").exists()).ok_or_else(|| {
                    let why = "no PostgreSQL in /usr/lib/postgresql: run tests/servers/install.sh";
                    io::Error::new(io::ErrorKind::NotFound, why)
                })
            }
        }
    }
}

impl Postgres {
    /// Starts an empty server of [`PostgresRelease::Packaged`].
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start() -> io::Result<Self> {
        Self::start_release(PostgresRelease::Packaged)
    }

    /// The same with more settings, like `max_connections=500`.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start_with(settings: &[&str]) -> io::Result<Self> {
        let settings = settings.iter().map(ToString::to_string).collect();
        Self::start_anew(PostgresRelease::Packaged, settings)
    }

    /// Starts an empty server of a release.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start_release(release: PostgresRelease) -> io::Result<Self> {
        Self::start_anew(release, Vec::new())
    }

    /// Starts a server that also takes TLS. Returns it with a URL that has the certificate's name,
    /// and the path of the certificate. [`Self::url`] is another URL, with the IP address.
    ///
    /// # Errors
    /// The server cannot be started, or the server or `openssl` is not installed.
    pub fn start_with_tls() -> io::Result<(Self, String, PathBuf)> {
        let mut server = Self::start()?;
        let made = Certificate::make(unprivileged(Path::new("openssl")), server.home.path())?;
        server.crash()?;
        server.settings = vec![
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", made.certificate.display()),
            format!("ssl_key_file={}", made.key.display()),
        ];
        server.go_on()?;
        let url = format!("postgres://postgres@localhost:{}/postgres", server.port);
        Ok((server, url, made.certificate))
    }

    /// Makes an empty database, and starts a server on it.
    fn start_anew(release: PostgresRelease, settings: Vec<String>) -> io::Result<Self> {
        let home = Folder::create("postgres")?;
        let mut initdb = unprivileged(&release.programs()?.join("initdb"));
        initdb.arg("-D").arg(home.data()).args(["-A", "trust", "-U", "postgres", "--no-sync"]);
        finish(initdb.args(["-E", "UTF8", "--locale", "C.UTF-8"]))?;
        let mut server = Self { release, home, port: free_port()?, settings, process: None };
        server.go_on()?;
        Ok(server)
    }

    /// Starts a standby that replicates this server.
    ///
    /// # Errors
    /// The server cannot be started.
    pub fn follower(&self) -> io::Result<Self> {
        let home = Folder::create("postgres")?;
        let mut copy = unprivileged(&self.release.programs()?.join("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]);
        finish(
            copy.args(["--write-recovery-conf", "--no-sync", "-c", "fast", "-D"]).arg(home.data()),
        )?;
        let (release, settings) = (self.release, self.settings.clone());
        let mut server = Self { release, home, port: free_port()?, settings, process: None };
        server.go_on()?;
        Ok(server)
    }

    /// Makes a standby the primary.
    ///
    /// # Errors
    /// The server does not become the primary.
    pub fn promote(&self) -> io::Result<()> {
        self.control(&["promote", "-w"])
    }

    /// Makes this server a standby of `primary`: restarts it on the same port, read-only. Rows that
    /// only this server has stay in it.
    ///
    /// # Errors
    /// The server cannot be started.
    pub fn demote(&mut self, primary: &Self) -> io::Result<()> {
        self.control(&["stop", "-m", "fast", "-w"])?;
        self.process = None;
        fs::write(self.home.data().join("standby.signal"), "")?;
        let settings = self.home.data().join("postgresql.auto.conf");
        let mut settings = fs::OpenOptions::new().append(true).open(settings)?;
        let port = primary.port;
        writeln!(settings, "primary_conninfo = 'host=127.0.0.1 port={port} user=postgres'")?;
        self.go_on()
    }

    /// Runs `pg_ctl` on the server's data.
    fn control(&self, what: &[&str]) -> io::Result<()> {
        let mut control = unprivileged(&self.release.programs()?.join("pg_ctl"));
        finish(control.args(what).arg("-D").arg(self.home.data()))
    }

    /// Starts the server again, on the same port with the same data.
    ///
    /// # Errors
    /// The server cannot be started.
    pub fn go_on(&mut self) -> io::Result<()> {
        let mut command = unprivileged(Path::new("/bin/sh"));
        command
            .args(["-c", WATCHED])
            .arg(self.release.programs()?.join("postgres"))
            .arg("-D")
            .arg(self.home.data())
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-k", ""])
            .args([
                "-c",
                "fsync=off",
                "-c",
                "log_min_messages=warning",
                "-c",
                "log_min_error_statement=panic",
            ])
            .args(["-c", "max_connections=100", "-c", "log_statement=none"])
            .args(self.settings.iter().flat_map(|setting| ["-c", setting]));
        let (process, ()) = ServerProcess::start(&mut command, |line| {
            READY.iter().any(|said| line.contains(said)).then_some(())
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Ends the server as a crash would: it does not close its connections in order.
    ///
    /// # Errors
    /// The server does not end.
    pub fn crash(&mut self) -> io::Result<()> {
        let stopped = self.control(&["stop", "-m", "immediate", "-w"]);
        self.process = None;
        stopped
    }

    /// Stops all of the server's processes until [`Self::resume`]: connections stay open, without
    /// answers.
    ///
    /// # Errors
    /// The server does not run.
    pub fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a paused server go on.
    ///
    /// # Errors
    /// The server does not run.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// The id of the process that is the parent of all others.
    ///
    /// # Errors
    /// The server does not run.
    pub fn process_id(&self) -> io::Result<i32> {
        let first = fs::read_to_string(self.home.data().join("postmaster.pid"))?;
        let first = first.lines().next().and_then(|line| line.parse().ok());
        first.ok_or_else(|| io::Error::other("the server does not say its process"))
    }

    /// Sends a signal to each process of the server, because each is a group of its own: first to
    /// the parent, which would start new ones.
    fn signal(&self, signal: Signal) -> io::Result<()> {
        let first = self.process_id()?;
        send(first, signal)?;
        for process in children(first)? {
            // A process that has just ended needs no signal.
            drop(send(process, signal));
        }
        Ok(())
    }

    /// The port that the server listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address of its database.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The same for another role: `name`, or `name:password`.
    #[must_use]
    pub fn url_of(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.crash());
    }
}

fn send(process: i32, signal: Signal) -> io::Result<()> {
    let process = Pid::from_raw(process).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(process, signal)?)
}

/// The processes whose parent is this one.
fn children(parent: i32) -> io::Result<Vec<i32>> {
    let is_child = |process: &i32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let of = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        of.is_some_and(|of| of.trim() == parent.to_string())
    };
    let all = fs::read_dir("/proc")?.flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(all.filter(is_child).collect())
}

/// The messages of a primary and of a standby that are ready.
const READY: [&str; 2] = ["ready to accept connections", "ready to accept read-only connections"];

/// A shell script that starts the server, and ends it when standard input is closed: that happens
/// at every end of this process, also at a crash.
const WATCHED: &str = r#""$0" "$@" <&- & read _; kill -QUIT $!; wait"#;

/// A temporary folder that the servers' user can write. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn create(what: &str) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("kcl-{what}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        // The servers' user makes the folder, so that it owns it.
        finish(unprivileged(Path::new("/bin/mkdir")).arg("-m").arg("755").arg(&path))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A command that never runs as root, because these servers refuse to.
pub(super) fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// Runs a command to its end. A failure has its error output.
fn finish(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} failed with {}: {said}", output.status)))
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
