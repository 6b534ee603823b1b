//! The source of the records: a generator, or the lines of stdin.

use kcl_core::env::{Env, Rng};

use super::{account::Account, args::ProduceArgs, lines::Lines, record::NewRecord, sink::Limits};

/// Makes the records, within the stream's limit and `--total`.
pub(super) struct Records {
    from: From,
    key: Option<String>,
    /// The most bytes of a record, its key included.
    largest: usize,
    /// How many more records may follow; `None` for any number.
    left: Option<u64>,
    /// The number of the last record that was given.
    given: u64,
    /// Why the next record cannot be given. It is returned once all records before it were.
    refused: Option<NoRecord>,
    rng: Rng,
}

/// The kind of source.
enum From {
    /// Records of this size, with a number and padding.
    Generator {
        size: usize,
    },
    Lines(Lines),
}

/// Why there is no next record.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoRecord {
    /// The next record is larger than the stream allows.
    #[error(
        "{what} {number} makes a record of {weight} bytes, its key included: the stream takes up \
         to {largest}. Split it, or raise the stream's limit (UpdateMaxRecordSize, up to 10 MiB)"
    )]
    TooLarge {
        /// `line`, or `record`.
        what: &'static str,
        /// The number of the record.
        number: u64,
        /// The size of the record as Kinesis counts it; `… or more` for a line that was cut.
        weight: String,
        /// The stream's limit.
        largest: usize,
    },
    /// Stdin cannot be read. Holds the number of the last line.
    #[error("stdin cannot be read after line {0}")]
    Input(u64, #[source] std::io::Error),
}

impl Records {
    /// The records that the arguments ask for, at most `total`.
    ///
    /// # Errors
    /// The operating system gives no thread to read stdin with.
    pub(super) fn new(
        args: &ProduceArgs,
        total: Option<u64>,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        let from = match args.stdin {
            true => From::Lines(Lines::read(std::io::stdin(), limits.record)?),
            false => From::Generator { size: args.size },
        };
        let rng = Rng::new(Env::system().entropy.next_u64());
        let (key, largest) = (args.partition_key.clone(), limits.record);
        Ok(Self { from, key, largest, left: total, given: 0, refused: None, rng })
    }

    /// Up to `most` records: it waits for the first, and takes the others if they have arrived.
    /// Empty at the end.
    ///
    /// # Errors
    /// The next record cannot be given. All records before it were given.
    ///
    /// # Cancel safety
    /// Safe: it waits only before the first record, so none is lost.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<NewRecord>, NoRecord> {
        let mut batch = Vec::new();
        while batch.len() < most && self.left != Some(0) && self.refused.is_none() {
            match self.one(batch.is_empty()).await {
                Ok(Some(record)) => batch.push(record),
                Ok(None) => break,
                Err(why) => self.refused = Some(why),
            }
        }
        match self.refused.take() {
            Some(why) if batch.is_empty() => return Err(why),
            later => self.refused = later,
        }
        Ok(batch)
    }

    /// The next record. Without `waits`, only if it has arrived.
    async fn one(&mut self, waits: bool) -> Result<Option<NewRecord>, NoRecord> {
        let given = self.given;
        let broken = |error| NoRecord::Input(given, error);
        let next = match &mut self.from {
            From::Generator { size } => Some((given + 1, generated(given + 1, *size))),
            From::Lines(lines) if waits => lines.next().await.map_err(broken)?,
            From::Lines(lines) => lines.try_next().map_err(broken)?,
        };
        let Some((number, data)) = next else { return Ok(None) };
        let key = self.key.clone().unwrap_or_else(|| format!("{:016x}", self.rng.next_u64()));
        let record = NewRecord { number, key, data, was_tried: false };
        if record.weight() > self.largest {
            return Err(self.too_large(&record));
        }
        self.given = number;
        self.left = self.left.map(|left| left - 1);
        Ok(Some(record))
    }

    /// The refusal of a record that is larger than the stream allows.
    fn too_large(&self, record: &NewRecord) -> NoRecord {
        let (what, whole) = match self.from {
            From::Generator { .. } => ("record", true),
            From::Lines(_) => ("line", record.data.len() <= self.largest),
        };
        let weight = record.weight();
        let weight = if whole { weight.to_string() } else { format!("{weight} or more") };
        NoRecord::TooLarge { what, number: record.number, weight, largest: self.largest }
    }

    /// Counts the records that were never tried: the rest of the total, or the lines that have
    /// arrived.
    pub(super) fn leave(&mut self, refused: Option<&NoRecord>, account: &mut Account) {
        let mut next = self.given + 1;
        if let Some(NoRecord::TooLarge { number, .. }) = refused.or(self.refused.as_ref()) {
            // A record that is too large counts as failed, although no call had it.
            account.leave(*number, true);
            next += 1;
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        let most = self.left.unwrap_or(u64::MAX);
        let rest = match &mut self.from {
            From::Generator { .. } => self.left.unwrap_or(0),
            From::Lines(lines) => {
                let read = std::iter::from_fn(|| lines.try_next().ok().flatten());
                u64::try_from(read.count()).unwrap_or(u64::MAX).min(most)
            }
        };
        account.leave_rest(next, rest);
    }
}

/// The data of a generated record: JSON with its number, padded to `size` bytes.
fn generated(number: u64, size: usize) -> Vec<u8> {
    let mut data = format!(r#"{{"number":{number},"padding":""#).into_bytes();
    let end = br#""}"#;
    data.resize(data.len().max(size.saturating_sub(end.len())), b'.');
    data.extend_from_slice(end);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_record_is_json_of_the_size_asked_for() {
        for size in [0, 26, 128, 5_000] {
            let data = generated(7, size);
            let json: serde_json::Value = serde_json::from_slice(&data).unwrap();
            assert_eq!(json["number"], 7);
            assert!(data.len() == size || size < 30, "{} of {size}", data.len());
        }
    }

    fn of_lines(input: &'static [u8], largest: usize, left: Option<u64>) -> Records {
        Records {
            from: From::Lines(Lines::read(input, largest).unwrap()),
            key: Some("k".to_owned()),
            largest,
            left,
            given: 0,
            refused: None,
            rng: Rng::new(1),
        }
    }

    #[tokio::test]
    async fn what_comes_before_a_line_that_is_too_large_is_given_first() {
        let mut records = of_lines(b"a\nbb\nccccc\nd\n", 5, None);
        let mut given = Vec::new();
        let refused = loop {
            match records.next(10).await {
                Ok(batch) => given.extend(batch.into_iter().map(|record| record.number)),
                Err(refused) => break refused,
            }
        };
        assert_eq!(given, [1, 2]);
        let said = refused.to_string();
        assert!(said.contains("line 3") && said.contains("6 bytes"), "{said}");
        assert!(said.contains("up to 5") && !said.contains("ccccc"), "{said}");
        let mut account = Account::default();
        records.leave(Some(&refused), &mut account);
        assert_eq!((account.failed, account.first_failed), (1, Some(3)));
        assert_eq!((account.not_tried, account.first_not_tried), (1, Some(4)));
    }

    #[tokio::test]
    async fn no_more_is_given_than_the_total() {
        let mut records = of_lines(b"a\nb\nc\nd\n", 5, Some(2));
        let mut given = 0;
        loop {
            match records.next(10).await.unwrap().len() {
                0 => break,
                count => given += count,
            }
        }
        assert_eq!(given, 2);
        let mut account = Account::default();
        records.leave(None, &mut account);
        assert!(account.is_complete(), "lines beyond the total were not asked for");
    }
}
