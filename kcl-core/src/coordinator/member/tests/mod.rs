//! A session without its coordinator: events go in; requests, signals and notices come out.

mod beating;
mod closing;
mod joining;
mod other_histories;
mod other_readers;
mod passing;
mod same_id;
mod telling;
mod which_stream;

use super::*;
use crate::{
    coordinator::{
        command::Notice,
        op::StoreCall,
        signal::Signal as Any,
        tests::{at, context, done, said, session},
    },
    env::WallTime,
    lease::{
        Beat, ChangeState, Changing, DocName, Document, EndReason, EndSession, Ending, Epoch,
        Incarnation, PutDoc, SessionState, Stamp, Stamped, StoreTime, Streams, Write,
    },
    settings::{Coordination, SameId},
    store::{Consistency, StoreErrorKind},
    stream::{StreamDescription, StreamKey, StreamName},
};

/// A worker called `me` that reads `orders`.
struct Scene {
    member: Member,
    ctx: Context,
    /// Whether the store answers beats, as time passes.
    answers: bool,
    /// The store's generation in its answers.
    generation: &'static str,
    /// When the session beat, in milliseconds.
    beats: Vec<u64>,
    /// The notices that no test has checked yet.
    noted: Vec<Notice>,
    /// The validity that the session announced, each time.
    valid_until: Vec<Time>,
}

/// A stream in the life that began at `created`.
fn stream(name: &str, created: u64) -> StreamDescription {
    let key = StreamKey::new(name, WallTime::from_millis(created));
    let (name, now) = (name.parse().unwrap(), WallTime::from_millis(9));
    StreamDescription::new(name, key, Duration::from_hours(24), now)
}

fn orders() -> StreamDescription {
    stream("orders", 5)
}

fn name(of: &str) -> StreamName {
    of.parse().unwrap()
}

fn stamped<T>(value: T, generation: &str) -> Stamped<T> {
    let generation = Generation::new(generation);
    Stamped { value, stamp: Stamp { at: StoreTime(0), generation } }
}

fn list() -> StoreCall {
    StoreCall::Sessions(Consistency::Strong)
}

fn changing() -> StoreCall {
    StoreCall::Doc(DocName::changing())
}

fn streams() -> StoreCall {
    StoreCall::Doc(DocName::streams())
}

/// The document `streams`, naming this stream.
fn names(of: &StreamDescription, version: u64) -> Document {
    Document::new(DocName::streams(), version, Streams::of(of).encode())
}

fn mine(version: u64) -> Document {
    names(&orders(), version)
}

fn theirs(version: u64) -> Document {
    names(&stream("payments", 7), version)
}

/// The put of this worker's stream over this version.
fn pass(over: Option<u64>) -> StoreCall {
    let body = Streams::of(&orders()).encode();
    StoreCall::PutDoc(PutDoc::new(DocName::streams(), over, body))
}

fn end_of(id: &SessionId, ending: Ending) -> StoreCall {
    StoreCall::EndSession(EndSession::new(id.clone(), ending))
}

/// The row of a worker that reads this stream; `None`: the row names none.
fn reader(worker: &str, of: Option<&str>) -> Session {
    Session { stream: of.map(name), ..session(worker) }
}

/// The row after the session ended.
fn ended(row: &Session, reason: EndReason) -> Session {
    Session { state: SessionState::Ended(reason), ..row.clone() }
}

impl Scene {
    /// Before anything has happened, at 0.
    fn new(settings: Coordination) -> Self {
        let mut ctx = context(settings);
        ctx.pushes = true;
        let member = Member::new(name_of_me(), at(0), Vec::new(), false, &mut ctx);
        let (beats, noted, valid_until) = (Vec::new(), Vec::new(), Vec::new());
        Self { member, ctx, answers: true, generation: "1", beats, noted, valid_until }
    }

    /// A worker whose stream is known, at 0: it lists the sessions.
    fn starting(settings: Coordination) -> Self {
        let mut scene = Self::new(settings);
        let _ = scene.ctx.reads.on_described(None, Ok(orders()), at(0));
        assert_eq!(scene.tick(0), [list()]);
        scene
    }

    /// A session that has registered, and reads `changing` and `streams`.
    fn registered(settings: Coordination) -> Self {
        let mut scene = Self::starting(settings);
        let asked = scene.after(Reply::ListBefore(Ok(Vec::new())));
        assert_eq!(asked, [StoreCall::Register(scene.row())]);
        assert_eq!(scene.register("1"), [changing(), streams()]);
        scene
    }

    /// A session that has registered, and has seen that the application is open.
    fn opened() -> Self {
        let mut scene = Self::registered(Coordination::default());
        assert_eq!(scene.open(), []);
        scene
    }

    /// A session that has passed; the listing since shows these other sessions.
    fn checking(settings: Coordination, others: impl FnOnce(&Self) -> Vec<Session>) -> Self {
        let mut scene = Self::registered(settings);
        assert_eq!(scene.open(), []);
        assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
        assert_eq!(scene.put(Ok(Write::Done(mine(4)))), []);
        assert_eq!(scene.said(), [], "whether the id is mine alone is not known yet");
        let listed = Reply::ListAfter(Ok(others(&scene)));
        scene.member.on_answer(listed, &mut scene.ctx);
        scene
    }

    /// A live session, which beats at 1,000.
    fn live() -> Self {
        let mut scene = Self::checking(Coordination::default(), |scene| vec![scene.row()]);
        assert_eq!(scene.said(), [Signal::Joined]);
        scene.member.beat_at = at(1_000);
        scene
    }

    /// The calls since.
    fn asked(&mut self) -> Vec<StoreCall> {
        let done = done(&mut self.ctx);
        self.noted.extend(done.noted);
        self.valid_until.extend(done.other.into_iter().map(|command| match command {
            Command::ValidUntil(until) => until,
            other => panic!("{other:?}"),
        }));
        done.asked
    }

    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.member.on_tick(&mut self.ctx);
        self.asked()
    }

    /// The next call.
    fn after(&mut self, answer: Reply) -> Vec<StoreCall> {
        self.member.on_answer(answer, &mut self.ctx);
        self.asked()
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Member(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    fn noted(&mut self) -> Vec<Notice> {
        let _ = self.asked();
        std::mem::take(&mut self.noted)
    }

    fn now(&self) -> u64 {
        self.ctx.now.as_micros() / 1_000
    }

    /// Lets time pass, with a turn whenever one is due; beats are answered. The other calls.
    fn meanwhile(&mut self, until: u64) -> Vec<StoreCall> {
        let mut asked = Vec::new();
        loop {
            let next = self.member.next_wake().min(at(until));
            let millis = next.as_micros().div_ceil(1_000).max(self.now());
            let calls = self.tick(millis);
            asked.extend(calls.into_iter().filter(|call| !self.is_beat(call)));
            let wake = self.member.next_wake();
            assert!(wake > self.ctx.now, "it asks for a turn at {wake:?}, and again");
            if millis >= until {
                return asked;
            }
        }
    }

    /// Whether the call is a beat, which is answered.
    fn is_beat(&mut self, call: &StoreCall) -> bool {
        let StoreCall::Beat(beat) = call else { return false };
        self.beats.push(self.now());
        if self.answers {
            let counted = self.counted(beat.number, self.generation);
            self.member.on_answer(Reply::Beat(beat.number, Ok(counted)), &mut self.ctx);
            assert_eq!(self.asked(), []);
        }
        true
    }

    /// The call that is made again after a failure: not at once, and once.
    fn after_a_pause(&mut self) -> Vec<StoreCall> {
        let now = self.now();
        assert_eq!(self.meanwhile(now + 249), []);
        self.meanwhile(now + 750)
    }

    /// Lets time pass; whenever all sessions are listed, these are shown. The other calls.
    fn watching(&mut self, until: u64, rows: &[Session]) -> Vec<StoreCall> {
        let mut asked = Vec::new();
        loop {
            let next = self.member.next_wake().min(at(until));
            let millis = next.as_micros().div_ceil(1_000).max(self.now());
            for call in self.meanwhile(millis) {
                let is_list = call == list();
                asked.extend(if is_list { self.others(rows) } else { vec![call] });
            }
            if millis >= until {
                return asked;
            }
        }
    }

    /// The calls once the row is registered.
    fn register(&mut self, generation: &str) -> Vec<StoreCall> {
        let row = stamped(Write::Done(self.row()), generation);
        self.after(Reply::Register(self.ctx.now, Ok(row)))
    }

    /// The calls once the application is seen to be open.
    fn open(&mut self) -> Vec<StoreCall> {
        self.after(Reply::Changing(Ok(None)))
    }

    /// The calls once the document `streams` is read.
    fn read(&mut self, doc: Option<Document>) -> Vec<StoreCall> {
        self.after(Reply::Streams(self.round(), Ok(doc)))
    }

    /// The calls once the put of `streams` is answered.
    fn put(&mut self, answer: Result<Write<Document>, StoreErrorKind>) -> Vec<StoreCall> {
        self.after(Reply::PutStreams(self.round(), answer))
    }

    /// The calls once these sessions are listed as possible readers of another stream.
    fn others(&mut self, rows: &[Session]) -> Vec<StoreCall> {
        self.after(Reply::OtherReaders(self.round(), Ok(rows.to_vec())))
    }

    /// The calls once the end of one of them is answered.
    fn reader_ended(&mut self, row: &Session, answer: Write<Session>) -> Vec<StoreCall> {
        self.after(Reply::EndReader(self.round(), row.id.clone(), Ok(answer)))
    }

    /// The number of the present round of passing.
    fn round(&self) -> u64 {
        self.member.pass.round
    }

    fn row(&self) -> Session {
        self.member.session.clone()
    }

    fn end(&self, ending: Ending) -> StoreCall {
        end_of(self.member.id(), ending)
    }

    /// Another session of this id, with the start number `start`.
    fn rival(&self, start: u64) -> Session {
        let mut row = self.row();
        row.id.incarnation = Incarnation::from_bits(7);
        row.start = start;
        row
    }

    fn beat(&self, number: u64) -> StoreCall {
        StoreCall::Beat(Beat::new(self.member.id().clone(), number, Report::NOTHING))
    }

    fn counted(&self, beat: u64, generation: &str) -> Stamped<Write<Session>> {
        stamped(Write::Done(Session { beat, ..self.row() }), generation)
    }

    /// Checks that the session makes no call any more, whatever happens.
    fn assert_over(&mut self) {
        assert_eq!(self.member.next_wake(), Time::NEVER);
        let now = self.now();
        assert_eq!(self.tick(now + 60_000), []);
        let counted = self.counted(1, "1");
        assert_eq!(self.after(Reply::Beat(1, Ok(counted))), []);
        assert_eq!(self.said(), []);
    }
}

fn name_of_me() -> WorkerId {
    "me".parse().unwrap()
}
