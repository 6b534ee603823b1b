//! The frozen start of a stream in a reading: it is read, put again, or frozen, before the first
//! lease.

use super::{
    Catalogue,
    phase::{Absence, Phase},
    request::{self, ReadingNo},
    stream::{StartDoc, StreamPlan},
};
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        document::{FrozenStart, StreamStart},
        op,
        planner::signal::Signal,
        start,
    },
    env::Time,
    lease::{DocName, Document, Lease, Write},
    settings::InitialPosition,
    stream::StreamKey,
};

impl Catalogue {
    /// Whether the start of every listed stream is known, or cannot be. Takes the next step for the
    /// others, if it can be taken now.
    pub(super) fn settle_starts(&mut self, ctx: &mut Context) -> bool {
        let Phase::Reading(reading) = &self.phase else { return false };
        let rows = reading.leases.as_deref().unwrap_or_default();
        let waits = |plan: &&mut StreamPlan| {
            plan.view().is_some() && plan.known_start(ctx).is_none() && !plan.lacks_start()
        };
        let waiting: Vec<&mut StreamPlan> = self.streams.values_mut().filter(waits).collect();
        let settled = waiting.is_empty();
        let later = waiting.into_iter().filter_map(|plan| plan.settle_start(self.round, rows, ctx));
        if let Some(free_at) = later.max() {
            self.give_up();
            self.phase = Phase::Again(free_at);
        }
        settled
    }

    /// The frozen start of a stream was read. An answer for a former life of the stream is ignored.
    pub(super) fn on_start(&mut self, of: StreamKey, doc: Option<&Document>, ctx: &mut Context) {
        let Some(plan) = self.stream_of(&of) else { return };
        match doc.map(|doc| FrozenStart::decode(&doc.body)) {
            Some(Some(start)) => ctx.starts.is_stored(of, start),
            Some(None) => plan.on_unreadable_start(&of, ctx),
            None => {
                let mut absence = Absence::found(ctx.now);
                if is_new_each_time(ctx) && absence.take_doubt(ctx) {
                    ctx.signal(Signal::Unsure);
                }
                plan.start = StartDoc::Missing(absence);
            }
        }
    }

    /// A start was put. A refusal shows the one that is stored.
    pub(super) fn on_start_put(
        &mut self,
        of: StreamKey,
        write: Write<Document>,
        ctx: &mut Context,
    ) {
        let Some(plan) = self.stream_of(&of) else { return };
        let is_there = matches!(&write, Write::Done(_) | Write::Refused(Some(_)));
        match start::stored(write) {
            Some(start) => ctx.starts.is_stored(of, start),
            None if is_there => plan.on_unreadable_start(&of, ctx),
            None => self.restart(ctx),
        }
    }

    fn stream_of(&mut self, of: &StreamKey) -> Option<&mut StreamPlan> {
        self.streams.values_mut().find(|plan| plan.key() == Some(of))
    }
}

impl StreamPlan {
    /// Reads the start; puts it, if this process knows it and the store may have lost it.
    pub(super) fn ask_start(&mut self, round: ReadingNo, ctx: &mut Context) {
        let Some(key) = self.key().cloned() else { return };
        if ctx.starts.stored_of(&key).is_some() || self.start != StartDoc::Unasked {
            return;
        }
        self.start = StartDoc::Asked;
        match ctx.starts.of(&key) {
            Some(known) => {
                sometimes!(StartGivenBack);
                put_start(key, known, round, ctx);
            }
            None => {
                let document = op::Doc(DocName::start(&key));
                ctx.ask(document, request::Start(round, key));
            }
        }
    }

    /// Takes the next step towards the start, if it can be taken now. If no start may be frozen
    /// yet, returns the time from which one may.
    fn settle_start(
        &mut self,
        round: ReadingNo,
        rows: &[Lease],
        ctx: &mut Context,
    ) -> Option<Time> {
        match self.start {
            StartDoc::Unasked => self.ask_start(round, ctx),
            StartDoc::Missing(_) if is_new_each_time(ctx) && ctx.now < ctx.starts.free_at() => {
                return Some(ctx.starts.free_at());
            }
            StartDoc::Missing(absence) if is_new_each_time(ctx) && !absence.is_sure(ctx) => {}
            StartDoc::Missing(_) => {
                self.start = StartDoc::Asked;
                self.freeze_start(round, rows, ctx);
            }
            StartDoc::Asked | StartDoc::Unreadable => {}
        }
        None
    }

    /// Freezes a start for a stream that has none.
    fn freeze_start(&self, round: ReadingNo, rows: &[Lease], ctx: &mut Context) {
        let Some(view) = self.view() else { return };
        let key = view.description.key.clone();
        let remade = rows.iter().any(|row| {
            row.key.stream().is_some_and(|of| of.name == key.name && of.created != key.created)
        });
        let at = match ctx.settings.initial_position {
            // A stream that was deleted and made again is read from its trim horizon, whatever the
            // settings say.
            _ if remade => None,
            InitialPosition::TrimHorizon => None,
            InitialPosition::Latest => Some(view.description.server_time),
            InitialPosition::AtTimestamp(at) => Some(at),
        };
        // The start of a stream that was made again comes from no setting.
        let by = Some(ctx.settings.initial_position).filter(|_| !remade);
        put_start(key, FrozenStart { at, by }, round, ctx);
    }

    /// The document of the start exists and cannot be decoded.
    fn on_unreadable_start(&mut self, of: &StreamKey, ctx: &mut Context) {
        self.start = StartDoc::Unreadable;
        ctx.notify(Notice::Unreadable(DocName::start(of), FrozenStart::EXPECTED.to_owned()));
    }
}

/// Puts a start, if there is none. Its answer belongs to this reading.
fn put_start(key: StreamKey, start: FrozenStart, round: ReadingNo, ctx: &mut Context) {
    let start = StreamStart { of: key.clone(), at: start.at, by: start.by, change: 0 };
    ctx.ask(op::PutDoc(start.put()), request::PutStart(round, key));
}

/// Whether another start than a lost one would skip records. If so, a beat has to show first that
/// the store has not gone back and lost a start: if it has, the workers that know the start put it
/// again.
fn is_new_each_time(ctx: &Context) -> bool {
    ctx.settings.initial_position != InitialPosition::TrimHorizon && !planted!(FreezesAtOnce)
}
