//! `kcl simulate` as a process: its exit codes, and the script that it leaves behind.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use kcl_memory::sim::Script;
use kcl_tests::fleet::Launch;
use serde_json::Value;

/// The `kcl` command.
const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// Two owners of a lease rely on clocks that differ by less than these do.
const WRONG_CLOCKS: &str = "\
# Clocks that are wrong by a tenth.
seed 31
workers 4
shards 8
drift 100000
at 20s isolate 0 20s
at 50s isolate 1 20s
at 80s split 2
at 85s join
end abrupt
";

fn simulate(folder: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Launch::command(KCL.as_ref());
    command.current_dir(folder).arg("simulate").args(arguments).stdin(Stdio::null());
    Ok(command.output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_run_that_holds_exits_with_0_and_is_the_same_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let given = ["--seed", "7", "--workers", "3..12", "--faults", "crash,split", "--svg", "it.svg"];
    let output = simulate(folder.path(), &given)?;
    ensure!(output.status.code() == Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    ensure!(told.contains("ok: every invariant held") && !told.contains('\x1b'), "{told}");
    ensure!(output.stderr.is_empty(), "{}", text(&output.stderr));
    ensure!(fs::read_to_string(folder.path().join("it.svg"))?.starts_with("<svg "));

    let again = simulate(folder.path(), &given)?;
    ensure!(again.stdout == output.stdout, "{told}\n{}", text(&again.stdout));
    Ok(())
}

#[test]
fn a_run_that_breaks_exits_with_1_and_leaves_the_shortest_script_with_its_replay() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("clocks.script"), WRONG_CLOCKS)?;
    let given = ["--script", "clocks.script", "--format", "json"];
    let output = simulate(folder.path(), &given)?;
    ensure!(output.status.code() == Some(1), "{}", text(&output.stderr));
    let verdict: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(verdict["violation"]["invariant"] == "one dispatcher per shard", "{verdict:#}");

    let file = verdict["shortest"]["file"].as_str().context("no file")?;
    ensure!(verdict["replay"] == format!("kcl simulate --script {file}"), "{verdict:#}");
    let kept = fs::read_to_string(folder.path().join(file))?;
    ensure!(kept.starts_with("# one dispatcher per shard broken at "), "{kept}");
    let steps = kept.parse::<Script>()?.steps.len();
    ensure!(steps < 4, "{kept}");

    // What is as short as can be is played as it is, and nothing is written over.
    let again = simulate(folder.path(), &["--script", file])?;
    ensure!(again.status.code() == Some(1), "{}", text(&again.stderr));
    ensure!(text(&again.stdout).contains("BROKEN at "), "{}", text(&again.stdout));
    ensure!(fs::read_to_string(folder.path().join(file))? == kept);
    ensure!(fs::read_dir(folder.path())?.count() == 2, "one script was given, one was written");
    Ok(())
}

#[test]
fn what_cannot_be_played_exits_with_2_and_says_where_and_what_to_write() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("bad.script"), "workers 3\nat 5s pause 1 long\n")?;
    let refusals = [
        (["--script", "bad.script"], "line 2: span is \"long\"; write a time like 6s"),
        (["--script", "nothing"], "cannot read the script nothing"),
        (["--workers", "99"], "99 is more than 24; write a number from 1 to 24"),
        (["--faults", "crahs"], "did you mean `crash`?"),
        (["--set", "coordination.audit_interval=1s"], "the settings that its script says"),
    ];
    for (given, why) in refusals {
        let output = simulate(folder.path(), &given)?;
        let said = text(&output.stderr);
        ensure!(output.status.code() == Some(2), "{given:?}: {said}");
        ensure!(said.contains(why), "{given:?}: {said}");
        ensure!(output.stdout.is_empty(), "errors do not belong on standard output");
    }
    Ok(())
}
