//! The arrows that no test misses, and why none could.

use super::cut::Cut;

/// An arrow that no test of its part can miss.
struct Spared {
    /// From `coordinator/` on.
    file: &'static str,
    function: &'static str,
    /// The statement in one line.
    text: &'static str,
    why: &'static str,
}

const ALL: [&[Spared]; 6] = [HANDOFF, MEMBER, PLANNER, REPORTING, START, WATCH];

/// It is done only where a bug is planted, and what the fleet does then notices it.
const PLANTED: &str = "stands behind planted!, which is false in the tests of the parts";

const HANDOFF: &[Spared] = &[
    Spared {
        file: "coordinator/handoff/apply.rs",
        function: "start_draining",
        text: "self.release(key, epoch, None, successor, false, ctx);",
        why: PLANTED,
    },
    Spared {
        file: "coordinator/handoff/checkpointing.rs",
        function: "on_advance",
        text: "self.lose(key, LossReason::Taken, ctx)",
        why: PLANTED,
    },
    Spared {
        file: "coordinator/handoff/ending.rs",
        function: "on_end_written",
        text: "self.lose(key, LossReason::Taken, ctx);",
        why: PLANTED,
    },
    Spared {
        file: "coordinator/handoff/memory.rs",
        function: "furthest",
        text: "return held.unwrap_or(row).checkpoint.clone();",
        why: PLANTED,
    },
    Spared {
        file: "coordinator/handoff/mod.rs",
        function: "on_beat",
        text: "ctx.tell(op::Lease(key.clone()));",
        why: PLANTED,
    },
    Spared {
        file: "coordinator/handoff/recovery.rs",
        function: "revalidate",
        text: "resume(&key, held, ctx);",
        why: PLANTED,
    },
];

const MEMBER: &[Spared] = &[
    Spared {
        file: "coordinator/member/beat.rs",
        function: "leave",
        text: "return ctx.signal(Signal::Left);",
        why: "only the planted bug LeavesWithoutEnd comes here",
    },
    Spared {
        file: "coordinator/member/join.rs",
        function: "start_checking",
        text: "self.phase = Phase::Live;",
        why: "only the planted bug JoinsWithoutListing comes here",
    },
    Spared {
        file: "coordinator/member/passing.rs",
        function: "start_passing",
        text: "self.pass.open = true;",
        why: "only the planted bug RegistersWithoutPassing comes here",
    },
    Spared {
        file: "coordinator/member/passing.rs",
        function: "on_other_stream",
        text: "return self.take_over(ctx);",
        why: "only the planted bug SwitchesWithoutLooking comes here",
    },
];

const PLANNER: &[Spared] = &[
    Spared {
        file: "coordinator/planner/moves/mod.rs",
        function: "on_row",
        text: "self.waits.remove(key, moving);",
        why: "what a lease waits for that moves no more is looked up in vain until the next plan, \
             which is asked for with it, makes them anew",
    },
    Spared {
        file: "coordinator/planner/plan.rs",
        function: "returns",
        text: "return BTreeMap::new();",
        why: "where nobody is preferred, what follows finds nobody",
    },
    Spared {
        file: "coordinator/planner/telling/journal.rs",
        function: "follow",
        text: "return;",
        why: PLANTED,
    },
    Spared {
        file: "coordinator/planner/telling/mod.rs",
        function: "on_report_found",
        text: "self.report.leave()",
        why: "who found a report of a higher term is quiet, and asks for nothing more",
    },
];

const REPORTING: &[Spared] = &[Spared {
    file: "coordinator/reporting/mod.rs",
    function: "on_news",
    text: "return;",
    why: PLANTED,
}];

const START: &[Spared] = &[
    Spared {
        file: "coordinator/start/known.rs",
        function: "doubt",
        text: "self.known = self.known.take().filter(|_| is_known_whatever_the_store_has());",
        why: "only with the planted bug FrozenStartForgotten it changes anything",
    },
    Spared {
        file: "coordinator/start/known.rs",
        function: "doubt",
        text: "self.streams.values_mut().for_each(KnownStart::doubt);",
        why: "only with the planted bug FrozenStartForgotten it changes anything",
    },
];

const WATCH: &[Spared] = &[Spared {
    file: "coordinator/watch/telling.rs",
    function: "tell_deadlines",
    text: "self.told = Some(terms);",
    why: "without it every deadline is told at each event, and not only those that were touched",
}];

impl Spared {
    fn is(&self, cut: &Cut) -> bool {
        cut.file == self.file && cut.function == self.function && cut.text == self.text
    }
}

/// What is wrong: an arrow that is missed by no test and not spared, or spared for nothing.
pub(crate) fn compare(missed: &[&Cut], all: &[&Cut]) -> Vec<String> {
    let spared: Vec<&Spared> = ALL.into_iter().flatten().collect();
    let unspared = missed.iter().filter(|cut| !spared.iter().any(|spared| spared.is(cut)));
    let unspared = unspared.map(|cut| format!("no test of {} misses {cut}", cut.part));
    let looked_at = |spared: &&Spared| all.iter().any(|cut| cut.file == spared.file);
    let in_vain = spared.iter().copied().filter(looked_at).filter(|spared| {
        let is_missed = missed.iter().any(|cut| spared.is(cut));
        !is_missed
    });
    let in_vain = in_vain.map(|spared| {
        let Spared { file, function, text, why } = spared;
        format!("{file} {function}: {text}: a test misses it, or it is gone; yet it is said: {why}")
    });
    unspared.chain(in_vain).collect()
}
