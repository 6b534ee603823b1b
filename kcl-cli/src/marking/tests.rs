//! Two commands at once.

use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{self, Poll, Waker},
};

use kcl_core::env::Env;
use kcl_memory::MemoryStore;

use super::*;

/// A drain of `mine`. Each time it has read the marks, somebody else drains another worker, as
/// often as is said.
struct Raced {
    store: MemoryStore,
    others: AtomicUsize,
}

impl Raced {
    fn by(others: usize) -> Self {
        Self { store: MemoryStore::new("indexer"), others: AtomicUsize::new(others) }
    }

    async fn drain_another(&self, said: &Said) {
        let read = placing::read(&self.store).await.unwrap();
        let placement = read.placement.clone().unwrap_or_default();
        let mut marks = placement.marks.clone();
        let worker = format!("other-{}", marks.drained.len());
        marks.drained.insert(worker.parse().unwrap(), said.clone());
        placing::put(&self.store, &read, &placement.marked(marks)).await.unwrap();
    }

    async fn carry_out(&self) -> anyhow::Result<()> {
        let consent = Consent { yes: true, dry_run: false };
        let clock = Env::system().clock;
        carry_out(self, &self.store, &Config::default(), &*clock, consent, true).await
    }

    async fn drained(&self) -> Vec<String> {
        let stored = placing::read(&self.store).await.unwrap().placement.unwrap();
        stored.marks.drained.keys().map(ToString::to_string).collect()
    }
}

impl MarkEdit for Raced {
    fn what(&self) -> &'static str {
        "workers drain"
    }

    fn question(&self) -> String {
        "?".to_owned()
    }

    fn mark(&self, _: &Picture, said: &Said, mut marks: Marks) -> anyhow::Result<Marks> {
        let left = self.others.load(Ordering::Relaxed);
        if left > 0 {
            self.others.store(left - 1, Ordering::Relaxed);
            // A store in memory has nothing to wait for.
            let mut other = pin!(self.drain_another(said));
            let done = other.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
            assert_eq!(done, Poll::Ready(()));
        }
        marks.drained.insert("mine".parse()?, said.clone());
        Ok(marks)
    }

    fn judge(&self, _: &Picture, _: &Outlook) -> anyhow::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_mark_that_races_another_is_made_beside_it() {
    let raced = Raced::by(2);
    raced.carry_out().await.unwrap();
    assert_eq!(raced.drained().await, ["mine", "other-0", "other-1"]);
}

#[tokio::test]
async fn where_others_change_marks_all_the_time_nothing_is_changed_and_that_is_said() {
    let raced = Raced::by(usize::MAX);
    let refused = raced.carry_out().await.unwrap_err().to_string();
    assert!(refused.contains("nothing was changed; try kcl workers drain again"), "{refused}");
    assert!(!raced.drained().await.contains(&"mine".to_owned()));
}
