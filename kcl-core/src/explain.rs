//! Writes an error with all of its causes into one line.

use std::error::Error;

/// Writes `error` and its causes, outermost first, into one line, separated by `: `. Leaves out a
/// cause whose text an earlier part of the line already contains.
#[must_use]
pub fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Self>>);

    #[test]
    fn causes_follow_in_order_and_repetitions_are_left_out() {
        let inner = Layer("refused", None);
        let middle = Layer("no route: refused", Some(Box::new(inner)));
        let outer = Layer("no store", Some(Box::new(middle)));
        assert_eq!(explain(&outer), "no store: no route: refused");
    }
}
