//! Tests of the pictures and texts of simulated runs, and of the arguments that are refused.

use std::process::ExitCode;

use clap::Parser;
use kcl_memory::sim::{Action, Ending, Report, Script, Step, Violation, World};
use proptest::prelude::*;

use super::{played::Played, recorded, run, text};
use crate::{
    cli::{Cli, Command},
    config::SettingsArgs,
    simulate::SimulateArgs,
    timeline::{Picture, State, ink::Ink, scale::seconds, svg},
};

/// A script with clocks that are wrong by a tenth: more than the guard between two owners allows.
const WRONG_CLOCKS: &str = "\
seed 31
workers 3
shards 4
drift 100000
settle 5s
end abrupt
at 20s isolate 0 5s
at 50s isolate 1 20s
";

fn args(given: &[&str]) -> Result<SimulateArgs, clap::Error> {
    let cli = Cli::try_parse_from(["kcl", "simulate"].iter().chain(given))?;
    let Command::Simulate(args) = cli.command else { panic!("another command") };
    Ok(args)
}

fn played(script: &Script) -> (Report, Option<Violation>) {
    World::new(script.clone()).recorded().play_explained()
}

/// A fleet in which a worker crashes after ten seconds.
fn crash() -> Picture {
    let script = Script::quiet(3, 3, 6).with(vec![Step::new(10_000, Action::Crash(0))]);
    let (report, violation) = played(&script);
    recorded::picture(&report, violation.as_ref())
}

/// A fleet whose clocks are wrong.
fn broken() -> Played {
    Played::of(WRONG_CLOCKS.parse().unwrap(), false, "kcl simulate --script it".into())
}

fn drawn(played: &Played) -> Picture {
    recorded::picture(&played.report, played.violation.as_ref())
}

/// Panics unless the text is one well-formed XML element.
fn assert_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for (at, piece) in xml.split('<').skip(1).enumerate() {
        let (tag, text) = piece.split_once('>').expect("a tag that ends");
        assert!(!text.contains(['"', '>']) || text.contains('&') || open.last() == Some(&"text"));
        assert!(text.split('&').skip(1).all(|entity| entity.contains(';')), "{text}");
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        let name = tag.trim_matches('/').split_whitespace().next().unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed as piece {at}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

#[test]
fn a_crash_leaves_leases_held_and_not_read_until_others_take_them() {
    let picture = crash();
    assert_eq!(picture.rows.len(), 6);
    assert_eq!(picture.workers.len(), 3);
    let all = |moment: u64| picture.rows.iter().map(move |row| row.at(moment)).collect::<Vec<_>>();
    let is_run = |state: &State| matches!(state, State::Run(_));
    assert!(all(9_900_000).iter().all(is_run), "before: {:?}", all(9_900_000));
    let after = all(12_000_000);
    assert_eq!(after.iter().filter(|state| matches!(state, State::Held(_))).count(), 2);
    assert!(all(30_000_000).iter().all(is_run), "later: {:?}", all(30_000_000));
    assert_eq!(picture.faults[0].what, "crash w0");
}

#[test]
fn who_stands_still_or_is_cut_off_for_too_long_is_not_shown_to_read() {
    for action in [Action::Pause(1, secs(20)), Action::Isolate(1, secs(20))] {
        let script = Script::quiet(3, 3, 6).with(vec![Step::new(20_000, action)]);
        let (report, violation) = played(&script);
        let picture = recorded::picture(&report, violation.as_ref());
        assert!(picture.rows.iter().all(|row| row.overlaps.is_empty()), "{action}");
    }
}

fn secs(secs: u64) -> std::time::Duration {
    std::time::Duration::from_secs(secs)
}

#[test]
fn children_are_drawn_under_the_shards_they_came_from() {
    let steps = vec![Step::new(10_000, Action::Split(1)), Step::new(30_000, Action::Merge(0))];
    let (report, violation) = played(&Script::quiet(3, 2, 3).with(steps));
    let picture = recorded::picture(&report, violation.as_ref());
    let drawn = text::draw(&picture, 80, Ink::plain());
    assert!(drawn.contains("\n  3<1 ") && drawn.contains("\n  4<1 "), "{drawn}");
    assert!(drawn.lines().any(|line| line.starts_with("  5<0+")), "{drawn}");
    assert!(svg::draw(&picture, &[]).contains("split or merge"));
}

#[test]
fn a_small_run_looks_like_this() {
    let mut script = Script::quiet(3, 2, 3);
    script.steps = vec![Step::new(10_000, Action::Crash(1)), Step::new(14_000, Action::Split(0))];
    script.settle = secs(20);
    script.ending = Ending::Abrupt;
    let (report, violation) = played(&script);
    let drawn = text::draw(&recorded::picture(&report, violation.as_ref()), 60, Ink::plain());
    assert_eq!(drawn, include_str!("small-run.txt"), "it is now\n{drawn}");
}

#[test]
fn a_broken_run_says_which_invariant_when_and_what_and_marks_the_shard() {
    let played = broken();
    let said = played.as_text(Ink::plain());
    assert!(said.contains("BROKEN at 54.7") && said.contains("one dispatcher per shard"), "{said}");
    let what = "shardId-000000000001: dispatched by w1, which another took it from";
    assert!(said.contains(what), "{said}");
    let picture = drawn(&played);
    let guilty: Vec<_> = picture.rows.iter().filter(|row| row.guilty).collect();
    assert_eq!(guilty.len(), 1);
    assert_eq!(guilty[0].name, "1");
    let text = text::draw(&picture, 80, Ink::plain());
    assert!(text.lines().any(|line| line.starts_with("> 1 ") && line.ends_with('!')), "{text}");
    let json = played.as_json();
    assert_eq!(json["verdict"], "bad");
    assert_eq!(json["violation"]["invariant"], "one dispatcher per shard");
}

#[test]
fn a_close_up_shows_the_two_readers_that_the_whole_run_is_too_long_to_show() {
    let picture = drawn(&broken());
    let close_up = picture.close_up().expect("a run that is long enough");
    assert_eq!(close_up.rows.len(), 1, "the shard that the violation names");
    let text = text::draw(&close_up, 80, Ink::plain());
    assert!(text.lines().any(|line| line.starts_with("> 1 ") && line.ends_with("22!")), "{text}");
    assert!(close_up.caption().contains("what the violation names"));
    assert!(crash().close_up().is_none(), "nothing broke");
}

#[test]
fn the_svg_marks_what_broke_and_nothing_else_in_red() {
    let red = "#c8102e";
    let calm = svg::draw(&crash(), &["every invariant held".into()]);
    assert_well_formed(&calm);
    assert!(!calm.contains(red) && !calm.contains("BROKEN"));
    let played = broken();
    let bad = svg::draw(&drawn(&played), &["<it> & \"broke\"".into()]);
    assert_well_formed(&bad);
    assert!(bad.contains(red) && bad.contains("BROKEN at 54.7"));
    assert!(bad.contains("&lt;it&gt; &amp; &quot;broke&quot;"));
}

#[test]
fn only_a_terminal_is_told_in_colour() {
    assert!(!text::draw(&crash(), 80, Ink::new(false)).contains('\x1b'));
    assert!(text::draw(&crash(), 80, Ink::coloured()).contains('\x1b'));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn no_run_is_drawn_wider_than_it_may_be_or_as_broken_xml(seed: u64, width in 60_usize..200) {
        let (report, violation) = played(&Script::from_seed(seed));
        let picture = recorded::picture(&report, violation.as_ref());
        for line in text::draw(&picture, width, Ink::plain()).lines() {
            prop_assert!(line.chars().count() <= width, "{line}");
        }
        assert_well_formed(&svg::draw(&picture, &["it".into()]));
    }

    #[test]
    fn a_range_draws_what_is_in_it_and_the_same_each_time(seed: u64, from in 1_usize..24) {
        let range = format!("{from}..24");
        let given = ["--seed", &seed.to_string(), "--workers", &range].map(str::to_owned);
        let args = args(&given.each_ref().map(String::as_str)).unwrap();
        let script = args.read_script().unwrap();
        prop_assert!((from..=24).contains(&script.workers));
        prop_assert_eq!(&script, &args.read_script().unwrap());
        let told = format!("--workers {}", if from == 24 { "24" } else { &range });
        prop_assert!(args.replay().ends_with(&told));
    }
}

#[test]
fn what_is_out_of_bounds_is_refused_with_value_limit_and_remedy() {
    let said = |given: &[&str]| args(given).unwrap_err().to_string();
    let many = said(&["--workers", "99"]);
    assert!(many.contains("99 is more than 24; write a number from 1 to 24"), "{many}");
    assert!(said(&["--shards", "0"]).contains("0 is too few; write a number from 1 to 1000"));
    assert!(said(&["--shards", "9..4"]).contains("the range 9..4 is empty; write 4..9"));
    assert!(said(&["--workers", "few"]).contains("\"few\" is no number"));
    assert!(said(&["--script", "it", "--seed", "3"]).contains("cannot be used with"));
}

#[test]
fn an_unknown_fault_is_refused_with_the_nearest() {
    let refused =
        |list: &str| args(&["--faults", list]).unwrap().read_script().unwrap_err().to_string();
    assert!(refused("crahs").contains("did you mean `crash`?"), "{}", refused("crahs"));
    assert!(refused("help").contains("split-storm, merge-storm"));
}

#[test]
fn a_command_is_quoted_as_a_shell_takes_it() {
    let args = args(&["--script", "it's here.script"]).unwrap();
    assert_eq!(args.replay(), r"kcl simulate --script 'it'\''s here.script'");
}

#[test]
fn settings_that_would_be_passed_over_are_refused() {
    let settings = SettingsArgs { set: vec!["coordination.x=1".into()], ..SettingsArgs::default() };
    assert_eq!(run(&args(&[]).unwrap(), &settings), ExitCode::from(2));
}

#[test]
fn times_are_written_to_the_millisecond_and_no_longer_than_they_need() {
    let written = [0, 1_500_000, 54_754_422, 120_000_000].map(seconds);
    assert_eq!(written, ["0s", "1.5s", "54.754s", "120s"]);
}
