//! Counts the results of the records. The command writes the counts at its end, also after an
//! error.

use serde::Serialize;

/// The results of the records, as the JSON on stdout. Lines and generated records are numbered
/// from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Account {
    /// How many records the stream acknowledged.
    pub(super) produced: u64,
    /// How many times a record was part of a call again.
    pub(super) retried: u64,
    /// How many records were part of a call and were not acknowledged. A call without an answer may
    /// have put its records nevertheless.
    pub(super) failed: u64,
    /// How many records were never part of a call: of `--total`, or of the lines that were read.
    pub(super) not_tried: u64,
    /// The number of the first record that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_failed: Option<u64>,
    /// The number of the first record that was not tried. No later record was tried either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_not_tried: Option<u64>,
}

impl Account {
    /// Counts a record that was not acknowledged when the command ended.
    pub(super) fn leave(&mut self, number: u64, was_tried: bool) {
        let (count, first) = match was_tried {
            true => (&mut self.failed, &mut self.first_failed),
            false => (&mut self.not_tried, &mut self.first_not_tried),
        };
        *count += 1;
        *first = Some(first.map_or(number, |first| first.min(number)));
    }

    /// Counts `count` records from `number` on that were never tried.
    pub(super) fn leave_rest(&mut self, number: u64, count: u64) {
        if count > 0 {
            self.not_tried = self.not_tried.saturating_add(count);
            self.first_not_tried = Some(self.first_not_tried.map_or(number, |it| it.min(number)));
        }
    }

    /// Whether the stream acknowledged every record.
    pub(super) const fn is_complete(&self) -> bool {
        self.failed == 0 && self.not_tried == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_at_the_end_has_failed_or_was_never_tried() {
        let mut account = Account { produced: 3, ..Account::default() };
        assert!(account.is_complete());
        for (number, was_tried) in [(5, true), (4, true), (7, false), (6, false)] {
            account.leave(number, was_tried);
        }
        account.leave_rest(8, 0);
        account.leave_rest(8, 3);
        let expected = serde_json::json!({
            "produced": 3, "retried": 0, "failed": 2, "not_tried": 5, "first_failed": 4,
            "first_not_tried": 6,
        });
        assert_eq!(serde_json::to_value(account).unwrap(), expected);
        assert!(!account.is_complete());
    }
}
