//! The results of the experiment, beside the published ones.

use std::fmt;

/// A time as text.
pub(super) fn s(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

/// How long each step took, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// From the first start until every shard is read and the shares are even.
    pub first: f64,
    /// The longest time from a parent's split to the first read of a child.
    pub children: f64,
    /// From the last split until every open shard is read and the shares are even.
    pub split: f64,
    /// From the start of more pods until every shard is read and the shares are even.
    pub grown: f64,
    /// How many records were delivered, each once.
    pub records: usize,
}

/// The published time within which children are read, in seconds.
const CHILDREN: f64 = 5.0;

/// The published time within which the shares are even, in seconds.
const EVEN: f64 = 60.0;

impl Outcome {
    /// Each step with the measured time and the published one, in seconds; `None`: not published.
    fn rows(&self) -> [(&'static str, f64, Option<f64>); 4] {
        [
            ("pods start → every shard read, evenly", self.first, None),
            ("a shard is split → its children are read", self.children, Some(CHILDREN)),
            ("the last split → every shard read, evenly", self.split, Some(EVEN)),
            ("more pods start → every shard read, evenly", self.grown, Some(EVEN)),
        ]
    }

    /// Whether every step took no longer than the published time.
    #[must_use]
    pub fn is_as_published(&self) -> bool {
        self.rows().iter().all(|(_, here, published)| published.is_none_or(|most| *here <= most))
    }
}

/// A table in Markdown.
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
