//! Which stream the application reads: making sure that it is mine, or making it mine.
//!
//! The document `streams` names it. Who has registered reads that document and *passes*: it puts
//! the same content again, by a compare-and-set. So each version is a meeting place. Who wants to
//! read another stream reads a version, waits for the end of all sessions that may have passed up
//! to it, and puts its own name over that version. Whoever passes meanwhile makes that fail, and
//! whoever comes later finds the new name. PROTOCOL rule 17.

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
    /// The session is registered: reads which stream the application reads.
    pub(super) fn start_passing(&mut self, ctx: &mut Context) {
        self.phase = Phase::Passing;
        if !must_pass() {
            self.pass.open = true;
            return self.on_passed(ctx);
        }
        ctx.ask(op::Doc(DocName::changing()), request::Changing);
        self.ask_streams(ctx);
    }

    /// The store went back in time, and may have lost the pass: it is made again.
    pub(super) fn pass_again(&mut self, now: Time) {
        if matches!(self.phase, Phase::Passing | Phase::Checking(_) | Phase::Live)
            && pass_may_be_lost()
        {
            let round = self.pass.next_round();
            let open = self.pass.open;
            self.pass = Pass { open, round, step: Step::Again(now), ..Pass::default() };
        }
    }

    fn ask_streams(&mut self, ctx: &mut Context) {
        let round = self.pass.next_round();
        if !matches!(self.pass.step, Step::Leaving(_)) {
            self.pass.step = Step::Idle;
        }
        ctx.ask(op::Doc(DocName::streams()), request::Streams(round));
    }

    fn read_again_at(&mut self, at: Time) {
        self.pass.read = None;
        self.pass.step = Step::Again(at);
    }

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

    fn on_streams(&mut self, doc: Option<Document>, ctx: &mut Context) {
        let version = doc.as_ref().map_or(0, |doc| doc.version);
        // Below it, the store went back: nothing that was put before counts any more.
        let floor = self.pass.floor.map_or(version, |floor| floor.min(version));
        self.pass.floor = Some(floor);
        self.pass.read = Some(doc);
        self.judge_streams(ctx);
    }

    /// Decides what to do about the document, once it is read and the application is known to be
    /// open.
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

    /// The document names a later life of my stream than I know of: that is asked for. If it is not
    /// there either, that is said.
    fn wait_for_life(&mut self, read: Option<Document>, ctx: &mut Context) {
        if self.pass.later {
            let problem = "it names a later life of the stream than the stream service knows of";
            self.tell_unreadable(DocName::streams(), problem.to_owned(), ctx);
        }
        self.pass.later = true;
        self.pass.read = Some(read);
        ctx.reads.want();
    }

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
        // They are listed only now: a session that passed up to the version that was read had
        // registered by then.
        if let Step::Watching(readers) = &mut self.pass.step {
            readers.asked(true, ctx);
        }
        ctx.ask(op::Sessions(Consistency::Strong), request::OtherReaders(round));
    }

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

    /// One of them was to be ended, and its row is this.
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

    /// Nobody reads what the version names: mine is put over it.
    fn take_over(&mut self, ctx: &mut Context) {
        let Step::Watching(readers) = &self.pass.step else { return };
        let version = readers.version();
        if let Some(mine) = ctx.reads.known() {
            let streams = Streams::of(mine);
            self.put_streams(version, &streams, ctx);
        }
    }

    fn put_streams(&mut self, over: Option<u64>, streams: &Streams, ctx: &mut Context) {
        let round = self.pass.next_round();
        self.pass.step = Step::Idle;
        let put = PutDoc::new(DocName::streams(), over, streams.encode());
        ctx.ask(op::PutDoc(put), request::PutStreams(round));
        if self.phase == Phase::Passing {
            // Whether the id is mine alone is asked at the same time, and judged after passing.
            self.list_after(ctx);
        }
    }

    fn on_passed(&mut self, ctx: &mut Context) {
        if self.phase == Phase::Passing {
            self.start_checking(ctx);
        }
    }

    /// Others read another stream: I go, and leave nothing behind.
    fn leave_to(&mut self, reads: Option<StreamName>, wanted: StreamName, ctx: &mut Context) {
        self.be_over();
        let end = EndSession::new(self.session.id.clone(), Ending::Leave);
        ctx.tell(op::EndSession(end));
        ctx.signal(Signal::OtherStream { reads, wanted });
    }

    /// What was asked failed: it is asked again a little later.
    pub(super) fn retry_passing(&mut self, ctx: &mut Context) {
        let again = ctx.now + retry_pause(ctx);
        self.pass.round += 1;
        self.read_again_at(again);
    }

    pub(super) fn stop_passing(&mut self) {
        let round = self.pass.next_round();
        self.pass = Pass { round, ..Pass::default() };
    }

    /// Says what cannot be read, once for each reason.
    pub(super) fn tell_unreadable(&mut self, name: DocName, problem: String, ctx: &mut Context) {
        if self.pass.told.as_ref() != Some(&problem) {
            self.pass.told = Some(problem.clone());
            ctx.notify(Notice::Unreadable(name, problem));
        }
    }
}

/// Whether who has registered passes before it does anything else.
fn must_pass() -> bool {
    !planted!(RegistersWithoutPassing)
}

/// Whether a store that went back may have lost the pass: it may.
fn pass_may_be_lost() -> bool {
    !planted!(PassesOnce)
}

/// Whether a put is a pass: if it was refused, what is there is judged.
fn is_pass(put: &Write<Document>) -> bool {
    matches!(put, Write::Done(_)) || planted!(RefusalTakenForPass)
}

/// Whether it is found out who reads another stream before mine is put over it.
fn looks_who_reads() -> bool {
    !planted!(SwitchesWithoutLooking)
}
