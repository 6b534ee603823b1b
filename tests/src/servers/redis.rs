//! Redis and Valkey servers.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use kcl_core::env::Env;
use redis::{Client, RedisResult, Value};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    certificate::Certificate,
    process::{ServerProcess, installed},
};

/// The make of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisMake {
    /// Redis 7, as Debian packages it.
    Redis,
    /// Valkey 9.
    Valkey,
}

/// How long a server may take to carry out a command.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many ports are tried: another process may take a free port before the server does.
const MOST_PORTS: usize = 20;

/// A Redis or Valkey server without persistence. Its folder is deleted when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    make: RedisMake,
    port: u16,
    options: Vec<String>,
    folder: TempDir,
    process: Option<ServerProcess>,
}

impl RedisServer {
    /// Starts an empty server.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start(make: RedisMake) -> io::Result<Self> {
        Self::with(make, &[])
    }

    /// The same with more options, like `["--appendonly", "yes"]`.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn with(make: RedisMake, options: &[&str]) -> io::Result<Self> {
        let mut taken = None;
        for _ in 0..MOST_PORTS {
            let port = free_port()?;
            let folder = TempDir::new()?;
            let options = options.iter().map(ToString::to_string).collect();
            let mut server = Self { make, port, options, folder, process: None };
            match server.launch() {
                Ok(()) => return Ok(server),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => taken = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(taken.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
    }

    /// Starts a server that also takes TLS. Returns it with the URL for TLS, and the certificate to
    /// trust, as PEM.
    ///
    /// # Errors
    /// The server cannot be started, or the server or `openssl` is not installed.
    pub fn with_tls(make: RedisMake) -> io::Result<(Self, String, Vec<u8>)> {
        let port = free_port()?;
        let folder = TempDir::new()?;
        let made = Certificate::make(Command::new("openssl"), folder.path())?;
        let (key, certificate) =
            (made.key.display().to_string(), made.certificate.display().to_string());
        let tls_port = port.to_string();
        let mut options = vec!["--tls-port", &tls_port, "--tls-auth-clients", "no"];
        options.extend(["--tls-cert-file", &certificate, "--tls-key-file", &key]);
        options.extend(["--tls-ca-cert-file", &certificate]);
        let server = Self::with(make, &options)?;
        Ok((server, format!("rediss://localhost:{port}"), std::fs::read(&certificate)?))
    }

    /// Starts a Sentinel that watches a primary under the name `orders`.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn sentinel(primary: &Self) -> io::Result<Self> {
        let (port, folder) = (free_port()?, TempDir::new()?);
        let config = folder.path().join("sentinel.conf");
        std::fs::write(&config, format!("sentinel monitor orders 127.0.0.1 {} 1", primary.port))?;
        let mut command = Command::new("redis-server");
        command.arg(&config).args(["--sentinel", "--bind", "127.0.0.1"]);
        command.args(["--port", &port.to_string(), "--dir"]).arg(folder.path());
        let ready = |line: &str| line.contains("Sentinel ID is").then_some(());
        let (process, ()) = ServerProcess::start(&mut command, ready)?;
        let (make, options) = (RedisMake::Redis, Vec::new());
        Ok(Self { make, port, options, folder, process: Some(process) })
    }

    /// Starts the server again, on its port and in its folder, unless it runs.
    ///
    /// # Errors
    /// The server cannot be started.
    pub fn launch(&mut self) -> io::Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let program = match self.make {
            RedisMake::Redis => PathBuf::from("redis-server"),
            RedisMake::Valkey => installed("valkey-server")?,
        };
        let mut command = Command::new(program);
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.options);
        let ready = |line: &str| {
            let taken =
                line.contains("Address already in use") || line.contains("Failed listening");
            if taken { Some(false) } else { line.contains("Ready to accept").then_some(true) }
        };
        let (process, ready) = ServerProcess::start(&mut command, ready)?;
        if !ready {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.process = Some(process);
        Ok(())
    }

    /// Kills the server, as a crash would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops the process until [`Self::resume`]: connections stay open, without answers.
    ///
    /// # Errors
    /// The server does not run.
    pub fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// The server does not run.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// The id of the server's process.
    ///
    /// # Errors
    /// The server does not run.
    pub fn process_id(&self) -> io::Result<i32> {
        Ok(self.running()?.id())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        self.running()?.signal(signal)
    }

    fn running(&self) -> io::Result<&ServerProcess> {
        let gone = || io::Error::new(io::ErrorKind::NotFound, "the server does not run");
        self.process.as_ref().ok_or_else(gone)
    }

    /// The address of the server, as `redis://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port that the server listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Makes the server listen on another port.
    ///
    /// # Errors
    /// The server refuses the command.
    pub async fn move_to(&mut self, port: u16) -> RedisResult<()> {
        self.tell(&["CONFIG", "SET", "port", &port.to_string()]).await?;
        self.port = port;
        Ok(())
    }

    /// Makes this server a replica of `primary`, and waits until the first copy is complete.
    ///
    /// # Errors
    /// A server refuses a command, or the copy takes longer than a minute.
    pub async fn follow(&self, primary: &Self) -> RedisResult<()> {
        self.tell(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await?;
        until("the replica copies", async || {
            Ok(primary.info("replication").await?.contains("state=online"))
        })
        .await
    }

    /// Waits until this replica has everything that `primary` has written before this call.
    ///
    /// # Errors
    /// A server refuses a command, or it takes longer than a minute.
    pub async fn catch_up(&self, primary: &Self) -> RedisResult<()> {
        let written = primary.offset().await?;
        until("the replica catches up", async || Ok(self.offset().await? >= written)).await
    }

    /// The replication offset of the server.
    async fn offset(&self) -> RedisResult<u64> {
        let info = self.info("replication").await?;
        let offset = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
        Ok(offset.and_then(|offset| offset.trim().parse().ok()).unwrap_or(0))
    }

    /// The answer to `INFO` with a section.
    ///
    /// # Errors
    /// The server refuses the command.
    pub async fn info(&self, section: &str) -> RedisResult<String> {
        Ok(redis::from_redis_value(self.tell(&["INFO", section]).await?)?)
    }

    /// Sends a command.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn tell(&self, command: &[&str]) -> RedisResult<Value> {
        let mut connection = Client::open(self.url())?.get_multiplexed_async_connection().await?;
        redis::cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await
    }
}

/// Waits until `done` returns true. `what` names the fact, for the error.
pub(super) async fn until(
    what: &str,
    mut done: impl AsyncFnMut() -> RedisResult<bool>,
) -> RedisResult<()> {
    let clock = Env::system().clock;
    let deadline = clock.now() + PATIENCE;
    while !done().await? {
        if clock.now() > deadline {
            return Err(io::Error::other(format!("not done in time: {what}")).into());
        }
        clock.sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
