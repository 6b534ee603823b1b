//! Reads facts from the output of `kcl leases watch --format json`: the differences between one
//! reading and the next. Their times are as exact as the readings are close together.

use std::collections::BTreeMap;

use serde_json::Value;

use super::sign::{Sign, What, micros};

/// The parts of one reading that are compared.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Microseconds since 1970.
    at: u64,
    /// The state of each worker's session: `LIVE`, `LEAVING`, or how it ended, like `FENCED`.
    workers: BTreeMap<String, String>,
    /// The leases, by shard id.
    shards: BTreeMap<String, Shard>,
}

/// The lease of a shard in one reading.
#[derive(Clone, Debug, Default)]
struct Shard {
    owner: Option<String>,
    ended: bool,
    parents: Vec<String>,
}

/// The readings of all files.
#[derive(Debug, Default)]
pub(super) struct Looks(Vec<Seen>);

/// Whether this line is a reading: it has lists of workers and leases.
pub(super) fn is_look(value: &Value) -> bool {
    let is_list = |name: &str| value.get(name).is_some_and(Value::is_array);
    is_list("workers") && is_list("leases")
}

impl Looks {
    /// Adds a reading; one without a time is ignored.
    pub(super) fn add(&mut self, value: &Value) {
        self.0.extend(Seen::of(value));
    }

    /// The differences between each reading and the next, in the order of time.
    pub(super) fn into_signs(mut self) -> Vec<Sign> {
        self.0.sort_by_key(|seen| seen.at);
        let mut before = Seen::default();
        let mut signs = Vec::new();
        for (number, now) in self.0.into_iter().enumerate() {
            now.differs(&before, number == 0, &mut signs);
            before = now;
        }
        signs
    }
}

impl Seen {
    /// Parses a reading; `None` if it has no valid time.
    fn of(value: &Value) -> Option<Self> {
        let at = micros(value.get("at")?.as_str()?)?;
        let list = |name: &str| value.get(name).and_then(Value::as_array).into_iter().flatten();
        let text = |row: &Value, name: &str| row.get(name)?.as_str().map(str::to_owned);
        let mut seen = Self { at, ..Self::default() };
        for row in list("workers") {
            let (Some(worker), Some(state)) = (text(row, "worker"), text(row, "state")) else {
                continue;
            };
            // A worker may have several sessions: the one that has not ended counts.
            let known = seen.workers.entry(worker).or_insert_with(|| state.clone());
            if is_there(&state) {
                *known = state;
            }
        }
        for row in list("leases") {
            let Some(shard) = text(row, "shard") else { continue };
            let checkpoint = text(row, "checkpoint").unwrap_or_default();
            let parents = row.get("parents").and_then(Value::as_array).into_iter().flatten();
            let parents = parents.filter_map(|it| it.as_str().map(str::to_owned)).collect();
            let ended = checkpoint.starts_with("SHARD_END");
            seen.shards.insert(shard, Shard { owner: text(row, "owner"), ended, parents });
        }
        Some(seen)
    }

    /// Appends the facts that are new in this reading. In the `first` one everything is new; a
    /// shard that had ended by then is ignored.
    fn differs(&self, before: &Self, first: bool, signs: &mut Vec<Sign>) {
        let at = self.at;
        let mut sign = |what: What| signs.push(Sign { at, what });
        sign(What::Looked);
        for (worker, state) in &self.workers {
            let worker = worker.clone();
            let former = before.workers.get(&worker).map(String::as_str);
            let was_there = former.is_some_and(is_there);
            match state.as_str() {
                "LIVE" if !was_there => sign(What::Joined { worker }),
                "LEAVING" if former != Some("LEAVING") => sign(What::Leaving { worker }),
                "FENCED" if was_there => sign(What::Died { worker }),
                state if !is_there(state) && was_there => sign(What::Gone { worker }),
                _ => {}
            }
        }
        for worker in before.workers.keys().filter(|it| !self.workers.contains_key(*it)) {
            sign(What::Gone { worker: worker.clone() });
        }
        for (name, shard) in &self.shards {
            let former = before.shards.get(name);
            if former.is_none() && !(first && shard.ended) {
                let parents = shard.parents.clone();
                sign(What::Born { shard: name.clone(), parents });
            }
            let owner = former.and_then(|former| former.owner.as_ref());
            if owner != shard.owner.as_ref() {
                if let Some(worker) = owner {
                    sign(What::Lost { shard: name.clone(), worker: worker.clone() });
                }
                if let Some(worker) = &shard.owner {
                    sign(What::Gained { shard: name.clone(), worker: worker.clone() });
                }
            }
            if shard.ended && former.is_some_and(|former| !former.ended) {
                sign(What::Ended { shard: name.clone() });
            }
        }
    }
}

/// Whether a session in this state has not ended.
fn is_there(state: &str) -> bool {
    matches!(state, "LIVE" | "LEAVING")
}
