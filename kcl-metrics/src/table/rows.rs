//! The rows of the table, and the type of a row.

use super::kinds::{
    Kind,
    Kind::{Counter, Gauge},
    Label::{
        self, Application, Kind as Which, Operation, Outcome, Reason, Service, Shard, Step, Stream,
        Version,
    },
    Scope, Unit,
    Unit::{Bytes, Count, Flag, Seconds},
};

/// An instrument: one metric with all its series.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Instrument {
    /// The instrument's identity in the code.
    pub id: Id,
    /// The name in Prometheus, like `kcl_lag_max_seconds`.
    pub name: &'static str,
    /// The kind.
    pub kind: Kind,
    /// The unit.
    pub unit: Unit,
    /// The labels of its series: those of the scope, then others.
    pub labels: &'static [Label],
    /// The meaning, in a sentence.
    pub help: &'static str,
    /// The Java KCL's name of the same metric, or of the most similar one; `None` if it has none.
    pub kcl: Option<&'static str>,
    /// When the value changes.
    pub changes: &'static str,
}

impl Instrument {
    /// The scope, which the labels imply.
    pub(crate) fn scope(&self) -> Scope {
        if self.labels.contains(&Shard) {
            Scope::Shard
        } else if self.labels.contains(&Stream) {
            Scope::Stream
        } else {
            Scope::Worker
        }
    }

    /// The labels besides those of the scope; at most two.
    pub(crate) fn further_labels(&self) -> impl Iterator<Item = Label> {
        let scope = [Application, Stream, Shard];
        self.labels.iter().copied().filter(move |label| !scope.contains(label))
    }

    /// Whether counted values are whole numbers of the unit. Times are not.
    pub(crate) fn is_whole(&self) -> bool {
        self.unit != Seconds
    }

    /// A counted value in the instrument's unit: times are counted in microseconds.
    pub(crate) fn scaled(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, as all in Prometheus")]
        let count = count as f64;
        if self.unit == Seconds { count / 1e6 } else { count }
    }
}

/// The bounds for the time of one call, in seconds.
const CALL: Kind = Kind::Histogram(&[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0]);
/// The bounds for the time of one batch, in seconds.
const BATCH: Kind = Kind::Histogram(&[0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0]);
/// The bounds for the lateness of the keeper's thread, in seconds.
const LATENESS: Kind = Kind::Histogram(&[0.01, 0.05, 0.1, 0.5, 1.0, 5.0]);

const WORKER: &[Label] = &[Application];
const STREAM: &[Label] = &[Application, Stream];
const SHARD: &[Label] = &[Application, Stream, Shard];

/// Makes the variants of [`Id`] and the rows of [`TABLE`], in the same order.
macro_rules! instruments {
    ($(
        $id:ident = $name:literal, $kind:expr, $unit:expr, $labels:expr,
        $help:literal, $kcl:literal, $changes:literal;
    )+) => {
        /// The identity of an instrument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Id {
            $(
                #[doc = $help]
                $id,
            )+
        }

        /// Every instrument, in the order of [`Id`].
        pub const TABLE: &[Instrument] = &[$(Instrument {
            id: Id::$id,
            name: $name,
            kind: $kind,
            unit: $unit,
            labels: $labels,
            help: $help,
            kcl: if $kcl.is_empty() { None } else { Some($kcl) },
            changes: $changes,
        }),+];
    };
}

// Name, kind, unit, labels; meaning; the Java KCL's name; when the value changes.
instruments! {
    Records = "kcl_records_processed_total", Counter, Count, SHARD,
        "Records that the processor has processed.", "RecordsProcessed",
        "after each batch that is processed";
    Bytes = "kcl_processed_bytes_total", Counter, Bytes, SHARD,
        "Payload of the records that the processor has processed.", "DataBytesProcessed",
        "after each batch that is processed";
    Processing = "kcl_processing_seconds_total", Counter, Seconds, SHARD,
        "Time that batches spent in the processor, however they ended.", "",
        "when the processor has a batch no longer";
    BatchFailures = "kcl_batch_failures_total", Counter, Count, SHARD,
        "Deliveries of a batch that failed or panicked; each is retried, as the policy says.", "",
        "after each delivery that fails";
    Lag = "kcl_lag_seconds", Gauge, Seconds, SHARD,
        "How far processing is behind the newest record at most: what the stream said of the last \
         batch that was processed, or when there was nothing to read, and the time since.",
        "MillisBehindLatest", "grows until a batch is processed or the stream says there is none";
    RecordAge = "kcl_record_age_seconds", Gauge, Seconds, SHARD,
        "How old the last record was when it was processed, by the wall clock.", "",
        "after each batch that is processed";
    LagMax = "kcl_lag_max_seconds", Gauge, Seconds, STREAM,
        "The largest lag of a shard that is read here; absent if none is known.",
        "MillisBehindLatest (ApplicationTracker)", "with kcl_lag_seconds";
    Batches = "kcl_batches_total", Counter, Count, &[Application, Stream, Outcome],
        "Deliveries of batches: done, failed, panicked, or dropped because the lease moves.", "",
        "when the processor has a batch no longer";
    BatchDuration = "kcl_batch_duration_seconds", BATCH, Seconds, STREAM,
        "How long the processor had each batch.", "RecordProcessor.processRecords.Time",
        "when the processor has a batch no longer";
    Skipped = "kcl_records_skipped_total", Counter, Count, STREAM,
        "Records that kept failing and were skipped, after the dead-letter sink took them.", "",
        "when a record is skipped";
    DeadLetterFailures = "kcl_dead_letter_failures_total", Counter, Count, STREAM,
        "Times that the dead-letter sink failed; the record waits.", "", "when it fails";
    ProcessorFailures = "kcl_processor_failures_total", Counter, Count,
        &[Application, Stream, Step],
        "Times that a processor could not start, end its shard, or stop.", "", "when it fails";
    Panics = "kcl_processor_panics_total", Counter, Count, STREAM,
        "Panics of processors.", "", "when one panics";
    Rewinds = "kcl_rewinds_total", Counter, Count, STREAM,
        "Times that everything since the last checkpoint was read again, after a panic.", "",
        "when reading goes back";
    RecordsRead = "kcl_records_read_total", Counter, Count, STREAM,
        "Records that the stream answered.", "", "after each read";
    BytesRead = "kcl_read_bytes_total", Counter, Bytes, STREAM,
        "Payload of the records that the stream answered.", "", "after each read";
    Losses = "kcl_record_losses_total", Counter, Count, STREAM,
        "Times that records were gone from the stream before they could be read.", "",
        "when a loss is proved";
    ReadFailures = "kcl_read_failures_total", Counter, Count, STREAM,
        "Reads that failed; each is retried.", "", "after each read that fails";
    Standstills = "kcl_read_standstills_total", Counter, Count, STREAM,
        "Times that reading a shard was found to get nowhere although the stream answers.", "",
        "at 10 fruitless calls in a row, at 20, at 40, and so on";
    BatchAge = "kcl_batch_age_max_seconds", Gauge, Seconds, WORKER,
        "How long the processor has had the batch that it has had longest; absent if it has none.",
        "", "while batches are in the processor";
    ShardsStalled = "kcl_shards_stalled", Gauge, Count, WORKER,
        "Shards whose processor makes no progress.", "",
        "at the watchdog's time, until the batch ends";
    ShardsStopped = "kcl_shards_stopped", Gauge, Count, WORKER,
        "Shards held here that are read no more, as the failure policy says.", "",
        "when one stops, until its lease goes";
    StreamCalls = "kcl_stream_calls_total", Counter, Count, &[Application, Operation, Outcome],
        "Calls to the stream, by how they ended.", "KinesisDataFetcher.getRecords.Success",
        "when a call ends";
    StreamCallDuration = "kcl_stream_call_duration_seconds", CALL, Seconds,
        &[Application, Operation],
        "How long calls to the stream took; a next waits for rate limits, too.",
        "KinesisDataFetcher.getRecords.Time", "when a call ends";
    StoreCalls = "kcl_store_calls_total", Counter, Count, &[Application, Operation, Outcome],
        "Calls to the lease store, by how they ended.", "RenewLease.Success", "when a call ends";
    StoreCallDuration = "kcl_store_call_duration_seconds", CALL, Seconds,
        &[Application, Operation],
        "How long calls to the lease store took; a checkpoint is an advance.",
        "RenewLease.Time, UpdateLease.Time", "when a call ends";
    Throttles = "kcl_throttles_total", Counter, Count, &[Application, Service],
        "Calls that the store or the stream refused because there were too many.", "",
        "when a call ends so";
    Checkpoints = "kcl_checkpoints_total", Counter, Count, &[Application, Outcome],
        "Checkpoints sent to the store: written, refused, or failed.", "UpdateLease.Success",
        "when the store answers, or has not in time";
    LeasesHeld = "kcl_leases_held", Gauge, Count, WORKER,
        "Leases that this worker holds.", "CurrentLeases", "when a lease comes or goes";
    LeasesGained = "kcl_leases_gained_total", Counter, Count, WORKER,
        "Leases that this worker took.", "", "when a lease comes";
    LeasesLost = "kcl_leases_lost_total", Counter, Count, &[Application, Reason],
        "Leases that went, but by the end of their shard.", "LostLeases", "when a lease goes";
    ShardsEnded = "kcl_shards_ended_total", Counter, Count, WORKER,
        "Shards that were processed to their end here.", "", "when the store knows";
    LeasesStalled = "kcl_leases_stalled_total", Counter, Count, WORKER,
        "Leases given away because their processor made no progress.", "", "when one is";
    LeasesForced = "kcl_leases_forced_total", Counter, Count, WORKER,
        "Leases that this worker, as the planner, ordered to be taken by force.", "",
        "when one is ordered";
    LeaseConflicts = "kcl_lease_conflicts_total", Counter, Count, WORKER,
        "Leases found held by a worker that should not hold them.", "", "when one is found";
    Beats = "kcl_beats_total", Counter, Count, &[Application, Outcome],
        "Beats: acknowledged, refused, or failed.", "RenewAllLeases.Success",
        "when the store answers, or has not in time";
    BeatAge = "kcl_beat_age_seconds", Gauge, Seconds, WORKER,
        "Time since the last beat was sent that the store acknowledged; absent before the first.",
        "", "grows until a beat is acknowledged";
    SessionValid = "kcl_session_valid", Gauge, Flag, WORKER,
        "Whether the session is valid: while it is not, nothing is dispatched.", "",
        "at the first beat, at a lapse or fence, and when the store answers again";
    Lapses = "kcl_session_lapses_total", Counter, Count, WORKER,
        "Times that the store did not answer in time and dispatch stopped.", "", "at each lapse";
    Restarts = "kcl_session_restarts_total", Counter, Count, WORKER,
        "Sessions of this worker that the others ended; each time a new one starts.", "",
        "when it learns of it";
    DeadEnded = "kcl_dead_sessions_ended_total", Counter, Count, WORKER,
        "Silent sessions of other workers that this one ended.", "ExpiredLeases",
        "when one is ended";
    Closed = "kcl_application_closed", Gauge, Flag, WORKER,
        "Whether the application is closed while its rows are rewritten.", "",
        "when it is closed or opened";
    Planning = "kcl_planning", Gauge, Flag, WORKER,
        "Whether this worker plans for the fleet.", "", "when planning begins or ends here";
    Plans = "kcl_plans_total", Counter, Count, WORKER,
        "Plans that this worker published.", "", "with each plan";
    PlannedMoves = "kcl_planned_moves_total", Counter, Count, WORKER,
        "Leases that these plans moved between live workers.", "", "with each plan";
    Unassigned = "kcl_leases_unassigned", Gauge, Count, WORKER,
        "Leases that nobody may take, as of the last plan; absent where nobody plans.", "",
        "with each plan";
    DesiredWorkers = "kcl_desired_workers", Gauge, Count, WORKER,
        "How many workers the measured load needs, as the planner tells: from one to as many as \
         there are shards to read; absent while that is not known, or was told long ago.", "",
        "once a minute";
    UnreadAge = "kcl_unread_age_max_seconds", Gauge, Seconds, WORKER,
        "How old the oldest unread record is, at the most, of the shards that nobody may read; \
         absent if there are none, if it is not known, and where nobody plans.", "",
        "with each plan and once a minute, and grows between";
    Retention = "kcl_retention_seconds", Gauge, Seconds, WORKER,
        "For how long the stream keeps records; absent where nobody plans.", "", "once a minute";
    KeeperLateness = "kcl_keeper_lateness_seconds", LATENESS, Seconds, WORKER,
        "How much later than it wanted the thread ran that keeps the session alive.", "",
        "when something was due by the clock";
    Troubles = "kcl_troubles_total", Counter, Count, &[Application, Which],
        "What seldom happens and somebody should look at; the log says more.", "",
        "at each event of this kind";
    CloudWatchData = "kcl_cloudwatch_data_total", Counter, Count, &[Application, Outcome],
        "Figures for CloudWatch: taken, or dropped because it refused them or did not take them in \
         time.", "", "when CloudWatch answers, when there is no more room, and at the end";
    Build = "kcl_build_info", Gauge, Flag, &[Application, Version],
        "Always 1: the version of this library.", "", "never";
}
