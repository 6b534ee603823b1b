//! A TCP proxy before a server, whose connections a test can break.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

/// A proxy before a server, on a thread of its own, at a free port of the loopback interface. A
/// test can end its connections, make them silent, lead new ones to another server or refuse them,
/// and hold back or delay bytes. The proxy ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    orders: Option<watch::Sender<Orders>>,
    thread: Option<JoinHandle<()>>,
}

/// The state that the test wants. Every connection watches it.
#[derive(Clone, Copy, Debug)]
struct Orders {
    /// The server to which new connections lead.
    server: SocketAddr,
    /// How many times all connections were ended.
    cuts: u64,
    /// How many times all open connections were made silent.
    nights: u64,
    /// Whether new connections are refused.
    refuse: bool,
    /// Whether bytes are held back.
    hold: bool,
    /// How long bytes are delayed in each direction.
    delay: Duration,
}

impl Link {
    /// Starts a proxy before the server at `port` of the loopback interface.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn to(port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (orders, told) = watch::channel(Orders {
            server: (Ipv4Addr::LOCALHOST, port).into(),
            cuts: 0,
            nights: 0,
            refuse: false,
            hold: false,
            delay: Duration::ZERO,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serve = async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            serve(listener, address, told).await;
        };
        let thread = std::thread::Builder::new().name("link".into());
        let thread = thread.spawn(move || runtime.block_on(serve))?;
        Ok(Self { address, orders: Some(orders), thread: Some(thread) })
    }

    /// The address that it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Leads new connections to the server at another port. Open ones stay connected to the former
    /// server.
    pub fn lead(&self, port: u16) {
        self.order(|orders| orders.server = (Ipv4Addr::LOCALHOST, port).into());
    }

    /// Passes nothing more on the connections that are open now, and does not end them: as if the
    /// machine at the other end had failed. New connections work.
    pub fn darken(&self) {
        self.order(|orders| orders.nights += 1);
    }

    /// Ends every connection. Bytes that were not passed on are lost.
    pub fn cut(&self) {
        self.order(|orders| orders.cuts += 1);
    }

    /// Sets whether new connections are refused, as by a machine without a server.
    pub fn refuse(&self, refuse: bool) {
        self.order(|orders| orders.refuse = refuse);
    }

    /// Sets whether bytes are held back, in both directions. None is lost: they are passed on when
    /// `hold` ends.
    pub fn hold(&self, hold: bool) {
        self.order(|orders| orders.hold = hold);
    }

    /// Sets how long bytes are delayed, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.order(|orders| orders.delay = delay);
    }

    /// Changes the state, which wakes every connection.
    fn order(&self, change: impl FnOnce(&mut Orders)) {
        if let Some(orders) = &self.orders {
            orders.send_modify(change);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Dropping the sender ends the thread.
        drop(self.orders.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Accepts connections until the proxy is dropped.
async fn serve(listener: TcpListener, address: SocketAddr, mut told: watch::Receiver<Orders>) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let refuses = told.borrow_and_update().refuse;
        if refuses {
            listener = None;
        }
        while listener.is_none() && !refuses {
            // An outgoing connection of another process may use the port for a moment.
            tokio::time::sleep_until(Instant::now() + Duration::from_millis(10)).await;
            listener = TcpListener::bind(address).await.ok();
        }
        tokio::select! {
            changed = told.changed() => if changed.is_err() { return },
            client = accept(listener.as_ref()) => {
                connections.spawn(pass(client, told.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The next connection; waits for ever without a listener.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    loop {
        match listener {
            Some(listener) => {
                if let Ok((client, _)) = listener.accept().await {
                    return client;
                }
            }
            None => std::future::pending().await,
        }
    }
}

/// Passes bytes on in both directions until one side closes, or the test ends the connection.
async fn pass(client: TcpStream, mut told: watch::Receiver<Orders>) {
    let Orders { server, cuts, nights, .. } = *told.borrow();
    let Ok(server) = TcpStream::connect(server).await else { return };
    if client.set_nodelay(true).is_err() || server.set_nodelay(true).is_err() {
        return;
    }
    let (requests, answers) = (told.clone(), told.clone());
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = pump(from_client, to_server, nights, requests) => {}
        () = pump(from_server, to_client, nights, answers) => {}
        _ = told.wait_for(|orders| orders.cuts != cuts) => {}
    }
}

/// Passes bytes on in one direction until the sender closes.
async fn pump(from: OwnedReadHalf, to: OwnedWriteHalf, nights: u64, told: watch::Receiver<Orders>) {
    // Reading goes on while earlier bytes are delayed: a delay must not limit the bandwidth.
    let (sender, queue) = mpsc::unbounded_channel();
    tokio::join!(read(from, sender, told.clone()), write(to, queue, nights, told));
}

/// Bytes, and the time at which they may be written.
type Chunk = (Instant, Vec<u8>);

/// Reads bytes, and gives each piece the time at which it may be written.
async fn read(
    mut from: OwnedReadHalf,
    to: mpsc::UnboundedSender<Chunk>,
    told: watch::Receiver<Orders>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let due = Instant::now() + told.borrow().delay;
        if to.send((due, buffer[..length].to_vec())).is_err() {
            return;
        }
    }
}

/// Writes each piece at its time, unless the test holds bytes back or made the connection silent.
async fn write(
    mut to: OwnedWriteHalf,
    mut from: mpsc::UnboundedReceiver<Chunk>,
    nights: u64,
    mut told: watch::Receiver<Orders>,
) {
    while let Some((due, bytes)) = from.recv().await {
        tokio::time::sleep_until(due).await;
        let free = |orders: &Orders| !orders.hold && orders.nights == nights;
        let held = told.wait_for(free).await.map(drop);
        if held.is_err() || to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
