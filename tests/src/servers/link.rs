//! The way to a server over TCP, which a test can spoil.

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

/// A proxy before a server, on a thread of its own and at a free port of the loopback interface.
/// Its connections can be cut, go dark, or be led to another server; new ones can be refused, bytes
/// kept back or delayed. It ends when this is dropped.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    orders: Option<watch::Sender<Orders>>,
    thread: Option<JoinHandle<()>>,
}

/// What is to be done with connections.
#[derive(Clone, Copy, Debug)]
struct Orders {
    /// Where new ones lead.
    server: SocketAddr,
    /// How often all were cut.
    cuts: u64,
    /// How often all that were open went dark.
    nights: u64,
    refuse: bool,
    hold: bool,
    delay: Duration,
}

impl Link {
    /// A way to the server at `port` of the loopback interface.
    ///
    /// # Errors
    /// The operating system's.
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

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Leads new connections to the server at another port. Those that are open stay where they
    /// are.
    pub fn lead(&self, port: u16) {
        self.order(|orders| orders.server = (Ipv4Addr::LOCALHOST, port).into());
    }

    /// Lets nothing more through on the connections that are open now, and does not end them: as if
    /// the machine at the other end had gone. New ones are as before.
    pub fn darken(&self) {
        self.order(|orders| orders.nights += 1);
    }

    /// Ends every connection, with all that was under way on it.
    pub fn cut(&self) {
        self.order(|orders| orders.cuts += 1);
    }

    /// Whether new connections are refused from now on, as by a machine on which nobody listens.
    pub fn refuse(&self, refuse: bool) {
        self.order(|orders| orders.refuse = refuse);
    }

    /// Whether bytes are kept back from now on, in both directions. Nothing is lost: once they may
    /// go on, they arrive.
    pub fn hold(&self, hold: bool) {
        self.order(|orders| orders.hold = hold);
    }

    /// How long bytes are under way from now on, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.order(|orders| orders.delay = delay);
    }

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

/// Accepts connections until nobody gives orders any more.
async fn serve(listener: TcpListener, address: SocketAddr, mut told: watch::Receiver<Orders>) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let refuses = told.borrow_and_update().refuse;
        if refuses {
            listener = None;
        }
        while listener.is_none() && !refuses {
            // Somebody's outgoing connection may sit on the port for a moment.
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

/// Passes bytes on in both directions until one side ends, or the connection is cut.
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

/// Passes bytes on in one direction until the sender ends.
async fn pump(from: OwnedReadHalf, to: OwnedWriteHalf, nights: u64, told: watch::Receiver<Orders>) {
    // What is delayed does not keep what follows from being read: latency is not bandwidth.
    let (sender, queue) = mpsc::unbounded_channel();
    tokio::join!(read(from, sender, told.clone()), write(to, queue, nights, told));
}

/// Bytes, and when they are due.
type Chunk = (Instant, Vec<u8>);

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
