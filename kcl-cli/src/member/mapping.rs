//! The placement rules with which a worker starts: it finds the source that counts, and follows a
//! mounted file that changes.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use kcl_core::{
    assignment::placement::{Declaration, PlacementRules, Uncovered, shard_mapping},
    env::Env,
    worker::WorkerHandle,
};
use serde_json::Value;

use super::args::MemberArgs;
use crate::{
    config::{AssignmentMode, Config},
    mapping::{self, Written},
};

/// The interval between two reads of a mapping file. Its content is compared, not its time: a
/// ConfigMap is mounted by links that Kubernetes exchanges, and the times of its files say nothing.
const LOOK: Duration = Duration::from_secs(2);

/// The rules with which the worker starts: those of the flag, else of the file, else of the
/// settings, in which the environment overrides the settings file. `None` if there are no rules.
///
/// # Errors
/// The rules cannot be parsed. The message names their source.
pub(super) fn declared(args: &MemberArgs, config: &Config) -> anyhow::Result<Option<Declaration>> {
    let (written, from) = if let Some(pairs) = &args.shard_mapping {
        (Written::Pairs(shard_mapping(pairs).context("--shard-mapping")?), "--shard-mapping")
    } else if let Some(file) = &args.mapping_file {
        return of_file(file, uncovered(config)).map(Some);
    } else if let Some(value) = &config.consumer.shard_mapping {
        // A file can hold a text, too: nobody knows any more where a text is from.
        let from = match value {
            Value::String(_) => "SHARD_MAPPING or the setting consumer.shard_mapping",
            _ => "the setting consumer.shard_mapping",
        };
        (mapping::of_setting(value).context(from)?, from)
    } else {
        return Ok(None);
    };
    let rules = written.rules(uncovered(config)).context(from)?;
    Ok(Some(Declaration::new(rules, from)))
}

/// How shards that no rule covers are treated, by the worker's assignment mode.
pub(super) const fn uncovered(config: &Config) -> Uncovered {
    match config.consumer.assignment_mode {
        AssignmentMode::Kcl => Uncovered::Balance,
        AssignmentMode::Manual => Uncovered::Hold,
    }
}

/// The file to follow; `None` if the rules do not come from a file.
pub(super) fn watched_file(args: &MemberArgs) -> Option<PathBuf> {
    args.mapping_file.clone().filter(|_| args.shard_mapping.is_none())
}

/// The rules of a file, with the file's name as their source.
fn of_file(file: &std::path::Path, uncovered: Uncovered) -> anyhow::Result<Declaration> {
    let rules: PlacementRules = mapping::of_file(file)?.rules(uncovered)?;
    Ok(Declaration::new(rules, file.display().to_string()))
}

/// Declares the rules anew whenever the file changes. If a change cannot be parsed, it is logged
/// once and the former rules stay: a mistake in the file must not leave shards unread.
pub(super) async fn follow(
    file: PathBuf,
    uncovered: Uncovered,
    declared: Option<Declaration>,
    worker: WorkerHandle,
) {
    let clock = Env::system().clock;
    let mut seen = Changes { declared, refused: None };
    loop {
        clock.sleep(LOOK).await;
        match seen.look(of_file(&file, uncovered)) {
            Look::Same => {}
            Look::Changed(declaration) => {
                tracing::info!(file = %file.display(), "kcl.mapping.changed");
                worker.declare(declaration);
            }
            Look::Refused(problem) => {
                tracing::error!(file = %file.display(), problem, "kcl.mapping.refused");
            }
        }
    }
}

/// The results of earlier reads of the file.
struct Changes {
    /// The last rules that were declared.
    declared: Option<Declaration>,
    /// Why the last read was refused; `None` if it was not.
    refused: Option<String>,
}

/// The result of one read of the file.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// Nothing has changed since the last read.
    Same,
    /// The file has new rules.
    Changed(Declaration),
    /// The file has changed and cannot be parsed. Holds the reason.
    Refused(String),
}

impl Changes {
    fn look(&mut self, found: anyhow::Result<Declaration>) -> Look {
        match found {
            Ok(found) => {
                self.refused = None;
                if self.declared.as_ref() == Some(&found) {
                    return Look::Same;
                }
                self.declared = Some(found.clone());
                Look::Changed(found)
            }
            Err(error) => {
                let problem = format!("{error:#}");
                if self.refused.as_ref() == Some(&problem) {
                    return Look::Same;
                }
                self.refused = Some(problem.clone());
                Look::Refused(problem)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        args: MemberArgs,
    }

    fn args(arguments: &[&str]) -> MemberArgs {
        let arguments = std::iter::once("kcl").chain(arguments.iter().copied());
        Alone::parse_from(arguments).args
    }

    fn declaration(pairs: &str) -> Declaration {
        let rules = PlacementRules::new(shard_mapping(pairs).unwrap(), Uncovered::Balance);
        Declaration::new(rules.unwrap(), "a test")
    }

    /// The worker of the rule for `s-0`, and the source of the rules.
    fn winner(arguments: &[&str], config: &Config) -> Option<(String, String)> {
        let declared = declared(&args(arguments), config).unwrap()?;
        let worker = declared.rules().rules()[0].worker.to_string();
        Some((worker, declared.from().to_owned()))
    }

    #[test]
    fn the_flag_is_stronger_than_the_file_and_that_than_the_settings() {
        let file = std::env::temp_dir().join(format!("kcl-mapping-{}", std::process::id()));
        std::fs::write(&file, "s-0: of-file\n").unwrap();
        let name = file.to_str().unwrap();
        let mut config = Config::default();
        let won = |worker: &str, from: &str| Some((worker.to_owned(), from.to_owned()));
        assert_eq!(winner(&[], &config), None);
        config.consumer.shard_mapping = Some(json!({"s-0": "of-yaml"}));
        let setting = "the setting consumer.shard_mapping";
        assert_eq!(winner(&[], &config), won("of-yaml", setting));
        config.consumer.shard_mapping = Some(json!("s-0:of-variable"));
        let variable = "SHARD_MAPPING or the setting consumer.shard_mapping";
        assert_eq!(winner(&[], &config), won("of-variable", variable));
        assert_eq!(winner(&["--mapping-file", name], &config), won("of-file", name));
        let both = ["--mapping-file", name, "--shard-mapping", "s-0:of-flag"];
        assert_eq!(winner(&both, &config), won("of-flag", "--shard-mapping"));
        assert_eq!(watched_file(&args(&both)), None, "the flag does not change");
        assert!(watched_file(&args(&both[..2])).is_some());
        std::fs::remove_file(&file).unwrap();
        assert!(declared(&args(&both[..2]), &config).is_err(), "a file that is not there");
    }

    #[test]
    fn the_mode_says_what_becomes_of_the_other_shards() {
        let mut config = Config::default();
        config.consumer.shard_mapping = Some(json!("s-0:w"));
        for (mode, others) in
            [(AssignmentMode::Kcl, Uncovered::Balance), (AssignmentMode::Manual, Uncovered::Hold)]
        {
            config.consumer.assignment_mode = mode;
            let declared = declared(&args(&[]), &config).unwrap().unwrap();
            assert_eq!(declared.rules().uncovered(), others);
        }
    }

    #[test]
    fn a_mapping_that_makes_no_sense_is_refused_by_its_source() {
        let mut config = Config::default();
        for (value, says) in
            [("s-0", "names no worker"), ("s-0:a,s-0:b", "two placement rules"), (",", "no rule")]
        {
            config.consumer.shard_mapping = Some(json!(value));
            let refused = format!("{:#}", declared(&args(&[]), &config).unwrap_err());
            assert!(refused.contains("SHARD_MAPPING") && refused.contains(says), "{refused}");
        }
    }

    #[test]
    fn of_a_file_each_change_is_told_once_and_a_slip_changes_nothing() {
        let mut seen = Changes { declared: Some(declaration("s-0:a")), refused: None };
        assert_eq!(seen.look(Ok(declaration("s-0:a"))), Look::Same);
        assert_eq!(seen.look(Ok(declaration("s-0:b"))), Look::Changed(declaration("s-0:b")));
        assert_eq!(seen.look(Err(anyhow!("a slip"))), Look::Refused("a slip".to_owned()));
        assert_eq!(seen.look(Err(anyhow!("a slip"))), Look::Same, "it was told");
        assert_eq!(seen.look(Ok(declaration("s-0:b"))), Look::Same, "it is as it was");
        assert_eq!(seen.look(Err(anyhow!("a slip"))), Look::Refused("a slip".to_owned()));
        assert_eq!(seen.look(Ok(declaration("s-0:a"))), Look::Changed(declaration("s-0:a")));
    }
}
