//! Finds the flag of each setting in the flags' own help, which says `[setting:
//! consumer.worker_id]`.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Command, CommandFactory};

use super::declared::settings;
use crate::{cli::Cli, config::Environment};

/// The flags of each setting.
pub(super) fn flags() -> BTreeMap<String, BTreeSet<String>> {
    let mut flags = BTreeMap::new();
    walk(&Cli::command(), &mut flags);
    flags
}

fn walk(command: &Command, flags: &mut BTreeMap<String, BTreeSet<String>>) {
    for argument in command.get_arguments() {
        let Some(long) = argument.get_long() else { continue };
        for path in paths(&help(argument)) {
            flags.entry(path).or_default().insert(format!("--{long}"));
        }
    }
    command.get_subcommands().for_each(|below| walk(below, flags));
}

fn help(argument: &clap::Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    help.map(ToString::to_string).unwrap_or_default()
}

/// The settings that a flag's help names: `[setting: metrics.cloudwatch.enabled, .names; …]`. A
/// name with a leading dot is in the same section as the name before it.
fn paths(help: &str) -> Vec<String> {
    let Some((_, rest)) = help.split_once("[setting: ") else { return Vec::new() };
    let named = rest.split([';', ']']).next().unwrap_or_default();
    let mut paths: Vec<String> = Vec::new();
    for path in named.split(',').map(str::trim) {
        let beside = paths.last().and_then(|last| Some(last.rsplit_once('.')?.0.to_owned()));
        match (path.strip_prefix('.'), beside) {
            (Some(name), Some(section)) => paths.push(format!("{section}.{name}")),
            _ => paths.push(path.to_owned()),
        }
    }
    paths
}

#[test]
fn flags_and_variables_name_settings_that_exist() {
    let known: BTreeSet<String> = settings().into_iter().map(|it| it.path).collect();
    for (path, flags) in flags() {
        assert!(known.contains(&path), "{flags:?} sets {path}, which does not exist");
    }
    for (variable, path) in Environment::NAMED {
        assert!(known.contains(path), "{variable} sets {path}, which does not exist");
    }
}

/// The help of a flag may name an environment variable after the setting. The program must read
/// that variable, and for that setting.
#[test]
fn the_variables_that_help_names_are_those_that_are_read() {
    fn check(command: &Command) {
        for argument in command.get_arguments() {
            let help = help(argument);
            let Some((_, rest)) = help.split_once("[setting: ") else { continue };
            let words = rest.split(']').next().unwrap_or_default();
            let mut words = words.split(';').map(str::trim);
            let path = words.next().unwrap_or_default();
            let is_variable = |word: &&str| word.chars().all(|it| it.is_uppercase() || it == '_');
            for variable in words.filter(is_variable) {
                let is_it = |named: &(&str, &str)| *named == (variable, path);
                assert!(Environment::NAMED.iter().any(is_it), "{variable} does not set {path}");
            }
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}
