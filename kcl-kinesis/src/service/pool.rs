//! An SDK client that is replaced when its connections bring no answers.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_kinesis::{
    Client,
    config::{Builder, SharedHttpClient},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use kcl_core::env::Clock;

use super::silence::Silence;

/// The time that calls may be in flight without an answer to any before the client is replaced.
/// Half of the time-out of a call if that is less.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// The client in use, with its own connections, and the configuration for the next one.
///
/// If the server's machine fails, the HTTP client does not notice: it would try each of its
/// connections in turn, each until the time-out of a call. So if no answer comes, the client is
/// replaced with all its connections, and the next one resolves the host name again. A client with
/// the user's own HTTP client is never replaced.
pub(super) struct Pool {
    /// The address or the region of the service, for log messages.
    server: String,
    config: Builder,
    clock: Arc<dyn Clock>,
    /// True if the HTTP client is the user's.
    is_given: bool,
    longest_silence: Duration,
    current: Mutex<(Client, Silence)>,
}

impl Pool {
    /// Creates a pool whose clients have this configuration.
    pub(super) fn new(server: String, config: Builder, clock: Arc<dyn Clock>) -> Self {
        let built = config.clone().build();
        let attempt = built.timeout_config().and_then(|it| it.operation_attempt_timeout());
        let longest_silence = attempt.map_or(LONGEST_SILENCE, |it| LONGEST_SILENCE.min(it / 2));
        let is_given = built.http_client().is_some();
        let current = Mutex::new(connect(&config, &clock, is_given));
        Self { server, config, clock, is_given, longest_silence, current }
    }

    /// Returns the client for the next call, after replacing it if needed. Its connections run on
    /// the runtime of the caller.
    pub(super) fn client(&self) -> Client {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_given && current.1.lasts(self.longest_silence) {
            tracing::warn!(server = self.server, why = "no answer", "kcl.source.left");
            *current = connect(&self.config, &self.clock, self.is_given);
        }
        current.0.clone()
    }
}

/// Makes a client with new connections and a new measure of its silence.
fn connect(config: &Builder, clock: &Arc<dyn Clock>, is_given: bool) -> (Client, Silence) {
    let silence = Silence::new(clock.clone());
    let config = config.clone().interceptor(silence.clone());
    let config = if is_given { config } else { config.http_client(http_client()) };
    (Client::from_conf(config.build()), silence)
}

/// Creates an HTTP client that keeps connections alive: as many as there are concurrent calls, each
/// until it was idle for 90 s (the defaults). TLS uses ring, which builds without a C++ tool chain.
pub(super) fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

#[cfg(test)]
mod tests;
