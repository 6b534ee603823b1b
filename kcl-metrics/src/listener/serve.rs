//! Accepts connections within limits, so that clients cannot exhaust the worker's machine.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use kcl_core::env::{Env, Time};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{AbortHandle, JoinSet},
};

use super::answer::answer;
use crate::Metrics;

/// The most connections at a time. A further one closes the oldest: a client that works as it
/// should is served within milliseconds, and one that does not must not keep a probe out.
const CONNECTIONS: usize = 16;
/// How long a client may take to send its request.
const REQUEST: Duration = Duration::from_secs(2);
/// How long a connection lasts at most, even if the client reads slowly.
const CONNECTION: Duration = Duration::from_secs(10);
/// The most bytes of a request: the least that hyper allows.
const REQUEST_BYTES: usize = 8_192;
/// The most headers of a request.
const HEADERS: usize = 64;
/// The pause after a connection could not be accepted: the process may be out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until the sender of `stopped` is dropped or sends.
pub(super) async fn serve(
    socket: std::net::TcpListener,
    metrics: Metrics,
    mut stopped: oneshot::Receiver<()>,
) {
    let socket = match TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "kcl.metrics.unserved"),
    };
    let clock = Env::system().clock;
    let mut connections = JoinSet::new();
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stopped => return,
            Some(_) = connections.join_next() => {
                open.retain(|connection| !connection.is_finished());
                continue;
            }
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                if open.len() >= CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                let until = clock.now() + CONNECTION;
                open.push_back(connections.spawn(connection(stream, metrics.clone(), until)));
            }
            Err(_) => clock.sleep(PAUSE).await,
        }
    }
}

/// Serves one request, until `until` at the latest.
async fn connection(stream: TcpStream, metrics: Metrics, until: Time) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &metrics);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .max_buf_size(REQUEST_BYTES)
        .max_headers(HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let clock = Env::system().clock;
    tokio::select! {
        // An error is the client's: it is gone, or its request is malformed.
        _ = connection => {}
        () = clock.sleep_until(until) => {}
    }
}
