//! Handles Ctrl-C and SIGTERM: the first signal asks the command to leave, a second one forces it
//! to end.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use kcl_core::env::{Clock, Env, Time};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that come this soon after the first one count as the same. GNU `timeout` signals its
/// child and then the child's group, and a shell and a supervisor may both pass a signal on.
const ONE_REQUEST: Duration = Duration::from_secs(1);

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: from `kill`, or from a supervisor such as Kubernetes.
    Terminate,
}

impl Told {
    /// The name of the signal, as `kill -l` prints it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// The exit code that shells report for a process that this signal ended: 128 and its number.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The first signal: leave.
    Leave,
    /// Another signal within [`ONE_REQUEST`] after the first: it changes nothing.
    Same,
    /// A later signal: end at once.
    Force,
}

/// The meaning of a signal that comes now, if the first one came at `first`.
fn meaning(first: Option<Time>, now: Time) -> Meaning {
    match first {
        None => Meaning::Leave,
        Some(first) if now.since(first) < ONE_REQUEST => Meaning::Same,
        Some(_) => Meaning::Force,
    }
}

/// Receives both signals.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    clock: Arc<dyn Clock>,
    /// When the first signal came; `None` before.
    first: Option<Time>,
}

impl Signals {
    /// Takes over both signals. From now on they do not end the process by themselves.
    ///
    /// # Errors
    /// The operating system refuses.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        const FAILED: &str = "signals cannot be listened to";
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context(FAILED)?,
            terminate: signal(SignalKind::terminate()).context(FAILED)?,
            clock: Env::system().clock,
            first: None,
        })
    }

    /// Waits for a signal. The first call returns when the process should leave; after that, a call
    /// returns when it should end at once, and logs it.
    ///
    /// # Cancel safety
    /// Safe: no signal is lost.
    pub(crate) async fn next(&mut self) -> Told {
        loop {
            let told = tokio::select! {
                _ = self.interrupt.recv() => Told::Interrupt,
                _ = self.terminate.recv() => Told::Terminate,
            };
            let now = self.clock.now();
            match meaning(self.first, now) {
                Meaning::Leave => self.first = Some(now),
                Meaning::Same => {
                    let after = ONE_REQUEST;
                    tracing::info!(signal = told.name(), ?after, "kcl.signal.repeated");
                    continue;
                }
                Meaning::Force => tracing::warn!(signal = told.name(), "kcl.signal.forced"),
            }
            return told;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_signal_counts_a_second_after_the_first() {
        let at = Time::from_millis;
        assert_eq!(meaning(None, at(5_000)), Meaning::Leave);
        for close in [5_000, 5_001, 5_999] {
            assert_eq!(meaning(Some(at(5_000)), at(close)), Meaning::Same, "{close}");
        }
        for later in [6_000, 60_000] {
            assert_eq!(meaning(Some(at(5_000)), at(later)), Meaning::Force, "{later}");
        }
    }
}
