//! The events about the planner, its plans and what they go by.

/// Adds these events to those before them, for the next group.
macro_rules! planning {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// This worker is the planner from now on.
    #[non_exhaustive]
    PlanningStarted {
        /// The planner's term.
        term: Epoch,
    },
    /// This worker is not the planner any more.
    #[non_exhaustive]
    PlanningStopped {
        /// The term that is over.
        term: Epoch,
    },
    /// This worker, the planner, published a plan.
    #[non_exhaustive]
    Planned {
        /// How many leases move between live workers.
        moves: usize,
        /// How many leases no worker may take: [`Self::Unassignable`] names them.
        unassigned: usize,
        /// How many workers the plan counts on.
        workers: usize,
        /// How many leases there are, including those of ended shards.
        leases: usize,
    },
    /// No worker may take these leases.
    #[non_exhaustive]
    Unassignable {
        /// Each lease with the reason; the lease with the worst lag comes first.
        leases: Vec<(LeaseKey, String)>,
    },
    /// Unread records of a shard that no worker may read reached half of the retention. Sent once.
    #[non_exhaustive]
    UnreadOld {
        /// The lease of the shard.
        key: LeaseKey,
        /// An upper bound of the age of the oldest unread record.
        oldest: Duration,
        /// For how long the stream keeps records.
        retention: Duration,
    },
    /// The age of records that no worker may read. The planner sends it each minute and each plan.
    #[non_exhaustive]
    UnreadAge {
        /// An upper bound of the age of the oldest unread record; `None` if none or unknown.
        oldest: Option<Duration>,
        /// For how long the stream keeps records; `None` if unknown.
        retention: Option<Duration>,
    },
    /// The number of workers that the measured load needs, by the planner. Sent once a minute.
    #[non_exhaustive]
    WorkersWanted {
        /// The number of workers; `None` if it is unknown or the planner's figure is old.
        workers: Option<u64>,
    },
    /// The placement rules in the store are invalid; the rules read before stay in force. Without
    /// former rules each live worker keeps the leases that it holds.
    #[non_exhaustive]
    RulesRefused {
        /// Why the rules are invalid.
        problem: String,
    },
    /// The placement rules that this worker declares are in force now.
    #[non_exhaustive]
    RulesDeclared {
        /// Where the rules come from, such as a file.
        from: String,
        /// How many rules are in force now.
        rules: usize,
    },
    /// The placement rules that this worker declares do not apply; others are in force.
    #[non_exhaustive]
    RulesPassedOver {
        /// Where the rules come from, such as a file.
        from: String,
        /// Why they do not apply, and what the operator can do.
        why: String,
    },
    /// No placement rule names this worker, and some rules name workers that do not run: this one
    /// may run under a wrong id.
    #[non_exhaustive]
    WorkerNotNamed {
        /// The workers that rules name and that do not run.
        absent: Vec<WorkerId>,
        /// The workers that run and that no rule names.
        unnamed: Vec<WorkerId>,
    },
    /// The document of inherited placement rules has no space for more shards. The planner keeps
    /// rows of ended leases instead.
    #[non_exhaustive]
    InheritanceFull {
        /// How many shards there are, and what the operator can do.
        problem: String,
    },
    /// This version cannot decode a document of the store. Nobody treats it as missing: the part
    /// that needs it waits.
    #[non_exhaustive]
    DocumentUnreadable {
        /// The document.
        document: DocName,
        /// Why it cannot be decoded.
        problem: String,
    },
    /// A worker's assignment document has no space for more leases, and no other worker can take
    /// them: they wait for more workers.
    #[non_exhaustive]
    DocumentFull {
        /// The assignment document.
        document: DocName,
        /// How many leases wait.
        leases: usize,
    },
    /// No lease covers a part of the hash-key space although the stream lists shards for it.
    #[non_exhaustive]
    HashRangeHole {
        /// The part that no lease covers.
        range: String,
    },
    /// The listed shards of the stream and the lease rows contradict each other.
    #[non_exhaustive]
    LineageUnclear {
        /// The contradiction, in words.
        problem: String,
    },

    } };
}

pub(super) use planning;
