//! One stream that is planned for: its shards as last listed, its start, and the rows that have to
//! be ended or deleted.

use std::sync::Arc;

use super::phase::Absence;
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        document::{FrozenStart, StreamStart},
        event::StreamView,
    },
    env::Time,
    lease::{Delete, LeaseKey},
    lineage::{Changes, Problem},
    stream::{HashRange, SourceErrorKind, StreamDescription, StreamKey, StreamName},
};

/// One stream that is planned for.
#[derive(Debug)]
pub(in crate::coordinator::planner) struct StreamPlan {
    /// The stream's full name.
    name: StreamName,
    /// The stream's name in lease keys.
    in_keys: Arc<str>,
    /// The last listing; `None` before the first, and after one that was older than the rows.
    view: Option<StreamView>,
    /// The state of the listing in the present reading.
    pub(super) listing: Listing,
    /// When the listing under way was asked for; `None` if there is none.
    listing_since: Option<Time>,
    /// When the shards are listed next, even if no reading needs it.
    pub(super) list_at: Time,
    /// The state of the start in the present reading.
    pub(super) start: StartDoc,
    /// Holes in the hash-key space that the last reading found: reported if the next one finds
    /// them, too.
    holes: Vec<HashRange>,
    /// Leases of shards that the stream has forgotten; an owner has to end them.
    pub(super) orphaned: Vec<LeaseKey>,
    /// Rows that are useless.
    pub(super) deletable: Vec<Delete>,
}

/// Whether the present reading, or the next one, needs a listing of the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// The present reading needs none.
    NotWanted,
    /// The shards should be listed once the rows are read.
    Wanted,
    /// The listing was asked for.
    UnderWay,
    /// The shards were listed after the rows were read.
    Fresh,
    /// The listing failed.
    Failed,
}

/// The knowledge of the present reading about the start's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartDoc {
    /// The document was not asked for.
    Unasked,
    /// The document is being read, or put.
    Asked,
    /// There is no document.
    Missing(Absence),
    /// There is a document that cannot be decoded: the start is not known, and no other is frozen.
    Unreadable,
}

impl StreamPlan {
    /// Knows nothing but the stream's names.
    pub(super) fn new(of: &StreamDescription) -> Self {
        Self {
            name: of.name.clone(),
            in_keys: of.key.name.clone(),
            view: None,
            listing: Listing::Wanted,
            listing_since: None,
            list_at: Time::NEVER,
            start: StartDoc::Unasked,
            holes: Vec::new(),
            orphaned: Vec::new(),
            deletable: Vec::new(),
        }
    }

    /// The stream's name in lease keys.
    pub(in crate::coordinator::planner) fn in_keys(&self) -> &str {
        &self.in_keys
    }

    pub(in crate::coordinator::planner) const fn view(&self) -> Option<&StreamView> {
        self.view.as_ref()
    }

    /// The stream in the life in which it was last listed; `None` if it was not.
    pub(in crate::coordinator::planner) fn key(&self) -> Option<&StreamKey> {
        self.view.as_ref().map(|view| &view.description.key)
    }

    /// Leases of shards that the stream has forgotten.
    pub(in crate::coordinator::planner) fn orphaned(&self) -> &[LeaseKey] {
        &self.orphaned
    }

    /// The start, for the assignment documents.
    pub(in crate::coordinator::planner) fn told_start(&self, ctx: &Context) -> Option<StreamStart> {
        ctx.starts.told(self.key()?)
    }

    /// The frozen start of the stream in its present life, if the store is known to hold it.
    pub(super) fn known_start(&self, ctx: &Context) -> Option<FrozenStart> {
        ctx.starts.stored_of(self.key()?)
    }

    /// Whether a plan is made although the start cannot be known.
    pub(super) fn lacks_start(&self) -> bool {
        self.start == StartDoc::Unreadable
    }

    /// Lists the shards, unless a listing is under way.
    pub(super) fn list(&mut self, ctx: &mut Context) {
        if self.listing_since.is_none() {
            self.listing_since = Some(ctx.now);
            self.list_at = Time::NEVER;
            ctx.list_shards(&self.name);
        }
    }

    /// The shards were listed, or the listing failed. When the listing was asked for, and what it
    /// showed.
    pub(super) fn take_listed(
        &mut self,
        result: Result<StreamView, SourceErrorKind>,
        ctx: &mut Context,
    ) -> Option<(Time, StreamView)> {
        let asked = self.listing_since.take()?;
        match result {
            // No stream is without shards, so this listing is wrong and the one before still
            // counts. By a listing without shards every lease would seem to wait for its parents.
            Ok(view) if view.shards.is_empty() => {
                ctx.notify(Notice::Lineage(Problem::NothingListed.to_string()));
            }
            Ok(view) => {
                self.list_at = ctx.now + ctx.settings.shard_sync_interval;
                return Some((asked, view));
            }
            Err(kind) => ctx.notify(Notice::StreamTrouble(kind)),
        }
        self.list_at = ctx.now + ctx.settings.watch_interval;
        // The plan is made from the rows alone.
        if self.listing == Listing::UnderWay {
            self.listing = Listing::Failed;
        }
        None
    }

    /// The shards were listed, as asked for at `asked`; the rows of this reading were read at
    /// `read_at`. Whether the listing shows something new that needs a reading.
    pub(super) fn on_view(
        &mut self,
        view: StreamView,
        asked: Time,
        read_at: Time,
        ctx: &mut Context,
    ) -> bool {
        let old = self.view.replace(view);
        let new = self.view.as_ref();
        let key = |view: &StreamView| view.description.key.clone();
        let same_stream = old.as_ref().map(key) == new.map(key);
        let same_shards = old.as_ref().map(|view| &view.shards) == new.map(|view| &view.shards);
        if old.is_some() && !same_stream {
            ctx.notify(Notice::StreamRemade);
            // An answer about the former life says nothing of this one.
            self.start = StartDoc::Unasked;
        }
        if self.listing == Listing::UnderWay && asked < read_at {
            self.list(ctx);
        } else if self.listing == Listing::UnderWay {
            self.listing = Listing::Fresh;
        } else if !(same_stream && same_shards) {
            self.listing = Listing::Wanted;
            return true;
        }
        false
    }

    /// The last listing showed an earlier life of the stream than the rows name: it is forgotten,
    /// and the stream is listed again soon.
    pub(super) fn forget_view(&mut self, ctx: &Context) {
        self.view = None;
        self.list_at = ctx.now + ctx.settings.watch_interval;
    }

    /// Reports the faults that the lineage found. A hole is reported when two readings in a row
    /// find it: a listing may lag.
    pub(super) fn note_problems(&mut self, changes: &Changes, ctx: &mut Context) {
        for hole in changes.holes.iter().filter(|hole| self.holes.contains(hole)) {
            ctx.notify(Notice::Hole(hole.to_string()));
        }
        self.holes.clone_from(&changes.holes);
        for problem in &changes.problems {
            ctx.notify(Notice::Lineage(problem.to_string()));
        }
    }

    /// Takes over a listing that was made elsewhere.
    pub(super) fn is_listed(&mut self, view: StreamView) {
        self.view = Some(view);
    }
}
