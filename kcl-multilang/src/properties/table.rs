//! The table of every property of the MultiLangDaemon, with its effect here. A test writes the
//! table of docs/MULTILANG.md from it.

/// A property of the MultiLangDaemon.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The name of the property. With an asterisk at its end it stands for all names that begin
    /// like this.
    pub name: &'static str,
    /// The effect of the property.
    pub does: Does,
    /// A note for the user; may be empty.
    pub says: &'static str,
}

/// The effect of a property. The text of a variant is the path of the setting that it sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// The value is taken as it is.
    Text(&'static str),
    /// The value is a number of milliseconds and sets a duration; 0 sets nothing.
    Millis(&'static str),
    /// The value is a number; 0 sets nothing.
    Count(&'static str),
    /// The value is true or false.
    Switch(&'static str),
    /// The value names credentials providers. Upper and lower case of the property's name are the
    /// same.
    Credentials(&'static str),
    /// `convert` has code for this property alone.
    Own,
    /// The property is accepted and has no effect.
    Nothing,
}

/// A row; only to keep the table short.
const fn row(name: &'static str, does: Does, says: &'static str) -> Row {
    Row { name, does, says }
}

const THREADS: &str = "there is no pool of threads: every shard is worked on at once";
const WRITTEN_BY_US: &str = "the application keeps its leases in a store of this library";
const PLANNED: &str = "leases are shared out by a planner, see `coordination.balance`";
const FANOUT: &str = "streams are read by polling; records and checkpoints are the same";

/// The properties, in the order of the Java daemon's own documentation.
pub const TABLE: &[Row] = &[
    row(
        "executableName",
        Does::Own,
        "the program that is started for each shard: split at blanks, \
        looked for on PATH",
    ),
    row("applicationName", Does::Text("consumer.application_name"), ""),
    row("streamName", Does::Text("kinesis.stream_name"), "unless `streamArn` is given"),
    row(
        "streamArn",
        Does::Text("kinesis.stream_name"),
        "stronger than `streamName`; the stream is \
        read in the ARN's region",
    ),
    row(
        "kclStore",
        Does::Text("store"),
        "no property of the Java daemon: where leases are kept; \
        default: the DynamoDB table `APPLICATION-kcl`",
    ),
    row(
        "AwsCredentialsProvider",
        Does::Credentials("aws.credentials"),
        "in upper or lower case; \
        see below",
    ),
    row("AwsCredentialsProviderDynamoDB", Does::Credentials("dynamodb.credentials"), ""),
    row("AwsCredentialsProviderCloudWatch", Does::Credentials("cloudwatch.credentials"), ""),
    row("processingLanguage", Does::Nothing, "it only stood in the user agent"),
    row("workerId", Does::Text("consumer.worker_id"), "must differ in each worker"),
    row("workerIdentifier", Does::Text("consumer.worker_id"), "as `workerId`"),
    row("regionName", Does::Text("aws.region"), ""),
    row(
        "dynamoDBRegionName",
        Does::Own,
        "only that of `regionName`: leases in another region need \
        a stream given by `streamArn`",
    ),
    row("cloudWatchRegionName", Does::Own, "only that of `regionName`"),
    row("kinesisEndpoint", Does::Text("kinesis.endpoint"), ""),
    row("dynamoDBEndpoint", Does::Text("dynamodb.endpoint"), ""),
    row("kinesisClient.endpointOverride", Does::Text("kinesis.endpoint"), ""),
    row("dynamoDbClient.endpointOverride", Does::Text("dynamodb.endpoint"), ""),
    row("cloudWatchClient.endpointOverride", Does::Text("cloudwatch.endpoint"), ""),
    row("kinesisClient.region", Does::Text("aws.region"), ""),
    row("kinesisClient.*", Does::Nothing, "a knob of the Java SDK"),
    row("dynamoDbClient.*", Does::Nothing, "a knob of the Java SDK"),
    row("cloudWatchClient.*", Does::Nothing, "a knob of the Java SDK"),
    row(
        "initialPositionInStream",
        Does::Own,
        "`coordination.initial_position`; LATEST where it is \
        not given, as in the Java daemon",
    ),
    row(
        "initialPositionInStreamExtended",
        Does::Own,
        "`coordination.initial_position`: seconds \
        since 1970; stronger than `initialPositionInStream`",
    ),
    row(
        "timeoutInSeconds",
        Does::Own,
        "how long a child may take for one message; then it is killed \
        and started again, and other shards go on. Not given: an hour; 0: for ever",
    ),
    row(
        "shutdownGraceMillis",
        Does::Millis("coordination.shutdown_grace"),
        "0, the Java daemon's \
        default, lets no child finish: then 30 s",
    ),
    row(
        "logWarningForTaskAfterMillis",
        Does::Millis("delivery.watchdog"),
        "after it a child that \
        does not answer is told of in the log",
    ),
    row(
        "failoverTimeMillis",
        Does::Own,
        "`coordination.session_timeout`, and the times that follow \
        from it, in proportion",
    ),
    row("maxLeasesForWorker", Does::Count("coordination.max_leases"), ""),
    row(
        "callProcessRecordsEvenForEmptyRecordList",
        Does::Switch("consumer.call_process_records_even_for_empty_list"),
        "",
    ),
    row("maxRecords", Does::Count("consumer.max_records"), "per read"),
    row(
        "idleTimeBetweenReadsInMillis",
        Does::Own,
        "`consumer.poll_interval_ms`: of a shard that has \
        nothing new; 200 ms at least",
    ),
    row("shardSyncIntervalMillis", Does::Millis("coordination.shard_sync_interval"), ""),
    row(
        "leasesRecoveryAuditorExecutionFrequencyMillis",
        Does::Nothing,
        "see \
        `coordination.audit_interval`",
    ),
    row("gracefulLeaseHandoffTimeoutMillis", Does::Millis("coordination.handoff_timeout"), ""),
    row("isGracefulLeaseHandoffEnabled", Does::Nothing, "leases are always handed over in order"),
    row(
        "metricsLevel",
        Does::Own,
        "`metrics.cloudwatch`, by the Java KCL's names: NONE, SUMMARY or \
        DETAILED. Not given: nothing is sent",
    ),
    row("metricsBufferTimeMillis", Does::Nothing, "see `metrics.cloudwatch.period`"),
    row("metricsMaxQueueSize", Does::Nothing, "figures do not queue"),
    row("metricsEnabledDimensions", Does::Nothing, "figures have the Java KCL's dimensions"),
    row(
        "tableName",
        Does::Own,
        "the old fleet's table, which a first start looks for; ours is \
        `kclStore`",
    ),
    row("retrievalMode", Does::Own, FANOUT),
    row("fanoutConfig.*", Does::Nothing, FANOUT),
    row("consumerArn", Does::Nothing, FANOUT),
    row("consumerName", Does::Nothing, FANOUT),
    row("registerStreamConsumerRetries", Does::Nothing, FANOUT),
    row("maxDescribeStreamSummaryRetries", Does::Nothing, FANOUT),
    row("maxDescribeStreamConsumerRetries", Does::Nothing, FANOUT),
    row("retryBackoffMillis", Does::Nothing, FANOUT),
    row("maxActiveThreads", Does::Nothing, THREADS),
    row("maxLeaseRenewalThreads", Does::Nothing, THREADS),
    row("maxGetRecordsThreadPool", Does::Nothing, THREADS),
    row("retryGetRecordsInSeconds", Does::Nothing, "reads are repeated with pauses that grow"),
    row(
        "millisBehindLatestThresholdForReducedTps",
        Does::Nothing,
        "a shard with a backlog is read \
        without pause",
    ),
    row(
        "validateSequenceNumberBeforeCheckpointing",
        Does::Nothing,
        "the Java daemon ignores it, \
        too: it is always checked",
    ),
    row("taskBackoffTimeMillis", Does::Nothing, "see `delivery.retry_pause`"),
    row(
        "parentShardPollIntervalMillis",
        Does::Nothing,
        "children begin when their parents end: \
        nothing is polled",
    ),
    row(
        "cleanupLeasesUponShardCompletion",
        Does::Nothing,
        "rows go when the stream forgets their \
        shards and their children have begun",
    ),
    row(
        "ignoreUnexpectedChildShards",
        Does::Nothing,
        "a list that contradicts itself is read again",
    ),
    row("shardPrioritization", Does::Nothing, "parents are always read before their children"),
    row(
        "skipShardSyncAtWorkerInitializationIfLeasesExist",
        Does::Nothing,
        "a start waits for no \
        list of shards where there are leases",
    ),
    row(
        "schedulerInitializationBackoffTimeMillis",
        Does::Nothing,
        "a start is tried again for as \
        long as that may help",
    ),
    row("listShardsBackoffTimeInMillis", Does::Nothing, "lists are repeated with pauses that grow"),
    row("maxListShardsRetryAttempts", Does::Nothing, "lists are repeated with pauses that grow"),
    row("maxLeasesToStealAtOneTime", Does::Nothing, PLANNED),
    row("enablePriorityLeaseAssignment", Does::Nothing, PLANNED),
    row("leaseAssignmentStrategy", Does::Nothing, PLANNED),
    row("leaseAssignmentIntervalMillis", Does::Nothing, PLANNED),
    row("inMemoryWorkerMetricsCaptureFrequencyMillis", Does::Nothing, PLANNED),
    row("workerMetricsReporterFreqInMillis", Does::Nothing, PLANNED),
    row("noOfPersistedMetricsPerWorkerMetrics", Does::Nothing, PLANNED),
    row("disableWorkerMetrics", Does::Nothing, PLANNED),
    row("maxThroughputPerHostKBps", Does::Nothing, PLANNED),
    row("dampeningPercentage", Does::Nothing, PLANNED),
    row("reBalanceThresholdPercentage", Does::Nothing, PLANNED),
    row("allowThroughputOvershoot", Does::Nothing, PLANNED),
    row("varianceBalancingFrequency", Does::Nothing, PLANNED),
    row("workerMetricsEMAAlpha", Does::Nothing, PLANNED),
    row("staleWorkerMetricsEntryCleanupDuration", Does::Nothing, PLANNED),
    row("workerMetrics*", Does::Nothing, WRITTEN_BY_US),
    row("coordinatorState*", Does::Nothing, WRITTEN_BY_US),
    row("clientVersionConfig", Does::Nothing, WRITTEN_BY_US),
    row("migrateAllEntitiesToLeaseTable", Does::Nothing, WRITTEN_BY_US),
    row("tableMigration*", Does::Nothing, WRITTEN_BY_US),
    row("initialLeaseTableReadCapacity", Does::Nothing, WRITTEN_BY_US),
    row("initialLeaseTableWriteCapacity", Does::Nothing, WRITTEN_BY_US),
    row("billingMode", Does::Nothing, WRITTEN_BY_US),
    row("leaseTableDeletionProtectionEnabled", Does::Nothing, WRITTEN_BY_US),
    row("leaseTablePitrEnabled", Does::Nothing, WRITTEN_BY_US),
    row("leaseTableScanTotalSegments", Does::Nothing, WRITTEN_BY_US),
    row("tags", Does::Nothing, WRITTEN_BY_US),
];

/// The row of a property; `None` if the table has none. An exact name counts before a beginning.
pub(super) fn row_of(key: &str) -> Option<&'static Row> {
    let exact = TABLE.iter().find(|row| match row.does {
        Does::Credentials(_) => row.name.eq_ignore_ascii_case(key),
        _ => row.name == key,
    });
    exact.or_else(|| {
        let begins = |row: &&Row| {
            row.name.strip_suffix('*').is_some_and(|beginning| key.starts_with(beginning))
        };
        TABLE.iter().find(begins)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_property_stands_once_and_one_that_does_nothing_says_why() {
        let mut seen = BTreeSet::new();
        for row in TABLE {
            assert!(seen.insert(row.name), "{} stands twice", row.name);
            let must_say = matches!(row.does, Does::Nothing | Does::Own);
            assert!(!must_say || !row.says.is_empty(), "{} says nothing", row.name);
        }
    }

    #[test]
    fn names_are_exact_but_for_credentials_and_families() {
        let name = |key: &str| row_of(key).map(|row| row.name);
        assert_eq!(name("AWSCREDENTIALSPROVIDER"), Some("AwsCredentialsProvider"));
        assert_eq!(name("streamname"), None);
        assert_eq!(name("workerMetricsTableName"), Some("workerMetrics*"));
        assert_eq!(name("workerMetricsEMAAlpha"), Some("workerMetricsEMAAlpha"));
        assert_eq!(name("kinesisClient.endpointOverride"), Some("kinesisClient.endpointOverride"));
        assert_eq!(name("kinesisClient.maxConcurrency"), Some("kinesisClient.*"));
    }
}
