//! Rule 17, searched: which stream an application reads, with every order of every event.
//!
//! Two workers of two streams, or three of which two read one, with an empty store or one that
//! names either stream. Calls land at any time after they were sent, also when their caller is
//! dead; the rows are judged by `kcl_core::lease::rules`. A worker beats as often as it is given
//! beats, and may be fenced when it has not beaten for as long as it was watched.

use std::collections::BTreeSet;

use bytes::Bytes;
use kcl_core::lease::{DocName, Document, PutDoc, Write, rules};

/// What is taken out of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    None,
    /// Who finds its stream named does not put that again.
    PassesWithoutPutting,
    /// Any refusal counts as a pass.
    RefusalTakenForPass,
    /// A refusal or a read-back counts at the version that was read, too.
    FloorNotKept,
    /// The sessions are listed before the document is read.
    ListedTooEarly,
    /// Nobody is looked for before a switch.
    SwitchesWithoutLooking,
    /// Everybody else is watched, and not only those that may have passed.
    WatchesEverybody,
    /// Who sees a reader beat leaves without another look at the document.
    LeavesAtOnce,
}

/// A stream, by number.
type Stream = u8;
/// What the document names, at which version.
type Doc = Option<(u64, Stream)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    None,
    /// With the number of its beats.
    Live(u8),
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Start,
    /// Registered; with what was listed, if that is done too early.
    Reading(Option<Vec<(usize, u8)>>),
    /// Has read this, and not decided.
    Read(Doc, Option<Vec<(usize, u8)>>),
    /// A put over this version is on its way.
    Putting(Option<u64>),
    /// The sessions are asked for that may have passed up to this version.
    Listing(Doc),
    /// They are watched, with their beats.
    Watching(Doc, Vec<(usize, u8)>),
    /// One has beaten: the document is read once more.
    Leaving,
    In,
    Left,
    /// Fenced, and knows it, or dead.
    Over,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Worker {
    reads: Stream,
    phase: Phase,
    floor: Option<u64>,
    row: Row,
    beats: u8,
    /// How often it may read the document again while its put is on its way.
    rereads: u8,
    may_die: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    doc: Doc,
    workers: Vec<Worker>,
    /// Puts on their way: whose, over which version.
    puts: BTreeSet<(usize, Option<u64>)>,
    /// A worker left while the document named its stream.
    left_for_nothing: bool,
}

fn put(doc: Doc, over: Option<u64>, name: Stream) -> (Doc, bool) {
    let row = doc.map(|(version, name)| {
        Document::new(DocName::streams(), version, Bytes::copy_from_slice(&[name]))
    });
    let put = PutDoc::new(DocName::streams(), over, Bytes::copy_from_slice(&[name]));
    match rules::put_doc(row.as_ref(), &put) {
        Write::Done(row) => (Some((row.version, row.body[0])), true),
        Write::Refused(_) => (doc, false),
    }
}

impl State {
    /// Sessions whose rows name that stream, with their beats.
    fn readers(&self, me: usize, of: Option<Stream>, mutant: Mutant) -> Vec<(usize, u8)> {
        let others = self.workers.iter().enumerate().filter(|(at, _)| *at != me);
        let listed = others.filter_map(|(at, worker)| match worker.row {
            Row::Live(beat) if Some(worker.reads) == of || mutant == Mutant::WatchesEverybody => {
                Some((at, beat))
            }
            _ => None,
        });
        listed.collect()
    }

    /// Worker `at` decides about what it has read.
    fn judge(&mut self, at: usize, doc: Doc, early: Option<Vec<(usize, u8)>>, mutant: Mutant) {
        let leaving = self.workers[at].phase == Phase::Leaving;
        let (reads, version) = (self.workers[at].reads, doc.map(|(version, _)| version));
        let floor = *self.workers[at].floor.get_or_insert_with(|| version.unwrap_or(0));
        let named = doc.map(|(_, name)| name);
        let me = &mut self.workers[at];
        me.phase = if named == Some(reads) {
            let above = version.unwrap_or(0) > floor
                || mutant == Mutant::PassesWithoutPutting
                || (mutant == Mutant::FloorNotKept && early.is_none());
            if above {
                Phase::In
            } else {
                self.puts.insert((at, version));
                Phase::Putting(version)
            }
        } else if leaving {
            Phase::Left
        } else if mutant == Mutant::SwitchesWithoutLooking {
            self.puts.insert((at, version));
            Phase::Putting(version)
        } else {
            match early {
                Some(early) => Phase::Watching(doc, early),
                None => Phase::Listing(doc),
            }
        };
        if self.workers[at].phase == Phase::Left {
            self.leave(at);
        }
    }

    fn leave(&mut self, at: usize) {
        let worker = &mut self.workers[at];
        (worker.phase, worker.row) = (Phase::Left, Row::Ended);
        self.left_for_nothing |= self.doc.map(|(_, name)| name) == Some(worker.reads);
    }

    /// Every state that one event leads to.
    fn next(&self, mutant: Mutant) -> Vec<Self> {
        let mut next = Vec::new();
        for &(at, over) in &self.puts {
            let mut state = self.clone();
            state.puts.remove(&(at, over));
            state.land(at, over, mutant);
            next.push(state);
        }
        for at in 0..self.workers.len() {
            next.extend(self.steps(at, mutant));
        }
        next
    }

    /// A put lands; its answer arrives at once, or never if its sender does not wait for it.
    fn land(&mut self, at: usize, over: Option<u64>, mutant: Mutant) {
        let (doc, done) = put(self.doc, over, self.workers[at].reads);
        self.doc = doc;
        if self.workers[at].phase == Phase::Putting(over) {
            if done || mutant == Mutant::RefusalTakenForPass {
                self.workers[at].phase = Phase::In;
            } else {
                self.judge(at, doc, None, mutant);
            }
        }
    }

    fn steps(&self, at: usize, mutant: Mutant) -> Vec<Self> {
        let mut next = Vec::new();
        let me = &self.workers[at];
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut state = self.clone();
            change(&mut state);
            next.push(state);
        };
        if matches!(me.row, Row::Ended) && !matches!(me.phase, Phase::Left | Phase::Over) {
            with(&|state| state.workers[at].phase = Phase::Over);
        }
        if let Row::Live(beat) = me.row
            && me.beats > 0
        {
            with(&|state| {
                state.workers[at].beats -= 1;
                state.workers[at].row = Row::Live(beat + 1);
            });
        }
        if me.may_die && !matches!(me.phase, Phase::Start | Phase::Left | Phase::Over) {
            with(&|state| state.workers[at].phase = Phase::Over);
        }
        match &me.phase {
            Phase::Start => with(&|state| {
                let early = mutant == Mutant::ListedTooEarly;
                let other = 1 - state.workers[at].reads;
                let early = early.then(|| state.readers(at, Some(other), mutant));
                state.workers[at].row = Row::Live(0);
                state.workers[at].phase = Phase::Reading(early);
            }),
            Phase::Reading(early) => with(&|state| {
                state.workers[at].phase = Phase::Read(state.doc, early.clone());
            }),
            Phase::Read(doc, early) => with(&|state| state.judge(at, *doc, early.clone(), mutant)),
            // It does not hear of it, and reads the document again.
            Phase::Putting(_) if me.rereads > 0 => with(&|state| {
                state.workers[at].rereads -= 1;
                state.judge(at, state.doc, None, mutant);
            }),
            Phase::Listing(doc) => with(&|state| {
                let readers = state.readers(at, doc.map(|(_, name)| name), mutant);
                state.workers[at].phase = Phase::Watching(*doc, readers);
            }),
            Phase::Watching(doc, readers) => with(&|state| state.watch(at, *doc, readers, mutant)),
            Phase::Leaving => with(&|state| state.judge(at, state.doc, None, mutant)),
            Phase::Putting(_) | Phase::In | Phase::Left | Phase::Over => {}
        }
        next
    }

    /// A look after the time-out of those watched: who has not beaten is fenced.
    fn watch(&mut self, at: usize, doc: Doc, readers: &[(usize, u8)], mutant: Mutant) {
        for &(who, beat) in readers {
            match self.workers[who].row {
                Row::Live(now) if now != beat => {
                    self.workers[at].phase = Phase::Leaving;
                    if mutant == Mutant::LeavesAtOnce {
                        self.leave(at);
                    }
                    return;
                }
                Row::Live(_) => self.workers[who].row = Row::Ended,
                Row::None | Row::Ended => {}
            }
        }
        let version = doc.map(|(version, _)| version);
        self.puts.insert((at, version));
        self.workers[at].phase = Phase::Putting(version);
    }

    /// The workers that may run leases: who is in and was not fenced. Who was has lost its validity
    /// before.
    fn running(&self) -> impl Iterator<Item = &Worker> {
        let runs =
            |worker: &&Worker| worker.phase == Phase::In && matches!(worker.row, Row::Live(_));
        self.workers.iter().filter(runs)
    }

    fn problem(&self) -> Option<&'static str> {
        let streams: BTreeSet<Stream> = self.running().map(|worker| worker.reads).collect();
        if streams.len() > 1 {
            return Some("two streams at once");
        }
        let named = self.doc.map(|(_, name)| name);
        if streams.iter().any(|stream| Some(*stream) != named) {
            return Some("another stream is named than is read");
        }
        if self.left_for_nothing {
            return Some("a worker left whose stream is named");
        }
        None
    }

    /// What is wrong when nothing can happen any more.
    fn problem_at_rest(&self) -> Option<&'static str> {
        let all_left = self.workers.iter().all(|worker| worker.phase == Phase::Left);
        all_left.then_some("everybody left because of the others")
    }
}

/// Searches every state, and says what is wrong with the first bad one; how many there are.
fn search(start: State, mutant: Mutant) -> Result<usize, &'static str> {
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        if let Some(problem) = state.problem() {
            return Err(problem);
        }
        let next = state.next(mutant);
        if next.is_empty()
            && let Some(problem) = state.problem_at_rest()
        {
            return Err(problem);
        }
        open.extend(next.into_iter().filter(|next| seen.insert(next.clone())));
    }
    Ok(seen.len())
}

/// Worlds with these workers, by the streams they read: with an empty store, or one that names
/// either stream.
fn worlds(reads: &[Stream], beats: u8, may_die: bool) -> Vec<State> {
    let worker = |reads: &Stream| Worker {
        reads: *reads,
        phase: Phase::Start,
        floor: None,
        row: Row::None,
        beats,
        rereads: 1,
        may_die,
    };
    let workers: Vec<Worker> = reads.iter().map(worker).collect();
    let docs = [None, Some((1, 0)), Some((1, 1))];
    docs.map(|doc| State { doc, workers: workers.clone(), ..State::default() }).into()
}

fn all_worlds() -> Vec<State> {
    let mut all = worlds(&[0, 1], 1, true);
    all.extend(worlds(&[0, 1, 1], 0, false));
    all
}

#[test]
fn at_most_one_stream_is_read_and_nobody_leaves_for_nothing() {
    let mut states = 0;
    for world in all_worlds() {
        match search(world.clone(), Mutant::None) {
            Ok(count) => states += count,
            Err(problem) => panic!("{problem}, from {world:?}"),
        }
    }
    println!("{states} states");
}

#[test]
fn each_clause_prevents_something() {
    use Mutant::{
        FloorNotKept, LeavesAtOnce, ListedTooEarly, PassesWithoutPutting, RefusalTakenForPass,
        SwitchesWithoutLooking, WatchesEverybody,
    };
    let mutants = [
        PassesWithoutPutting,
        RefusalTakenForPass,
        FloorNotKept,
        ListedTooEarly,
        SwitchesWithoutLooking,
        WatchesEverybody,
        LeavesAtOnce,
    ];
    for mutant in mutants {
        let found = all_worlds().into_iter().find_map(|world| search(world, mutant).err());
        println!("{mutant:?}: {found:?}");
        assert!(found.is_some(), "{mutant:?} survives");
    }
}
