//! `/metrics`, `/livez` and `/readyz` over HTTP.
//!
//! It runs on a thread of its own, with a runtime of its own: a processor that blocks every thread
//! of the worker's runtime keeps no probe waiting, and a client that is slow keeps no worker
//! waiting.

mod address;
mod answer;
mod serve;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    thread::{Builder, JoinHandle},
};

use tokio::sync::oneshot;

pub use address::{NoAddress, parse_address};

use crate::Metrics;

/// Answers scrapes and probes until it is dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    /// Dropped to end it.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why nobody can listen there.
#[derive(Debug, thiserror::Error)]
#[error("metrics and probes cannot be served on {address}: {source}; {}", remedy(source))]
#[non_exhaustive]
pub struct ListenError {
    /// Where.
    pub address: SocketAddr,
    /// What the operating system says.
    pub source: io::Error,
}

impl Listener {
    /// Answers scrapes and probes about `metrics` on `address`; port 0 is any that is free.
    ///
    /// Whoever reaches the address reads the figures, and needs no password: names of the
    /// application, the stream and its shards are in them, records' data and keys are not.
    ///
    /// # Errors
    /// Nobody can listen there: the port is in use, or may not be used.
    pub fn start(address: SocketAddr, metrics: Metrics) -> Result<Self, ListenError> {
        Self::begin(address, metrics).map_err(|source| ListenError { address, source })
    }

    fn begin(address: SocketAddr, metrics: Metrics) -> io::Result<Self> {
        let socket = TcpListener::bind(address)?;
        let address = socket.local_addr()?;
        socket.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || runtime.block_on(serve::serve(socket, metrics, stopped));
        let thread = Builder::new().name("kcl-metrics".to_owned()).spawn(serve)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// The port is free afterwards.
impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What went wrong on it was said there.
            let _ = thread.join();
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "end what listens there, or give another port (0: any free)",
        io::ErrorKind::AddrNotAvailable => {
            "give an address of this machine, 0.0.0.0 for all of them, or a port alone"
        }
        io::ErrorKind::PermissionDenied => "give a port above 1023",
        _ => "give another address, or none to serve nothing",
    }
}
