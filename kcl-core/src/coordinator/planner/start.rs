//! Where reading of the stream begins: asked for, given back, or frozen once for all, before the
//! first lease.

use super::{
    Planner, ask,
    cycle::{Absence, Cycle, StartDoc},
    signal::Signal,
};
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        document::{FrozenStart, StreamStart},
        op, start,
    },
    lease::{DocName, Document, Write},
    settings::InitialPosition,
    stream::StreamKey,
};

impl Planner {
    fn stream_key(&self) -> Option<&StreamKey> {
        self.stream.as_ref().map(|view| &view.description.key)
    }

    /// The frozen start of the stream as it is now, if the store is known to have it.
    pub(super) fn known_start(&self, ctx: &Context) -> Option<FrozenStart> {
        ctx.start.stored_of(self.stream_key()?)
    }

    /// What workers are told of it.
    pub(super) fn told_start(&self, ctx: &Context) -> Option<StreamStart> {
        let of = self.stream_key()?;
        ctx.start.told(of)
    }

    /// Asks for the start, or gives it back to a store that may have lost it.
    pub(super) fn ask_start(&mut self, ctx: &mut Context) {
        let Some(key) = self.stream_key().cloned() else { return };
        if ctx.start.stored_of(&key).is_some() {
            return;
        }
        let Cycle::Reading { start: start @ StartDoc::Unasked, .. } = &mut self.cycle else {
            return;
        };
        *start = StartDoc::Asked;
        match ctx.start.of(&key) {
            Some(known) => {
                sometimes!(StartGivenBack);
                self.put_start(key, known, ctx);
            }
            None => {
                let document = op::Doc(DocName::start(&key));
                ctx.ask(document, ask::Start(self.round, key));
            }
        }
    }

    /// Does whatever the start waits for, if it can be done now.
    pub(super) fn settle_start(&mut self, ctx: &mut Context) {
        let Cycle::Reading { start, .. } = &mut self.cycle else { return };
        match *start {
            StartDoc::Unasked => self.ask_start(ctx),
            StartDoc::Missing(_) if is_new_each_time(ctx) && ctx.now < ctx.start.free_at() => {
                self.give_up_cycle();
                self.cycle = Cycle::Again(ctx.start.free_at());
            }
            StartDoc::Missing(absence) if is_new_each_time(ctx) && !absence.is_sure(ctx) => {}
            StartDoc::Missing(_) => {
                *start = StartDoc::Asked;
                self.freeze_start(ctx);
            }
            StartDoc::Asked | StartDoc::Unreadable => {}
        }
    }

    /// Whether the plan is made without knowing where reading began.
    pub(super) const fn lacks_start(&self) -> bool {
        matches!(self.cycle, Cycle::Reading { start: StartDoc::Unreadable, .. })
    }

    /// A start was frozen, and cannot be read.
    fn on_unreadable_start(&mut self, of: &StreamKey, ctx: &mut Context) {
        if let Cycle::Reading { start, .. } = &mut self.cycle {
            *start = StartDoc::Unreadable;
        }
        ctx.notify(Notice::Unreadable(DocName::start(of), FrozenStart::EXPECTED.to_owned()));
        self.go_on_cycle(ctx);
    }

    /// The frozen start of a stream was read. Should the stream have been made again meanwhile,
    /// that of the new one has been asked for.
    pub(super) fn on_start(&mut self, of: StreamKey, doc: Option<&Document>, ctx: &mut Context) {
        if self.stream_key() != Some(&of) {
            return;
        }
        match doc.map(|doc| FrozenStart::decode(&doc.body)) {
            Some(Some(start)) => ctx.start.is_stored(of, start),
            Some(None) => return self.on_unreadable_start(&of, ctx),
            None => {
                if let Cycle::Reading { start, .. } = &mut self.cycle {
                    let mut absence = Absence::found(ctx.now);
                    if is_new_each_time(ctx) && absence.take_doubt(ctx) {
                        ctx.signal(Signal::Unsure);
                    }
                    *start = StartDoc::Missing(absence);
                }
            }
        }
        self.go_on_cycle(ctx);
    }

    /// Freezes the start of a stream that has none: once for all, before its first lease.
    fn freeze_start(&mut self, ctx: &mut Context) {
        let Some(view) = &self.stream else { return };
        let key = view.description.key.clone();
        let remade = match &self.cycle {
            Cycle::Reading { leases: Some(rows), .. } => rows.iter().any(|row| {
                row.key.stream().is_some_and(|of| of.name == key.name && of.created != key.created)
            }),
            _ => false,
        };
        let at = match ctx.settings.initial_position {
            // A stream made again is read from its beginning, whatever the settings say.
            _ if remade => None,
            InitialPosition::TrimHorizon => None,
            InitialPosition::Latest => Some(view.description.server_time),
            InitialPosition::AtTimestamp(at) => Some(at),
        };
        // What a stream made again starts with is no setting.
        let by = Some(ctx.settings.initial_position).filter(|_| !remade);
        self.put_start(key, FrozenStart { at, by }, ctx);
    }

    fn put_start(&self, key: StreamKey, start: FrozenStart, ctx: &mut Context) {
        let start = StreamStart { of: key.clone(), at: start.at, by: start.by, change: 0 };
        ctx.ask(op::PutDoc(start.put()), ask::PutStart(self.round, key));
    }

    pub(super) fn on_start_put(
        &mut self,
        of: StreamKey,
        write: Write<Document>,
        ctx: &mut Context,
    ) {
        if self.stream_key() != Some(&of) {
            return;
        }
        let is_there = matches!(&write, Write::Done(_) | Write::Refused(Some(_)));
        match start::stored(write) {
            Some(start) => {
                ctx.start.is_stored(of, start);
                self.go_on_cycle(ctx);
            }
            None if is_there => self.on_unreadable_start(&of, ctx),
            None => self.restart_cycle(ctx),
        }
    }
}

/// Whether another start than the one that was lost would skip records. Then it is made sure first
/// that it was not lost: a store that went back says so in its answer to the next beat, and whoever
/// knows the start gives it back.
fn is_new_each_time(ctx: &Context) -> bool {
    ctx.settings.initial_position != InitialPosition::TrimHorizon && !planted!(FreezesAtOnce)
}
