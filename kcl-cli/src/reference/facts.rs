//! What no type states about a setting: its unit, its limits, and the reason of its default.

/// The facts about one setting: texts for the page, and values for the tests of `limits`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) path: &'static str,
    /// The unit of a number.
    pub(super) unit: &'static str,
    /// The limits, in words.
    pub(super) limits: &'static str,
    /// What counts if the setting is absent and its type has no default value.
    pub(super) without: &'static str,
    /// The reason of the default.
    pub(super) source: &'static str,
    /// Values at the limits: the settings must accept them.
    pub(super) taken: &'static [&'static str],
    /// Values beyond the limits: the settings must refuse them, by name.
    pub(super) refused: &'static [&'static str],
}

/// The facts about one setting. It panics if there are none.
pub(super) fn facts(path: &str) -> &'static Facts {
    let found = ALL.iter().find(|facts| facts.path == path);
    found.unwrap_or_else(|| panic!("{path}: `kcl-cli/src/reference/facts.rs` says nothing of it"))
}

const NONE: Facts =
    Facts { path: "", unit: "", limits: "", without: "none", source: "", taken: &[], refused: &[] };

const SDK: &str = "the AWS SDK's";
const AT_AWS: &str = "AWS, or `aws.endpoint`";
const MILLISECOND: &str = "1 ms at least";

const CREDENTIALS: &str = "the names above; not together with `access_key`";
const ROLE: &str = "assume-role/arn:aws:iam::123456789012:role/reader?session=me&external_id=x";
const CREDENTIALS_OF_ONE: Facts = Facts {
    limits: "as `aws.credentials`",
    without: "those of `aws`",
    source: "one role mostly has all rights",
    taken: &["web-identity"],
    refused: &["keys"],
    ..NONE
};

/// The facts about a duration whose only limit is that it is at least a millisecond.
const fn span(path: &'static str, source: &'static str) -> Facts {
    let (taken, refused): (&[&str], &[&str]) = (&["1ms"], &["0s", "soon", "6"]);
    Facts { path, limits: MILLISECOND, source, taken, refused, ..NONE }
}

pub(super) const ALL: &[Facts] = &[
    Facts { path: "aws.region", without: SDK, source: "where the process runs", ..NONE },
    Facts { path: "aws.endpoint", without: "AWS", source: "production is at AWS", ..NONE },
    Facts {
        path: "aws.access_key",
        limits: "only together with `secret_key`",
        without: SDK,
        source: "a role leaves nothing to leak",
        ..NONE
    },
    Facts {
        path: "aws.secret_key",
        limits: "only together with `access_key`",
        without: SDK,
        source: "a role leaves nothing to leak",
        ..NONE
    },
    Facts {
        path: "aws.credentials",
        limits: CREDENTIALS,
        without: SDK,
        source: "the SDK looks in all of these places",
        taken: &["default", "environment, instance", "profile/orders", ROLE],
        refused: &["keys", "profile/a?b", "assume-role/", "instance/i-1"],
        ..NONE
    },
    Facts {
        path: "kinesis.stream_name",
        limits: "a name of 1 to 128 of `a-z A-Z 0-9 _ . -`, or an ARN",
        without: "none: has to be named",
        source: "there is none to guess",
        taken: &["orders", "arn:aws:kinesis:eu-west-1:123456789012:stream/orders"],
        refused: &["a/b", "a b"],
        ..NONE
    },
    Facts { path: "kinesis.endpoint", without: AT_AWS, source: "as `aws.endpoint`", ..NONE },
    Facts { path: "dynamodb.endpoint", without: AT_AWS, source: "as `aws.endpoint`", ..NONE },
    Facts { path: "dynamodb.credentials", ..CREDENTIALS_OF_ONE },
    Facts { path: "cloudwatch.endpoint", without: AT_AWS, source: "as `aws.endpoint`", ..NONE },
    Facts { path: "cloudwatch.credentials", ..CREDENTIALS_OF_ONE },
    Facts {
        path: "store",
        limits: "an address of one of these kinds",
        without: "`dynamodb`",
        source: "where Kinesis is, DynamoDB is; nothing to run",
        taken: &["dynamodb://order-leases", "postgres://kcl@db/orders", "redis://cache"],
        refused: &["mysql://db", "dynamodb://a/b"],
        ..NONE
    },
    Facts {
        path: "producer.batch_size",
        unit: "records",
        limits: "1 to 500, as `PutRecords` takes them",
        source: "a call of some 13 kB",
        taken: &["1", "500"],
        refused: &["0", "501", "many"],
        ..NONE
    },
    Facts {
        path: "producer.batch_delay_ms",
        unit: "milliseconds",
        limits: "0 or more",
        source: "100 records a second: a tenth of what a shard takes",
        taken: &["0"],
        refused: &["-1"],
        ..NONE
    },
    Facts {
        path: "producer.total_messages",
        unit: "records",
        limits: "0 means without end, too",
        without: "without end",
        source: "a producer to try things with runs until it is stopped",
        taken: &["0"],
        refused: &["-1"],
    },
    Facts {
        path: "consumer.assignment_mode",
        source: "no shard goes unread because nobody listed it",
        refused: &["automatic"],
        ..NONE
    },
    Facts {
        path: "consumer.application_name",
        limits: "1 to 255 bytes; 3 to 255 of `a-z A-Z 0-9 _ . -` where it names the table",
        without: "none: has to be named",
        source: "there is none to guess",
        ..NONE
    },
    Facts {
        path: "consumer.worker_id",
        limits: "1 to 128 bytes, no blanks",
        without: "`POD_NAME`, else made up",
        source: "a StatefulSet's pod takes its leases back",
        ..NONE
    },
    Facts {
        path: "consumer.max_records",
        unit: "records",
        limits: "1 to 10,000, as `GetRecords` takes them",
        without: "10,000",
        source: "the most: fewer calls for a backlog; memory is bounded by `byte_budget`",
        taken: &["1", "10000"],
        refused: &["0", "10001", "many"],
    },
    Facts {
        path: "consumer.call_process_records_even_for_empty_list",
        source: "as in the Java KCL",
        refused: &["maybe"],
        ..NONE
    },
    Facts {
        path: "consumer.poll_interval_ms",
        unit: "milliseconds",
        limits: "200 to 60,000: a shard gives 5 reads a second to all its readers",
        without: "1,000",
        source: "as in the Java KCL; leaves room for other readers of the stream",
        taken: &["200", "60000"],
        refused: &["199", "60001"],
    },
    Facts {
        path: "consumer.shard_mapping",
        limits: "a shard once; a worker's name as `worker_id`",
        without: "none: shards are balanced",
        source: "nobody has to list shards",
        ..NONE
    },
    Facts {
        path: "consumer.dead_letter",
        limits: "a file that can be written, in a folder that exists",
        without: "none: what is skipped is kept nowhere",
        source: "nothing is skipped by default",
        ..NONE
    },
    Facts {
        path: "metrics.listen",
        limits: "a free port; an IP address, no host name",
        without: "not served",
        source: "no port is opened that nobody asked for",
        taken: &["9464", "0.0.0.0:9464", "127.0.0.1:9464"],
        refused: &["everywhere", "70000", "localhost:9464"],
        ..NONE
    },
    Facts {
        path: "metrics.cloudwatch.enabled",
        source: "CloudWatch charges for each metric",
        refused: &["maybe"],
        ..NONE
    },
    Facts {
        path: "metrics.cloudwatch.names",
        source: "`kcl` is for dashboards that exist",
        refused: &["java"],
        ..NONE
    },
    Facts {
        path: "metrics.cloudwatch.level",
        source: "metrics by shard are what the bill is made of",
        refused: &["all"],
        ..NONE
    },
    Facts {
        path: "metrics.cloudwatch.namespace",
        limits: "1 to 255 of `a-z A-Z 0-9 . - _ / # :`, not beginning with `AWS/`",
        without: "`KCL`, or with `names: kcl` the application's name",
        source: "as in the Java KCL where its names are sent",
        ..NONE
    },
    Facts {
        path: "metrics.cloudwatch.period",
        limits: "1 s to 1 h",
        source: "CloudWatch's finest free resolution",
        refused: &["soon"],
        ..NONE
    },
    Facts {
        path: "profile",
        source: "`fast` halves the failover time at twice the store requests",
        taken: &["default", "fast"],
        refused: &["quick"],
        ..NONE
    },
    Facts {
        path: "coordination.session_timeout",
        limits: "at least 3 times `heartbeat_interval` and `watch_interval`, and 10 times \
                 `clock_guard`",
        source: "failover in 7 s at 2 write units a second ([measured](BENCHMARKS.md)); the Java \
                 KCL's is 10 s",
        taken: &["6s", "1h"],
        refused: &["5999ms", "0s", "soon", "6"],
        ..NONE
    },
    Facts {
        path: "coordination.heartbeat_interval",
        limits: "1 ms to a third of `session_timeout`",
        source: "a quarter: a beat that is lost ends no session",
        taken: &["1ms", "2s"],
        refused: &["2001ms", "0s"],
        ..NONE
    },
    Facts {
        path: "coordination.clock_guard",
        limits: "1 ms to a tenth of `session_timeout`",
        source: "clocks that drift apart by 5 %, and a thread that wakes up late",
        taken: &["1ms", "600ms"],
        refused: &["601ms", "0s"],
        ..NONE
    },
    Facts {
        path: "coordination.watch_interval",
        limits: "`fast_poll` to a third of `session_timeout`",
        source: "a third: the dead are seen in one interval more",
        taken: &["200ms", "2s"],
        refused: &["199ms", "2001ms"],
        ..NONE
    },
    Facts {
        path: "coordination.fast_poll",
        limits: "1 ms to `watch_interval`",
        source: "half a read unit each on DynamoDB",
        taken: &["1ms", "2s"],
        refused: &["0s", "2001ms"],
        ..NONE
    },
    span("coordination.wake_poll", "DynamoDB pushes nothing: two reads of half a unit a second"),
    span("coordination.join_gather", "pods of one rollout are planned for together"),
    span(
        "coordination.shard_sync_interval",
        "children are learned from their parents' end at \
        once: the list is the safety net; `ListShards` allows 100 calls a second for all",
    ),
    span("coordination.audit_interval", "everything is compared once a minute"),
    span("coordination.checkpoint_interval", "5 s of records at most come again after a crash"),
    Facts {
        path: "coordination.handoff_timeout",
        limits: "more than twice `clock_guard`",
        source: "a batch that takes longer is rare, and holds one shard up",
        taken: &["601ms"],
        refused: &["600ms", "0s"],
        ..NONE
    },
    span(
        "coordination.shutdown_grace",
        "Kubernetes' own default; give a pod more: \
        [deploy/kubernetes](../deploy/kubernetes)",
    ),
    Facts {
        path: "coordination.same_id",
        source: "what a StatefulSet wants",
        refused: &["both"],
        ..NONE
    },
    Facts {
        path: "coordination.max_leases",
        unit: "leases",
        limits: "1 or more",
        without: "no limit",
        source: "a limit strands shards when workers are few",
        taken: &["1"],
        refused: &["0", "-1"],
    },
    Facts {
        path: "coordination.zone",
        limits: "1 to 64 bytes, no blanks",
        without: "not said",
        source: "no worker can know it by itself everywhere",
        taken: &["eu-west-1a"],
        refused: &["a b"],
        ..NONE
    },
    Facts {
        path: "coordination.limits.per_worker",
        unit: "leases",
        limits: "0 or more",
        without: "no limit",
        source: "a limit strands shards when workers are few; the Java KCL's is none",
        refused: &["-1"],
        ..NONE
    },
    Facts {
        path: "coordination.limits.fair_share",
        source: "shares are even without it",
        refused: &["maybe"],
        ..NONE
    },
    Facts {
        path: "coordination.balance",
        source: "the fewest moves, and nothing to measure first",
        refused: &["odd"],
        ..NONE
    },
    Facts {
        path: "coordination.balance.weighted.hysteresis_percent",
        unit: "percent of the level",
        limits: "0 or more",
        without: "`10`",
        source: "the Java KCL's re-balance threshold",
        ..NONE
    },
    Facts {
        path: "coordination.balance.weighted.floor",
        unit: "bytes a second",
        limits: "0 or more",
        without: "`65536`",
        source: "a sixteenth of what a shard takes in",
        ..NONE
    },
    Facts {
        path: "coordination.initial_position",
        limits: "`trim-horizon`, `latest`, a time like `2026-01-31T09:00:00Z`, or seconds since \
                 1970 (with 13 digits: milliseconds)",
        source: "nothing is skipped; the Java KCL's is `LATEST`",
        taken: &["latest", "TRIM_HORIZON", "2026-01-31T09:00:00Z", "1769850000"],
        refused: &["earliest"],
        ..NONE
    },
    Facts {
        path: "delivery.progress",
        limits: "`transactional` needs a processor made for it",
        source: "what returned `Ok` is processed",
        refused: &["none"],
        ..NONE
    },
    Facts {
        path: "delivery.byte_budget",
        unit: "bytes",
        limits: "1 MiB (1,048,576) at least",
        source: "64 MiB: a backlog at 0.9 of the speed of a bare loop ([measured](BENCHMARKS.md))",
        taken: &["1048576"],
        refused: &["1048575"],
        ..NONE
    },
    Facts {
        path: "delivery.max_batch",
        unit: "records",
        limits: "1 or more",
        source: "an answer of the stream whole",
        taken: &["1"],
        refused: &["0"],
        ..NONE
    },
    Facts {
        path: "delivery.empty_batches",
        source: "as in the Java KCL; the same as \
                 `consumer.call_process_records_even_for_empty_list`",
        refused: &["maybe"],
        ..NONE
    },
    Facts {
        path: "delivery.on_failure",
        source: "nothing is skipped that nobody chose to skip",
        taken: &["retry", "{stop-shard: {attempts: 1}}", "{skip-record: {attempts: 1}}"],
        refused: &["ignore", "{skip-record: {attempts: 0}}"],
        ..NONE
    },
    Facts {
        path: "delivery.on_failure.stop-shard.attempts",
        unit: "deliveries",
        limits: "1 or more",
        without: "has to be said",
        source: "how often is yours to know",
        ..NONE
    },
    Facts {
        path: "delivery.on_failure.skip-record.attempts",
        unit: "deliveries",
        limits: "1 or more",
        without: "has to be said",
        source: "how often is yours to know",
        ..NONE
    },
    Facts {
        path: "delivery.retry_pause",
        limits: "more than 0, `retry_pause_max` at most",
        source: "most failures are over in a second",
        taken: &["1ms", "30s"],
        refused: &["0s", "31s"],
        ..NONE
    },
    Facts {
        path: "delivery.retry_pause_max",
        limits: "`retry_pause` at least",
        source: "a sink that came back is used within half a minute",
        taken: &["100ms"],
        refused: &["99ms"],
        ..NONE
    },
    Facts {
        path: "delivery.watchdog",
        limits: "more than 0",
        source: "no batch should take a minute",
        taken: &["1ms"],
        refused: &["0s"],
        ..NONE
    },
    Facts {
        path: "delivery.on_stall",
        source: "another worker may hang on the same record",
        refused: &["ignore"],
        ..NONE
    },
    Facts {
        path: "delivery.finish_batch",
        source: "two workers in one shard is the worse of the two",
        refused: &["maybe"],
        ..NONE
    },
    Facts {
        path: "delivery.on_records_lost",
        source: "what is gone is gone; the rest is not held up",
        refused: &["ignore"],
        ..NONE
    },
];
