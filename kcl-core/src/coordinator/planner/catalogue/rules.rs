//! The placement rules, as the planner last read them.

use crate::{
    assignment::placement::PlacementRules,
    coordinator::{command::Notice, context::Context},
    lease::Document,
};

/// The placement rules, as last read.
#[derive(Debug)]
pub(in crate::coordinator::planner) struct Rules {
    stated: PlacementRules,
    /// Whether this planner has read rules that make sense, or that there are none.
    known: bool,
    /// The version of their document, `Some(None)` if there is none; `None` if it makes no sense.
    seen: Option<Option<u64>>,
    /// Whether the next plan reads them anew.
    due: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { stated: PlacementRules::default(), known: false, seen: Some(None), due: true }
    }
}

impl Rules {
    /// Takes the rules over from their document. Rules that make no sense leave those in force that
    /// were read before: a slip of an operator must not move every lease.
    pub(super) fn read(&mut self, doc: Option<&Document>, ctx: &mut Context) {
        match doc.map(|doc| PlacementRules::decode(&doc.body)) {
            None => self.stated = PlacementRules::default(),
            Some(Ok(rules)) => self.stated = rules,
            Some(Err(error)) => {
                self.seen = None;
                return ctx.notify(Notice::BadRules(error.to_string()));
            }
        }
        self.known = true;
        self.seen = Some(doc.map(|doc| doc.version));
    }

    /// The planner itself wrote these.
    pub(in crate::coordinator::planner) fn written(&mut self, rules: PlacementRules, version: u64) {
        self.stated = rules;
        self.seen = Some(Some(version));
    }

    /// The next plan reads them anew.
    pub(in crate::coordinator::planner) const fn want(&mut self) {
        self.due = true;
    }

    /// Whether they are to be read: they then count as asked for.
    pub(super) const fn take_due(&mut self) -> bool {
        std::mem::replace(&mut self.due, false)
    }

    /// The rules, if they were read.
    pub(in crate::coordinator::planner) fn known(&self) -> Option<&PlacementRules> {
        self.known.then_some(&self.stated)
    }

    /// The rules as last read; none, if they never were.
    pub(in crate::coordinator::planner) const fn stated(&self) -> &PlacementRules {
        &self.stated
    }

    /// The version of their document, as [`crate::lease::PutDoc`] takes it; `None` if it makes no
    /// sense.
    pub(in crate::coordinator::planner) const fn version(&self) -> Option<Option<u64>> {
        self.seen
    }

    /// Whether there are rules that say who may take a lease. Rules that could never be read may.
    pub(in crate::coordinator::planner) fn may_bind(&self) -> bool {
        !self.known || self.stated != PlacementRules::default()
    }
}
