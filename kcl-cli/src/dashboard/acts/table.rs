//! The table of the changes that the page offers: names, texts and input fields. The page draws its
//! forms from this table.

use serde::Serialize;

/// An input field of a form.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Field {
    /// The field's name in a request.
    pub(super) name: &'static str,
    /// The label.
    pub(super) title: &'static str,
    /// The values to choose from. `shard` and `worker` stand for those of the application; an empty
    /// list is free text.
    offers: &'static [&'static str],
    /// Whether the user may leave it empty.
    pub(super) optional: bool,
}

/// A change that the page offers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Act {
    /// The name in a request's path.
    pub(super) name: &'static str,
    /// The heading of the form.
    pub(super) title: &'static str,
    /// What the change does.
    says: &'static str,
    pub(super) fields: &'static [Field],
    #[serde(skip)]
    pub(super) does: Does,
}

/// The command that a change runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Does {
    /// `kcl placement set`
    Pin,
    /// `kcl placement unset`
    Unpin,
    /// `kcl leases move`
    Move,
    /// `kcl leases release`
    Release,
    /// `kcl leases pause`
    Pause,
    /// `kcl leases resume`
    Resume,
    /// `kcl leases skip`
    Skip,
    /// `kcl leases skip --undo`
    KeepAfterAll,
    /// `kcl workers drain`
    Drain,
    /// `kcl workers undrain`
    Undrain,
    /// `kcl app freeze`
    Freeze,
    /// `kcl app thaw`
    Thaw,
    /// `kcl leases reset`
    Reset,
    /// `kcl leases reset --undo`
    Undo,
}

const SHARD: Field = Field { name: "shard", title: "Shard", offers: &["shard"], optional: false };

const WORKER: Field =
    Field { name: "worker", title: "Worker", offers: &["worker"], optional: false };

const RECORD: Field =
    Field { name: "record", title: "Sequence number of the record", offers: &[], optional: false };

/// The choices for a worker without a dead letter: such a worker would lose the record.
pub(super) const UNKEPT: [&str; 2] = ["refuse", "skip all the same"];

/// The spans that the form for `move` offers; the first is preset.
const SPANS: &[&str] = &["1h", "10m", "8h", "24h"];

/// Every change, in the order of the page.
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
