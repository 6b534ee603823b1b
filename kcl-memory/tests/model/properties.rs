//! What must hold in every state, and what must happen in some.

use stateright::{Model, Property};

use super::{
    protocol::{Protocol, Step},
    state::{Child, Phase, State},
    witness::Event,
};

/// Two workers never dispatch at once, but where a deaf owner was robbed.
fn one_dispatcher(protocol: &Protocol, state: &State) -> bool {
    let both = state.workers.iter().all(super::state::Worker::dispatches);
    !both || protocol.verdicts.may_overlap(state.truth.deaf_owner_robbed)
}

/// What was released under an epoch is not run under it again.
fn released_rests(protocol: &Protocol, state: &State) -> bool {
    (0..2).all(|number| {
        let Phase::Running { epoch, .. } = state.workers[usize::from(number)].phase else {
            return true;
        };
        let session = protocol.session(state, number);
        let sent = state.letters.only(protocol.tables.releases(session, epoch));
        let freed = state.row.owner.is_none() && state.row.epoch == epoch;
        sent.is_empty() && (!freed || state.row.checkpoint == protocol.world.end())
    })
}

/// A shard that has ended is not run.
fn ended_rests(protocol: &Protocol, state: &State) -> bool {
    let end = protocol.world.end();
    state.workers.iter().all(|w| !matches!(w.phase, Phase::Running { at, .. } if at >= end))
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![self.first()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        self.steps(state, actions);
    }

    fn next_state(&self, last: &State, action: Step) -> Option<State> {
        self.take(last, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        macro_rules! happens {
            ($($event:ident)*) => {
                [$(Property::sometimes(stringify!($event), |protocol: &Self, _| {
                    protocol.witness.has_seen(Event::$event)
                })),*]
            };
        }
        macro_rules! holds {
            ($($invariant:literal)*) => {
                [$(Property::always($invariant, |_: &Self, s: &State| {
                    !s.truth.broken.has($invariant)
                })),*]
            };
        }
        let mut all = vec![
            Property::always(
                "what was stored before an acquire is not delivered under it",
                |_, s: &State| !s.truth.delivered_again,
            ),
            Property::always("one dispatcher per shard", one_dispatcher),
            Property::always("what was released is not run again", released_rests),
            Property::always("what has ended is not run", ended_rests),
            Property::always("children are put before the end", |p: &Self, s: &State| {
                let childless = s.row.checkpoint == p.world.end() && s.child == Child::Absent;
                !childless || p.verdicts.may_end_childless()
            }),
            Property::always("children come after their parent's end", |p: &Self, s: &State| {
                s.child != Child::Taken || s.row.checkpoint == p.world.end()
            }),
        ];
        all.extend(holds!(
            "no checkpoint regresses" "nothing is skipped" "no stale write is accepted"
            "only the holder writes" "one session per epoch" "epochs increase"
        ));
        all.extend(happens!(
            TakenByForce TakenByForceFromADeafOwner OwnRowAcquiredAnew TakenFromAnEndedSession
            TakenFromAFormerLife AcquireRefused AcquireLandsWhenNobodyWaits GrantTooLate
            CancelledGrantGivenBack ReleaseLandsAfterAnAcquire FencedSessionsCheckpointRefused
            OldCheckpointRefused RecordProcessedTwice FenceLands FenceOutrunByABeat ShardEnded
            EndedRowAcquired ChildTaken
        ));
        all
    }
}
