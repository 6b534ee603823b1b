//! `deploy/Dockerfile`: what is built, who runs it, and how it is started.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::{arguments, file};

/// Instructions with what they say, in their order.
fn instructions() -> Result<Vec<(String, String)>> {
    let text = fs::read_to_string(file("deploy/Dockerfile"))?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let split = |line: &str| {
        let (name, rest) = line.split_once(' ').with_context(|| line.to_owned())?;
        ensure!(name.chars().all(char::is_uppercase), "{line}");
        Ok((name.to_owned(), rest.trim().to_owned()))
    };
    lines.map(split).collect()
}

/// The one instruction of this name in the last stage.
fn last_stage<'a>(all: &'a [(String, String)], name: &str) -> Result<&'a str> {
    let stage = all.iter().rposition(|(name, _)| name == "FROM").context("a stage")?;
    let mut found = all[stage..].iter().filter(|(it, _)| it == name);
    let (_, says) = found.next().with_context(|| format!("no {name}"))?;
    ensure!(found.next().is_none(), "{name} twice");
    Ok(says)
}

#[test]
fn the_image_runs_the_command_as_nobody_in_particular_and_without_a_shell() -> Result<()> {
    let all = instructions()?;
    let user = last_stage(&all, "USER")?;
    let (user, group) = user.split_once(':').context("user and group")?;
    ensure!(user.parse::<u32>()? > 0 && group.parse::<u32>()? > 0, "a number that is not root's");
    for name in ["ENTRYPOINT", "CMD"] {
        let words: Vec<String> = serde_json::from_str(last_stage(&all, name)?)
            .with_context(|| format!("{name} is not written as a list: a shell would start it"))?;
        if name == "CMD" {
            arguments(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
        } else {
            let copied = last_stage(&all, "COPY")?;
            ensure!(words.len() == 1 && copied.ends_with(&words[0]), "{words:?}: {copied}");
        }
    }
    Ok(())
}

#[test]
fn what_it_is_built_with_can_build_it() -> Result<()> {
    let all = instructions()?;
    let manifest = fs::read_to_string(file("Cargo.toml"))?;
    let wanted = manifest.split("rust-version = \"").nth(1).and_then(|it| it.split('"').next());
    let build = &all.first().context("a stage")?.1;
    ensure!(build.contains(&format!("rust:{}-", wanted.context("rust-version")?)), "{build}");
    let run: Vec<&str> = all.iter().filter(|it| it.0 == "RUN").map(|it| &*it.1).collect();
    let words: Vec<String> = serde_json::from_str(run.concat().as_str())?;
    let expected = ["cargo", "build", "--release", "--locked", "--package", "kcl-cli"];
    ensure!(words == expected, "{words:?}");
    let ignored = fs::read_to_string(file(".dockerignore"))?;
    ensure!(ignored.lines().any(|line| line == "**/target"), "what was built here is not sent");
    Ok(())
}
