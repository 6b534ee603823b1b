//! The placement rules and the marks beside them, as the planner last read them. They are the
//! operator's: no planner writes them.
//!
//! They are read with the first reading, at each audit, and when the planner is woken: whoever
//! changes them wakes it. A wake-up may mean anything, so only their document is read; another
//! version of it than the one in hand makes a reading.

use crate::{
    assignment::placement::{Marks, Placement, PlacementRules, Uncovered},
    coordinator::{command::Notice, context::Context, op},
    lease::{DocName, Document},
    store::StoreErrorKind,
};

use super::request;

/// The placement rules, as last read.
#[derive(Debug)]
pub(in crate::coordinator::planner) struct Rules {
    stated: PlacementRules,
    /// What the operator has said of single workers and leases.
    marks: Marks,
    /// Whether the operator has frozen the fleet.
    frozen: bool,
    /// Whether this planner has read rules that make sense, or that there are none.
    known: bool,
    /// The version that was last read, `Some(None)` if there was no document.
    version: Option<Option<u64>>,
    /// Whether what was last read makes sense.
    make_sense: bool,
    /// Whether the next plan reads them anew.
    due: bool,
    look: Look,
}

/// A look at the rules beside the readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    None,
    UnderWay,
    /// Another one follows: the planner was woken since this one was asked for.
    Again,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            stated: PlacementRules::default(),
            marks: Marks::default(),
            frozen: false,
            known: false,
            version: None,
            make_sense: true,
            due: true,
            look: Look::None,
        }
    }
}

impl Rules {
    /// Takes the rules over from their document. Rules that make no sense leave those in force that
    /// were read before: a slip of an operator must not move every lease.
    pub(super) fn read(&mut self, doc: Option<&Document>, ctx: &mut Context) {
        self.version = Some(doc.map(|doc| doc.version));
        let read = doc.map_or_else(|| Ok(Placement::default()), decoded);
        self.make_sense = read.is_ok();
        match read {
            Ok(placement) => {
                self.frozen = placement.frozen.is_some();
                (self.stated, self.marks) = (placement.rules, placement.marks);
                self.known = true;
            }
            Err(problem) => ctx.notify(Notice::BadRules(problem)),
        }
    }

    /// The planner was woken: the rules may be others now.
    pub(super) fn look(&mut self, ctx: &mut Context) {
        match self.look {
            Look::None => {
                self.look = Look::UnderWay;
                ctx.ask(op::Doc(DocName::placement()), request::LookAtRules);
            }
            Look::UnderWay | Look::Again => self.look = Look::Again,
        }
    }

    /// They were looked at. Whether a reading is to be made for what was seen: they are others than
    /// the last reading found, or nobody knows. They are then read anew.
    pub(super) fn on_looked(
        &mut self,
        answer: Result<Option<Document>, StoreErrorKind>,
        ctx: &mut Context,
    ) -> bool {
        let again = std::mem::replace(&mut self.look, Look::None) == Look::Again;
        if again {
            self.look(ctx);
        }
        let found = answer.ok().map(|doc| doc.map(|doc| doc.version));
        // The next reading, which is to come, reads them if that is due.
        let news = !self.due && (found.is_none() || found != self.version);
        self.due |= news;
        news
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

    /// What the operator has said of single workers and leases, as last read.
    pub(in crate::coordinator::planner) const fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Whether nothing may move that a live worker holds.
    pub(in crate::coordinator::planner) const fn are_frozen(&self) -> bool {
        self.frozen
    }

    /// Whether what was last read makes sense. Rules that make none may be mended, and must then
    /// find what they were about.
    pub(in crate::coordinator::planner) const fn make_sense(&self) -> bool {
        self.make_sense
    }

    /// Whether there are any that shards can follow, and inherit.
    pub(in crate::coordinator::planner) fn name_any(&self) -> bool {
        !self.stated.rules().is_empty()
    }

    /// Whether there are rules that say who may take a lease. Rules that could never be read may.
    pub(in crate::coordinator::planner) fn may_bind(&self) -> bool {
        !self.known || self.name_any() || self.stated.uncovered() == Uncovered::Hold
    }
}

fn decoded(doc: &Document) -> Result<Placement, String> {
    Placement::decode(&doc.body).map_err(|error| error.to_string())
}
