//! The operator's document: the rules in force, and where they come from.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Fingerprint, InvalidPlacement, Marks, PlacementRules, Uncovered,
    form::{FORMAT, RuleForm, format, read_rules},
    marks::MarksForm,
};
use crate::{
    env::WallTime,
    lease::{Document, WorkerId},
};

/// How many declared maps are remembered as applied: the latest.
const APPLIED_MAX: usize = 1_000;

/// The document [`crate::lease::DocName::placement`]: the rules in force, where they come from, and
/// whether anything may move.
///
/// As a document, the rules as [`PlacementRules`] writes them, and beside them:
///
/// ```json
/// {"format": 1, "uncovered": "balance", "rules": [],
///  "origin": {"command": {"by": "kcl placement set on host", "at": 1769850000000}},
///  "applied": ["6c62272e07bb014262b821756295c58d"],
///  "frozen": {"by": "kcl app freeze on host", "since": 1769850000000},
///  "drained": [{"worker": "w1", "by": "kcl workers drain on host", "since": 1769850000000}]}
/// ```
///
/// Further lists of [`Marks`] are `paused`, `let_go` and `sent`; what stands beside these is kept
/// as it is, for the builds that know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The rules in force.
    pub rules: PlacementRules,
    /// Where they come from.
    pub origin: Origin,
    /// Who froze the fleet, if it is frozen: nothing moves that a live worker holds.
    pub frozen: Option<Frozen>,
    /// What is said of single workers and leases.
    pub marks: Marks,
    /// The declared maps that were applied before, latest last.
    applied: Vec<Fingerprint>,
    /// What later builds have written beside the rules.
    others: Map<String, Value>,
}

/// Where the rules in force come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Origin {
    /// Nobody has stated any.
    #[default]
    Nobody,
    /// A worker was started with them.
    Declared {
        /// Which worker.
        by: WorkerId,
        /// Where it had them from, in words.
        from: String,
        /// When it applied them.
        at: WallTime,
        /// Which map it was.
        map: Fingerprint,
    },
    /// A command of the operator. What workers declare is not applied until it is adopted.
    Command {
        /// Which, in words.
        by: String,
        /// When; 0 if the document does not say.
        at: WallTime,
    },
}

/// Who froze the fleet, and since when it is frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// Which command, in words.
    pub by: String,
    /// Since when.
    pub since: WallTime,
}

impl Placement {
    /// With these rules, from wherever the former ones were.
    #[must_use]
    pub fn with_rules(mut self, rules: PlacementRules) -> Self {
        self.rules = rules;
        self
    }

    /// With these rules, which a command of the operator has stated.
    #[must_use]
    pub fn commanded(mut self, rules: PlacementRules, by: &str, at: WallTime) -> Self {
        self.origin = Origin::Command { by: by.to_owned(), at };
        self.with_rules(rules)
    }

    /// What workers declare counts again: of the maps applied before, the latest one is forgotten,
    /// so that whoever declares it next applies it. Earlier ones stay superseded.
    #[must_use]
    pub fn adopting(mut self) -> Self {
        self.origin = Origin::Nobody;
        self.applied.pop();
        self
    }

    /// The same rules, while nothing moves that a live worker holds; or no longer.
    #[must_use]
    pub fn frozen(mut self, frozen: Option<Frozen>) -> Self {
        self.frozen = frozen;
        self
    }

    /// The same rules, with these marks.
    #[must_use]
    pub fn marked(mut self, marks: Marks) -> Self {
        self.marks = marks;
        self
    }

    /// The declared maps that were applied before, latest last.
    #[must_use]
    pub fn applied(&self) -> &[Fingerprint] {
        &self.applied
    }

    /// With these rules, which a worker has declared as this map.
    pub(super) fn declared(
        mut self,
        rules: PlacementRules,
        origin: Origin,
        map: Fingerprint,
    ) -> Self {
        (self.rules, self.origin) = (rules, origin);
        self.applied.retain(|known| *known != map);
        self.applied.push(map);
        let surplus = self.applied.len().saturating_sub(APPLIED_MAX);
        self.applied.drain(..surplus);
        self
    }

    /// As the body of a document.
    ///
    /// # Errors
    /// When the rules are too many for one document.
    pub fn encode(&self) -> Result<Bytes, InvalidPlacement> {
        let form = DocumentForm {
            format: FORMAT,
            uncovered: self.rules.uncovered(),
            rules: self.rules.rules().iter().map(RuleForm::from).collect(),
            origin: Some(self.origin.clone()),
            applied: self.applied.clone(),
            frozen: self.frozen.clone(),
            marks: MarksForm::from(&self.marks),
            others: self.others.clone(),
        };
        let body = serde_json::to_vec(&form)?;
        if body.len() > Document::MAX_BODY {
            let rules = self.rules.rules().len();
            return Err(InvalidPlacement::TooLarge { rules, bytes: body.len() });
        }
        Ok(body.into())
    }

    /// Reads back what [`Self::encode`] gave. What later versions add beside the rules is kept as
    /// it is; a rule that holds something unknown is not. A document that does not say where its
    /// rules come from is taken for the operator's.
    ///
    /// # Errors
    /// When the body is no such document, or is of a later format.
    pub fn decode(body: &[u8]) -> Result<Self, InvalidPlacement> {
        let Header { format } = serde_json::from_slice(body)?;
        if format != FORMAT {
            return Err(InvalidPlacement::Format { found: format });
        }
        let form: DocumentForm = serde_json::from_slice(body)?;
        let rules = PlacementRules::new(read_rules(form.rules)?, form.uncovered)?;
        let by_hand = || Origin::Command { by: "hand".to_owned(), at: WallTime::from_millis(0) };
        let origin = form.origin.unwrap_or_else(by_hand);
        let DocumentForm { applied, frozen, marks, others, .. } = form;
        Ok(Self { rules, origin, frozen, marks: marks.into(), applied, others })
    }
}

/// These rules, which nobody says the origin of.
impl From<PlacementRules> for Placement {
    fn from(rules: PlacementRules) -> Self {
        Self { rules, ..Self::default() }
    }
}

/// Tells a later format by its number, before its other fields are stumbled over.
#[derive(Deserialize)]
struct Header {
    #[serde(default = "format")]
    format: u64,
}

#[derive(Serialize, Deserialize)]
struct DocumentForm {
    #[serde(default = "format")]
    format: u64,
    #[serde(default)]
    uncovered: Uncovered,
    /// Always there: a document whose rules are misspelt must not pass for one without.
    rules: Vec<RuleForm>,
    #[serde(default)]
    origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    applied: Vec<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen: Option<Frozen>,
    #[serde(flatten)]
    marks: MarksForm,
    #[serde(flatten)]
    others: Map<String, Value>,
}
