//! The answer of one source with its time, or the reason why there is none. An unknown answer is
//! never shown as an empty one.

use std::{future::Future, time::Duration};

use kcl_core::env::{Clock, Time};

/// What one source answered in a reading.
#[derive(Clone, Debug)]
pub(crate) enum Known<T> {
    /// The source answered with `value` at the time `at` of this machine's monotonic clock.
    Read { value: T, at: Time },
    /// The call failed, or gave no answer in time. The text says why, for the operator.
    Failed(String),
    /// This command did not ask. The text names the flag or the reason, for example
    /// `--no-stream`. This is no fault, and no judge reports it as unknown.
    LeftOut(&'static str),
}

impl<T> Known<T> {
    /// Makes a `Read` or a `Failed` of the answer of a call that came at the time `at`.
    pub(crate) fn of(answer: Result<T, String>, at: Time) -> Self {
        match answer {
            Ok(value) => Self::Read { value, at },
            Err(why) => Self::Failed(why),
        }
    }

    /// Maps the value of a `Read` by `made`, which gets the value and its time. A `Failed` and a
    /// `LeftOut` keep their reasons.
    pub(crate) fn map<U>(self, made: impl FnOnce(T, Time) -> U) -> Known<U> {
        match self {
            Self::Read { value, at } => Known::Read { value: made(value, at), at },
            Self::Failed(why) => Known::Failed(why),
            Self::LeftOut(why) => Known::LeftOut(why),
        }
    }

    /// The value; `None` unless it was read.
    pub(crate) const fn get(&self) -> Option<&T> {
        match self {
            Self::Read { value, .. } => Some(value),
            Self::Failed(_) | Self::LeftOut(_) => None,
        }
    }

    /// Why the source failed; `None` if it answered, or if this command did not ask it.
    pub(crate) fn failed(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Read { .. } | Self::LeftOut(_) => None,
        }
    }
}

/// Waits for `answer` for at most `patience`. The error is the failure with its causes, or a text
/// that names the limit and the flag `--deadline`.
///
/// # Cancel safety
/// At the limit `answer` is dropped. Callers pass only calls that read.
pub(crate) async fn within<T, E: std::error::Error + 'static>(
    clock: &dyn Clock,
    patience: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    tokio::select! {
        answer = answer => answer.map_err(|error| kcl_core::explain(&error)),
        () = clock.sleep(patience) => Err(format!("no answer within {patience:?} (--deadline)")),
    }
}
