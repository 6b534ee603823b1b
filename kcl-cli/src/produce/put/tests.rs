//! Tests of batches, retries and the end of patience, against a sink whose answers the test sets.

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;

/// A sink whose answers the test sets.
#[derive(Default)]
struct Scripted {
    calls: Mutex<Vec<Vec<u64>>>,
    /// The number of a record that cannot be put.
    bad: Option<u64>,
    /// How many calls are refused in part before the sink takes everything.
    refusals: Mutex<u32>,
    /// Every call from this one on gets no answer.
    silent_from: Option<usize>,
}

#[async_trait]
impl Sink for Scripted {
    async fn put(&self, records: &[NewRecord]) -> anyhow::Result<Answer> {
        let numbers: Vec<u64> = records.iter().map(|record| record.number).collect();
        let calls = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(numbers.clone());
            calls.len()
        };
        if self.silent_from.is_some_and(|from| calls > from) {
            anyhow::bail!("the connection broke");
        }
        if self.bad.is_some_and(|bad| numbers.contains(&bad)) {
            return Ok(Answer::Rejected("ValidationException: too long".to_owned()));
        }
        let mut refusals = self.refusals.lock().unwrap();
        if *refusals > 0 {
            *refusals -= 1;
            // All but the first.
            let each = numbers.iter().skip(1).map(|_| Some("Throughput".to_owned()));
            return Ok(Answer::Each(std::iter::once(None).chain(each).collect()));
        }
        Ok(Answer::Each(vec![None; numbers.len()]))
    }
}

fn batch(numbers: std::ops::RangeInclusive<u64>, size: usize) -> Vec<NewRecord> {
    let record = |number| NewRecord {
        number,
        key: "k".to_owned(),
        data: vec![0; size - 1],
        was_tried: false,
    };
    numbers.map(record).collect()
}

fn putting(sink: Scripted) -> Putting<Scripted> {
    Putting::new(sink, Limits { record: 100, call: 250 }, CancellationToken::new())
}

#[tokio::test(start_paused = true)]
async fn a_call_holds_what_fits_and_what_is_refused_comes_again() {
    let mut putting = putting(Scripted { refusals: Mutex::new(1), ..Scripted::default() });
    putting.put(batch(1..=5, 100)).await.unwrap();
    assert_eq!(*putting.sink.calls.lock().unwrap(), [vec![1, 2], vec![2, 3], vec![4, 5]]);
    assert_eq!((putting.account.produced, putting.account.retried), (5, 1));
    putting.leave();
    assert!(putting.account.is_complete());
}

#[tokio::test(start_paused = true)]
async fn of_a_call_that_is_rejected_only_the_record_fails_that_cannot_be_put() {
    let mut putting = putting(Scripted { bad: Some(2), ..Scripted::default() });
    let error = putting.put(batch(1..=4, 60)).await.unwrap_err().to_string();
    let expected = "record 2, of 60 bytes with its key, cannot be put: ";
    assert!(error.contains(expected) && error.contains("too long"), "{error}");
    putting.leave();
    let account = putting.account;
    assert_eq!((account.produced, account.failed, account.not_tried), (1, 3, 0));
    assert_eq!(account.first_failed, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_refused_for_good_is_not_put_for_ever() {
    struct Strict;
    #[async_trait]
    impl Sink for Strict {
        async fn put(&self, records: &[NewRecord]) -> anyhow::Result<Answer> {
            let one = |record: &NewRecord| {
                (record.number == 2).then(|| "InvalidArgumentException".to_owned())
            };
            Ok(Answer::Each(records.iter().map(one).collect()))
        }
    }
    let limits = Limits { record: 100, call: 250 };
    let mut putting = Putting::new(Strict, limits, CancellationToken::new());
    let error = putting.put(batch(1..=3, 60)).await.unwrap_err().to_string();
    assert!(error.contains("record 2") && error.contains("InvalidArgument"), "{error}");
    putting.leave();
    assert_eq!((putting.account.produced, putting.account.first_failed), (2, Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_nothing_for_a_minute_is_given_up() {
    let mut putting = putting(Scripted { refusals: Mutex::new(u32::MAX), ..Scripted::default() });
    // Each call takes its first record, so the last one is tried alone, and taken, too.
    putting.put(batch(1..=3, 60)).await.unwrap();
    assert_eq!(putting.account.produced, 3);

    struct Throttled;
    #[async_trait]
    impl Sink for Throttled {
        async fn put(&self, _: &[NewRecord]) -> anyhow::Result<Answer> {
            Ok(Answer::Throttled("LimitExceededException".to_owned()))
        }
    }
    let limits = Limits { record: 100, call: 250 };
    let mut putting = Putting::new(Throttled, limits, CancellationToken::new());
    let error = putting.put(batch(1..=6, 100)).await.unwrap_err().to_string();
    assert!(error.contains("no record for 60s") && error.contains("LimitExceeded"), "{error}");
    putting.leave();
    let account = putting.account;
    assert_eq!((account.produced, account.failed, account.not_tried), (0, 2, 4));
    assert_eq!((account.first_failed, account.first_not_tried), (Some(1), Some(3)));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_answer_leaves_its_records_failed_and_the_others_untried() {
    let mut putting = putting(Scripted { silent_from: Some(1), ..Scripted::default() });
    let error = format!("{:#}", putting.put(batch(1..=6, 100)).await.unwrap_err());
    assert!(error.contains("records 3 to 4") && error.contains("connection broke"), "{error}");
    putting.leave();
    let account = putting.account;
    assert_eq!((account.produced, account.failed, account.not_tried), (2, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn who_is_stopped_sends_nothing_more() {
    let mut putting = putting(Scripted::default());
    putting.stop.cancel();
    putting.put(batch(1..=3, 60)).await.unwrap();
    putting.leave();
    assert_eq!((putting.account.produced, putting.account.not_tried), (0, 3));
}
