//! What is said when the command fails.

use std::{error::Error, fmt::Write};

use aws_sdk_kinesis::error::SdkError;

/// Says on stderr what went wrong, from the outside in.
#[expect(clippy::print_stderr, reason = "this is where errors go")]
pub(crate) fn failure(error: &anyhow::Error) {
    eprintln!("kcl: {}", explain(error));
}

/// Why a call of the SDK failed, in one line: what the service answered, else why it did not.
pub(crate) fn why<E: Error + 'static, R: std::fmt::Debug>(error: &SdkError<E, R>) -> String {
    error
        .as_service_error()
        .map_or_else(|| kcl_core::explain(error), |said| kcl_core::explain(said))
}

/// The error and its causes, one a line. What a cause only repeats is left out.
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
