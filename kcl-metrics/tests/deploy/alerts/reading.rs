//! How far behind reading is, and whether it goes on.

use super::{Alert, Severity::*};

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "KclLagAboveHalfOfRetention",
        severity: Critical,
        // Of the 24 hours that a stream keeps records unless told otherwise.
        expression: "max by (application, stream) (kcl_lag_max_seconds) > 43200",
        hold: "5m",
        summary: "The oldest unread record of {{ $labels.stream }} is {{ $value | humanizeDuration \
                  }} old ({{ $labels.application }}): half of 24 h is over, after which it is \
                  gone.",
        remedy: "Raise the stream's retention first (and this threshold: half of it), then find \
                 the shard: topk(5, kcl_lag_seconds), `kcl leases list`.",
        fires: &[(r#"kcl_lag_max_seconds{application="a",stream="s",instance="w"}"#, "43201x90")],
        is_silent: &[
            (r#"kcl_lag_max_seconds{application="a",stream="s",instance="w"}"#, "43200x90"),
            (r#"kcl_lag_max_seconds{application="a",stream="s",instance="v"}"#, "9x90"),
        ],
    },
    Alert {
        name: "KclFarBehind",
        severity: Warning,
        expression: "max by (application, stream) (kcl_lag_max_seconds) > 900",
        hold: "15m",
        summary: "{{ $labels.application }} has been more than 15 min behind the newest records of \
                  {{ $labels.stream }} for 15 min, now {{ $value | humanizeDuration }}.",
        remedy: "If all shards are behind, add workers or make processing faster \
                 (kcl_processing_seconds_total); if one is, look for its hot key or its failures.",
        fires: &[(r#"kcl_lag_max_seconds{application="a",stream="s",instance="w"}"#, "901x90")],
        is_silent: &[(
            r#"kcl_lag_max_seconds{application="a",stream="s",instance="w"}"#,
            "901x65 9 901x24",
        )],
    },
    Alert {
        name: "KclLagUnknown",
        severity: Warning,
        expression: "kcl_records_processed_total\n  \
                     unless on (application, stream, shard, instance) kcl_lag_seconds",
        hold: "15m",
        summary: "How far {{ $labels.application }} is behind in {{ $labels.shard }} of {{ \
                  $labels.stream }} has been unknown for 15 min: it holds the shard and has read \
                  nothing of it.",
        remedy: "See in the log of {{ $labels.instance }} why reading fails \
                 (kcl.read.failed): rights, the network, the stream's name.",
        fires: &[(
            r#"kcl_records_processed_total{application="a",stream="s",shard="1",instance="w"}"#,
            "0x90",
        )],
        is_silent: &[
            (
                r#"kcl_records_processed_total{application="a",stream="s",shard="1",instance="w"}"#,
                "0x90",
            ),
            (r#"kcl_lag_seconds{application="a",stream="s",shard="1",instance="w"}"#, "0x90"),
        ],
    },
    Alert {
        name: "KclReadingFails",
        severity: Warning,
        expression: "sum by (application, stream) (rate(kcl_read_failures_total[5m])) > 0",
        hold: "10m",
        summary: "Reads of {{ $labels.stream }} have failed for 10 min ({{ \
                  $labels.application }}); they are retried.",
        remedy: "See kcl.read.failed in the log: rights, throttling, the network.",
        fires: &[(r#"kcl_read_failures_total{application="a",stream="s",instance="w"}"#, "0+1x90")],
        is_silent: &[(
            r#"kcl_read_failures_total{application="a",stream="s",instance="w"}"#,
            "0+1x60 60x30",
        )],
    },
    Alert {
        name: "KclReadingStandsStill",
        severity: Warning,
        expression: "sum by (application, stream) (increase(kcl_read_standstills_total[15m])) > 0",
        hold: "0m",
        summary: "Reading a shard of {{ $labels.stream }} gets nowhere although the stream answers \
                  ({{ $labels.application }}).",
        remedy: "See kcl.read.standstill in the log for the shard, and what the stream answers.",
        fires: &[(
            r#"kcl_read_standstills_total{application="a",stream="s",instance="w"}"#,
            "0x70 1x19",
        )],
        is_silent: &[(
            r#"kcl_read_standstills_total{application="a",stream="s",instance="w"}"#,
            "0x30 1x59",
        )],
    },
    Alert {
        name: "KclRecordsLost",
        severity: Critical,
        expression: "sum by (application, stream) (increase(kcl_record_losses_total[15m])) > 0",
        hold: "0m",
        summary: "Records of {{ $labels.stream }} were gone before {{ $labels.application }} could \
                  read them.",
        remedy: "See kcl.records.lost in the log for shard and positions; raise the stream's \
                 retention before anything else.",
        fires: &[(
            r#"kcl_record_losses_total{application="a",stream="s",instance="w"}"#,
            "0x70 1x19",
        )],
        is_silent: &[(
            r#"kcl_record_losses_total{application="a",stream="s",instance="w"}"#,
            "0x30 1x59",
        )],
    },
];
