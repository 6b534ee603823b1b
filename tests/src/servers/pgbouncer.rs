//! PgBouncer: a connection pooler before PostgreSQL.

use std::{fs, io, path::Path};

use super::{
    postgres::{Folder, Postgres, free_port, unprivileged},
    process::ServerProcess,
};

/// A pooler in transaction mode.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    _process: ServerProcess,
    _home: Folder,
}

impl PgBouncer {
    /// Starts a pooler before `server`. It ignores the startup parameters in `ignored`, and refuses
    /// connections with other parameters that it does not know.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start(server: &Postgres, ignored: &str) -> io::Result<Self> {
        let home = Folder::create("pgbouncer")?;
        let (port, server) = (free_port()?, server.port());
        let config = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = 3\n\
             ignore_startup_parameters = {ignored}\n"
        );
        let file = home.path().join("pgbouncer.ini");
        fs::write(&file, config)?;
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(Path::new);
        let program = program.into_iter().find(|program| program.exists()).ok_or_else(|| {
            let why = "PgBouncer is not installed: run tests/servers/install.sh";
            io::Error::new(io::ErrorKind::NotFound, why)
        })?;
        let (process, ()) = ServerProcess::start(unprivileged(program).arg(&file), |line| {
            line.contains("process up").then_some(())
        })?;
        Ok(Self { port, _process: process, _home: home })
    }

    /// The address of the server's database through the pooler.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}
