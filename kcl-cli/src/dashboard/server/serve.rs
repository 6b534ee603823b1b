//! Taking connections, within limits.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use kcl_core::env::Env;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::answer::answer;
use crate::dashboard::site::Site;

/// How many connections there are at most: those that come then wait until others go.
const CONNECTIONS: usize = 128;
/// How long a request may take to come.
const REQUEST: Duration = Duration::from_secs(5);
/// How large a request's head may be.
const REQUEST_BYTES: usize = 16_384;
/// How many headers it may have.
const HEADERS: usize = 64;
/// The pause after a connection that could not be taken: there may be no more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens there.
///
/// # Errors
/// Nobody can: the port is in use, or the address is none of this machine's.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!(
            "the dashboard cannot listen on {address}: end what listens there, or give another \
             address with --listen (0: any free port)"
        )
    })
}

/// Serves until it is dropped.
pub(crate) async fn serve(socket: TcpListener, site: Arc<Site>) {
    let clock = Env::system().clock;
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        match socket.accept().await {
            Ok((stream, peer)) => {
                connections.spawn(connection(stream, peer, Arc::clone(&site)));
            }
            Err(_) => clock.sleep(PAUSE).await,
        }
    }
}

/// A connection, for as many requests as come.
async fn connection(stream: TcpStream, peer: SocketAddr, site: Arc<Site>) {
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(Box::pin(answer(request, peer, site)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .max_buf_size(REQUEST_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever asked may be gone, or ask for nonsense.
    let _ = connection.await;
}
