//! Writes messages to stderr: the progress of a command, and why it failed.

use std::{error::Error, fmt::Write};

use aws_sdk_kinesis::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

/// Writes an error with its causes, the outermost first.
#[expect(clippy::print_stderr, reason = "this is where errors go")]
pub(crate) fn failure(error: &anyhow::Error) {
    eprintln!("kcl: {}", explain(error));
}

/// Writes a line about the progress.
#[expect(clippy::print_stderr, reason = "this is where progress goes")]
pub(crate) fn progress(text: &str) {
    eprintln!("kcl: {text}");
}

/// Why a call of the AWS SDK failed, in one line: the service's error code and message, else why
/// there was no answer.
pub(crate) fn why<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Some(said) = error.as_service_error() else { return kcl_core::explain(error) };
    let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
    match (said.code(), said.message()) {
        (Some(code), _) if is_unknown_operation(error) => {
            format!("the service does not offer this operation ({code})")
        }
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => format!("{code} (status {status})"),
        (None, _) => format!("an answer with status {status} that cannot be read"),
    }
}

/// Whether the service does not know the operation. Emulators of Kinesis lack some.
pub(crate) fn is_unknown_operation<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("UnknownOperationException" | "UnknownOperation" | "NotImplemented"))
}

/// The error and its causes, one on each line. A cause whose text is already there is left out.
fn explain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n  because: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_each() {
        let error = anyhow::anyhow!("no route").context("the table: no route").context("no store");
        assert_eq!(explain(&error), "no store\n  because: the table: no route");
    }
}
