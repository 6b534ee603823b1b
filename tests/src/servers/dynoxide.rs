//! dynoxide: a DynamoDB server in this process.

use std::{io, net::Ipv4Addr, thread::JoinHandle};

use tokio::{net::TcpListener, sync::oneshot};

/// A DynamoDB server on a thread of its own, at a free port of the loopback interface. It ends when
/// this is dropped. It returns the row of a refused write, and has no point-in-time recovery.
#[derive(Debug)]
pub struct Dynoxide {
    port: u16,
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Dynoxide {
    /// Starts an empty server.
    ///
    /// # Errors
    /// The operating system or the database reports an error.
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let database = dynoxide::Database::memory().map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            tokio::select! {
                () = dynoxide::server::serve_on(listener, database) => {}
                _ = stopped => {}
            }
        };
        let thread = std::thread::Builder::new()
            .name("dynoxide".into())
            .spawn(move || runtime.block_on(serve))?;
        Ok(Self {
            port,
            url: format!("http://127.0.0.1:{port}"),
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The port that the server listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address that it listens on.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Dynoxide {
    fn drop(&mut self) {
        // Dropping the sender ends the server.
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}
