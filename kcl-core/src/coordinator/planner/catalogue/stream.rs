//! One stream that is planned for: its shards as last listed, where reading of it began, and what
//! is wrong with its leases.

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
    name: StreamName,
    /// Its name in the keys of leases.
    in_keys: Arc<str>,
    /// As it was last listed.
    view: Option<StreamView>,
    pub(super) listing: Listing,
    /// When the listing that is under way was asked for.
    listing_since: Option<Time>,
    /// When it is listed next, whether or not a reading wants that.
    pub(super) list_at: Time,
    pub(super) start: StartDoc,
    /// Hash-range holes that the last reading saw: told when they are seen twice.
    holes: Vec<HashRange>,
    /// Leases whose shard the stream has forgotten, to be ended by an owner.
    pub(super) orphaned: Vec<LeaseKey>,
    /// Rows that nobody needs any more.
    pub(super) deletable: Vec<Delete>,
}

/// Whether the present reading, or the next, needs a listing of the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    NotWanted,
    /// The shards are to be listed once the rows are read.
    Wanted,
    /// They are being listed.
    UnderWay,
    /// They were listed after the rows were read.
    Fresh,
    /// They could not be listed.
    Failed,
}

/// What the present reading knows of the stored start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartDoc {
    Unasked,
    Asked,
    /// There is none.
    Missing(Absence),
    /// There is one, and it makes no sense: where reading began is not known, and no other start is
    /// frozen.
    Unreadable,
}

impl StreamPlan {
    /// Nothing is known yet but what the stream is called.
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

    /// The stream's name in the keys of leases.
    pub(in crate::coordinator::planner) fn in_keys(&self) -> &str {
        &self.in_keys
    }

    pub(in crate::coordinator::planner) const fn view(&self) -> Option<&StreamView> {
        self.view.as_ref()
    }

    /// The stream in the life in which it was listed.
    pub(in crate::coordinator::planner) fn key(&self) -> Option<&StreamKey> {
        self.view.as_ref().map(|view| &view.description.key)
    }

    /// Leases whose shard the stream has forgotten.
    pub(in crate::coordinator::planner) fn orphaned(&self) -> &[LeaseKey] {
        &self.orphaned
    }

    /// What workers are told of where reading began.
    pub(in crate::coordinator::planner) fn told_start(&self, ctx: &Context) -> Option<StreamStart> {
        ctx.starts.told(self.key()?)
    }

    /// The frozen start of the stream as it is now, if the store is known to have it.
    pub(super) fn known_start(&self, ctx: &Context) -> Option<FrozenStart> {
        ctx.starts.stored_of(self.key()?)
    }

    /// Whether the plan is made without knowing where reading began.
    pub(super) fn lacks_start(&self) -> bool {
        self.start == StartDoc::Unreadable
    }

    /// Lists the shards, unless they are being listed.
    pub(super) fn list(&mut self, ctx: &mut Context) {
        if self.listing_since.is_none() {
            self.listing_since = Some(ctx.now);
            self.list_at = Time::NEVER;
            ctx.list_shards(&self.name);
        }
    }

    /// The shards were listed, or could not be; when that was asked for, and what they are.
    pub(super) fn take_listed(
        &mut self,
        result: Result<StreamView, SourceErrorKind>,
        ctx: &mut Context,
    ) -> Option<(Time, StreamView)> {
        let asked = self.listing_since.take()?;
        match result {
            // No stream is without shards: what was listed before is believed for longer. By a list
            // that shows nothing every lease would seem to wait for its parents.
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

    /// The shards were listed, as was asked for at `asked`; the rows of this reading were read at
    /// `read_at`. Whether it is worth a reading with a listing of its own.
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
            // What was asked about the former stream says nothing of this one.
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

    /// What was listed is of an earlier life of the stream than the rows: it says nothing of them;
    /// another listing may.
    pub(super) fn forget_view(&mut self, ctx: &Context) {
        self.view = None;
        self.list_at = ctx.now + ctx.settings.watch_interval;
    }

    /// Tells of what the lineage found wrong. A hole counts when it is seen twice: a list may lag.
    pub(super) fn note_problems(&mut self, changes: &Changes, ctx: &mut Context) {
        for hole in changes.holes.iter().filter(|hole| self.holes.contains(hole)) {
            ctx.notify(Notice::Hole(hole.to_string()));
        }
        self.holes.clone_from(&changes.holes);
        for problem in &changes.problems {
            ctx.notify(Notice::Lineage(problem.to_string()));
        }
    }

    /// It was listed so.
    pub(super) fn is_listed(&mut self, view: StreamView) {
        self.view = Some(view);
    }
}
