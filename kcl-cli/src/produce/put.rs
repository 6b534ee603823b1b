//! Puts a batch, and puts refused records again until the stream has acknowledged every record.
//!
//! The stream may refuse single records of a call: they are put again, so that records of one key
//! may change places. A call that is rejected as a whole is sent again record by record, to find
//! the record that cannot be put.

use std::time::Duration;

use anyhow::{anyhow, bail};
use tokio_util::sync::CancellationToken;

use super::{
    account::Account,
    record::NewRecord,
    sink::{Answer, Limits, Sink},
};

/// The pause before refused records are put again. It doubles each time, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The sum of the pauses after which the command fails, if the stream takes no record meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// Puts records into one stream.
pub(super) struct Putting<S> {
    pub(super) sink: S,
    pub(super) limits: Limits,
    pub(super) account: Account,
    /// The records that are not acknowledged, oldest first, also after an error.
    waiting: Vec<NewRecord>,
    /// How many of the first records get a call of their own: one of them cannot be put.
    singly: usize,
    /// Cancelled when no further call must be made.
    stop: CancellationToken,
}

/// The state of the retries.
struct Patience {
    /// The sum of the pauses since the stream took a record.
    waited: Duration,
    /// The next pause.
    pause: Duration,
}

impl Patience {
    const FRESH: Self = Self { waited: Duration::ZERO, pause: PAUSE };
}

impl<S: Sink> Putting<S> {
    pub(super) fn new(sink: S, limits: Limits, stop: CancellationToken) -> Self {
        let account = Account::default();
        Self { sink, limits, account, waiting: Vec::new(), singly: 0, stop }
    }

    /// Puts a batch, until the stream has every record or `stop` is cancelled.
    ///
    /// # Errors
    /// A record cannot be put (the message has its number), the stream cannot be reached, or it
    /// takes no record for a minute.
    ///
    /// # Cancel safety
    /// The call in flight may or may not put its records. They count as failed.
    pub(super) async fn put(&mut self, batch: Vec<NewRecord>) -> anyhow::Result<()> {
        self.waiting = batch;
        let mut patience = Patience::FRESH;
        while !self.waiting.is_empty() && !self.stop.is_cancelled() {
            let refused = self.put_once().await?;
            if refused.taken > 0 {
                patience = Patience::FRESH;
            }
            let Some(why) = refused.why else { continue };
            let (records, pause) = (refused.records, patience.pause);
            tracing::warn!(records, ?pause, why, "kcl.put.refused");
            if patience.waited >= PATIENCE {
                bail!(
                    "the stream took no record for {PATIENCE:?} ({why}): add shards, or put less \
                     at once with --batch-size and --batch-delay-ms"
                );
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = rest(pause) => {}
            }
            patience.waited += pause;
            patience.pause = (pause * 2).min(PAUSE_MAX);
        }
        Ok(())
    }

    /// Puts as many of the first records as fit one call.
    async fn put_once(&mut self) -> anyhow::Result<Refused> {
        let most = if self.singly > 0 { 1 } else { fitting(&self.waiting, self.limits.call) };
        let call = &mut self.waiting[..most];
        self.account.retried += count(call.iter().filter(|record| record.was_tried));
        for record in call.iter_mut() {
            record.was_tried = true;
        }
        let numbers = numbers(call);
        let answer = self.sink.put(&self.waiting[..most]).await;
        self.singly = self.singly.saturating_sub(1);
        match answer.map_err(|error| error.context(format!("{numbers} failed")))? {
            Answer::Each(each) => {
                let bad = each.iter().position(|why| why.as_deref().is_some_and(is_for_good));
                let bad = bad.map(|at| (described(&self.waiting[at]), each[at].clone()));
                let refused = self.settle(&each);
                match bad {
                    Some((record, why)) => Err(cannot_be_put(&record, &why.unwrap_or_default())),
                    None => Ok(refused),
                }
            }
            Answer::Throttled(why) => Ok(Refused { taken: 0, records: most, why: Some(why) }),
            Answer::Rejected(why) if most == 1 => {
                Err(cannot_be_put(&described(&self.waiting[0]), &why))
            }
            // One record makes the stream reject all of them: single calls show which one, and
            // put the others.
            Answer::Rejected(why) => {
                tracing::debug!(records = most, why, "a call was rejected: its records go singly");
                self.singly = most;
                Ok(Refused { taken: 0, records: 0, why: None })
            }
        }
    }

    /// Removes the acknowledged records of a call from those that wait.
    fn settle(&mut self, each: &[Option<String>]) -> Refused {
        let mut answers = each.iter();
        // The records behind the call have no answers, and stay.
        self.waiting.retain(|_| answers.next().is_none_or(Option::is_some));
        let why = each.iter().flatten().next().cloned();
        let records = each.iter().flatten().count();
        let taken = each.len() - records;
        self.account.produced += count(each.iter().filter(|refused| refused.is_none()));
        Refused { taken, records, why }
    }

    /// Counts the records that wait as failed or not tried, at the end of the command.
    pub(super) fn leave(&mut self) {
        for record in self.waiting.drain(..) {
            self.account.leave(record.number, record.was_tried);
        }
    }
}

/// The result of a call.
struct Refused {
    /// How many records the stream took.
    taken: usize,
    /// How many records the stream refused.
    records: usize,
    /// Why it refused the first of them; `None` if it refused none.
    why: Option<String>,
}

/// Whether a record with this error code would be refused each time.
fn is_for_good(code: &str) -> bool {
    matches!(code, "InvalidArgumentException" | "ValidationException" | "SerializationException")
}

/// The error about a record that the stream will never take.
fn cannot_be_put(record: &str, why: &str) -> anyhow::Error {
    anyhow!("{record} cannot be put: {why}")
}

/// The number and the size of a record: mostly its size is the reason of a refusal.
fn described(record: &NewRecord) -> String {
    format!("record {}, of {} bytes with its key,", record.number, record.weight())
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.fold(0, |count, _| count + 1)
}

/// How many of the first records fit one call.
fn fitting(batch: &[NewRecord], call: usize) -> usize {
    let mut bytes = 0;
    let fits = |record: &&NewRecord| {
        bytes += record.weight();
        bytes <= call
    };
    batch.iter().take_while(fits).count().max(1)
}

/// Waits before the next call.
#[expect(clippy::disallowed_methods, reason = "a producer keeps the machine's time")]
pub(super) async fn rest(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// The numbers of the records as text: `record 7`, or `records 7 to 9`.
fn numbers(call: &[NewRecord]) -> String {
    let numbers = || call.iter().map(|record| record.number);
    match (numbers().min(), numbers().max()) {
        (Some(first), Some(last)) if first < last => format!("records {first} to {last}"),
        (first, _) => format!("record {}", first.unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests;
