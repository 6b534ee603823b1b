//! Whether what is read is processed.

use super::{Alert, Severity::*};

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "KclShardStopped",
        severity: Critical,
        expression: "kcl_shards_stopped > 0",
        hold: "1m",
        summary: "{{ $value }} shards of {{ $labels.application }} are read no more on {{ \
                  $labels.instance }}: batches kept failing, and the policy says stop.",
        remedy: "See kcl.shard.stopped in the log; mend the processor, and start the worker again.",
        fires: &[(r#"kcl_shards_stopped{application="a",instance="w"}"#, "0x60 1x29")],
        is_silent: &[(r#"kcl_shards_stopped{application="a",instance="w"}"#, "1x60 0x29")],
    },
    Alert {
        name: "KclShardStalled",
        severity: Warning,
        expression: "kcl_shards_stalled > 0",
        hold: "5m",
        summary: "Processors of {{ $value }} shards of {{ $labels.application }} make no progress \
                  on {{ $labels.instance }}.",
        remedy: "See kcl.processor.stalled in the log for the shard, and what its batch waits for; \
                 kcl_batch_age_max_seconds says for how long.",
        fires: &[(r#"kcl_shards_stalled{application="a",instance="w"}"#, "0x60 1x29")],
        is_silent: &[(r#"kcl_shards_stalled{application="a",instance="w"}"#, "1x74 0 1x14")],
    },
    Alert {
        name: "KclBatchesFail",
        severity: Warning,
        expression: "sum by (application, stream) (\n  \
                     rate(kcl_batches_total{outcome=~\"failed|panicked\"}[5m])\n) > 0",
        hold: "10m",
        summary: "Batches of {{ $labels.stream }} have failed for 10 min ({{ \
                  $labels.application }}).",
        remedy: "See kcl.batch.failed in the log: with what error, and in which shard. Each is \
                 delivered again; by default for ever.",
        fires: &[(
            r#"kcl_batches_total{application="a",stream="s",outcome="failed",instance="w"}"#,
            "0+2x90",
        )],
        is_silent: &[
            (
                r#"kcl_batches_total{application="a",stream="s",outcome="failed",instance="w"}"#,
                "3x90",
            ),
            (
                r#"kcl_batches_total{application="a",stream="s",outcome="done",instance="w"}"#,
                "0+9x90",
            ),
        ],
    },
    Alert {
        name: "KclProcessorFails",
        severity: Warning,
        // A series with a step is absent until the first failure.
        expression: "sum by (application, stream, step) \
                     (increase(kcl_processor_failures_total[15m])) > 0\n\
                     or sum by (application, stream, step) (kcl_processor_failures_total)\n  \
                     unless sum by (application, stream, step) \
                     (kcl_processor_failures_total offset 15m)",
        hold: "0m",
        summary: "A processor of {{ $labels.stream }} failed at its step {{ $labels.step }} ({{ \
                  $labels.application }}).",
        remedy: "See kcl.processor.start_failed, kcl.processor.end_failed or \
                 kcl.processor.stop_failed in the log.",
        fires: &[(
            r#"kcl_processor_failures_total{application="a",stream="s",step="start",instance="w"}"#,
            "_x70 1x19",
        )],
        is_silent: &[(
            r#"kcl_processor_failures_total{application="a",stream="s",step="start",instance="w"}"#,
            "_x30 1x59",
        )],
    },
    Alert {
        name: "KclProcessorPanics",
        severity: Warning,
        expression: "sum by (application, stream) (increase(kcl_processor_panics_total[15m])) > 0",
        hold: "0m",
        summary: "A processor of {{ $labels.stream }} panicked ({{ $labels.application }}): its \
                  shard was read again from its checkpoint.",
        remedy: "See kcl.processor.panicked in the log.",
        fires: &[(
            r#"kcl_processor_panics_total{application="a",stream="s",instance="w"}"#,
            "0x70 1x19",
        )],
        is_silent: &[(
            r#"kcl_processor_panics_total{application="a",stream="s",instance="w"}"#,
            "0x30 1x59",
        )],
    },
    Alert {
        name: "KclRecordsSkipped",
        severity: Warning,
        expression: "sum by (application, stream) (increase(kcl_records_skipped_total[15m])) > 0",
        hold: "0m",
        summary: "Records of {{ $labels.stream }} that kept failing were skipped ({{ \
                  $labels.application }}).",
        remedy: "They are where the dead-letter sink put them; kcl.record.skipped in the log names \
                 each by its position.",
        fires: &[(
            r#"kcl_records_skipped_total{application="a",stream="s",instance="w"}"#,
            "0x70 1x19",
        )],
        is_silent: &[(
            r#"kcl_records_skipped_total{application="a",stream="s",instance="w"}"#,
            "0x30 1x59",
        )],
    },
    Alert {
        name: "KclDeadLettersFail",
        severity: Critical,
        expression: "sum by (application, stream) \
                     (rate(kcl_dead_letter_failures_total[5m])) > 0",
        hold: "5m",
        summary: "The dead-letter sink of {{ $labels.application }} has refused records of {{ \
                  $labels.stream }} for 5 min: their shards wait.",
        remedy: "See kcl.dead_letter.failed in the log, and mend the sink.",
        fires: &[(
            r#"kcl_dead_letter_failures_total{application="a",stream="s",instance="w"}"#,
            "0+1x90",
        )],
        is_silent: &[(
            r#"kcl_dead_letter_failures_total{application="a",stream="s",instance="w"}"#,
            "0x73 1x16",
        )],
    },
    Alert {
        name: "KclCheckpointsFail",
        severity: Warning,
        expression: "sum by (application) (\n  \
                     rate(kcl_checkpoints_total{outcome=~\"failed|refused\"}[5m])\n) > 0",
        hold: "10m",
        summary: "Checkpoints of {{ $labels.application }} have not been written for 10 min: what \
                  was processed since is processed again after a crash.",
        remedy: "See kcl.store.failed in the log, and how the lease store does.",
        fires: &[(
            r#"kcl_checkpoints_total{application="a",outcome="failed",instance="w"}"#,
            "0+1x90",
        )],
        is_silent: &[
            (r#"kcl_checkpoints_total{application="a",outcome="refused",instance="w"}"#, "2x90"),
            (r#"kcl_checkpoints_total{application="a",outcome="written",instance="w"}"#, "0+1x90"),
        ],
    },
];
