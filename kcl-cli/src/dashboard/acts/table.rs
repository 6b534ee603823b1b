//! What can be changed from the page: its names, its words, and what is to be filled in.

use serde::Serialize;

/// Something that is to be filled in.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What is offered: `shard`, `worker`, or these words.
    offers: &'static [&'static str],
    /// Whether it may be left out.
    pub(super) optional: bool,
}

/// Something that can be changed.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Act {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    says: &'static str,
    pub(super) fields: &'static [Field],
    #[serde(skip)]
    pub(super) does: Does,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    Pin,
    Unpin,
    Move,
    Release,
    Pause,
    Resume,
    Skip,
    KeepAfterAll,
    Drain,
    Undrain,
    Freeze,
    Thaw,
    Reset,
    Undo,
}

const SHARD: Field = Field { name: "shard", title: "Shard", offers: &["shard"], optional: false };

const WORKER: Field =
    Field { name: "worker", title: "Worker", offers: &["worker"], optional: false };

const RECORD: Field =
    Field { name: "record", title: "Sequence number of the record", offers: &[], optional: false };

/// What is to be done if no dead letter keeps what is skipped.
pub(super) const UNKEPT: [&str; 2] = ["refuse", "skip all the same"];

/// For how long a shard may be moved.
const SPANS: &[&str] = &["1h", "10m", "8h", "24h"];

/// Every act.
pub(super) const ACTS: &[Act] = &[
    Act {
        name: "pin",
        title: "Pin a shard",
        says: "A rule gives the shard to a worker: the others may read it while that one is away \
               (prefer), or may not (require).",
        fields: &[
            SHARD,
            WORKER,
            Field { name: "mode", title: "Mode", offers: &["prefer", "require"], optional: false },
        ],
        does: Does::Pin,
    },
    Act {
        name: "unpin",
        title: "Unpin a shard",
        says: "The rule of the shard is taken back, and it is balanced like the others.",
        fields: &[SHARD],
        does: Does::Unpin,
    },
    Act {
        name: "move",
        title: "Move a shard",
        says: "The worker reads the shard for so long, as by a rule that prefers it.",
        fields: &[
            SHARD,
            WORKER,
            Field { name: "for", title: "For", offers: SPANS, optional: false },
        ],
        does: Does::Move,
    },
    Act {
        name: "release",
        title: "Release a shard",
        says: "Whoever reads the shard hands it to another worker, once. A shard that was stopped \
               starts again.",
        fields: &[SHARD],
        does: Does::Release,
    },
    Act {
        name: "pause",
        title: "Pause a shard",
        says: "Nobody reads the shard until it is resumed. Its checkpoint stays.",
        fields: &[SHARD],
        does: Does::Pause,
    },
    Act {
        name: "resume",
        title: "Resume a shard",
        says: "The shard is read on from its checkpoint.",
        fields: &[SHARD],
        does: Does::Resume,
    },
    Act {
        name: "skip",
        title: "Skip a record",
        says: "The record that fails is tried once more by itself. If it fails again, it goes to \
               the worker's dead letter, and the shard goes on after it.",
        fields: &[
            SHARD,
            RECORD,
            Field {
                name: "unkept",
                title: "If the worker has no dead letter",
                offers: &UNKEPT,
                optional: false,
            },
        ],
        does: Does::Skip,
    },
    Act {
        name: "unskip",
        title: "Take a skip back",
        says: "The record is not skipped, if it has not been skipped yet.",
        fields: &[SHARD, RECORD],
        does: Does::KeepAfterAll,
    },
    Act {
        name: "drain",
        title: "Drain a worker",
        says: "The worker hands over what it holds and gets nothing until it is undrained.",
        fields: &[WORKER],
        does: Does::Drain,
    },
    Act {
        name: "undrain",
        title: "Undrain a worker",
        says: "The worker gets its share again.",
        fields: &[WORKER],
        does: Does::Undrain,
    },
    Act {
        name: "freeze",
        title: "Freeze the fleet",
        says: "Nothing moves that a live worker holds. What nobody holds is still shared out.",
        fields: &[],
        does: Does::Freeze,
    },
    Act {
        name: "thaw",
        title: "Thaw the fleet",
        says: "Leases may move again.",
        fields: &[],
        does: Does::Thaw,
    },
    Act {
        name: "reset",
        title: "Start again from another position",
        says: "Every shard, or one, is read from there on. Refused while anybody reads: stop all \
               workers before.",
        fields: &[
            Field {
                name: "to",
                title: "Position (trim-horizon, latest, or a time)",
                offers: &[],
                optional: false,
            },
            Field { name: "shard", title: "One shard alone", offers: &["shard"], optional: true },
        ],
        does: Does::Reset,
    },
    Act {
        name: "undo-reset",
        title: "Take a reset back",
        says: "The reset that was broken off, else the last one, is taken back. Refused while \
               anybody reads.",
        fields: &[],
        does: Does::Undo,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_name_of_its_own_and_says_what_it_does() {
        let mut names: Vec<_> = ACTS.iter().map(|act| act.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ACTS.len());
        assert!(ACTS.iter().all(|act| act.says.ends_with('.') && !act.title.is_empty()));
    }

    #[test]
    fn the_spans_that_are_offered_are_spans() {
        for span in SPANS {
            assert!(crate::leases::span(span).is_ok(), "{span}");
        }
    }
}
