//! The rules that a process is started with, and whether they count.

use std::sync::Arc;

use super::{Fingerprint, InvalidPlacement, Origin, Placement, PlacementRules, Rule};
use crate::{env::WallTime, lease::WorkerId};

/// The rules that a process is started with: its declaration.
///
/// A fleet has one set of rules, and many processes that may be started with different ones while a
/// deployment rolls. Which declaration counts does not depend on who starts last: one that was
/// applied before, and then superseded, never comes back by itself ([`Self::judge`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    rules: PlacementRules,
    from: String,
    /// The stream of the process that declares it.
    stream: Option<Arc<str>>,
}

/// What becomes of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is new: this document is to take the place of the one that was read.
    Apply(Box<Placement>),
    /// It is in force.
    InForce,
    /// It was in force before, and another one has taken its place.
    Superseded,
    /// The operator has stated rules by command since.
    Overruled {
        /// By which command.
        by: String,
    },
}

impl Declaration {
    /// Declares `rules`, which come `from` there, in words: `SHARD_MAPPING`, a file's name.
    #[must_use]
    pub fn new(rules: PlacementRules, from: impl Into<String>) -> Self {
        Self { rules, from: from.into(), stream: None }
    }

    /// The rules.
    #[must_use]
    pub const fn rules(&self) -> &PlacementRules {
        &self.rules
    }

    /// Where they come from, in words.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The same declaration by a process that reads the stream called `name`: rules that name no
    /// stream are for this one.
    ///
    /// # Errors
    /// When two rules then have the same target, or two ranges cross.
    pub fn for_stream(&self, name: &str) -> Result<Self, InvalidPlacement> {
        let of_stream = |rule: &Rule| match rule.stream {
            Some(_) => rule.clone(),
            None => rule.clone().for_stream(name),
        };
        let rules = self.rules.rules().iter().map(of_stream).collect();
        let rules = PlacementRules::new(rules, self.rules.uncovered())?;
        Ok(Self { rules, from: self.from.clone(), stream: Some(name.into()) })
    }

    /// Tells this map from others, whatever the order of its rules and wherever it comes from.
    #[must_use]
    pub fn map(&self) -> Fingerprint {
        let mut rules: Vec<String> = self.rules.rules().iter().map(written).collect();
        rules.sort_unstable();
        let held = format!("{:?}", self.rules.uncovered());
        Fingerprint::of(format!("{held}\n{}", rules.join("\n")).as_bytes())
    }

    /// Its rules, and of those that are there the ones that stay: for other streams than the
    /// process's, and than those that it names.
    ///
    /// # Errors
    /// They do not go together.
    pub fn over(&self, there: &PlacementRules) -> Result<PlacementRules, InvalidPlacement> {
        let of_declared = |rule: &Rule| {
            let named = self.rules.rules().iter().any(|it| it.stream == rule.stream);
            named || rule.stream == self.stream || rule.stream.is_none()
        };
        let stays = there.rules().iter().filter(|rule| !of_declared(rule));
        let rules = stays.chain(self.rules.rules()).cloned().collect();
        PlacementRules::new(rules, self.rules.uncovered())
    }

    /// What becomes of it, given what stands in the store. `by` declares it at `at`, in place of
    /// the map `former`, if it declared another one before.
    ///
    /// It is applied if no declaration of the same map ever was: so an old process that is started
    /// again with its old map changes nothing. It is applied, too, if the process sees its own map
    /// change, and that was the one in force: so a change of a file may be taken back. Rules that
    /// are none of its streams' stay.
    ///
    /// # Errors
    /// When it does not go with the rules that stay.
    pub fn judge(
        &self,
        stored: Option<&Placement>,
        former: Option<Fingerprint>,
        by: &WorkerId,
        at: WallTime,
    ) -> Result<Verdict, InvalidPlacement> {
        let map = self.map();
        let stored = stored.cloned().unwrap_or_default();
        let in_force = match &stored.origin {
            Origin::Command { by, .. } => return Ok(Verdict::Overruled { by: by.clone() }),
            Origin::Declared { map, .. } => Some(*map),
            Origin::Nobody => None,
        };
        if in_force == Some(map) {
            return Ok(Verdict::InForce);
        }
        let takes_over = former.is_some() && former == in_force;
        if stored.applied().contains(&map) && !takes_over {
            return Ok(Verdict::Superseded);
        }
        let rules = self.over(&stored.rules)?;
        let origin = Origin::Declared { by: by.clone(), from: self.from.clone(), at, map };
        Ok(Verdict::Apply(Box::new(stored.declared(rules, origin, map))))
    }
}

/// A rule as one text that no other rule has.
fn written(rule: &Rule) -> String {
    let stream = rule.stream.as_deref().unwrap_or_default();
    let life = rule.created.map(WallTime::as_millis);
    format!("{stream}|{life:?}|{}|{}|{:?}", rule.target, rule.worker, rule.mode)
}
