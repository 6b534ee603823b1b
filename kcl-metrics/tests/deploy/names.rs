//! Rules and panels name instruments that there are, by names that Prometheus gives them.

use kcl_metrics::{Kind, TABLE};

/// Fails unless each figure of ours that an expression names is told by the table, and is read as
/// what it is: of a histogram its buckets, sum or count.
pub(super) fn check(expression: &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_part(c)).filter(|word| word.starts_with("kcl_"));
    let mut seen = 0;
    for word in words {
        seen += 1;
        assert!(is_told(word), "nothing tells {word}: {expression}");
    }
    assert!(seen > 0, "no figure of ours: {expression}");
}

fn is_told(name: &str) -> bool {
    TABLE.iter().any(|row| match row.kind {
        Kind::Histogram(_) => {
            let end = name.strip_prefix(row.name);
            matches!(end, Some("_bucket" | "_sum" | "_count"))
        }
        _ => row.name == name,
    })
}

#[test]
fn a_name_that_nothing_tells_is_noticed() {
    check("rate(kcl_batches_total{outcome=\"done\"}[5m]) / kcl_batch_duration_seconds_count");
    for wrong in ["kcl_batches", "kcl_batch_duration_seconds", "kcl_lag_seconds_count"] {
        assert!(!is_told(wrong), "{wrong}");
    }
}
