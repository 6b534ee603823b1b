//! Accepts connections, within limits that keep a slow or hostile client from using up the process.

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

/// How many connections are open at most. Further ones wait in the listen queue.
const CONNECTIONS: usize = 128;
/// How long the head of a request may take to arrive.
const REQUEST: Duration = Duration::from_secs(5);
/// How many bytes the head of a request may have.
const REQUEST_BYTES: usize = 16_384;
/// How many headers a request may have.
const HEADERS: usize = 64;
/// The pause after a failed accept. The process may have no free file descriptor, and would spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Binds the address. Port 0 takes any free port.
///
/// # Errors
/// The port is in use, or the address does not belong to this machine.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| {
        format!(
            "the dashboard cannot listen on {address}: end what listens there, or give another \
             address with --listen (0: any free port)"
        )
    })
}

/// Accepts and serves connections until this future is dropped. That closes all connections.
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

/// Serves the requests of one connection, one after the other.
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
    // An error here is the client's: it is gone, or sent something that is no HTTP.
    let _ = connection.await;
}
