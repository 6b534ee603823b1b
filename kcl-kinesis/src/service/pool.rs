//! A client, made anew when its connections bring no answers.

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

/// The longest that calls may be under way without an answer to any before the connections are
/// left; at most half of what a call may take.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// The client in use, with connections of its own, and what the next one is made from.
///
/// Of a machine that is gone, a pool of connections learns nothing: each of them would be tried in
/// turn, for as long as a call may take. So where no answer comes the whole pool is left, and where
/// the address leads is asked anew. The connections of an HTTP client that the user gave are the
/// user's to leave.
pub(super) struct Pool {
    /// Where the service is, for people.
    server: String,
    config: Builder,
    clock: Arc<dyn Clock>,
    /// Whether the HTTP client is the user's.
    is_given: bool,
    longest_silence: Duration,
    current: Mutex<(Client, Silence)>,
}

impl Pool {
    /// A client of this configuration, and those that come after it.
    pub(super) fn new(server: String, config: Builder, clock: Arc<dyn Clock>) -> Self {
        let built = config.clone().build();
        let attempt = built.timeout_config().and_then(|it| it.operation_attempt_timeout());
        let longest_silence = attempt.map_or(LONGEST_SILENCE, |it| LONGEST_SILENCE.min(it / 2));
        let is_given = built.http_client().is_some();
        let current = Mutex::new(connect(&config, &clock, is_given));
        Self { server, config, clock, is_given, longest_silence, current }
    }

    /// The client. Its connections stay with the runtime of those who call.
    pub(super) fn client(&self) -> Client {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_given && current.1.lasts(self.longest_silence) {
            tracing::warn!(server = self.server, why = "no answer", "kcl.source.left");
            *current = connect(&self.config, &self.clock, self.is_given);
        }
        current.0.clone()
    }
}

fn connect(config: &Builder, clock: &Arc<dyn Clock>, is_given: bool) -> (Client, Silence) {
    let silence = Silence::new(clock.clone());
    let config = config.clone().interceptor(silence.clone());
    let config = if is_given { config } else { config.http_client(http_client()) };
    (Client::from_conf(config.build()), silence)
}

/// HTTP with connections kept alive: as many as there are readers at once, each until it was idle
/// for 90 s (the defaults). TLS by ring, which needs no C++ tool chain to build.
pub(super) fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

#[cfg(test)]
mod tests;
