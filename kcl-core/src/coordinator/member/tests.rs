use super::*;
use crate::{
    coordinator::{
        command::Notice,
        op::StoreCall,
        signal::Signal as Any,
        tests::{at, context, done, said},
    },
    env::WallTime,
    lease::{
        Beat, ChangeState, Changing, DocName, Document, EndReason, EndSession, Ending, PutDoc,
        SessionState, Stamp, Stamped, StoreTime, Streams, Write,
    },
    settings::{Coordination, SameId},
    store::{Consistency, StoreErrorKind},
    stream::{StreamDescription, StreamKey},
};

struct Scene {
    member: Member,
    ctx: Context,
}

fn orders() -> StreamDescription {
    let (name, key) =
        ("orders".parse().unwrap(), StreamKey::new("orders", WallTime::from_millis(5)));
    StreamDescription::new(name, key, Duration::from_hours(24), WallTime::from_millis(9))
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

/// The document `streams`, that names mine.
fn mine(version: u64) -> Document {
    Document::new(DocName::streams(), version, Streams::of(&orders()).encode())
}

fn pass(over: Option<u64>) -> StoreCall {
    let body = Streams::of(&orders()).encode();
    StoreCall::PutDoc(PutDoc::new(DocName::streams(), over, body))
}

impl Scene {
    /// A worker whose stream is known, at 0.
    fn starting(settings: Coordination) -> Self {
        let mut ctx = context(settings);
        let _ = ctx.reads.on_described(None, Ok(orders()), at(0));
        let member = Member::new("me".parse().unwrap(), at(0), Vec::new(), false, &mut ctx);
        let mut scene = Self { member, ctx };
        assert_eq!(scene.tick(0), [list()]);
        scene
    }

    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.member.on_tick(&mut self.ctx);
        done(&mut self.ctx).asked
    }

    /// What is asked for next.
    fn after(&mut self, answer: Answer) -> Vec<StoreCall> {
        self.member.on_answer(answer, &mut self.ctx);
        done(&mut self.ctx).asked
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Member(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    fn round(&self) -> u64 {
        self.member.pass.round
    }

    fn row(&self) -> Session {
        self.member.session.clone()
    }

    fn end(&self, ending: Ending) -> StoreCall {
        StoreCall::EndSession(EndSession::new(self.member.id().clone(), ending))
    }

    /// Another session of my id, that started as the `start`th.
    fn rival(&self, start: u64) -> Session {
        let mut row = self.row();
        row.id.incarnation = Incarnation::from_bits(7);
        row.start = start;
        row
    }

    /// One that has registered: the application is open, and it reads which stream that reads.
    fn registered(settings: Coordination) -> Self {
        let mut scene = Self::starting(settings);
        let asked = scene.after(Answer::ListBefore(Ok(Vec::new())));
        assert_eq!(asked, [StoreCall::Register(scene.row())]);
        assert_eq!(scene.row().stream, Some("orders".parse().unwrap()));
        let row = stamped(Write::Done(scene.row()), "1");
        assert_eq!(scene.after(Answer::Register(at(0), Ok(row))), [changing(), streams()]);
        scene
    }

    /// One that has passed; of other sessions these were listed since.
    fn checking(settings: Coordination, others: impl FnOnce(&Self) -> Vec<Session>) -> Self {
        let mut scene = Self::registered(settings);
        assert_eq!(scene.after(Answer::Changing(Ok(None))), []);
        let read = Answer::Streams(scene.round(), Ok(Some(mine(3))));
        assert_eq!(scene.after(read), [pass(Some(3)), list()]);
        let put = Answer::PutStreams(scene.round(), Ok(Write::Done(mine(4))));
        assert_eq!(scene.after(put), []);
        assert_eq!(scene.said(), [], "whether the id is mine alone is not known yet");
        let listed = Answer::ListAfter(Ok(others(&scene)));
        scene.member.on_answer(listed, &mut scene.ctx);
        scene
    }

    /// One that lives, and beats at 1,000.
    fn live() -> Self {
        let mut scene = Self::checking(Coordination::default(), |scene| vec![scene.row()]);
        assert_eq!(scene.said(), [Signal::Joined]);
        scene.member.beat_at = at(1_000);
        scene.member.poll_at = Time::NEVER;
        scene
    }

    fn beat(&self, number: u64) -> StoreCall {
        StoreCall::Beat(Beat::new(self.member.id().clone(), number, Report::NOTHING))
    }

    fn counted(&self, beat: u64, generation: &str) -> Stamped<Write<Session>> {
        stamped(Write::Done(Session { beat, ..self.row() }), generation)
    }
}

#[test]
fn a_worker_joins_by_registering_passing_and_looking_for_others_of_its_id() {
    let scene = Scene::live();
    assert!(scene.member.is_valid(at(5_699)), "a timeout from sending, without the guard");
    assert!(!scene.member.is_valid(at(5_700)));
}

#[test]
fn what_the_stream_is_is_found_out_first() {
    let mut ctx = context(Coordination::default());
    let member = Member::new("me".parse().unwrap(), at(0), Vec::new(), false, &mut ctx);
    let mut scene = Scene { member, ctx };
    assert_eq!(scene.tick(0), []);
    assert!(scene.member.is_describing() && scene.ctx.reads.take_due(at(0)) == [None]);
    let _ = scene.ctx.reads.on_described(None, Ok(orders()), at(0));
    scene.member.on_described(&mut scene.ctx);
    assert_eq!(done(&mut scene.ctx).asked, [list()]);
}

#[test]
fn a_registration_without_an_answer_is_sent_again_as_it_was_and_given_up_after_a_timeout() {
    let mut scene = Scene::starting(Coordination::default());
    let sent = scene.after(Answer::ListBefore(Ok(Vec::new())));
    let unheard = || Answer::Register(at(0), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unheard()), []);
    assert_eq!(scene.tick(1_000), sent, "the same incarnation");
    assert_eq!(scene.after(unheard()), []);
    assert_eq!(scene.tick(7_000), []);
    assert_eq!(scene.said(), [Signal::Unheard]);
}

#[test]
fn an_application_that_is_closed_is_waited_for_without_a_session() {
    let mut scene = Scene::registered(Coordination::default());
    let closed = Changing::new(ChangeState::Closed, "ann", WallTime::from_millis(1), "turn");
    let doc = |changing: &Changing| {
        Answer::Changing(Ok(Some(Document::new(DocName::changing(), 1, changing.encode()))))
    };
    scene.member.on_answer(doc(&closed), &mut scene.ctx);
    let first = done(&mut scene.ctx);
    assert_eq!(first.asked, [scene.end(Ending::Leave), changing()]);
    assert_eq!(first.noted, [Notice::Closed("ann".to_owned())]);
    let read = Answer::Streams(scene.round(), Ok(Some(mine(3))));
    assert_eq!(scene.after(read), [], "it passes nothing");
    assert_eq!(scene.after(Answer::EndShut(Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.tick(2_000), [scene.end(Ending::Leave), changing()]);
    let ended = Ok(Write::Refused(None));
    assert_eq!(scene.after(Answer::EndShut(ended)), []);
    assert_eq!(scene.tick(4_000), [changing()]);
    assert_eq!(scene.after(doc(&closed)), []);
    assert_eq!(scene.said(), []);
    let open = Changing { state: ChangeState::Open, ..closed };
    assert_eq!(scene.after(doc(&open)), []);
    assert_eq!(scene.said(), [Signal::Reopened]);
}

#[test]
fn a_stream_that_nobody_reads_any_more_is_put_over() {
    let mut scene = Scene::registered(Coordination::default());
    assert_eq!(scene.after(Answer::Changing(Ok(None))), []);
    let none = Answer::Streams(scene.round(), Ok(None));
    assert_eq!(scene.after(none), [list()], "who reads whatever was read");
    let nobody = Answer::OtherReaders(scene.round(), Ok(vec![scene.row()]));
    assert_eq!(scene.after(nobody), [pass(None), list()]);
}

#[test]
fn a_pass_that_was_refused_is_judged_by_what_is_there() {
    let mut scene = Scene::registered(Coordination::default());
    assert_eq!(scene.after(Answer::Changing(Ok(None))), []);
    let read = Answer::Streams(scene.round(), Ok(Some(mine(3))));
    assert_eq!(scene.after(read), [pass(Some(3)), list()]);
    let others = Answer::PutStreams(scene.round(), Ok(Write::Refused(Some(mine(5)))));
    assert_eq!(scene.after(others), [], "it was put since I registered: I have passed");
    assert_eq!(scene.after(Answer::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn an_older_session_of_my_id_is_ended_before_i_join() {
    let mut scene = Scene::checking(Coordination::default(), |scene| vec![scene.rival(0)]);
    let rival = scene.rival(0);
    let end = StoreCall::EndSession(EndSession::new(rival.id.clone(), Ending::Replace));
    assert_eq!(done(&mut scene.ctx).asked, std::slice::from_ref(&end));
    let unknown = Answer::EndOlder(rival.id.clone(), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unknown), []);
    assert_eq!(scene.said(), []);
    scene.member.beat_at = Time::NEVER;
    assert_eq!(scene.tick(200), [end], "told again");
    assert_eq!(scene.after(Answer::EndOlder(rival.id, Ok(Write::Refused(None)))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn where_ids_are_not_replaced_an_older_session_that_beats_stays_and_a_silent_one_is_ended() {
    let refuse = || Coordination { same_id: SameId::Refuse, ..Coordination::default() };
    for beats in [true, false] {
        let mut scene = Scene::checking(refuse(), |scene| vec![scene.rival(0)]);
        scene.member.beat_at = Time::NEVER;
        assert_eq!(done(&mut scene.ctx).asked, []);
        let rival = scene.rival(0);
        let look = StoreCall::Session(rival.id.clone(), Consistency::Strong);
        assert_eq!(scene.tick(2_000), [look]);
        scene.ctx.now = at(6_000);
        let seen = Session { beat: rival.beat + u64::from(beats), ..rival.clone() };
        let asked = scene.after(Answer::LookAtOlder(rival.id.clone(), Ok(Some(seen))));
        if beats {
            assert_eq!(asked, [scene.end(Ending::Leave)]);
            assert_eq!(scene.said(), [Signal::Duplicate]);
        } else {
            let fence = Ending::Fence { beat: rival.beat };
            assert_eq!(asked, [StoreCall::EndSession(EndSession::new(rival.id, fence))]);
            assert_eq!(scene.said(), []);
        }
    }
}

#[test]
fn a_newer_session_of_my_id_takes_my_place() {
    let mut scene = Scene::checking(Coordination::default(), |scene| vec![scene.rival(2)]);
    assert_eq!(done(&mut scene.ctx).asked, [scene.end(Ending::Leave)]);
    assert_eq!(scene.said(), [Signal::Duplicate]);
}

#[test]
fn beats_keep_their_schedule_and_one_without_an_answer_is_repeated() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(999), []);
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    assert_eq!(scene.tick(1_499), []);
    assert_eq!(scene.tick(1_500), [scene.beat(2)], "tried again");
    let second = Session { beat: 2, ..scene.row() };
    let refused = stamped(Write::Refused(Some(second)), "1");
    assert_eq!(scene.after(Answer::Beat(1, Ok(refused))), []);
    assert_eq!(scene.said(), [], "a later attempt of mine was counted, its answer lost");
    assert_eq!(scene.tick(2_499), []);
    assert_eq!(scene.tick(2_500), [scene.beat(3)]);
}

#[test]
fn a_session_lapses_a_timeout_after_its_last_answered_beat_was_sent_and_revives_with_the_next() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    scene.ctx.now = at(1_900);
    assert_eq!(scene.after(Answer::Beat(1, Ok(scene.counted(1, "1")))), []);
    let _ = scene.tick(6_699);
    assert_eq!(scene.said(), []);
    let _ = scene.tick(6_700);
    assert_eq!(scene.said(), [Signal::Lapsed], "counted from sending");
    let last = scene.member.last_number;
    assert_eq!(scene.after(Answer::Beat(last, Ok(scene.counted(last, "1")))), []);
    assert_eq!(scene.said(), [Signal::Revived]);
}

#[test]
fn a_session_that_was_ended_beats_no_more() {
    let ended = |scene: &Scene| {
        let state = SessionState::Ended(EndReason::Fenced);
        stamped(Write::Refused(Some(Session { state, ..scene.row() })), "1")
    };
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    let refused = ended(&scene);
    assert_eq!(scene.after(Answer::Beat(1, Ok(refused))), []);
    assert_eq!(scene.said(), [Signal::Fenced(EndReason::Fenced)]);
    assert_eq!(scene.tick(60_000), []);
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    assert_eq!(scene.after(Answer::Beat(1, Ok(stamped(Write::Refused(None), "1")))), []);
    assert_eq!(scene.said(), [Signal::Fenced(EndReason::Fenced)], "it was forgotten since");
}

#[test]
fn a_row_that_is_gone_in_another_history_was_ended_by_nobody() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    assert_eq!(scene.after(Answer::Beat(1, Ok(stamped(Write::Refused(None), "2")))), []);
    assert_eq!(scene.said(), [Signal::Vanished]);
}

#[test]
fn in_another_history_the_stream_and_my_id_are_made_sure_of_again() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    assert_eq!(scene.after(Answer::Beat(1, Ok(scene.counted(1, "2")))), []);
    assert_eq!(scene.said(), [Signal::WentBack]);
    assert_eq!(scene.tick(1_000), [streams(), list()]);
    let read = Answer::Streams(scene.round(), Ok(Some(mine(3))));
    assert_eq!(scene.after(read), [pass(Some(3))]);
    let older = scene.rival(0);
    let end = EndSession::new(older.id.clone(), Ending::Replace);
    let again = scene.after(Answer::ListAgain(Ok(vec![older])));
    assert_eq!(again, [StoreCall::EndSession(end)]);
}

#[test]
fn a_raised_mailbox_wakes_once() {
    let mut scene = Scene::live();
    for expected in [vec![Signal::Woken], Vec::new()] {
        let row = Session { mailbox: 1, ..scene.row() };
        assert_eq!(scene.after(Answer::Mailbox(Ok(Some(row)))), []);
        assert_eq!(scene.said(), expected);
    }
}

#[test]
fn who_leaves_asks_for_its_end_until_that_is_answered() {
    let mut scene = Scene::live();
    scene.member.leave(&mut scene.ctx);
    let end = scene.end(Ending::Leave);
    assert_eq!(done(&mut scene.ctx).asked, std::slice::from_ref(&end));
    assert_eq!(scene.after(Answer::Leave(Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.tick(1_000), [end]);
    assert_eq!(scene.after(Answer::Leave(Ok(Write::Refused(None)))), []);
    assert_eq!(scene.said(), [Signal::Left]);
}
