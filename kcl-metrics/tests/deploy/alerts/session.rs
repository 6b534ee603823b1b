//! Whether workers take part in their fleet, and get through to the lease store.

use super::{Alert, Severity::*};

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "KclStoreDark",
        severity: Critical,
        expression: "kcl_session_valid == 0 unless kcl_application_closed == 1",
        hold: "1m",
        summary: "{{ $labels.instance }} of {{ $labels.application }} has had no valid session for \
                  1 min: the lease store does not answer it, and it processes nothing.",
        remedy: "See kcl.store.failed and kcl.store.timeout in the log, kcl_store_calls_total by \
                 outcome, and how the store does. Do not restart workers: they go on by \
                 themselves.",
        fires: &[
            (r#"kcl_session_valid{application="a",instance="w"}"#, "1x60 0x29"),
            (r#"kcl_application_closed{application="a",instance="w"}"#, "0x89"),
        ],
        is_silent: &[
            (r#"kcl_session_valid{application="a",instance="w"}"#, "1x60 0x29"),
            (r#"kcl_application_closed{application="a",instance="w"}"#, "1x89"),
            (r#"kcl_session_valid{application="a",instance="v"}"#, "0x60 1x29"),
        ],
    },
    Alert {
        name: "KclWorkerNotJoined",
        severity: Critical,
        expression: "kcl_build_info\n  \
                     unless on (application, instance) kcl_session_valid\n  \
                     unless on (application, instance) kcl_application_closed == 1",
        hold: "5m",
        summary: "{{ $labels.instance }} of {{ $labels.application }} has not joined its fleet for \
                  5 min: no beat of it was ever acknowledged.",
        remedy: "See its log: kcl.store.unprepared, kcl.stream.unknown, kcl.session.duplicate name \
                 what it waits for.",
        fires: &[(r#"kcl_build_info{application="a",version="1",instance="w"}"#, "1x89")],
        is_silent: &[
            (r#"kcl_build_info{application="a",version="1",instance="w"}"#, "1x89"),
            (r#"kcl_session_valid{application="a",instance="w"}"#, "0x89"),
        ],
    },
    Alert {
        name: "KclSessionsEnd",
        severity: Warning,
        expression: "sum by (application, instance) (increase(kcl_session_restarts_total[30m]))\n  \
                     + sum by (application, instance) (increase(kcl_session_lapses_total[30m]))\n  \
                     > 2",
        hold: "0m",
        summary: "Sessions of {{ $labels.instance }} ({{ $labels.application }}) lapsed or were \
                  ended by others more than twice in 30 min.",
        remedy: "A machine that stands still (CPU limits, suspension: \
                 kcl_keeper_lateness_seconds), or a slow store \
                 (kcl_store_call_duration_seconds). Where neither can be mended, raise \
                 coordination.session_timeout.",
        fires: &[
            (r#"kcl_session_restarts_total{application="a",instance="w"}"#, "0x60 2x29"),
            (r#"kcl_session_lapses_total{application="a",instance="w"}"#, "0x60 2x29"),
        ],
        is_silent: &[
            (r#"kcl_session_restarts_total{application="a",instance="w"}"#, "0x60 1x29"),
            (r#"kcl_session_lapses_total{application="a",instance="w"}"#, "7x89"),
        ],
    },
    Alert {
        name: "KclKeeperLate",
        severity: Warning,
        expression: "histogram_quantile(0.99, sum by (application, instance, le) (\n  \
                     rate(kcl_keeper_lateness_seconds_bucket[5m])\n)) > 0.5",
        hold: "10m",
        summary: "The thread that keeps the session of {{ $labels.instance }} alive ({{ \
                  $labels.application }}) runs more than 0.5 s late in 1 of 100 turns.",
        remedy: "The process gets too little processor time: raise or remove its CPU limit.",
        fires: &[
            (
                r#"kcl_keeper_lateness_seconds_bucket{application="a",instance="w",le="0.5"}"#,
                "0+90x90",
            ),
            (
                r#"kcl_keeper_lateness_seconds_bucket{application="a",instance="w",le="1"}"#,
                "0+100x90",
            ),
            (
                r#"kcl_keeper_lateness_seconds_bucket{application="a",instance="w",le="+Inf"}"#,
                "0+100x90",
            ),
        ],
        is_silent: &[
            (
                r#"kcl_keeper_lateness_seconds_bucket{application="a",instance="w",le="0.5"}"#,
                "0+100x90",
            ),
            (
                r#"kcl_keeper_lateness_seconds_bucket{application="a",instance="w",le="1"}"#,
                "0+100x90",
            ),
            (
                r#"kcl_keeper_lateness_seconds_bucket{application="a",instance="w",le="+Inf"}"#,
                "0+100x90",
            ),
        ],
    },
    Alert {
        name: "KclThrottled",
        severity: Warning,
        expression: "sum by (application, service) (rate(kcl_throttles_total[5m])) > 0.1",
        hold: "15m",
        summary: "The {{ $labels.service }} has refused calls of {{ $labels.application }} for \
                  15 min because there were too many.",
        remedy: "Stream: too few shards for what is written, or another application polls the same \
                 shards. Store: raise its capacity.",
        fires: &[(
            r#"kcl_throttles_total{application="a",service="stream",instance="w"}"#,
            "0+9x90",
        )],
        is_silent: &[(
            r#"kcl_throttles_total{application="a",service="stream",instance="w"}"#,
            "0+5x90",
        )],
    },
];
