//! Taking connections, within limits.

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

/// How many connections there are at most. The oldest goes when another comes: who asks and takes
/// the answer is long gone, and who holds on keeps no probe out.
const CONNECTIONS: usize = 16;
/// How long a request may take to come.
const REQUEST: Duration = Duration::from_secs(2);
/// How long a connection lasts at most, however slowly the answer is taken.
const CONNECTION: Duration = Duration::from_secs(10);
/// How large a request may be: hyper's least.
const REQUEST_BYTES: usize = 8_192;
/// How many headers it may have.
const HEADERS: usize = 64;
/// The pause after a connection that could not be taken: there may be no more descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stopped` is told, or its other end is gone.
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

/// One request and its answer.
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
        // Whoever asked may be gone, or ask for nonsense: that is no concern of the worker's.
        _ = connection => {}
        () = clock.sleep_until(until) => {}
    }
}
