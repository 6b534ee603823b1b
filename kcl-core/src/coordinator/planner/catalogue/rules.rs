//! The placement rules and the operator's marks, which stand in one document, as last read. No
//! planner writes it.
//!
//! They are read by the first reading, by each audit, and when the planner is woken: a command that
//! changes them wakes the planner. A wake-up may mean other things, so only the document is read
//! then; a reading begins if its version is another than that of the last reading.

use crate::{
    assignment::placement::{Marks, Placement, PlacementRules, Uncovered},
    coordinator::{command::Notice, context::Context, op},
    lease::{DocName, Document},
    store::StoreErrorKind,
};

use super::request;

/// The placement rules and marks, as last read.
#[derive(Debug)]
pub(in crate::coordinator::planner) struct Rules {
    /// The rules as the operator stated them; the default, if they could never be read.
    stated: PlacementRules,
    /// The operator's marks for single workers and leases.
    marks: Marks,
    /// Whether the operator has frozen the fleet.
    frozen: bool,
    /// Whether this planner ever read the rules, or that there are none.
    known: bool,
    /// The version that was last read: `Some(None)` if there was no document, `None` before the
    /// first read.
    version: Option<Option<u64>>,
    /// Whether the document that was last read could be decoded.
    make_sense: bool,
    /// Whether the next reading reads the document.
    due: bool,
    /// The read beside the readings.
    look: Look,
}

/// The read of the document beside the readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// No read is under way.
    None,
    /// A read is under way.
    UnderWay,
    /// A read is under way, and another one follows: the planner was woken meanwhile.
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
    /// The document was read. If it cannot be decoded, the rules that were read before stay in
    /// force: a slip of the operator must not move every lease.
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

    /// The planner was woken: reads the document.
    pub(super) fn look(&mut self, ctx: &mut Context) {
        match self.look {
            Look::None => {
                self.look = Look::UnderWay;
                ctx.ask(op::Doc(DocName::placement()), request::LookAtRules);
            }
            Look::UnderWay | Look::Again => self.look = Look::Again,
        }
    }

    /// The document was read beside the readings. Whether a reading has to begin: the version is
    /// another than the last reading's, or the read failed. That reading reads the rules.
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
        // If the rules are due anyway, the reading that is to come reads them.
        let news = !self.due && (found.is_none() || found != self.version);
        self.due |= news;
        news
    }

    /// Makes the next reading read the document.
    pub(in crate::coordinator::planner) const fn want(&mut self) {
        self.due = true;
    }

    /// Whether the document is to be read; it counts as asked for then.
    pub(super) const fn take_due(&mut self) -> bool {
        std::mem::replace(&mut self.due, false)
    }

    /// The rules; `None` if they could never be read.
    pub(in crate::coordinator::planner) fn known(&self) -> Option<&PlacementRules> {
        self.known.then_some(&self.stated)
    }

    /// The rules as last read; the default, if they could never be read.
    pub(in crate::coordinator::planner) const fn stated(&self) -> &PlacementRules {
        &self.stated
    }

    /// The operator's marks, as last read.
    pub(in crate::coordinator::planner) const fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Whether no lease of a live worker may move.
    pub(in crate::coordinator::planner) const fn are_frozen(&self) -> bool {
        self.frozen
    }

    /// Whether the document that was last read could be decoded. If it could not, the operator may
    /// still repair it, and the leases that it names must not be deleted meanwhile.
    pub(in crate::coordinator::planner) const fn make_sense(&self) -> bool {
        self.make_sense
    }

    /// Whether there are rules that shards can follow and inherit.
    pub(in crate::coordinator::planner) fn name_any(&self) -> bool {
        !self.stated.rules().is_empty()
    }

    /// Whether rules may say who takes a lease; rules that could never be read may.
    pub(in crate::coordinator::planner) fn may_bind(&self) -> bool {
        !self.known || self.name_any() || self.stated.uncovered() == Uncovered::Hold
    }
}

fn decoded(doc: &Document) -> Result<Placement, String> {
    Placement::decode(&doc.body).map_err(|error| error.to_string())
}
