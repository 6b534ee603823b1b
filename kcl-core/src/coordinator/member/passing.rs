//! Passing (PROTOCOL rule 17): making sure that the application reads this worker's stream, or
//! making it do so.
//!
//! The document `streams` names the stream. A session that has registered reads the document and
//! *passes*: it puts the same content again, by a compare-and-set over the version that it read. A
//! worker of another stream reads a version, waits until all sessions that may have passed up to it
//! have ended, and puts its own stream over that version. So each version is a meeting place:
//!
//! - a session that passes meanwhile makes that put fail;
//! - a session that comes later finds the new stream in the document.

use super::{
    Member,
    pass::{Meaning, Pass, Step, meaning},
    phase::Phase,
    readers::Readers,
    request, retry_pause,
    signal::Signal,
};
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::{DocName, Document, EndSession, Ending, PutDoc, Session, SessionId, Streams, Write},
    store::Consistency,
    stream::StreamName,
};

impl Member {
    /// The session is registered: reads `changing` and `streams`.
    pub(super) fn start_passing(&mut self, ctx: &mut Context) {
        self.phase = Phase::Passing;
        if !must_pass() {
            self.pass.open = true;
            return self.on_passed(ctx);
        }
        ctx.ask(op::Doc(DocName::changing()), request::Changing);
        self.ask_streams(ctx);
    }

    /// Passes again, after the store went back: the store may have lost the pass.
    pub(super) fn pass_again(&mut self, now: Time) {
        if matches!(self.phase, Phase::Passing | Phase::Checking(_) | Phase::Live)
            && pass_may_be_lost()
        {
            let round = self.pass.next_round();
            let open = self.pass.open;
            self.pass = Pass { open, round, step: Step::Again(now), ..Pass::default() };
        }
    }

    /// Reads `streams`.
    fn ask_streams(&mut self, ctx: &mut Context) {
        let round = self.pass.next_round();
        if !matches!(self.pass.step, Step::Leaving(_)) {
            self.pass.step = Step::Idle;
        }
        ctx.ask(op::Doc(DocName::streams()), request::Streams(round));
    }

    /// Forgets the document that was read, and reads `streams` again at `at`.
    fn read_again_at(&mut self, at: Time) {
        self.pass.read = None;
        self.pass.step = Step::Again(at);
    }

    /// Does the work that is due: reads `streams` again, or lists the sessions of the other stream.
    pub(super) fn go_on_passing(&mut self, ctx: &mut Context) {
        let valid = ctx.now < self.valid_until;
        match &mut self.pass.step {
            Step::Again(at) if *at <= ctx.now => {
                if !self.pass.open {
                    ctx.ask(op::Doc(DocName::changing()), request::Changing);
                }
                self.ask_streams(ctx);
            }
            Step::Watching(readers) if readers.next_wake() <= ctx.now => {
                readers.asked(valid, ctx);
                ctx.ask(op::Sessions(Consistency::Strong), request::OtherReaders(self.pass.round));
            }
            _ => {}
        }
    }

    /// `streams` was read. An answer to an earlier round is ignored.
    pub(super) fn on_streams_read(
        &mut self,
        round: u64,
        answer: Answered<op::Doc>,
        ctx: &mut Context,
    ) {
        if round != self.pass.round {
            return;
        }
        match answer {
            Ok(doc) => self.on_streams(doc, ctx),
            Err(_) => self.retry_passing(ctx),
        }
    }

    /// `streams` was put. Only a put that was applied is a pass.
    pub(super) fn on_streams_put(
        &mut self,
        round: u64,
        answer: Answered<op::PutDoc>,
        ctx: &mut Context,
    ) {
        if round != self.pass.round {
            return;
        }
        match answer {
            Ok(write) if is_pass(&write) => self.on_passed(ctx),
            Ok(write) => {
                sometimes!(PassRefused);
                self.on_streams(write.into_row(), ctx);
            }
            Err(_) => self.retry_passing(ctx),
        }
    }

    /// Takes over a document that was read, or that refused a put.
    fn on_streams(&mut self, doc: Option<Document>, ctx: &mut Context) {
        let version = doc.as_ref().map_or(0, |doc| doc.version);
        // A lower version than before: the store went back, and earlier puts may be lost.
        let floor = self.pass.floor.map_or(version, |floor| floor.min(version));
        self.pass.floor = Some(floor);
        self.pass.read = Some(doc);
        self.judge_streams(ctx);
    }

    /// Judges the document, once it was read and the application is known to be open.
    pub(super) fn judge_streams(&mut self, ctx: &mut Context) {
        let Some(mine) = ctx.reads.known().filter(|_| self.pass.open) else { return };
        let (Some(read), Some(floor)) = (self.pass.read.take(), self.pass.floor) else { return };
        match meaning(read.as_ref(), mine, floor) {
            Meaning::Passed => self.on_passed(ctx),
            Meaning::Put(streams) => self.put_streams(read.map(|doc| doc.version), &streams, ctx),
            Meaning::Later => {
                sometimes!(LaterLifeMet);
                self.wait_for_life(read, ctx);
            }
            Meaning::Unreadable(problem) => {
                self.tell_unreadable(DocName::streams(), problem, ctx);
                let again = ctx.now + ctx.settings.watch_interval;
                self.read_again_at(again);
            }
            Meaning::Other(reads) => self.on_other_stream(read.map(|doc| doc.version), reads, ctx),
        }
    }

    /// The document names a later life of the stream than the source described: asks the source
    /// again, and reports it if the source does not know that life, either.
    fn wait_for_life(&mut self, read: Option<Document>, ctx: &mut Context) {
        if self.pass.later {
            let problem = "it names a later life of the stream than the stream service knows of";
            self.tell_unreadable(DocName::streams(), problem.to_owned(), ctx);
        }
        self.pass.later = true;
        self.pass.read = Some(read);
        ctx.reads.want();
    }

    /// The document names another stream, or does not exist: finds out whether that stream has a
    /// live reader.
    fn on_other_stream(
        &mut self,
        version: Option<u64>,
        reads: Option<StreamName>,
        ctx: &mut Context,
    ) {
        let Some(wanted) = ctx.reads.name().cloned() else { return };
        if let Step::Leaving(names) = &self.pass.step {
            sometimes!(OtherStreamRead);
            let reads = reads.or_else(|| names.clone());
            return self.leave_to(reads, wanted, ctx);
        }
        if reads.is_some() {
            ctx.notify(Notice::StreamDiffers { reads: reads.clone(), wanted });
        }
        let round = self.pass.next_round();
        self.pass.step = Step::Watching(Readers::new(version, reads));
        if !looks_who_reads() {
            return self.take_over(ctx);
        }
        // The listing is asked for only now: every session that passed up to this version had
        // registered before the version was read.
        if let Step::Watching(readers) = &mut self.pass.step {
            readers.asked(true, ctx);
        }
        ctx.ask(op::Sessions(Consistency::Strong), request::OtherReaders(round));
    }

    /// The sessions were listed: silent ones are fenced.
    pub(super) fn on_other_readers(&mut self, round: u64, rows: &[Session], ctx: &mut Context) {
        if round != self.pass.round {
            return;
        }
        let me = self.session.id.clone();
        if let Step::Watching(readers) = &mut self.pass.step {
            for fence in readers.on_listed(rows, &me, ctx) {
                let id = fence.session.clone();
                ctx.ask(op::EndSession(fence), request::EndReader(round, id));
            }
            self.go_on_watching(ctx);
        }
    }

    /// The end of one of these sessions was answered; `row` is its row, if there is one.
    pub(super) fn on_reader_ended(
        &mut self,
        round: u64,
        id: &SessionId,
        row: Option<&Session>,
        ctx: &mut Context,
    ) {
        if round != self.pass.round {
            return;
        }
        if let Step::Watching(readers) = &mut self.pass.step {
            readers.on_end(id, row, ctx);
            self.go_on_watching(ctx);
        }
    }

    /// Decides the next step: leave if one of the sessions is live, take over if all have ended.
    fn go_on_watching(&mut self, ctx: &mut Context) {
        let Step::Watching(readers) = &self.pass.step else { return };
        if readers.one_lives() {
            self.pass.step = Step::Leaving(readers.names().cloned());
            self.ask_streams(ctx);
        } else if readers.are_over() {
            sometimes!(StreamSwitched, readers.names().is_some());
            self.take_over(ctx);
        }
    }

    /// No session reads the stream that this version names: puts this worker's stream over it.
    fn take_over(&mut self, ctx: &mut Context) {
        let Step::Watching(readers) = &self.pass.step else { return };
        let version = readers.version();
        if let Some(mine) = ctx.reads.known() {
            let streams = Streams::of(mine);
            self.put_streams(version, &streams, ctx);
        }
    }

    /// Puts `streams` over the version `over`; `None`: where there is no document.
    fn put_streams(&mut self, over: Option<u64>, streams: &Streams, ctx: &mut Context) {
        let round = self.pass.next_round();
        self.pass.step = Step::Idle;
        let put = PutDoc::new(DocName::streams(), over, streams.encode());
        ctx.ask(op::PutDoc(put), request::PutStreams(round));
        if self.phase == Phase::Passing {
            // The sessions of this id are listed at the same time, and judged after passing.
            self.list_after(ctx);
        }
    }

    /// The session has passed. When it passes again later, nothing follows.
    fn on_passed(&mut self, ctx: &mut Context) {
        if self.phase == Phase::Passing {
            self.start_checking(ctx);
        }
    }

    /// Other workers read another stream: ends this session and stops the worker.
    fn leave_to(&mut self, reads: Option<StreamName>, wanted: StreamName, ctx: &mut Context) {
        self.be_over();
        let end = EndSession::new(self.session.id.clone(), Ending::Leave);
        ctx.tell(op::EndSession(end));
        ctx.signal(Signal::OtherStream { reads, wanted });
    }

    /// A read or a put failed: reads the document again after a pause.
    pub(super) fn retry_passing(&mut self, ctx: &mut Context) {
        let again = ctx.now + retry_pause(ctx);
        self.pass.round += 1;
        self.read_again_at(again);
    }

    /// Stops passing, since the application is closed. Answers that are under way are ignored.
    pub(super) fn stop_passing(&mut self) {
        let round = self.pass.next_round();
        self.pass = Pass { round, ..Pass::default() };
    }

    /// Reports why a document cannot be used, once for each reason.
    pub(super) fn tell_unreadable(&mut self, name: DocName, problem: String, ctx: &mut Context) {
        if self.pass.told.as_ref() != Some(&problem) {
            self.pass.told = Some(problem.clone());
            ctx.notify(Notice::Unreadable(name, problem));
        }
    }
}

/// Whether a registered session passes before it does anything else.
fn must_pass() -> bool {
    !planted!(RegistersWithoutPassing)
}

/// Whether a store that went back may have lost the pass.
fn pass_may_be_lost() -> bool {
    !planted!(PassesOnce)
}

/// Whether a put is a pass. After a refusal the document that is there is judged.
fn is_pass(put: &Write<Document>) -> bool {
    matches!(put, Write::Done(_)) || planted!(RefusalTakenForPass)
}

/// Whether the worker looks for live readers of the other stream before it puts its own over it.
fn looks_who_reads() -> bool {
    !planted!(SwitchesWithoutLooking)
}
