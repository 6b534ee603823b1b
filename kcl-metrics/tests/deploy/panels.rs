//! What is on the board: which instruments in which panel. How each is asked for follows from its
//! row in the table.

use kcl_metrics::{Id, Instrument, Kind, Label, TABLE, Unit};

/// Panels side by side.
pub(super) struct Row {
    pub(super) title: &'static str,
    pub(super) panels: &'static [(&'static str, &'static [Id])],
}

/// From what matters first to what explains it.
pub(super) const ROWS: &[Row] = &[
    Row {
        title: "Is it read?",
        panels: &[
            ("Furthest behind", &[Id::LagMax]),
            ("Shards that nobody may read", &[Id::Unassigned]),
            ("Stalled and stopped shards", &[Id::ShardsStalled, Id::ShardsStopped]),
            ("Losses", &[Id::Losses]),
        ],
    },
    Row {
        title: "Processing",
        panels: &[
            ("Records", &[Id::Records]),
            ("Bytes", &[Id::Bytes]),
            ("Batches", &[Id::Batches]),
            ("How long a batch takes", &[Id::BatchDuration]),
            ("Processors at work", &[Id::Processing]),
            ("Batch that takes longest", &[Id::BatchAge]),
            ("Checkpoints", &[Id::Checkpoints]),
            ("Failed deliveries", &[Id::BatchFailures]),
            ("Failures of processors", &[Id::ProcessorFailures, Id::Panics, Id::Rewinds]),
            ("Records skipped", &[Id::Skipped, Id::DeadLetterFailures]),
        ],
    },
    Row {
        title: "Shards",
        panels: &[("Lag", &[Id::Lag]), ("Age of the last record", &[Id::RecordAge])],
    },
    Row {
        title: "Reading",
        panels: &[
            ("Records read", &[Id::RecordsRead]),
            ("Bytes read", &[Id::BytesRead]),
            ("Calls to the stream", &[Id::StreamCalls]),
            ("How long they take", &[Id::StreamCallDuration]),
            ("Failed reads", &[Id::ReadFailures, Id::Standstills]),
        ],
    },
    Row {
        title: "Fleet",
        panels: &[
            ("Workers", &[Id::Build]),
            ("Leases of each worker", &[Id::LeasesHeld]),
            ("Leases gained and lost", &[Id::LeasesGained, Id::LeasesLost]),
            ("Plans and moves", &[Id::Plans, Id::PlannedMoves]),
            ("Planner", &[Id::Planning]),
            ("Workers that the load needs", &[Id::DesiredWorkers]),
            ("Age of what nobody reads, and retention", &[Id::UnreadAge, Id::Retention]),
            ("Shards processed to their end", &[Id::ShardsEnded]),
            ("Leases taken otherwise", &[Id::LeasesStalled, Id::LeasesForced, Id::LeaseConflicts]),
            ("Dead sessions ended", &[Id::DeadEnded]),
        ],
    },
    Row {
        title: "Sessions and lease store",
        panels: &[
            ("Sessions that are valid", &[Id::SessionValid]),
            ("Last beat", &[Id::BeatAge]),
            ("Beats", &[Id::Beats]),
            ("Lapses and restarts", &[Id::Lapses, Id::Restarts]),
            ("Calls to the store", &[Id::StoreCalls]),
            ("How long they take", &[Id::StoreCallDuration]),
            ("Throttled calls", &[Id::Throttles]),
            ("How late the keeper runs", &[Id::KeeperLateness]),
            ("Closed", &[Id::Closed]),
            ("What somebody should look at", &[Id::Troubles]),
            ("Sent to CloudWatch", &[Id::CloudWatchData]),
        ],
    },
];

/// What one line of a panel asks, and what it is called.
pub(super) struct Target {
    pub(super) expression: String,
    pub(super) legend: String,
}

pub(super) fn row(id: Id) -> &'static Instrument {
    TABLE.iter().find(|row| row.id == id).unwrap()
}

/// What an instrument is asked for: counters as so many a second, histograms as their median and
/// the slowest hundredth, gauges as they are; by worker what is about a worker.
pub(super) fn targets(row: &Instrument) -> Vec<Target> {
    let mut labels: Vec<&str> = row
        .labels
        .iter()
        .filter(|label| **label != Label::Application)
        .map(|it| it.as_str())
        .collect();
    let is_of_stream = row.labels.contains(&Label::Stream);
    let stream = if is_of_stream { ",stream=~\"$stream\"" } else { "" };
    let select = format!("{{application=\"$application\"{stream}}}");
    let name = row.name;
    let target = |expression: String, labels: &[&str], what: &str| {
        let of = labels.iter().map(|label| format!("{{{{{label}}}}}"));
        let legend: Vec<String> = std::iter::once(what.to_owned()).chain(of).collect();
        Target { expression, legend: legend.join(" ").trim().to_owned() }
    };
    match row.kind {
        Kind::Counter => {
            let by = labels.join(", ");
            let expression = format!("sum by ({by}) (rate({name}{select}[$__rate_interval]))");
            vec![target(expression, &labels, short(name))]
        }
        Kind::Histogram(_) => {
            let quantile = |quantile: &str, what: &str| {
                let by = [&labels[..], &["le"]].concat().join(", ");
                let rate = format!("rate({name}_bucket{select}[$__rate_interval])");
                let all = format!("histogram_quantile({quantile}, sum by ({by}) ({rate}))");
                target(all, &labels, what)
            };
            vec![quantile("0.5", "p50"), quantile("0.99", "p99")]
        }
        Kind::Gauge => {
            // No series has worker and shard.
            if !is_of_stream {
                labels.push("instance");
            }
            let expression = format!("max by ({}) ({name}{select})", labels.join(", "));
            vec![target(expression, &labels, short(name))]
        }
    }
}

/// What a series is called where several are in a panel.
fn short(name: &str) -> &str {
    name.trim_start_matches("kcl_").trim_end_matches("_total")
}

/// As Grafana names the unit.
pub(super) fn unit(row: &Instrument) -> &'static str {
    match (row.kind, row.unit) {
        (Kind::Counter, Unit::Bytes) => "Bps",
        // Seconds a second: so many at once.
        (Kind::Counter, Unit::Seconds) => "none",
        (Kind::Counter, _) => "cps",
        (_, Unit::Seconds) => "s",
        (_, Unit::Bytes) => "bytes",
        _ => "none",
    }
}

/// Everything that the board asks.
pub(super) fn expressions() -> impl Iterator<Item = String> {
    let ids = ROWS.iter().flat_map(|row| row.panels).flat_map(|(_, ids)| *ids);
    ids.flat_map(|id| targets(row(*id))).map(|target| target.expression)
}

/// The same with Grafana's variables filled in.
pub(super) fn filled_in(expression: &str, application: &str) -> String {
    let filled = expression.replace("$application", application).replace("$stream", ".*");
    filled.replace("$__rate_interval", "1m")
}

#[test]
fn each_instrument_is_on_the_board_once() {
    let mut shown: Vec<Id> =
        ROWS.iter().flat_map(|row| row.panels).flat_map(|(_, ids)| ids.iter().copied()).collect();
    shown.sort_unstable();
    let all: Vec<Id> = TABLE.iter().map(|row| row.id).collect();
    assert_eq!(shown, all);
}
