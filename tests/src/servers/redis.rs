//! Redis and Valkey.

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

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisMake {
    /// Redis 7, as Debian packages it.
    Redis,
    /// Valkey 9.
    Valkey,
}

/// How long servers may take to do what they are told.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often another free port is tried: between finding and using one, somebody may take it.
const MOST_PORTS: usize = 20;

/// A Redis or Valkey server without persistence, in a folder of its own that goes with it.
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
    /// It cannot be started, or is not installed.
    pub fn start(make: RedisMake) -> io::Result<Self> {
        Self::with(make, &[])
    }

    /// The same with more options, like `["--appendonly", "yes"]`.
    ///
    /// # Errors
    /// It cannot be started, or is not installed.
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

    /// A server that also speaks TLS, its URL for that, and the certificate to trust, as PEM.
    ///
    /// # Errors
    /// It cannot be started, or is not installed, or `openssl` is not.
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

    /// A Sentinel that watches a primary under the name `orders`.
    ///
    /// # Errors
    /// It cannot be started, or is not installed.
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

    /// Starts the server anew, on its port and in its folder, if it does not run.
    ///
    /// # Errors
    /// It cannot be started.
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

    /// Stops the process until [`Self::resume`]: connections stay, nobody answers.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// It does not run.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// The server's process.
    ///
    /// # Errors
    /// It does not run.
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

    /// Where it listens, as `redis://host:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port where it was started.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Has the server listen on another port from now on.
    ///
    /// # Errors
    /// What the server says.
    pub async fn move_to(&mut self, port: u16) -> RedisResult<()> {
        self.tell(&["CONFIG", "SET", "port", &port.to_string()]).await?;
        self.port = port;
        Ok(())
    }

    /// Becomes a replica of `primary`, and waits until it has everything.
    ///
    /// # Errors
    /// What the servers say; that it takes longer than a minute.
    pub async fn follow(&self, primary: &Self) -> RedisResult<()> {
        self.tell(&["REPLICAOF", "127.0.0.1", &primary.port.to_string()]).await?;
        until("the replica copies", async || {
            Ok(primary.info("replication").await?.contains("state=online"))
        })
        .await
    }

    /// Waits until this replica of `primary` has everything that was written before.
    ///
    /// # Errors
    /// What the servers say; that it takes longer than a minute.
    pub async fn catch_up(&self, primary: &Self) -> RedisResult<()> {
        let written = primary.offset().await?;
        until("the replica catches up", async || Ok(self.offset().await? >= written)).await
    }

    /// How far its history goes.
    async fn offset(&self) -> RedisResult<u64> {
        let info = self.info("replication").await?;
        let offset = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
        Ok(offset.and_then(|offset| offset.trim().parse().ok()).unwrap_or(0))
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// What the server says.
    pub async fn info(&self, section: &str) -> RedisResult<String> {
        Ok(redis::from_redis_value(self.tell(&["INFO", section]).await?)?)
    }

    /// Sends a command as its operator.
    ///
    /// # Errors
    /// What the server says.
    pub async fn tell(&self, command: &[&str]) -> RedisResult<Value> {
        let mut connection = Client::open(self.url())?.get_multiplexed_async_connection().await?;
        redis::cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await
    }
}

/// Waits for something that has to happen.
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
