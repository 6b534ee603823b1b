//! Serves `/metrics`, `/livez` and `/readyz` over HTTP.
//!
//! The listener has a thread and a runtime of its own. A processor that blocks every thread of the
//! worker's runtime does not delay a probe, and a slow client does not delay the worker.

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

/// Answers scrapes and probes until it is dropped. The drop waits for the thread; the port is free
/// after it.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    /// The thread ends when this sender is dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why the listener cannot be started on an address.
#[derive(Debug, thiserror::Error)]
#[error("metrics and probes cannot be served on {address}: {source}; {}", remedy(source))]
#[non_exhaustive]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// The error of the operating system.
    pub source: io::Error,
}

impl Listener {
    /// Answers scrapes and probes about `metrics` on `address`; port 0 takes any free port.
    ///
    /// There is no authentication: every client that reaches the address can read the metrics. They
    /// contain the names of the application, the stream and the shards, and never the data or the
    /// partition keys of records.
    ///
    /// # Errors
    /// The operating system refuses the address: for example, the port is in use.
    pub fn start(address: SocketAddr, metrics: Metrics) -> Result<Self, ListenError> {
        Self::begin(address, metrics).map_err(|source| ListenError { address, source })
    }

    /// Binds the address, and starts the thread.
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

    /// The address that it listens on, with the port that was taken for port 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has logged its own errors.
            let _ = thread.join();
        }
    }
}

/// The advice for an error of the operating system.
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
