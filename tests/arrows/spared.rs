//! The arrows that no test misses, and why none could.

use super::cut::Cut;

/// File, the statement in one line, and the reason, a line or more for each part.
const SPARED: &[&[(&str, &str, &str)]] =
    &[HANDOFF, INBOX, LEAVING, MEMBER, PLANNER, REPORTING, START, SUCCESSION, WATCH];

/// It is done only where a bug is planted, and what the fleet does then notices it.
const PLANTED: &str = "stands behind planted!, which is false in the tests of the parts";

const HANDOFF: &[(&str, &str, &str)] = &[
    (
        "coordinator/handoff/apply.rs",
        "self.release(key, epoch, None, successor, false, ctx);",
        PLANTED,
    ),
    ("coordinator/handoff/checkpointing.rs", "self.lose(key, LossReason::Taken, ctx)", PLANTED),
    ("coordinator/handoff/ending.rs", "self.lose(key, LossReason::Taken, ctx);", PLANTED),
    ("coordinator/handoff/memory.rs", "return held.unwrap_or(row).checkpoint.clone();", PLANTED),
    ("coordinator/handoff/mod.rs", "ctx.tell(op::Lease(key.clone()));", PLANTED),
    ("coordinator/handoff/recovery.rs", "resume(&key, tenure, ctx);", PLANTED),
];

const INBOX: &[(&str, &str, &str)] = &[];

const LEAVING: &[(&str, &str, &str)] = &[];

const MEMBER: &[(&str, &str, &str)] = &[
    (
        "coordinator/member/beat.rs",
        "return ctx.signal(Signal::Left);",
        "only the planted bug LeavesWithoutEnd comes here",
    ),
    (
        "coordinator/member/join.rs",
        "self.phase = Phase::Live;",
        "only the planted bug JoinsWithoutListing comes here",
    ),
    (
        "coordinator/member/passing.rs",
        "self.pass.open = true;",
        "only the planted bug RegistersWithoutPassing comes here",
    ),
    (
        "coordinator/member/passing.rs",
        "return self.take_over(ctx);",
        "only the planted bug SwitchesWithoutLooking comes here",
    ),
];

const PLANNER: &[(&str, &str, &str)] = &[(
    "coordinator/planner/moves/mod.rs",
    "self.waits.remove(key, moving);",
    "what a lease waits for that moves no more is looked up in vain until the next plan, \
         which is asked for with it, makes them anew",
)];

const REPORTING: &[(&str, &str, &str)] = &[];

const START: &[(&str, &str, &str)] = &[
    (
        "coordinator/start/known.rs",
        "self.known = self.known.take().filter(|_| is_known_whatever_the_store_has());",
        "only with the planted bug FrozenStartForgotten it changes anything",
    ),
    (
        "coordinator/start/known.rs",
        "self.streams.values_mut().for_each(KnownStart::doubt);",
        "only with the planted bug FrozenStartForgotten it changes anything",
    ),
];

const SUCCESSION: &[(&str, &str, &str)] = &[];

const WATCH: &[(&str, &str, &str)] = &[(
    "coordinator/watch/telling.rs",
    "self.told = Some(terms);",
    "without it every deadline is told at each event, and not only those that were touched",
)];

fn all_spared() -> impl Iterator<Item = (&'static str, &'static str)> {
    SPARED.iter().copied().flatten().map(|(file, text, _)| (*file, *text))
}

/// What is wrong: an arrow that is missed by no test and not spared, or spared for nothing.
pub(crate) fn compare(missed: &[&Cut], all: &[&Cut]) -> Vec<String> {
    let is_spared = |cut: &Cut| all_spared().any(|(file, text)| is_at(cut, file, text));
    let mut wrong: Vec<String> = missed
        .iter()
        .filter(|cut| !is_spared(cut))
        .map(|cut| format!("no test of {} misses {cut}", cut.part))
        .collect();
    for (file, text) in all_spared() {
        let is_here = all.iter().any(|cut| cut.file == file);
        let is_missed = missed.iter().any(|cut| is_at(cut, file, text));
        if is_here && !is_missed {
            wrong.push(format!("spared for nothing: {file}: {text}"));
        }
    }
    wrong
}

fn is_at(cut: &Cut, file: &str, text: &str) -> bool {
    cut.file == file && cut.text == text
}
