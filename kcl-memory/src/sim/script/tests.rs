use std::time::Duration;

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_script_reads_back_from_its_text(seed: u64, settle: Duration, rate: u64) {
        let mut script = Script::from_seed(seed);
        script.rate = rate;
        script.settle = Duration::from_nanos(u64::try_from(settle.as_nanos()).unwrap_or(7));
        let text = script.to_string();
        prop_assert_eq!(text.parse::<Script>().unwrap(), script, "{}", text);
    }

    #[test]
    fn reading_never_panics(text: String, word in "(at|set|network|end) .{0,40}") {
        let _ = text.parse::<Script>();
        let _ = word.parse::<Script>();
    }
}

#[test]
fn every_kind_of_action_is_drawn_written_and_read() {
    let mut rng = kcl_core::env::Rng::new(1);
    for kind in Action::KINDS {
        let action = Action::draw(kind, &mut rng).unwrap();
        assert_eq!(action.kind(), *kind);
        let script = Script::quiet(1, 2, 3).with(vec![Step::new(1_500, action)]);
        assert_eq!(script.to_string().parse::<Script>().unwrap(), script);
    }
}

#[test]
fn comments_and_empty_lines_mean_nothing() {
    let text = "# what it shows\nworkers 3 # three\n\nshards 5\nset session_timeout 9s\n\
                network lost_reply 12\nat 1500ms crash 2\n";
    let script: Script = text.parse().unwrap();
    assert_eq!((script.workers, script.shards), (3, 5));
    assert_eq!(script.settings.session_timeout, Duration::from_secs(9));
    assert_eq!(script.network.lost_reply, 12);
    assert_eq!(script.steps, [Step::new(1_500, Action::Crash(2))]);
}

#[test]
fn what_is_wrong_is_told_with_line_value_and_remedy() {
    let told = |text: &str| text.parse::<Script>().unwrap_err().to_string();
    assert_eq!(told("seed 7\nworkers many"), "line 2: workers is \"many\"; write a whole number");
    assert_eq!(told("workers 0"), "line 1: workers is 0; write a number from 1 to 24");
    assert_eq!(
        told("\nat 5 crash 1"),
        "line 2: the time of a step is \"5\"; write a time like 6s, 1500ms or 250us"
    );
    assert!(told("at 5s crahs 1").starts_with("line 1: \"crahs\" is no action; use one of join,"));
    assert_eq!(told("at 5s crash"), "line 1: who is missing; add a whole number");
    assert_eq!(told("at 5s crash 1 2"), "line 1: \"2\" is too much; leave it out");
    assert!(told("set sesion_timeout 3s").contains("expected one of `session_timeout`"));
    assert!(told("set session_timeout 1s").contains("heartbeat_interval: 1.5s is too long"));
    assert_eq!(told("network late 1001"), "line 1: late is \"1001\"; write a chance of a thousand");
}
