//! What came of it, beside what was published.

use std::fmt;

/// A time as it is told.
pub(super) fn s(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

/// How long each step took, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// From the first start until every shard is read, evenly.
    pub first: f64,
    /// From a parent's split to the first read of a child, at most.
    pub children: f64,
    /// From the last split until every open shard is read, evenly.
    pub split: f64,
    /// From the start of more pods until every shard is read, evenly.
    pub grown: f64,
    /// How many records were delivered, each once.
    pub records: usize,
}

/// Published: children are seen within this time, in seconds.
const CHILDREN: f64 = 5.0;

/// Published: the fleet is even within this time.
const EVEN: f64 = 60.0;

impl Outcome {
    /// What was measured, and what was published of it.
    fn rows(&self) -> [(&'static str, f64, Option<f64>); 4] {
        [
            ("pods start → every shard read, evenly", self.first, None),
            ("a shard is split → its children are read", self.children, Some(CHILDREN)),
            ("the last split → every shard read, evenly", self.split, Some(EVEN)),
            ("more pods start → every shard read, evenly", self.grown, Some(EVEN)),
        ]
    }

    /// Whether everything came within the time that was published.
    #[must_use]
    pub fn is_as_published(&self) -> bool {
        self.rows().iter().all(|(_, here, published)| published.is_none_or(|most| *here <= most))
    }
}

/// As a table.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | here | published |\n|---|---|---|")?;
        for (what, here, published) in self.rows() {
            let published = published.map_or_else(|| "–".to_owned(), |most| format!("≤ {most} s"));
            writeln!(f, "| {what} | {} | {published} |", s(here))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_too_late_is_not_as_published() {
        let right = Outcome { first: 99.0, children: 5.0, split: 60.0, grown: 0.1, records: 1 };
        assert!(right.is_as_published());
        assert!(!Outcome { children: 5.1, ..right }.is_as_published());
        assert!(!Outcome { grown: 61.0, ..right }.is_as_published());
        let table = right.to_string();
        assert!(table.contains("| a shard is split → its children are read | 5.00 s | ≤ 5 s |"));
    }
}
