//! The settings in a worker's report: the document names each by a letter, because it is written
//! often.

use std::collections::BTreeMap;

/// The letter of each setting in documents, its name, and whether all workers of an application
/// should have the same value.
const SETTINGS: &[(&str, &str, bool)] = &[
    ("T", "session_timeout", true),
    ("h", "heartbeat_interval", true),
    ("g", "clock_guard", true),
    ("w", "watch_interval", true),
    ("a", "audit_interval", true),
    ("s", "shard_sync_interval", true),
    ("k", "checkpoint_interval", true),
    ("o", "handoff_timeout", true),
    ("e", "shutdown_grace", true),
    ("i", "same_id", true),
    ("m", "max_leases", false),
    ("l", "limits", true),
    ("b", "balance", true),
    ("p", "initial_position", true),
    ("c", "progress", true),
    ("f", "on_failure", true),
    ("r", "on_records_lost", true),
    ("t", "on_stall", true),
    ("d", "watchdog", true),
    ("y", "byte_budget", false),
];

/// Replaces letters by names. A letter that this version does not know stays.
pub(super) fn by_name(letters: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let name = |letter: String| {
        let known = SETTINGS.iter().find(|(short, ..)| *short == letter);
        known.map_or(letter, |(_, name, _)| (*name).to_owned())
    };
    letters.into_iter().map(|(letter, value)| (name(letter), value)).collect()
}

/// Replaces names by letters. A name without a letter stays.
pub(super) fn by_letter(names: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let letter = |name: &String| {
        let known = SETTINGS.iter().find(|(_, long, _)| long == name);
        known.map_or_else(|| name.clone(), |(short, ..)| (*short).to_owned())
    };
    names.iter().map(|(name, value)| (letter(name), value.clone())).collect()
}

/// True if all workers of an application should have the same value of this setting. Unknown
/// settings count as such.
pub(super) fn is_shared(name: &str) -> bool {
    SETTINGS.iter().all(|(_, long, shared)| *long != name || *shared)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_settings_share_a_letter_or_a_name() {
        let letters: BTreeSet<&str> = SETTINGS.iter().map(|(letter, ..)| *letter).collect();
        let names: BTreeSet<&str> = SETTINGS.iter().map(|(_, name, _)| *name).collect();
        assert_eq!((letters.len(), names.len()), (SETTINGS.len(), SETTINGS.len()));
        assert!(letters.is_disjoint(&names));
        assert!(is_shared("balance") && !is_shared("max_leases"));
    }
}
