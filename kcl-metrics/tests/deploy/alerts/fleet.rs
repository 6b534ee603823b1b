//! Whether the shards are shared out, and by whom.

use super::{Alert, Severity::*};

pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "KclShardsUnread",
        severity: Critical,
        expression: "max by (application) (kcl_leases_unassigned) > 0",
        hold: "5m",
        summary: "{{ $value }} shards of {{ $labels.application }} have been read by nobody for \
                  5 min: no worker may take them.",
        remedy: "`kcl leases list` shows them; kcl.lease.unassignable in the planner's log says \
                 why: limits that are too low for the workers there are, or placement rules.",
        fires: &[(r#"kcl_leases_unassigned{application="a",instance="w"}"#, "0x60 1x29")],
        is_silent: &[(r#"kcl_leases_unassigned{application="a",instance="w"}"#, "1x60 0x29")],
    },
    Alert {
        name: "KclUnreadAboveHalfOfRetention",
        severity: Critical,
        expression: "max by (application) (kcl_unread_age_max_seconds)\n  \
                     > 0.5 * min by (application) (kcl_retention_seconds)",
        hold: "0m",
        summary: "Shards of {{ $labels.application }} that nobody may read hold records for {{ \
                  $value | humanizeDuration }}: more than half of what the stream keeps.",
        remedy: "Raise the stream's retention first, then let somebody read them: `kcl doctor` \
                 says which, why nobody does, and what helps.",
        fires: &[
            (r#"kcl_unread_age_max_seconds{application="a",instance="w"}"#, "40000+60x89"),
            (r#"kcl_retention_seconds{application="a",instance="w"}"#, "86400x89"),
        ],
        is_silent: &[
            (r#"kcl_unread_age_max_seconds{application="a",instance="w"}"#, "30000+60x89"),
            (r#"kcl_retention_seconds{application="a",instance="w"}"#, "86400x89"),
        ],
    },
    Alert {
        name: "KclNobodyThere",
        severity: Critical,
        expression: "count by (application) (kcl_build_info offset 1h)\n  \
                     unless count by (application) (kcl_build_info)",
        hold: "5m",
        summary: "No worker of {{ $labels.application }} tells anything any more; an hour ago some \
                  did.",
        remedy: "Start workers, or see why they cannot be scraped. It ends an hour after the last \
                 worker: silence it if the application was shut down for good.",
        fires: &[(r#"kcl_build_info{application="a",version="1",instance="w"}"#, "1x50")],
        is_silent: &[
            (r#"kcl_build_info{application="a",version="1",instance="w"}"#, "1x50"),
            (r#"kcl_build_info{application="a",version="1",instance="v"}"#, "_x40 1x49"),
        ],
    },
    Alert {
        name: "KclNobodyPlans",
        severity: Critical,
        expression: "sum by (application) (kcl_planning) == 0\n  \
                     unless max by (application) (kcl_application_closed) == 1",
        hold: "5m",
        summary: "No worker of {{ $labels.application }} has planned for 5 min: shards of a worker \
                  that goes are read by nobody.",
        remedy: "See kcl.store.failed, kcl.stream.unknown and kcl.shards.unknown in the logs: \
                 planning needs the store and the list of shards.",
        fires: &[
            (r#"kcl_planning{application="a",instance="w"}"#, "1x60 0x29"),
            (r#"kcl_planning{application="a",instance="v"}"#, "0x89"),
        ],
        is_silent: &[
            (r#"kcl_planning{application="a",instance="w"}"#, "1x60 0x29"),
            (r#"kcl_planning{application="a",instance="v"}"#, "0x60 1x29"),
        ],
    },
    Alert {
        name: "KclLeasesKeepMoving",
        severity: Warning,
        // At rest nothing moves; a reshard, or one worker more, moves a part of the leases once.
        expression: "sum by (application) (increase(kcl_planned_moves_total[1h]))\n  \
                     > 3 * sum by (application) (kcl_leases_held)",
        hold: "0m",
        summary: "Plans moved each lease of {{ $labels.application }} three times in an hour on \
                  average.",
        remedy: "Workers come and go (restarts, scaling), or two deployments use one application \
                 name: `kcl leases watch`.",
        fires: &[
            (r#"kcl_planned_moves_total{application="a",instance="w"}"#, "0+1x90"),
            (r#"kcl_leases_held{application="a",instance="w"}"#, "10x90"),
        ],
        is_silent: &[
            (r#"kcl_planned_moves_total{application="a",instance="w"}"#, "0+1x90"),
            (r#"kcl_leases_held{application="a",instance="w"}"#, "20x90"),
        ],
    },
    Alert {
        name: "KclLeaseConflicts",
        severity: Warning,
        expression: "sum by (application) (increase(kcl_lease_conflicts_total[15m])) > 0",
        hold: "5m",
        summary: "Leases of {{ $labels.application }} were found held by workers that should not \
                  hold them.",
        remedy: "Seldom, after a store went back, this mends itself. If it stays, see \
                 kcl.lease.conflict in the planner's log.",
        fires: &[(r#"kcl_lease_conflicts_total{application="a",instance="w"}"#, "0x65 1x24")],
        is_silent: &[(r#"kcl_lease_conflicts_total{application="a",instance="w"}"#, "0x40 1x49")],
    },
    Alert {
        name: "KclApplicationClosed",
        severity: Warning,
        expression: "max by (application) (kcl_application_closed) == 1",
        hold: "15m",
        summary: "{{ $labels.application }} has been closed for 15 min while its rows are \
                  rewritten: nobody reads.",
        remedy: "A command that was killed left it so: run the same command again, or undo it; \
                 kcl.application.closed in the log names it.",
        fires: &[(r#"kcl_application_closed{application="a",instance="w"}"#, "1x89")],
        is_silent: &[(r#"kcl_application_closed{application="a",instance="w"}"#, "1x70 0x19")],
    },
    Alert {
        name: "KclCloudWatchDrops",
        severity: Info,
        expression: "sum by (application) (\n  \
                     rate(kcl_cloudwatch_data_total{outcome=\"dropped\"}[10m])\n) > 0",
        hold: "15m",
        summary: "Figures of {{ $labels.application }} for CloudWatch have been dropped for \
                  15 min.",
        remedy: "See kcl.cloudwatch.dropped in the log: the right cloudwatch:PutMetricData, the \
                 endpoint, the network. Reading does not suffer.",
        fires: &[(
            r#"kcl_cloudwatch_data_total{application="a",outcome="dropped",instance="w"}"#,
            "0+9x90",
        )],
        is_silent: &[
            (
                r#"kcl_cloudwatch_data_total{application="a",outcome="dropped",instance="w"}"#,
                "90x90",
            ),
            (
                r#"kcl_cloudwatch_data_total{application="a",outcome="taken",instance="w"}"#,
                "0+9x90",
            ),
        ],
    },
    Alert {
        name: "KclTrouble",
        severity: Info,
        // A series with a kind is absent until the first.
        expression: "sum by (application, kind) (increase(kcl_troubles_total[15m])) > 0\n\
                     or sum by (application, kind) (kcl_troubles_total)\n  \
                     unless sum by (application, kind) (kcl_troubles_total offset 15m)",
        hold: "0m",
        summary: "Something that seldom happens happened to {{ $labels.application }}: {{ \
                  $labels.kind }}.",
        remedy: "The log says more, by the event of that name.",
        fires: &[(
            r#"kcl_troubles_total{application="a",kind="store_remade",instance="w"}"#,
            "_x70 1x19",
        )],
        is_silent: &[(
            r#"kcl_troubles_total{application="a",kind="store_remade",instance="w"}"#,
            "_x30 1x59",
        )],
    },
];
