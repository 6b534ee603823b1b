//! A declaration: the rules that a process is started with, and whether they are applied.

use std::sync::Arc;

use super::{Fingerprint, InvalidPlacement, Origin, Placement, PlacementRules, Rule};
use crate::{env::WallTime, lease::WorkerId};

/// The rules that a process is started with.
///
/// A fleet has one set of rules, but while a deployment rolls its processes may be started with
/// different ones. Which declaration counts does not depend on which process starts last: one that
/// was applied before and then superseded is never applied again by itself. [`Self::judge`]
/// decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The declared rules.
    rules: PlacementRules,
    /// Where the rules come from, in words.
    from: String,
    /// The stream of the process; `None` before [`Self::for_stream`].
    stream: Option<Arc<str>>,
}

/// The fate of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is new: put this document in the place of the stored one.
    Apply(Box<Placement>),
    /// It is in force already.
    InForce,
    /// It was in force before, and another one has taken its place.
    Superseded,
    /// The operator has stated rules by command; no declaration is applied until the operator
    /// adopts them again.
    Overruled {
        /// The command.
        by: String,
    },
}

impl Declaration {
    /// A declaration of `rules`. `from` says where they come from, in words: `SHARD_MAPPING`, or
    /// the name of a file.
    #[must_use]
    pub fn new(rules: PlacementRules, from: impl Into<String>) -> Self {
        Self { rules, from: from.into(), stream: None }
    }

    /// The declared rules.
    #[must_use]
    pub const fn rules(&self) -> &PlacementRules {
        &self.rules
    }

    /// Where the rules come from, in words.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The same declaration by a process that reads the stream called `name`: rules that name no
    /// stream become rules for this one.
    ///
    /// # Errors
    /// When two rules have the same target then, or two ranges cross.
    pub fn for_stream(&self, name: &str) -> Result<Self, InvalidPlacement> {
        let of_stream = |rule: &Rule| match rule.stream {
            Some(_) => rule.clone(),
            None => rule.clone().for_stream(name),
        };
        let rules = self.rules.rules().iter().map(of_stream).collect();
        let rules = PlacementRules::new(rules, self.rules.uncovered())?;
        Ok(Self { rules, from: self.from.clone(), stream: Some(name.into()) })
    }

    /// The fingerprint of this map. It does not depend on the order of the rules, or on where they
    /// come from.
    #[must_use]
    pub fn map(&self) -> Fingerprint {
        let mut rules: Vec<String> = self.rules.rules().iter().map(written).collect();
        rules.sort_unstable();
        let held = format!("{:?}", self.rules.uncovered());
        Fingerprint::of(format!("{held}\n{}", rules.join("\n")).as_bytes())
    }

    /// The declared rules, together with those of `there` that stay: rules for streams that neither
    /// the process reads nor the declaration names.
    ///
    /// # Errors
    /// When two of these rules have the same target, or two ranges cross.
    pub fn over(&self, there: &PlacementRules) -> Result<PlacementRules, InvalidPlacement> {
        let of_declared = |rule: &Rule| {
            let named = self.rules.rules().iter().any(|it| it.stream == rule.stream);
            named || rule.stream == self.stream || rule.stream.is_none()
        };
        let stays = there.rules().iter().filter(|rule| !of_declared(rule));
        let rules = stays.chain(self.rules.rules()).cloned().collect();
        PlacementRules::new(rules, self.rules.uncovered())
    }

    /// Decides whether the declaration is applied. `stored` is the document as it was read; `None`:
    /// there is none. `former` is the map that the process declared before, if it has declared
    /// another one; `by` is the worker and `at` the time.
    ///
    /// The declaration is applied if its map was never applied before. So an old process that is
    /// started again with its old map changes nothing. It is applied, too, if the process has seen
    /// its own map change, and the former one is in force: so a change of a file can be taken back.
    /// Rules for other streams stay.
    ///
    /// # Errors
    /// When the declared rules do not go together with those that stay: two have the same target,
    /// or two ranges cross.
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

/// A rule as a text that is different for each different rule.
fn written(rule: &Rule) -> String {
    let stream = rule.stream.as_deref().unwrap_or_default();
    let life = rule.created.map(WallTime::as_millis);
    format!("{stream}|{life:?}|{}|{}|{:?}", rule.target, rule.worker, rule.mode)
}
