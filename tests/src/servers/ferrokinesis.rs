//! ferrokinesis: a Kinesis server in this process.

use std::{io, net::Ipv4Addr, thread::JoinHandle};

use axum::{extract::Request, middleware::Next};
use ferrokinesis::store::{Store, StoreOptions};
use tokio::{net::TcpListener, sync::oneshot, task};

/// A Kinesis server on a thread of its own, at a free port of the loopback interface. It ends when
/// this is dropped.
///
/// The server has one thread, and serves each request without tokio's cooperative budget.
/// Ferrokinesis 0.7.0 holds locks across awaits: with more threads, or with a task that yields in
/// between, it deadlocks, and a reader at the tip may miss records of a put in progress.
pub struct Ferrokinesis {
    url: String,
    store: Store,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ferrokinesis {
    /// Starts a server in which streams and shards change within milliseconds, and hundreds of
    /// shards are allowed.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn start() -> io::Result<Self> {
        Self::start_with(StoreOptions {
            create_stream_ms: 5,
            delete_stream_ms: 5,
            update_stream_ms: 5,
            shard_limit: 5_000,
            ..StoreOptions::default()
        })
    }

    /// Starts a server with these options.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn start_with(options: StoreOptions) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        let (app, store) = ferrokinesis::create_app(options);
        let app = app.layer(axum::middleware::from_fn(|request: Request, next: Next| {
            task::unconstrained(next.run(request))
        }));
        let (stop, stopped) = oneshot::channel::<()>();
        drop(inside);
        let serve = async move {
            tokio::select! {
                _ = axum::serve(listener, app) => {}
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("ferrokinesis".into())
            .spawn(move || runtime.block_on(serve))?;
        Ok(Self { url, store, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The server's data, which tests change directly.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }
}

impl std::fmt::Debug for Ferrokinesis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ferrokinesis").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Ferrokinesis {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed when it happened.
            drop(thread.join());
        }
    }
}
