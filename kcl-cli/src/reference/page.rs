//! Writes the page: a section for each part of the settings file, with a table of its settings.

use std::fmt::Write;

use kcl_core::settings::Coordination;
use serde_json::Value;

use super::{
    declared::{Kind, Setting, settings},
    facts::{Facts, facts},
    flags::flags,
};
use crate::config::{Config, Environment};

const HEAD: &str = include_str!("head.md");

/// A section of the file, and what it is about.
const SECTIONS: [(&str, &str); 10] = [
    (
        "aws",
        "Region, credentials and endpoint for all of AWS. The AWS SDK looks for those that are \
        absent: environment, profile, web identity (IRSA), container (EKS Pod Identity, \
        ECS), instance. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_PROFILE` and the like \
        are the SDK's own and no settings.",
    ),
    ("kinesis", "The stream."),
    ("dynamodb", "The lease table, if leases are kept in one."),
    ("cloudwatch", "CloudWatch, if metrics are sent there."),
    ("store", "The store of the leases: [STORES.md](STORES.md) compares them."),
    ("producer", "The settings of `kcl produce`."),
    ("consumer", "The settings of `kcl consume`."),
    ("metrics", "The metrics of a worker: [METRICS.md](METRICS.md) lists them."),
    ("profile", "The times that `coordination` starts from."),
    (
        "coordination",
        "The rules by which workers share the shards. All workers of an application should have \
        the same; a rolling change is safe. In a program: `kcl_core::settings::Coordination`.",
    ),
];

const LAST: (&str, &str) = (
    "delivery",
    "The delivery of records to the processor. In a program: `kcl_core::settings::Delivery`.",
);

/// The whole page.
pub(super) fn made() -> String {
    let mut page = HEAD.to_owned();
    let (all, defaults) = (settings(), Defaults::of_the_types());
    let flags = flags();
    for (section, about) in SECTIONS.into_iter().chain([LAST]) {
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(page, "\n## {section}\n\n{about}\n\n").unwrap();
        page.push_str(
            "| setting | variable, flag | type | default | limits | what it is | why \
                       this default |\n|---|---|---|---|---|---|---|\n",
        );
        let is_here = |it: &&Setting| it.path.split('.').next() == Some(section);
        for setting in all.iter().filter(is_here) {
            let flags = flags.get(&setting.path).into_iter().flatten().map(String::as_str);
            row(&mut page, setting, flags, facts(&setting.path), &defaults);
        }
    }
    let sections: Vec<&str> = SECTIONS.iter().chain([&LAST]).map(|(name, _)| *name).collect();
    let lost = all.iter().find(|it| !sections.contains(&it.path.split('.').next().unwrap()));
    assert!(lost.is_none(), "{lost:?} is in no section of the page");
    page
}

fn row<'a>(
    page: &mut String,
    setting: &Setting,
    flags: impl Iterator<Item = &'a str>,
    facts: &Facts,
    defaults: &Defaults,
) {
    let mut others = variables(&setting.path);
    others.extend(flags.map(|flag| format!("`{flag}`")));
    let others = others.join(" ");
    let limits = facts.limits;
    let (kind, default) = (kind(setting, facts), defaults.of(&setting.path, facts));
    let (path, meaning, source) = (&setting.path, meaning(setting), facts.source);
    let row =
        format!("| `{path}` | {others} | {kind} | {default} | {limits} | {meaning} | {source}");
    writeln!(page, "{row} |").unwrap();
}

/// The environment variables that set a setting: a short name such as `AWS_REGION`, if it has one,
/// and the name that is made from its path.
fn variables(path: &str) -> Vec<String> {
    let own = Environment::NAMED.iter().filter(|(_, of)| *of == path).map(|(name, _)| *name);
    let mut all: Vec<String> = own.map(|name| format!("`{name}`")).collect();
    // Only settings in a section have the second: `KCL_STORE` is in the list of short names.
    if path.contains('.') {
        all.push(format!("`{}`", Environment::variable(path)));
    }
    all
}

fn meaning(setting: &Setting) -> String {
    let mut meaning = setting.meaning.replace('|', "\\|");
    if let Kind::Choice(choices) = &setting.kind {
        for (name, means) in choices {
            write!(meaning, "<br>`{name}`: {means}").unwrap();
        }
    }
    meaning.replace("[`Weighting`]", "`weighted` below")
}

fn kind(setting: &Setting, facts: &Facts) -> String {
    let kind = match &setting.kind {
        Kind::Choice(choices) => {
            let names = choices.iter().map(|(name, _)| format!("`{name}`"));
            return names.collect::<Vec<_>>().join(", ");
        }
        Kind::Plain(name) => match name.as_str() {
            "Duration" => "duration, like `1500ms`, `6s`, `2m`",
            "String" | "Zone" => "text",
            "bool" => "`true` or `false`",
            "usize" | "u64" | "u32" => "whole number",
            "InitialPosition" => "text",
            "Value" if setting.path == "metrics.listen" => "port, or address and port",
            "Value" => "map of shards to workers, or text of `shard:worker` pairs",
            other => panic!("{}: what is a {other}?", setting.path),
        },
    };
    if facts.unit.is_empty() { kind.to_owned() } else { format!("{kind} ({})", facts.unit) }
}

/// The default values of all settings as JSON trees: the usual ones, and those of the profile
/// `fast`.
struct Defaults {
    usual: Value,
    fast: Value,
}

impl Defaults {
    fn of_the_types() -> Self {
        let tree = |config: &Config| serde_json::to_value(config).unwrap();
        let fast = Config { coordination: Coordination::fast(), ..Config::default() };
        Self { usual: tree(&Config::default()), fast: tree(&fast) }
    }

    fn of(&self, path: &str, facts: &Facts) -> String {
        let at = |tree: &Value| {
            path.split('.').try_fold(tree.clone(), |node, key| node.get(key).cloned())
        };
        let (usual, fast) = (at(&self.usual), at(&self.fast));
        let shown = match usual.as_ref().filter(|value| !value.is_null()) {
            Some(value) => format!("`{}`", said(value)),
            None => facts.without.to_owned(),
        };
        match fast.filter(|fast| Some(fast) != usual.as_ref()) {
            Some(fast) => format!("{shown}, `fast`: `{}`", said(&fast)),
            None => shown,
        }
    }
}

fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
