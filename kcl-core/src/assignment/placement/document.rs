//! The operator's document: the rules and marks in force, and where they come from.

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

/// The most declared maps that are remembered as applied; the oldest ones are forgotten.
const APPLIED_MAX: usize = 1_000;

/// The document [`crate::lease::DocName::placement`]: the rules and marks in force, where they come
/// from, and whether the fleet is frozen.
///
/// As JSON it holds the rules in the form of [`PlacementRules`], and beside them:
///
/// ```json
/// {"format": 1, "uncovered": "balance", "rules": [],
///  "origin": {"command": {"by": "kcl placement set on host", "at": 1769850000000}},
///  "applied": ["6c62272e07bb014262b821756295c58d"],
///  "frozen": {"by": "kcl app freeze on host", "since": 1769850000000},
///  "drained": [{"worker": "w1", "by": "kcl workers drain on host", "since": 1769850000000}]}
/// ```
///
/// The other lists of [`Marks`] are `paused`, `let_go`, `sent` and `given_up`. Fields that this
/// build does not know are kept as they are, for the builds that know them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// The rules in force.
    pub rules: PlacementRules,
    /// Where the rules come from.
    pub origin: Origin,
    /// The command that froze the fleet, and when; `None` if it is not frozen. In a frozen fleet no
    /// lease of a live worker moves.
    pub frozen: Option<Frozen>,
    /// The operator's marks for single workers and leases.
    pub marks: Marks,
    /// The declared maps that were applied, the latest one last.
    applied: Vec<Fingerprint>,
    /// The fields that this build does not know.
    others: Map<String, Value>,
}

/// Where the rules in force come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Origin {
    /// No rules were stated.
    #[default]
    Nobody,
    /// A worker was started with them.
    Declared {
        /// The worker.
        by: WorkerId,
        /// Where the worker has them from, in words.
        from: String,
        /// When the worker applied them.
        at: WallTime,
        /// The fingerprint of the map.
        map: Fingerprint,
    },
    /// The operator stated them by command. No declaration of a worker is applied until the
    /// operator adopts them again.
    Command {
        /// The command, in words.
        by: String,
        /// When; 0 if the document does not say.
        at: WallTime,
    },
}

/// The command that froze the fleet, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The command, in words.
    pub by: String,
    /// Since when the fleet is frozen.
    pub since: WallTime,
}

impl Placement {
    /// The document with these rules. Their origin stays as it is.
    #[must_use]
    pub fn with_rules(mut self, rules: PlacementRules) -> Self {
        self.rules = rules;
        self
    }

    /// The document with these rules, which the operator stated by the command `by` at `at`.
    #[must_use]
    pub fn commanded(mut self, rules: PlacementRules, by: &str, at: WallTime) -> Self {
        self.origin = Origin::Command { by: by.to_owned(), at };
        self.with_rules(rules)
    }

    /// The document under which declarations count again. The latest applied map is forgotten, so
    /// that the next worker that declares it applies it. Earlier maps stay superseded.
    #[must_use]
    pub fn adopting(mut self) -> Self {
        self.origin = Origin::Nobody;
        self.applied.pop();
        self
    }

    /// The document of a frozen fleet; `None`: of a fleet that is not frozen.
    #[must_use]
    pub fn frozen(mut self, frozen: Option<Frozen>) -> Self {
        self.frozen = frozen;
        self
    }

    /// The document with these marks in the place of the former ones.
    #[must_use]
    pub fn marked(mut self, marks: Marks) -> Self {
        self.marks = marks;
        self
    }

    /// The declared maps that were applied, the latest one last.
    #[must_use]
    pub fn applied(&self) -> &[Fingerprint] {
        &self.applied
    }

    /// The document with these rules, which a worker has declared as this map.
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

    /// The document as JSON.
    ///
    /// # Errors
    /// When it is larger than [`Document::MAX_BODY`].
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

    /// Decodes what [`Self::encode`] returned. Fields that this build does not know are kept; a
    /// rule with an unknown field is refused. A document without an origin counts as stated by
    /// command.
    ///
    /// # Errors
    /// When the body is no such document, or has a later format.
    ///
    /// ```
    /// use kcl_core::assignment::placement::{
    ///     Mode, Placement, PlacementRules, Rule, Target, Uncovered,
    /// };
    ///
    /// let shard = Target::Shard("shardId-000000000003".parse().unwrap());
    /// let rule = Rule::new(shard, "orders-0".parse().unwrap(), Mode::Require);
    /// let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    /// let placement = Placement::from(rules);
    /// assert_eq!(Placement::decode(&placement.encode().unwrap()).unwrap(), placement);
    /// ```
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

/// A document of these rules, of which no origin is known.
impl From<PlacementRules> for Placement {
    fn from(rules: PlacementRules) -> Self {
        Self { rules, ..Self::default() }
    }
}

/// Read first, so that a later format is reported by its number and not by a field that this build
/// does not know.
#[derive(Deserialize)]
struct Header {
    #[serde(default = "format")]
    format: u64,
}

/// The form of the document in JSON.
#[derive(Serialize, Deserialize)]
struct DocumentForm {
    #[serde(default = "format")]
    format: u64,
    #[serde(default)]
    uncovered: Uncovered,
    /// Required: a document whose `rules` are misspelt must not count as one without rules.
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
