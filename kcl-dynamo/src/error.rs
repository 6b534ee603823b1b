//! Classifies failed calls: the kind of each decides what the caller does.
//!
//! The important question is whether a write may have been applied. The answer of the server
//! decides it where there is one ([`Call::of_answer`]); without an answer, [`SendProbe`] knows
//! whether the request left this process ([`Call::of_silence`]).

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use kcl_core::store::{StoreError, StoreErrorKind};

use crate::send_probe::SendProbe;

/// Whether a call reads or writes: a write without an answer may have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A call without an answer counts as [`StoreErrorKind::Unavailable`].
    Reads,
    /// A call without an answer counts as [`StoreErrorKind::Unknown`].
    Writes,
}

/// A call under way, with the texts for its errors.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// The operation, as [`kcl_core::store::LeaseStore`] names it.
    pub(crate) op: &'static str,
    /// The name of the table.
    pub(crate) table: &'a str,
    /// The endpoint or region of the table.
    pub(crate) place: &'a str,
    /// The key of the row; empty for a listing.
    pub(crate) row: &'a str,
    pub(crate) effect: Effect,
    /// Notices whether the request was sent.
    pub(crate) probe: SendProbe,
}

/// An error of a service operation.
pub(crate) trait ServiceFault:
    StdError + ProvideErrorMetadata + Send + Sync + 'static
{
}
impl<E: StdError + ProvideErrorMetadata + Send + Sync + 'static> ServiceFault for E {}

impl Call<'_> {
    /// Makes an error of `kind`, with `why` as its cause.
    pub(crate) fn error(&self, kind: StoreErrorKind, why: String) -> StoreError {
        let key = match self.row {
            "" => format!("table {}{}", self.table, self.place),
            row => format!("{row} in table {}{}", self.table, self.place),
        };
        StoreError::new(kind, self.op, key).caused_by(why)
    }

    /// Makes the error of a failed call, with a hint at the remedy where there is one.
    pub(crate) fn failed<E: ServiceFault>(&self, error: &SdkError<E, HttpResponse>) -> StoreError {
        let SdkError::ServiceError(answer) = error else {
            let (kind, mut why) = (self.of_silence(error), kcl_core::explain(error));
            if why.contains(NO_TLS) {
                why.push_str(
                    " (does the endpoint speak TLS? One that does not begins with http://)",
                );
            }
            return self.error(kind, why);
        };
        let code = answer.err().code().unwrap_or_default();
        let message = answer.err().message().unwrap_or("no message");
        let status = answer.raw().status().as_u16();
        let why = match code {
            "" => format!("an answer with status {status} that cannot be read"),
            "ResourceNotFoundException" => format!(
                "{code}: {message} (is there a table {} in this region and account? `prepare` \
                 creates it, as the first worker does)",
                self.table
            ),
            "AccessDeniedException" | "AccessDenied" => format!(
                "{code}: {message} (the rights that are needed are in deploy/iam: consumer.json \
                 for workers, lease-table.json to create the table, operator.json to look)"
            ),
            _ => format!("{code}: {message}"),
        };
        self.error(self.of_answer(code, status), why)
    }

    /// The kind of an error answer, by its code and its HTTP status.
    fn of_answer(&self, code: &str, status: u16) -> StoreErrorKind {
        match code {
            "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "RequestLimitExceeded"
            | "LimitExceededException" => StoreErrorKind::Throttled,
            "AccessDeniedException"
            | "AccessDenied"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "NotAuthorized"
            | "OptInRequired" => StoreErrorKind::Denied,
            // Another write of the item was under way; this one was not applied.
            "TransactionConflictException"
            | "ReplicatedWriteConflictException"
            | "ResourceInUseException" => StoreErrorKind::Unavailable,
            "ResourceNotFoundException" => StoreErrorKind::Missing,
            // After a server error (5xx) the write may have been applied. A status below 400 means
            // an answer that cannot be read, after which it may have been, too.
            _ if !(400..500).contains(&status) => self.unanswered(),
            _ if status == 429 => StoreErrorKind::Throttled,
            _ if status == 401 || status == 403 => StoreErrorKind::Denied,
            _ => StoreErrorKind::Misconfigured,
        }
    }

    /// The kind of a call without an answer. If the request was not sent, nothing was applied. If
    /// it was, only a failed connection attempt proves that.
    fn of_silence<E: ServiceFault>(&self, error: &SdkError<E, HttpResponse>) -> StoreErrorKind {
        if self.probe.was_sent() {
            let connection = find::<hyper_util::client::legacy::Error>(error);
            let connected = !connection.is_some_and(|failed| failed.is_connect());
            return if connected { self.unanswered() } else { StoreErrorKind::Unavailable };
        }
        match (error, find::<CredentialsError>(error)) {
            (_, Some(CredentialsError::CredentialsNotLoaded(_)))
            | (_, Some(CredentialsError::InvalidConfiguration(_))) => StoreErrorKind::Denied,
            // The credentials provider failed, or was too slow; the next call may succeed.
            (_, Some(_)) | (SdkError::TimeoutError(_), None) => StoreErrorKind::Unavailable,
            (_, None) => StoreErrorKind::Misconfigured,
        }
    }

    /// The kind of a call that may have been applied.
    const fn unanswered(&self) -> StoreErrorKind {
        match self.effect {
            Effect::Reads => StoreErrorKind::Unavailable,
            Effect::Writes => StoreErrorKind::Unknown,
        }
    }
}

/// A part of the TLS library's error for a server that does not speak TLS.
const NO_TLS: &str = "InvalidContentType";

/// The code of the service's error answer; `None` without an answer.
pub(crate) fn code<E: ServiceFault>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// The first error of type `T` among an error and its causes.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
