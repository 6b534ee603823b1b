//! [`Failure`]: the error of a call, with the kind by which the library decides what to do.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kinesis::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use kcl_core::stream::{SourceError, SourceErrorKind};

/// A failed call.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: SourceErrorKind,
    code: Option<String>,
    /// A description that is more precise than the one of the kind.
    what: Option<&'static str>,
    cause: Box<dyn StdError + Send + Sync>,
}

impl Failure {
    pub(crate) fn new(
        kind: SourceErrorKind,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { kind, code: None, what: None, cause: cause.into() }
    }

    pub(crate) fn corrupt(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(SourceErrorKind::Corrupt, cause)
    }

    pub(crate) const fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    /// True if the service answered with this error code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Returns the failure with another kind.
    pub(crate) fn of_kind(mut self, kind: SourceErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Converts the failure to the error of operation `op` on `subject`.
    pub(crate) fn during(self, op: &'static str, subject: impl Into<String>) -> SourceError {
        let error = SourceError::new(self.kind, op, subject).caused_by(self.cause);
        match self.what {
            Some(what) => error.saying(what),
            None => error,
        }
    }
}

/// An error answer of the service.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message} (status {status}, request {request})")]
struct Said {
    code: String,
    message: String,
    status: u16,
    request: String,
}

/// The chain of causes of a call without answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unanswered(String);

impl<E> From<SdkError<E, HttpResponse>> for Failure
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let Some(answer) = error.as_service_error() else {
            let (kind, what) = (kind_of_unanswered(&error), what_befell(&error));
            let unanswered = Self::new(kind, Unanswered(kcl_core::explain(&error)));
            return Self {
                what: what.filter(|_| kind == SourceErrorKind::Unavailable),
                ..unanswered
            };
        };
        let code = answer.code().unwrap_or("an error without code").to_owned();
        let message = answer.message().unwrap_or("no message").to_owned();
        let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
        let request = error.request_id().unwrap_or("unknown").to_owned();
        let kind = kind_of_code(&code, status);
        let cause = Said { code: code.clone(), message, status, request }.into();
        let what = (code == "ExpiredIteratorException")
            .then_some("the service refuses the iterators that it gives, as expired");
        Self { kind, code: Some(code), what, cause }
    }
}

/// The kind of an error answer: by its code if that is known, otherwise by its HTTP status.
fn kind_of_code(code: &str, status: u16) -> SourceErrorKind {
    use SourceErrorKind as Kind;
    match code {
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "KMSThrottlingException" => Kind::Throttled,
        "KMSAccessDeniedException"
        | "KMSDisabledException"
        | "KMSInvalidStateException"
        | "KMSNotFoundException"
        | "KMSOptInRequired" => Kind::Encryption,
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "OptInRequired"
        | "UnrecognizedClientException" => Kind::Denied,
        "ResourceNotFoundException" => Kind::NoStream,
        // The stream is being created or changed; or the caller requests a new token or iterator.
        "ResourceInUseException" | "ExpiredIteratorException" | "ExpiredNextTokenException" => {
            Kind::Unavailable
        }
        _ => match status {
            401 | 403 => Kind::Denied,
            429 => Kind::Throttled,
            400..=499 => Kind::Misconfigured,
            _ => Kind::Unavailable,
        },
    }
}

/// The kind of an error that is no answer of the service: the call was not sent, or its answer did
/// not arrive or was cut off.
fn kind_of_unanswered<E>(error: &SdkError<E, HttpResponse>) -> SourceErrorKind
where
    E: StdError + 'static,
{
    use SourceErrorKind as Kind;
    if let Some(error) = find_cause::<CredentialsError>(error) {
        return match error {
            CredentialsError::CredentialsNotLoaded(_)
            | CredentialsError::InvalidConfiguration(_) => Kind::Denied,
            // The service that issues the credentials may be unavailable for a moment.
            _ => Kind::Unavailable,
        };
    }
    match error {
        SdkError::ConstructionFailure(_) => Kind::Misconfigured,
        SdkError::DispatchFailure(failure) if failure.is_user() => Kind::Misconfigured,
        _ => Kind::Unavailable,
    }
}

/// The description of an error without answer; `None` if the service could not be reached, which
/// the kind already says.
fn what_befell<E>(error: &SdkError<E, HttpResponse>) -> Option<&'static str> {
    match error {
        SdkError::TimeoutError(_) => Some("no whole answer came in time"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            Some("no answer came in time")
        }
        SdkError::ResponseError(_) => Some("the answer was cut off, or cannot be read"),
        _ => None,
    }
}

/// The first error of type `T` among an error and its causes.
fn find_cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
