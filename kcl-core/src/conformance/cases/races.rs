//! Races: many tasks write one row at once, and exactly one write may take effect.

use std::{future::Future, sync::Arc};

use bytes::Bytes;
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    conformance::{
        Failure,
        bench::Bench,
        command::{Command, Row},
        failure::{Check, check, made, same},
        samples::{after, doc_name, lease, lease_key, report, session, session_id},
    },
    lease::{Acquire, Beat, EndSession, Ending, Epoch, Lease, PutDoc, Restart, SessionId, Write},
    store::{Consistency, LeaseStore, LeaseStoreExt},
};

/// The number of tasks in a race, of the clients that they share, and of races in a case.
const RACERS: u64 = 32;
const CLIENTS: usize = 4;
const ROUNDS: u64 = 12;

/// The clients for the races of one application.
struct Track(Vec<Arc<dyn LeaseStore>>);

impl Track {
    /// Opens the clients. Several clients have several connections, so that the server sees the
    /// writes at the same time.
    async fn of(bench: &Bench) -> Result<Self, Failure> {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(bench.store().await?);
        }
        Ok(Self(clients))
    }

    /// One of the clients, for the steps between races.
    fn store(&self) -> &dyn LeaseStore {
        self.0[0].as_ref()
    }

    /// Sends all commands at once. Returns the answers in the order of the commands.
    async fn race(&self, commands: Vec<Command>) -> Result<Vec<Write<Row>>, Failure> {
        let start = Arc::new(Barrier::new(commands.len()));
        let runners = commands.into_iter().zip(self.0.iter().cycle()).map(|(command, store)| {
            let (start, store) = (start.clone(), store.clone());
            async move {
                start.wait().await;
                Ok(command.send(store.as_ref()).await?)
            }
        });
        let answers = all(runners).await?;
        answers.into_iter().map(|answer| answer.ok_or_else(|| Failure::new("no answer"))).collect()
    }

    /// Sends all commands at once. Fails unless exactly one is done and each refusal shows the row
    /// that the winner has left, which it returns.
    async fn one_wins(&self, round: u64, commands: Vec<Command>) -> Result<Row, Failure> {
        let racers = commands.len();
        let answers = self.race(commands).await?;
        let winners: Vec<_> = answers.iter().filter_map(done).collect();
        check(winners.len() == 1, || {
            format!("round {round}: {} of {racers} racers won: {winners:?}", winners.len())
        })?;
        let winner = winners[0].clone();
        for answer in &answers {
            let what = format_args!("round {round}: the row in an answer");
            same(what, &answer.clone().into_row().as_ref(), &Some(&winner))?;
        }
        Ok(winner)
    }
}

/// The row of a write that took effect.
fn done(answer: &Write<Row>) -> Option<&Row> {
    if let Write::Done(row) = answer { Some(row) } else { None }
}

/// Runs futures as tasks. Returns their results in the order of the futures.
async fn all<T: Send + 'static>(
    runners: impl Iterator<Item = impl Future<Output = Result<T, Failure>> + Send + 'static>,
) -> Result<Vec<T>, Failure> {
    let mut tasks = JoinSet::new();
    for (at, runner) in runners.enumerate() {
        tasks.spawn(async move { (at, runner.await) });
    }
    let mut answers = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        let (at, answer) = ended?;
        answers.push((at, answer?));
    }
    answers.sort_by_key(|(at, _)| *at);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// The session of racer `n`.
fn racer(n: u64) -> Result<SessionId, Failure> {
    session_id(&format!("racer-{n}"), u128::from(n))
}

/// The commands of all racers.
fn racers(command: impl Fn(u64) -> Result<Command, Failure>) -> Result<Vec<Command>, Failure> {
    (0..RACERS).map(command).collect()
}

/// The lease in an answer.
fn as_lease(row: &Row) -> Result<&Lease, Failure> {
    row.lease().ok_or_else(|| Failure::new(format!("no lease: {row:?}")))
}

/// All racers have seen the same row and choose the same new epoch.
pub(super) async fn one_of_many_acquires_wins(bench: Bench) -> Check {
    let track = Track::of(&bench).await?;
    let mut seen = lease(lease_key(1)?)?;
    made(track.store().create(seen.clone()).await?)?;
    for round in 1..=ROUNDS {
        let epoch = Epoch(round * 10);
        let acquire = |n| Ok(Acquire::new(&seen, racer(n)?, epoch).into());
        seen = as_lease(&track.one_wins(round, racers(acquire)?).await?)?.clone();
        same("the stored lease", &track.store().lease(&seen.key).await?.as_ref(), &Some(&seen))?;
    }
    Ok(())
}

/// All racers create the same row with different epochs. Otherwise two workers that make the same
/// missing row would both believe that theirs is stored.
pub(super) async fn one_of_many_creations_wins(bench: Bench) -> Check {
    let track = Track::of(&bench).await?;
    for round in 1..=ROUNDS {
        let create = |n| {
            let mut lease = lease(lease_key(round)?)?;
            lease.epoch = Epoch(n);
            Ok(lease.into())
        };
        track.one_wins(round, racers(create)?).await?;
    }
    same("the leases made", &(track.store().all_leases().await?.len() as u64), &ROUNDS)
}

/// Half of the racers acquire a lease, the other half restart it, under the same new epoch.
/// Otherwise a worker would process records of a lease whose checkpoint is being moved.
pub(super) async fn a_restart_and_an_acquire_never_both_win(bench: Bench) -> Check {
    let track = Track::of(&bench).await?;
    let mut seen = lease(lease_key(1)?)?;
    made(track.store().create(seen.clone()).await?)?;
    for round in 1..=ROUNDS {
        let epoch = Epoch(round * 10);
        let command = |n| {
            if n % 2 == 0 {
                return Ok(Acquire::new(&seen, racer(n)?, epoch).into());
            }
            Ok(Restart::new(&seen, epoch, after(u128::from(n), 0)).into())
        };
        seen = as_lease(&track.one_wins(round, racers(command)?).await?)?.clone();
        same("the stored lease", &track.store().lease(&seen.key).await?.as_ref(), &Some(&seen))?;
    }
    Ok(())
}

/// All racers register the same session id with different starts. Otherwise two processes could use
/// the same session.
pub(super) async fn one_of_many_registrations_wins(bench: Bench) -> Check {
    let track = Track::of(&bench).await?;
    for round in 1..=ROUNDS {
        let register = |n| {
            let mut session = session(racer(round)?)?;
            session.start = n;
            Ok(session.into())
        };
        track.one_wins(round, racers(register)?).await?;
    }
    let listed = track.store().all_sessions(Consistency::Strong).await?.len() as u64;
    same("the sessions made", &listed, &ROUNDS)
}

/// All racers write the next version of one document. Otherwise the plan of one planner could
/// silently replace that of another.
pub(super) async fn one_of_many_document_writes_wins(bench: Bench) -> Check {
    let track = Track::of(&bench).await?;
    let name = doc_name("placement")?;
    for round in 0..ROUNDS {
        let write = |n: u64| {
            let body = Bytes::copy_from_slice(&n.to_be_bytes());
            Ok(PutDoc::new(name.clone(), (round > 0).then_some(round), body).into())
        };
        track.one_wins(round, racers(write)?).await?;
    }
    Ok(())
}

/// Either the beat is counted and the fence is refused, or the session ends and the beat is
/// refused. Otherwise a worker whose beat was counted would go on with leases that another worker
/// may take.
pub(super) async fn a_fence_and_a_beat_never_both_win(bench: Bench) -> Check {
    let track = Track::of(&bench).await?;
    for round in 0..3 * ROUNDS {
        let id = racer(round)?;
        made(track.store().register(session(id.clone())?).await?.value)?;
        // Two fences and the beat, which starts first in every third round.
        let fence = EndSession::new(id.clone(), Ending::Fence { beat: 0 });
        let mut commands: Vec<Command> = vec![fence.clone().into(), fence.into()];
        let place = usize::try_from(round % 3)?;
        commands.insert(place, Beat::new(id, 1, report(1)).into());
        track.one_wins(round, commands).await?;
    }
    Ok(())
}

/// Finds a beat that writes back an old mailbox, and a wake-up that writes back an old beat. Both
/// change the same row, but different fields of it.
pub(super) async fn wakes_and_beats_lose_nothing_of_each_other(bench: Bench) -> Check {
    let track = Track::of(&bench).await?;
    let id = racer(0)?;
    made(track.store().register(session(id.clone())?).await?.value)?;
    let beats = 1..=RACERS;
    let (beating, waking) = (track.0[0].clone(), track.0[1].clone());
    let (beater, sleeper) = (id.clone(), id.clone());
    let beat = async move {
        for number in beats {
            made(beating.beat(Beat::new(beater.clone(), number, report(1))).await?.value)?;
        }
        Ok::<_, Failure>(())
    };
    let wake = async move {
        for _ in 0..RACERS {
            waking.wake(&sleeper).await?;
        }
        Ok(())
    };
    let tasks: [std::pin::Pin<Box<dyn Future<Output = Check> + Send>>; 2] =
        [Box::pin(beat), Box::pin(wake)];
    all(tasks.into_iter()).await?;
    let row = track.store().session(&id, Consistency::Strong).await?;
    let counts = row.map(|row| (row.beat, row.mailbox));
    same("the beat and the mailbox", &counts, &Some((RACERS, RACERS)))
}
