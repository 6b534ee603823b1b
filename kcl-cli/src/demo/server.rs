//! Runs a server of the Kinesis API in this process: `ferrokinesis`, a crate.

use std::{fmt, io, net::Ipv4Addr, thread::JoinHandle};

use axum::{extract::Request, middleware::Next};
use ferrokinesis::store::StoreOptions;
use tokio::{net::TcpListener, sync::oneshot, task};

/// A Kinesis API server on a thread of its own, at a free port of the loopback interface. Its drop
/// ends the server.
///
/// The server has one thread, and serves each request without tokio's cooperative budget.
/// Ferrokinesis 0.7.0 holds locks across awaits: with more threads, or with a task that yields in
/// between, it deadlocks, and a reader at the tip may miss records of a put in progress.
pub(super) struct KinesisServer {
    url: String,
    /// Its drop stops the server.
    stop: Option<oneshot::Sender<()>>,
    /// `None` once `drop` has joined it.
    thread: Option<JoinHandle<()>>,
}

impl KinesisServer {
    /// Starts a server in which streams and shards change within milliseconds.
    ///
    /// # Errors
    /// The operating system refuses a port or a thread.
    pub(super) fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            tokio::select! {
                result = serve(listener) => drop(result),
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("kinesis-server".into())
            .spawn(move || runtime.block_on(serve))?;
        Ok(Self { url, stop: Some(stop), thread: Some(thread) })
    }

    /// The server's address, like `http://127.0.0.1:40123`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// Serves the Kinesis API until this future is dropped.
async fn serve(listener: std::net::TcpListener) -> io::Result<()> {
    let options = StoreOptions {
        create_stream_ms: 5,
        delete_stream_ms: 5,
        update_stream_ms: 1,
        shard_limit: 1_000,
        ..StoreOptions::default()
    };
    let (app, _store) = ferrokinesis::create_app(options);
    let app = app.layer(axum::middleware::from_fn(|request: Request, next: Next| {
        task::unconstrained(next.run(request))
    }));
    let listener = TcpListener::from_std(listener)?;
    axum::serve(listener, app).await
}

impl fmt::Debug for KinesisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KinesisServer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for KinesisServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed when it happened.
            drop(thread.join());
        }
    }
}
