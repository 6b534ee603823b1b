//! What can happen to a fleet.

use std::{fmt, time::Duration};

use kcl_core::env::Rng;

use super::script::{ScriptError, word::Word, words::Words};

/// Makes the enum, its text form, its draws and its shrinking from one table.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:literal => $variant:ident $( ( $($arg:ident: $kind:ty),+ ) )?;)*) => {
        /// Something that happens to a fleet. Workers and shards are given by number, modulo what
        /// there is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Action {
            $( $(#[$doc])* $variant $( ( $($kind),+ ) )?, )*
        }

        impl Action {
            /// The names of all kinds, as scripts write them.
            pub const KINDS: &[&str] = &[$($name),*];

            /// The name of its kind, as scripts write it.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $name, )* }
            }

            /// An action of a kind, read from the words that follow its name.
            pub(crate) fn read(kind: &str, words: &mut Words<'_>) -> Result<Self, ScriptError> {
                match kind {
                    $( $name => {
                        Ok(Self::$variant $( ( $( words.value::<$kind>(stringify!($arg))? ),+ ) )?)
                    } )*
                    other => {
                        let remedy = format!("use one of {}", Self::KINDS.join(", "));
                        Err(words.error(format!("{other:?} is no action"), remedy))
                    }
                }
            }

            /// Any action of a kind.
            fn any(kind: &str, rng: &mut Rng) -> Option<Self> {
                match kind {
                    $( $name => Some(Self::$variant $( ( $( <$kind>::draw(rng) ),+ ) )?), )*
                    _ => None,
                }
            }

            /// The same with every number halved.
            pub(crate) fn half(self) -> Self {
                match self {
                    $( Self::$variant $( ( $($arg),+ ) )? =>
                        Self::$variant $( ( $( $arg.half() ),+ ) )?, )*
                }
            }

            /// The same with rounder times.
            pub(crate) fn round(self) -> Self {
                match self {
                    $( Self::$variant $( ( $($arg),+ ) )? =>
                        Self::$variant $( ( $( $arg.round() ),+ ) )?, )*
                }
            }
        }

        impl fmt::Display for Action {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.kind())?;
                match self {
                    $( Self::$variant $( ( $($arg),+ ) )? => {
                        $( $( write!(f, " {}", $arg.show())?; )+ )?
                    } )*
                }
                Ok(())
            }
        }
    };
}

actions! {
    /// A worker starts under the next unused id.
    "join" => Join;
    /// The same, with the settings of the next deployment.
    "join-changed" => JoinChanged;
    /// A worker starts under the id of this one, whatever that one does.
    "join-as" => JoinAs(who: usize);
    /// Every worker stops at once, and as many start under the same ids this much later.
    "cold-start" => ColdStart(down: Duration);
    /// Every worker stops at once; reading is to start again so long ago, by a command that dies
    /// after so many calls and goes on, or is taken back; the workers start again meanwhile.
    "reset" => Reset(back: Duration, calls: usize, how: usize);
    /// Workers are replaced one by one, this far apart, by new ones with the next settings.
    "deploy" => Deploy(apart: Duration);

    /// A worker starts under the next unused id that reads another stream than the application.
    "join-other" => JoinOther;
    /// Every worker stops at once, and as many start under the same ids this much later, which read
    /// the other stream.
    "restart-other" => RestartOther(down: Duration);

    /// A worker's process ends at once, without a word.
    "crash" => Crash(who: usize);
    /// The worker that plans crashes.
    "crash-planner" => CrashPlanner;
    /// Planner and standby crash at once.
    "crash-planner-and-standby" => CrashPlannerAndStandby;
    /// So many of planner and standbys, in the order in which they plan, and so many other workers
    /// crash at once.
    "crash-together" => CrashTogether(heads: usize, others: usize);
    /// Every worker of a zone crashes at once.
    "crash-zone" => CrashZone(which: usize);
    /// The worker that plans crashes when it has sent so many documents of its next plan.
    "crash-planner-mid-plan" => CrashPlannerMidPlan(documents: usize);
    /// The same, and the standby with it.
    "crash-both-mid-plan" => CrashBothMidPlan(documents: usize);
    /// A worker is asked to leave, as by SIGTERM.
    "leave" => Leave(who: usize);
    /// The worker that plans is asked to leave.
    "leave-planner" => LeavePlanner;

    /// A worker's process stands still, as under SIGSTOP; its clock and its timers go on.
    "pause" => Pause(who: usize, span: Duration);
    /// The worker that plans stands still.
    "pause-planner" => PausePlanner(span: Duration);
    /// A worker's machine is suspended; its clock counts that, its timers do not.
    "suspend" => Suspend(who: usize, span: Duration);
    /// The same on a machine whose clock does not count it: what a worker must not rely on.
    "suspend-uncounted" => SuspendUncounted(who: usize, span: Duration);

    /// No request of a worker reaches the store.
    "cut-requests" => CutRequests(who: usize, span: Duration);
    /// No answer of the store reaches a worker, though its requests are applied.
    "cut-replies" => CutReplies(who: usize, span: Duration);
    /// Neither requests nor answers travel between a worker and the store.
    "isolate" => Isolate(who: usize, span: Duration);
    /// No answer of the store reaches anybody, though requests are applied.
    "cut-all-replies" => CutAllReplies(span: Duration);
    /// The store answers nobody and applies nothing.
    "outage" => Outage(span: Duration);
    /// Every call takes this much longer.
    "slow" => Slow(span: Duration, extra: Duration);
    /// The store refuses so many of a thousand writes; reads pass.
    "throttle-writes" => ThrottleWrites(span: Duration, chance: u64);
    /// So many of a thousand calls, reads too, fail at once without being applied: as while a
    /// server starts, or over a table's limits.
    "refuse-calls" => RefuseCalls(span: Duration, chance: u64);
    /// So many of a thousand answers are lost.
    "lose-replies" => LoseReplies(span: Duration, chance: u64);
    /// So many of a thousand requests arrive only after the caller gave up.
    "late-requests" => LateRequests(span: Duration, chance: u64);
    /// So many of a thousand requests are applied a second time, later.
    "repeat-requests" => RepeatRequests(span: Duration, chance: u64);

    /// The store loses the writes of this much time, and says so.
    "roll-back" => RollBack(lost: Duration);
    /// The store loses everything since just before the last end of a session, if that is no
    /// older than this.
    "lose-fence" => LoseFence(lost: Duration);
    /// The store's clock jumps ahead.
    "store-clock-ahead" => StoreClockAhead(by: Duration);
    /// The store's clock jumps back.
    "store-clock-back" => StoreClockBack(by: Duration);

    /// A worker cannot reach the stream: it reads nothing and lists nothing.
    "cut-stream" => CutStream(who: usize, span: Duration);
    /// Nobody can reach the stream.
    "stream-outage" => StreamOutage(span: Duration);
    /// A shard is split in the middle.
    "split" => Split(which: usize);
    /// A shard is merged with its neighbour.
    "merge" => Merge(which: usize);
    /// So many shards are split at once.
    "split-storm" => SplitStorm(count: usize);
    /// So many pairs of shards are merged at once.
    "merge-storm" => MergeStorm(count: usize);
    /// Two neighbours become three shards, as by `UpdateShardCount`: both are split, and the inner
    /// halves merged, at one instant.
    "rescale" => Rescale(which: usize);
    /// A shard is split and its halves merged again at one instant.
    "split-and-merge" => SplitAndMerge(which: usize);
    /// The stream forgets the shards that have ended.
    "trim" => Trim;
    /// The stream forgets every record older than this, read or not, and closed shards that have
    /// no other.
    "expire" => Expire(age: Duration);
    /// The stream is deleted and made again under its name.
    "remake-stream" => RemakeStream;

    /// A worker's processor takes this long for a batch that it is given within the second span.
    "slow-processor" => SlowProcessor(who: usize, takes: Duration, span: Duration);
    /// The same, and the processor cannot be interrupted.
    "hung-processor" => HungProcessor(who: usize, takes: Duration, span: Duration);
    /// A worker's processor fails, or panics, on every batch.
    "failing-processor" => FailingProcessor(who: usize, span: Duration);

    /// A rule is added: this shard's records go to this worker and nobody else.
    "require" => Require(which: usize, who: usize);
    /// A rule is added: this shard's records go to this worker if it is there.
    "prefer" => Prefer(which: usize, who: usize);
    /// The rules are deleted.
    "clear-rules" => ClearRules;
    /// The rules are written over with what makes no sense.
    "garble-rules" => GarbleRules;
    /// The fleet is frozen: nothing moves that a live worker holds.
    "freeze" => Freeze;
    /// Leases may move again.
    "thaw" => Thaw;
    /// This worker is drained: it gets nothing and hands over what it holds. Not the last one.
    "drain" => Drain(who: usize);
    /// Every worker gets its share again.
    "undrain" => Undrain;
    /// Nobody reads this shard.
    "pause-lease" => PauseLease(which: usize);
    /// Every shard is read again.
    "resume-leases" => ResumeLeases;
    /// Whoever reads this shard hands it to somebody else.
    "let-go" => LetGo(which: usize);
    /// This shard goes to this worker, for so long.
    "send" => Send(which: usize, who: usize, span: Duration);
}

impl Action {
    /// The kinds that no seed draws: there are runs of their own for them.
    pub const APART: &[&str] = &[
        "reset",
        "freeze",
        "thaw",
        "drain",
        "undrain",
        "pause-lease",
        "resume-leases",
        "let-go",
        "send",
    ];

    /// How long the action itself lasts.
    #[must_use]
    pub const fn lasts(&self) -> Duration {
        match self {
            Self::Pause(_, span)
            | Self::PausePlanner(span)
            | Self::Suspend(_, span)
            | Self::SuspendUncounted(_, span)
            | Self::CutRequests(_, span)
            | Self::CutReplies(_, span)
            | Self::Isolate(_, span)
            | Self::CutAllReplies(span)
            | Self::Outage(span)
            | Self::Slow(span, _)
            | Self::ThrottleWrites(span, _)
            | Self::RefuseCalls(span, _)
            | Self::LoseReplies(span, _)
            | Self::LateRequests(span, _)
            | Self::RepeatRequests(span, _)
            | Self::CutStream(_, span)
            | Self::StreamOutage(span)
            | Self::FailingProcessor(_, span)
            | Self::ColdStart(span)
            | Self::RestartOther(span) => *span,
            Self::SlowProcessor(_, takes, span) | Self::HungProcessor(_, takes, span) => {
                span.saturating_add(*takes)
            }
            // Of some hundred rows, on a slow network.
            Self::Reset(..) => Duration::from_secs(120),
            _ => Duration::ZERO,
        }
    }

    /// Whether runs with this action may see two workers dispatch one shard at once: what
    /// PROTOCOL §8 excepts.
    #[must_use]
    pub const fn may_overlap(&self) -> bool {
        matches!(
            self,
            Self::Pause(..)
                | Self::PausePlanner(_)
                | Self::Suspend(..)
                | Self::SuspendUncounted(..)
                | Self::RollBack(_)
                | Self::LoseFence(_)
                | Self::JoinAs(_)
                | Self::HungProcessor(..)
        )
    }

    /// An action of a kind, its arguments drawn from a seed; `None` if there is no such kind.
    #[must_use]
    pub fn drawn(kind: &str, seed: u64) -> Option<Self> {
        Self::draw(kind, &mut Rng::new(seed))
    }

    /// An action of a kind, drawn: arguments in the ranges that are worth playing.
    pub(crate) fn draw(kind: &str, rng: &mut Rng) -> Option<Self> {
        let millis = Duration::from_millis;
        Some(match Self::any(kind, rng)? {
            Self::Slow(span, _) => Self::Slow(span, millis(rng.below(800))),
            Self::SlowProcessor(who, takes, span) => Self::SlowProcessor(who, takes * 3, span),
            Self::HungProcessor(who, takes, span) => Self::HungProcessor(who, takes * 3, span),
            Self::RollBack(_) => Self::RollBack(millis(rng.below(3_000))),
            Self::LoseFence(_) => Self::LoseFence(millis(3_000)),
            Self::Deploy(_) => Self::Deploy(millis(500 + rng.below(6_000))),
            Self::Reset(_, calls, how) => Self::Reset(millis(rng.below(90_000)), calls, how),
            Self::Expire(_) => Self::Expire(millis(rng.below(60_000))),
            Self::CrashTogether(heads, others) => Self::CrashTogether(1 + heads % 3, others % 3),
            Self::CrashPlannerMidPlan(documents) => Self::CrashPlannerMidPlan(documents % 4),
            Self::CrashBothMidPlan(documents) => Self::CrashBothMidPlan(documents % 4),
            other => other,
        })
    }
}
