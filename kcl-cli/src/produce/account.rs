//! What became of the records, whatever ended the command.

use serde::Serialize;

/// What became of the records. Lines, and generated records, are counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Account {
    /// Records that the stream took.
    pub(super) produced: u64,
    /// Times a record was put again.
    pub(super) retried: u64,
    /// Records that were tried and not taken, as far as is known: a call without an answer may have
    /// put its records all the same.
    pub(super) failed: u64,
    /// Records that were never tried: of --total, or of the lines that were read.
    pub(super) not_tried: u64,
    /// The number of the first record that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_failed: Option<u64>,
    /// The number of the first record that was not tried: with it and those that failed, everything
    /// can be put that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_not_tried: Option<u64>,
}

impl Account {
    /// Counts a record that waited when the command ended.
    pub(super) fn leave(&mut self, number: u64, was_tried: bool) {
        let (count, first) = match was_tried {
            true => (&mut self.failed, &mut self.first_failed),
            false => (&mut self.not_tried, &mut self.first_not_tried),
        };
        *count += 1;
        *first = Some(first.map_or(number, |first| first.min(number)));
    }

    /// Counts records from `number` on that nobody got to.
    pub(super) fn leave_rest(&mut self, number: u64, count: u64) {
        if count > 0 {
            self.not_tried = self.not_tried.saturating_add(count);
            self.first_not_tried = Some(self.first_not_tried.map_or(number, |it| it.min(number)));
        }
    }

    /// Whether everything that there was to put is in the stream.
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
