//! The table keeps to the naming rules of Prometheus, and to few labels.

use std::collections::BTreeSet;

use kcl_metrics::{Kind, Label, TABLE, Unit};

#[test]
fn names_are_prefixed_end_in_their_unit_and_counters_in_total() {
    let mut names = BTreeSet::new();
    for row in TABLE {
        let name = row.name;
        assert!(names.insert(name), "{name} stands there twice");
        let is_allowed = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.starts_with("kcl_") && name.chars().all(is_allowed), "{name}");
        assert_eq!(name.ends_with("_total"), row.kind == Kind::Counter, "{name}");
        let stem = name.trim_end_matches("_total");
        assert_eq!(stem.ends_with("_seconds"), row.unit == Unit::Seconds, "{name}");
        assert_eq!(stem.ends_with("_bytes"), row.unit == Unit::Bytes, "{name}");
        for end in ["_count", "_sum", "_bucket"] {
            assert!(!name.ends_with(end), "{name}");
        }
        assert!(row.help.ends_with('.') && !row.changes.ends_with('.'), "{name}");
    }
}

#[test]
fn labels_are_few_and_in_one_order() {
    for row in TABLE {
        let scope = [Label::Application, Label::Stream, Label::Shard];
        let of_scope = row.labels.iter().take_while(|label| scope.contains(label)).count();
        assert!((1..=3).contains(&of_scope), "{}", row.name);
        assert_eq!(row.labels[..of_scope], scope[..of_scope], "{}", row.name);
        let further = &row.labels[of_scope..];
        assert!(further.len() <= 2 && further.iter().all(|label| !scope.contains(label)));
        // A thousand shards of a worker are a thousand series of each of these.
        assert!(of_scope < 3 || further.is_empty(), "{}", row.name);
        if let Kind::Histogram(bounds) = row.kind {
            assert!(of_scope < 3 && bounds.is_sorted(), "{}", row.name);
        }
    }
}
