//! Random histories: one client sends random commands, and each answer is compared with the rule's.

use crate::conformance::{
    bench::Bench,
    command::Command,
    draw::Drawer,
    failure::{Check, check},
};

/// The number of histories in a case, and of commands in a history.
const HISTORIES: u64 = 4;
const COMMANDS: usize = 250;

/// Draws commands from the newest row, a few of them stale on purpose. Finds conditions that hold
/// in each single case, but not after each other.
pub(super) async fn random_histories_answer_as_the_rules_do(bench: Bench) -> Check {
    let (mut done, mut refused) = (0, 0);
    for history in 0..HISTORIES {
        let mut drawer = Drawer::new(bench.rng(history))?;
        let mut script = bench.script_apart(history).await?;
        for step in 0..COMMANDS {
            let key = drawer.key();
            let command = drawer.command(&key, script.row(&key));
            // `play` compares the answer and the stored row with the rule's.
            let answer = script.play(command).await;
            match answer.map_err(|why| why.during(format_args!("history {history}, {step}")))? {
                true => done += 1,
                false => refused += 1,
            }
        }
        let judged = script.histories().try_for_each(|changes| bench.judge(changes));
        judged.map_err(|why| why.during(format_args!("history {history}")))?;
    }
    // A history in which nearly everything is done, or refused, proves little.
    check(done > 100 && refused > 100, || format!("{done} done, {refused} refused: too few"))
}

/// Sends old commands again, as a network may. The rules accept only the duplicates that do no
/// harm. Drivers and networks may send a request twice, the second time much later.
pub(super) async fn late_duplicates_change_nothing_they_must_not(bench: Bench) -> Check {
    let mut drawer = Drawer::new(bench.rng(100))?;
    let mut script = bench.script_apart(100).await?;
    let mut sent: Vec<Command> = Vec::new();
    let mut late = 0;
    for step in 0..COMMANDS {
        let key = drawer.key();
        let command = drawer.command(&key, script.row(&key));
        sent.push(command.clone());
        script.play(command).await.map_err(|why| why.during(format_args!("step {step}")))?;
        // Sends any earlier command once more.
        if drawer.once_in(2) {
            let at = usize::try_from(drawer.below(sent.len() as u64)).unwrap_or(0);
            let again = sent[at].clone();
            script.play(again).await.map_err(|why| {
                why.during(format_args!("after step {step}, step {at} once more"))
            })?;
            late += 1;
        }
    }
    script.histories().try_for_each(|changes| bench.judge(changes))?;
    check(late > 50, || format!("only {late} duplicates were sent"))
}
