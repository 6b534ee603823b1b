//! `kcl workers drain | undrain`: sets and removes the mark `drained` of workers.
//!
//! The mark belongs to the worker's id, not to its session: a worker that is restarted stays
//! drained. At least one live worker must stay undrained.

use anyhow::bail;
use kcl_core::{
    assignment::placement::{Marks, Said},
    lease::WorkerId,
};

use crate::{marking::MarkEdit, outlook::Outlook, picture::Picture};

/// The change that drains workers, or takes that back.
#[derive(Clone, Debug)]
pub(crate) struct OfWorkers {
    /// Whether the workers are drained; `false` takes their marks back.
    pub(crate) drain: bool,
    /// The workers. To undrain, an empty list means every drained worker.
    pub(crate) workers: Vec<WorkerId>,
}

impl OfWorkers {
    /// The workers, for the question.
    fn named(&self) -> String {
        match &self.workers[..] {
            [] => "all that are drained".to_owned(),
            workers => workers.iter().map(WorkerId::as_str).collect::<Vec<_>>().join(", "),
        }
    }
}

impl MarkEdit for OfWorkers {
    fn what(&self) -> &'static str {
        if self.drain { "workers drain" } else { "workers undrain" }
    }

    fn question(&self) -> String {
        if self.drain {
            format!("Drain {}, so that others read what they hold?", self.named())
        } else {
            format!("Give {} their share again?", self.named())
        }
    }

    fn mark(&self, picture: &Picture, said: &Said, mut marks: Marks) -> anyhow::Result<Marks> {
        if !self.drain && self.workers.is_empty() {
            marks.drained.clear();
            return Ok(marks);
        }
        for worker in &self.workers {
            if self.drain {
                marks.drained.entry(worker.clone()).or_insert_with(|| said.clone());
            } else if marks.drained.remove(worker).is_none() {
                bail!("{worker} is not drained: `kcl workers list` shows who is");
            }
        }
        let drained = |session: &&kcl_core::lease::Session| marks.drains(&session.id.worker);
        let left = picture.living.iter().filter(|session| !drained(session)).count();
        if self.drain && left == 0 && !picture.living.is_empty() {
            bail!(
                "no worker that lives would be left to read anything: {} of {} would be drained; \
                 start another worker first, or take one back with `kcl workers undrain`",
                picture.living.iter().filter(drained).count(),
                picture.living.len()
            );
        }
        Ok(marks)
    }

    fn judge(&self, picture: &Picture, outlook: &Outlook) -> anyhow::Result<Vec<String>> {
        let mut notes = Vec::new();
        let absent = self.workers.iter().filter(|worker| !picture.is_alive(worker));
        notes.extend(absent.map(|worker| format!("{worker} is not seen to beat now")));
        if self.drain {
            let waits = outlook.unread.iter().filter(|it| it.reason.contains("is drained"));
            let count = waits.count();
            if count > 0 {
                notes.push(format!(
                    "{count} shards that placement rules require of them are read by nobody \
                     meanwhile: change the rules with `kcl placement set`, or undrain in time"
                ));
            }
        }
        Ok(notes)
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::{
        assignment::placement::{Mode, Placement, PlacementRules, Rule, Target, Uncovered},
        env::WallTime,
    };
    use kcl_memory::MemoryStore;

    use super::*;
    use crate::{
        outlook,
        picture::testing::{name, picture},
    };

    fn edit(drain: bool, workers: &[&str]) -> OfWorkers {
        let workers = workers.iter().map(|worker| worker.parse().unwrap()).collect();
        OfWorkers { drain, workers }
    }

    fn made(picture: &Picture, edit: &OfWorkers) -> anyhow::Result<(Marks, Outlook, Vec<String>)> {
        let before = picture.readable()?;
        let said = Said { by: "a test".to_owned(), since: WallTime::from_millis(1) };
        let marks = edit.mark(picture, &said, before.marks.clone())?;
        let document = outlook::document(&before.marked(marks.clone()))?;
        let outlook = Outlook::of(picture, &document);
        let notes = edit.judge(picture, &outlook)?;
        Ok((marks, outlook, notes))
    }

    #[tokio::test]
    async fn what_a_drained_worker_holds_goes_to_others_until_it_is_undrained() {
        let mut picture = picture(&MemoryStore::new("indexer")).await;
        let (marks, outlook, notes) = made(&picture, &edit(true, &["worker-1"])).unwrap();
        let moved: Vec<&str> = outlook.moves.iter().map(|it| it.to.as_str()).collect();
        assert_eq!((moved, notes), (vec!["worker-2"; 4], Vec::new()));
        picture.stored.placement = Some(Placement::default().marked(marks));
        let (marks, ..) = made(&picture, &edit(false, &["worker-1"])).unwrap();
        assert!(marks.are_none());
        assert!(made(&picture, &edit(false, &[])).unwrap().0.are_none());
        let refused = made(&picture, &edit(false, &["worker-2"])).unwrap_err().to_string();
        assert!(refused.contains("worker-2 is not drained"), "{refused}");
    }

    #[tokio::test]
    async fn the_last_worker_is_not_drained() {
        let mut picture = picture(&MemoryStore::new("indexer")).await;
        let both = made(&picture, &edit(true, &["worker-1", "worker-2"])).unwrap_err().to_string();
        assert!(both.contains("2 of 2 would be drained"), "{both}");
        let (marks, ..) = made(&picture, &edit(true, &["worker-1"])).unwrap();
        picture.stored.placement = Some(Placement::default().marked(marks));
        let last = made(&picture, &edit(true, &["worker-2"])).unwrap_err().to_string();
        assert!(last.contains("start another worker first"), "{last}");
        // A worker that does not live may be drained in advance.
        let (_, _, notes) = made(&picture, &edit(true, &["worker-7"])).unwrap();
        assert_eq!(notes, ["worker-7 is not seen to beat now"]);
    }

    #[tokio::test]
    async fn what_rules_require_of_a_drained_worker_is_read_by_nobody_and_that_is_said() {
        let mut picture = picture(&MemoryStore::new("indexer")).await;
        let target = Target::Shard(name(2).parse().unwrap());
        let rule = Rule::new(target, "worker-1".parse().unwrap(), Mode::Require);
        let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
        picture.stored.placement = Some(rules.into());
        let (_, outlook, notes) = made(&picture, &edit(true, &["worker-1"])).unwrap();
        let unread: Vec<&str> = outlook.unread.iter().map(|it| it.shard.as_str()).collect();
        assert_eq!(unread, [name(2)]);
        assert!(notes[0].starts_with("1 shards that placement rules require"), "{notes:?}");
    }
}
