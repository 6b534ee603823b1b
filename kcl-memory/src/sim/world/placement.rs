//! The placement rules as an operator edits them, and what they mean for a shard.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    assignment::placement::{
        Frozen, Marks, Mode, Placement, PlacementRules, Rule, Target, Uncovered,
    },
    coordinator::StoreCall,
    env::WallTime,
    lease::{DeleteDoc, DocName, Document, Lease, LeaseKey, PutDoc, WorkerId, rules},
};

use super::World;
use crate::sim::{Violation, invariant::Excuse, stream::ShardNo};

impl World {
    pub(super) fn add_rule(
        &mut self,
        which: usize,
        who: usize,
        require: bool,
    ) -> Result<bool, Violation> {
        let open = self.stream.open_shards();
        let shard = open.get(which % open.len().max(1)).copied();
        let (Some(no), Some(at)) = (shard, self.pick(who)) else { return Ok(false) };
        let id = self.stream.shards[no].listed.id.clone();
        let worker = self.hosts[at].worker.clone();
        let mode = if require { Mode::Require } else { Mode::Prefer };
        let placement = self.as_it_stands();
        let rule = Rule::new(Target::Shard(id.clone()), worker.clone(), mode);
        let mut rules = placement.rules.rules().to_vec();
        rules.retain(|other| other.target != rule.target);
        rules.push(rule);
        self.placement.rules.retain(|(of, ..)| *of != id);
        self.placement.rules.push((id, worker, mode));
        match PlacementRules::new(rules, Uncovered::Balance) {
            Ok(rules) => self.put_placement(&placement.with_rules(rules)),
            Err(_) => Ok(false),
        }
    }

    pub(super) fn freeze(&mut self, freeze: bool) -> Result<bool, Violation> {
        let frozen = freeze
            .then(|| Frozen { by: "an operator".to_owned(), since: WallTime::from_millis(1) });
        let placement = self.as_it_stands().frozen(frozen);
        self.placement.frozen = freeze;
        self.put_placement(&placement)
    }

    /// Puts the document, and wakes the planner.
    pub(super) fn put_placement(&mut self, placement: &Placement) -> Result<bool, Violation> {
        self.placement.unknown = false;
        let is_put = placement.encode().is_ok_and(|body| self.put_rules(body));
        self.wake_planner()?;
        Ok(is_put)
    }

    /// Whoever changes the rules wakes the planner, if there is one. The wake-up may be lost.
    fn wake_planner(&mut self) -> Result<(), Violation> {
        let planner = self.store.rows.leases.get(&LeaseKey::planner());
        let Some(session) = planner.and_then(|row| row.owner.clone()) else { return Ok(()) };
        self.apply(&StoreCall::Wake(session), false).map(drop)
    }

    /// What the document says; if it makes no sense, what it said before.
    pub(super) fn as_it_stands(&mut self) -> Placement {
        let stored = self.stored_placement();
        self.placement.garbled.take().or(stored).unwrap_or_default()
    }

    /// What the document says; `None` if it makes no sense.
    fn stored_placement(&self) -> Option<Placement> {
        let doc = self.store.rows.docs.get(&DocName::placement());
        let none = || Some(Placement::default());
        doc.map_or_else(none, |doc| Placement::decode(&doc.body).ok())
    }

    pub(super) fn garble_rules(&mut self) -> bool {
        if let Some(stored) = self.stored_placement() {
            self.placement.garbled = Some(stored);
        }
        self.placement.unknown = true;
        self.put_rules("{\"rules\": 7}".into())
    }

    fn put_rules(&mut self, body: bytes::Bytes) -> bool {
        let name = DocName::placement();
        let seen = self.store.rows.docs.get(&name).map(|doc| doc.version);
        self.placement.changed = Some(self.now);
        self.oracle.excuse(Excuse::Plans);
        self.store.put_doc(self.now, &PutDoc::new(name, seen, body)).is_done()
    }

    /// The store lost its last writes. The rules are then what they were: nobody but the operator
    /// writes them. What shards inherit of them may be lost, where a row that led to it is deleted
    /// by a call that was on its way.
    pub(super) fn lose_rules(&mut self, before: &BTreeMap<DocName, Document>) {
        let same = |name: &DocName| self.store.rows.docs.get(name) == before.get(name);
        self.placement.heirs_lost |= !same(&DocName::inherited()) || !same(&DocName::placement());
        if same(&DocName::placement()) {
            return;
        }
        self.placement.changed = Some(self.now);
        let stored = self.stored_placement();
        self.placement.unknown = stored.is_none();
        if let Some(stored) = stored {
            let of_shard = |rule: &Rule| match &rule.target {
                Target::Shard(shard) => Some((shard.clone(), rule.worker.clone(), rule.mode)),
                _ => None,
            };
            self.placement.frozen = stored.frozen.is_some();
            self.placement.marks = stored.marks;
            self.placement.rules = stored.rules.rules().iter().filter_map(of_shard).collect();
            self.placement.garbled = None;
        } else {
            // What it said before it was garbled, nobody has kept: the operator begins anew.
            self.placement.rules.clear();
            self.placement.marks = Marks::default();
            self.placement.frozen = false;
            self.placement.garbled = Some(Placement::default());
        }
    }

    pub(super) fn clear_rules(&mut self) -> Result<bool, Violation> {
        let name = DocName::placement();
        let Some(doc) = self.store.rows.docs.get(&name) else { return Ok(false) };
        let delete = DeleteDoc::new(name.clone(), doc.version);
        let deleted = rules::delete_doc(Some(doc), &delete).is_done();
        if deleted {
            self.store.rows.docs.remove(&name);
            self.placement.rules.clear();
            self.placement.marks = Marks::default();
            self.placement.frozen = false;
            self.placement.garbled = None;
            self.placement.changed = Some(self.now);
            self.placement.unknown = false;
            self.wake_planner()?;
        }
        Ok(deleted)
    }

    /// The one worker that may take a lease that was just taken, if the rules say so and every
    /// planner has had the time to read them.
    pub(super) fn allowed_owner(
        &self,
        shard: Option<ShardNo>,
        row: Option<&Lease>,
    ) -> Option<WorkerId> {
        let (no, _) = (shard?, row?.owner.as_ref()?);
        // While the fleet is frozen, a lease stays where it is whatever a rule says.
        if !self.rules_are_known() || self.placement.frozen {
            return None;
        }
        self.required(no).filter(|_| self.uncertain(no).is_empty())
    }

    /// Whether every planner has had the time to read the rules as they are.
    pub(super) fn rules_are_known(&self) -> bool {
        let known = self.settings_used().map(|s| s.audit_interval * 2 + s.session_timeout).max();
        let changed = self.placement.changed.filter(|_| !self.placement.unknown);
        changed.is_some_and(|changed| known.is_some_and(|known| self.since(changed) >= known))
    }

    /// Whether the fleet is frozen, and every planner has had the time to find that out.
    pub(super) fn is_known_frozen(&self) -> bool {
        self.placement.frozen && self.rules_are_known()
    }

    /// Whom the rules may name for a shard, where nobody can know which of them: of rules that come
    /// from several parents the nearest holds, and how near it was goes with the rows of ancestors.
    /// Nobody, where it is known.
    fn uncertain(&self, no: ShardNo) -> BTreeSet<&WorkerId> {
        let shards = &self.stream.shards;
        let (mut named, mut gone) = (BTreeSet::new(), false);
        let (mut open, mut met) = (vec![no], BTreeSet::new());
        while let Some(no) = open.pop() {
            if !met.insert(no) {
                continue;
            }
            let shard = &shards[no];
            gone |= shard.forgotten;
            match self.placement.rules.iter().find(|rule| rule.0 == shard.listed.id) {
                Some((_, worker, _)) => {
                    named.insert(worker);
                }
                None => open.extend(&shard.parents),
            }
        }
        // While another stream was read, a rule may have come for a shard whose row had gone: then
        // nothing was handed down from it.
        let unknown = named.len() > 1 || self.past.strangers || self.placement.heirs_lost;
        if gone && unknown { named } else { BTreeSet::new() }
    }

    /// The one worker that the rules require for a shard: its own rule, or its nearest ancestors'
    /// if these agree. What comes of a shard that is gone and never had a lease nobody can know.
    fn required(&self, no: ShardNo) -> Option<WorkerId> {
        let mut generation = BTreeSet::from([no]);
        while !generation.is_empty() {
            let shards = generation.iter().map(|no| &self.stream.shards[*no]);
            let named: BTreeSet<_> = shards
                .filter_map(|shard| self.placement.rules.iter().find(|r| r.0 == shard.listed.id))
                .map(|(_, worker, mode)| (worker, *mode))
                .collect();
            match named.iter().next() {
                None => {}
                Some((worker, Mode::Require)) if named.len() == 1 => {
                    return Some((*worker).clone());
                }
                Some(_) => return None,
            }
            let is_known = |no: &ShardNo| {
                let shard = &self.stream.shards[*no];
                shard.leased || !shard.forgotten
            };
            generation.retain(is_known);
            let parents = |no: &ShardNo| self.stream.shards[*no].parents.clone();
            generation = generation.iter().flat_map(parents).collect();
        }
        None
    }

    /// The shards that nobody has to read: a rule requires a worker that is not there or is
    /// drained, the operator has paused them, or a shard they come from waits for that.
    pub(super) fn waiting(&self) -> BTreeSet<ShardNo> {
        let mut waiting = BTreeSet::new();
        let nobody = self.all_are_drained();
        for no in 0..self.stream.shards.len() {
            let required = self.required(no);
            let mut named = required.iter().chain(self.uncertain(no));
            let is_there = |worker: &WorkerId| {
                let there =
                    self.hosts.iter().any(|host| host.is_member() && host.worker == *worker);
                there && !self.is_drained(worker)
            };
            let there = named.all(is_there) && !self.is_paused(no) && !nobody;
            let parents = &self.stream.shards[no].parents;
            if !there || self.placement.unknown || parents.iter().any(|p| waiting.contains(p)) {
                waiting.insert(no);
            }
        }
        waiting
    }
}
