//! Parses placement rules from files and from the setting `consumer.shard_mapping`.

use anyhow::{Context, anyhow, bail};
use kcl_core::assignment::placement::{
    PlacementRules, Rule, Target, Uncovered, shard_mapping, wanted_worker,
};
use serde_json::Value;

/// Rules as a user wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// A document with `rules:`. It also says what becomes of uncovered shards.
    Rules(PlacementRules),
    /// Pairs of shards and workers. They do not say what becomes of uncovered shards, and may
    /// contradict each other.
    Pairs(Vec<Rule>),
}

impl Written {
    /// The rules. `uncovered` says what becomes of uncovered shards, if the rules do not.
    ///
    /// # Errors
    /// Two rules are for one shard, or there is no rule.
    pub(crate) fn rules(self, uncovered: Uncovered) -> anyhow::Result<PlacementRules> {
        let rules = match self {
            Self::Rules(rules) => rules,
            Self::Pairs(pairs) => PlacementRules::new(pairs, uncovered)?,
        };
        if rules.rules().is_empty() && rules.uncovered() == Uncovered::Balance {
            bail!("there is no rule in it: name a shard and its worker, like shardId-…:worker-1");
        }
        Ok(rules)
    }
}

/// Reads a file of rules. It holds `shard:worker` pairs, on lines or separated by commas, as the
/// variable `SHARD_MAPPING` does; or YAML or JSON with `rules:`. Lines that begin with `#` are
/// comments.
///
/// # Errors
/// The file cannot be read or parsed. The message names the file, the place and the remedy.
pub(crate) fn of_file(path: &std::path::Path) -> anyhow::Result<Written> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the file of placement rules {name} cannot be read"))?;
    of_text(&text).with_context(|| format!("the file of placement rules {name} makes no sense"))
}

/// Parses the text of such a file.
pub(crate) fn of_text(text: &str) -> anyhow::Result<Written> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let is_key = |line: &str| {
        ["rules:", "format:", "uncovered:", "{", "---"].iter().any(|key| line.starts_with(key))
    };
    if !lines().any(is_key) {
        return Ok(Written::Pairs(shard_mapping(&lines().collect::<Vec<_>>().join("\n"))?));
    }
    let rules = serde_saphyr::from_str(text);
    rules.map(Written::Rules).map_err(|error| anyhow!("{error}"))
}

/// Parses the setting `consumer.shard_mapping`: a text of pairs, or a map from shards to workers.
///
/// # Errors
/// The value is neither.
pub(crate) fn of_setting(value: &Value) -> anyhow::Result<Written> {
    const EXPECTED: &str = "expected shards with their workers, like {shardId-…: worker-1}, or a \
                            text of shard:worker pairs";
    match value {
        Value::String(text) => Ok(Written::Pairs(shard_mapping(text)?)),
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(shard, worker)| {
                let worker = worker.as_str().with_context(|| format!("{shard}: {EXPECTED}"))?;
                let (id, mode) = wanted_worker(worker);
                let shard = shard.parse().with_context(|| format!("{shard}: {EXPECTED}"))?;
                let id = id.parse().with_context(|| format!("the worker of {shard}"))?;
                Ok(Rule::new(Target::Shard(shard), id, mode))
            });
            Ok(Written::Pairs(pairs.collect::<anyhow::Result<_>>()?))
        }
        _ => bail!(EXPECTED),
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::assignment::placement::Mode;
    use serde_json::json;

    use super::*;

    fn pairs(text: &str) -> Vec<Rule> {
        shard_mapping(text).unwrap()
    }

    #[test]
    fn a_file_holds_pairs_or_rules() {
        let text = "# the orders\nshardId-0: worker-1\nshardId-1: worker-2?,shardId-2:worker-3\n";
        let expected = pairs("shardId-0:worker-1,shardId-1:worker-2?,shardId-2:worker-3");
        assert_eq!(of_text(text).unwrap(), Written::Pairs(expected));
        let yaml =
            "uncovered: hold\nrules:\n  - {shard: shardId-0, worker: '007', mode: require}\n";
        let Written::Rules(rules) = of_text(yaml).unwrap() else { panic!("rules are meant") };
        assert_eq!((rules.uncovered(), rules.rules()[0].worker.as_str()), (Uncovered::Hold, "007"));
        let json = r#"{"rules":[{"range":"0-9","worker":"a"}]}"#;
        let Written::Rules(rules) = of_text(json).unwrap() else { panic!("rules are meant") };
        assert_eq!(rules.rules()[0].mode, Mode::Prefer);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_it_is() {
        for (text, says) in [
            ("shardId-0 worker-1", "names no worker"),
            ("rules:\n  - {shrad: a, worker: b}", "shrad"),
            ("rules:\n  - {range: 0-9, worker: a}\n  - {range: 5-10, worker: b}", "cross"),
            ("rules: [", ""),
        ] {
            let refused = format!("{:#}", of_text(text).unwrap_err());
            assert!(refused.contains(says), "{text}: {refused}");
        }
        let twice = of_text("s-0:a\ns-0:b").unwrap().rules(Uncovered::Balance).unwrap_err();
        assert!(twice.to_string().contains("two placement rules for shard s-0"), "{twice}");
        let nothing = of_text("# nothing\n").unwrap().rules(Uncovered::Balance).unwrap_err();
        assert!(nothing.to_string().contains("no rule"), "{nothing}");
    }

    #[test]
    fn the_setting_is_a_text_or_workers_by_shards() {
        let expected = Written::Pairs(pairs("s-0:w-1,s-1:w-2?"));
        assert_eq!(of_setting(&json!("s-0:w-1\n s-1 : w-2 ?")).unwrap(), expected);
        assert_eq!(of_setting(&json!({"s-0": "w-1", "s-1": "w-2?"})).unwrap(), expected);
        for wrong in [json!(7), json!({"s-0": 7}), json!({"s 0": "w"}), json!({"s-0": "w w"})] {
            assert!(of_setting(&wrong).is_err(), "{wrong}");
        }
    }
}
