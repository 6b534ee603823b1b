//! What is known, since when, or why not. Unknown is never an empty answer.

use std::{future::Future, time::Duration};

use kcl_core::env::{Clock, Time};

/// What was read of one source.
#[derive(Clone, Debug)]
pub(crate) enum Known<T> {
    /// It was read, at this time.
    Read { value: T, at: Time },
    /// It could not be read.
    Failed(String),
    /// It was not to be read, or nothing asked for it.
    LeftOut(&'static str),
}

impl<T> Known<T> {
    /// What an answer tells at this time.
    pub(crate) fn of(answer: Result<T, String>, at: Time) -> Self {
        match answer {
            Ok(value) => Self::Read { value, at },
            Err(why) => Self::Failed(why),
        }
    }

    /// The same, with something else made of what was read, and of when that was.
    pub(crate) fn map<U>(self, made: impl FnOnce(T, Time) -> U) -> Known<U> {
        match self {
            Self::Read { value, at } => Known::Read { value: made(value, at), at },
            Self::Failed(why) => Known::Failed(why),
            Self::LeftOut(why) => Known::LeftOut(why),
        }
    }

    pub(crate) const fn get(&self) -> Option<&T> {
        match self {
            Self::Read { value, .. } => Some(value),
            Self::Failed(_) | Self::LeftOut(_) => None,
        }
    }

    /// Why it is not known, if that is for no wish of the user's.
    pub(crate) fn failed(&self) -> Option<&str> {
        match self {
            Self::Failed(why) => Some(why),
            Self::Read { .. } | Self::LeftOut(_) => None,
        }
    }
}

/// The answer, if it comes in time; else an error that says that it did not.
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
