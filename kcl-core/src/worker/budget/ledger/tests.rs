use proptest::prelude::*;

use super::*;

#[test]
fn who_holds_nothing_gets_its_floor_whatever_the_others_hold() {
    let mut ledger = Ledger::new(1_000);
    let (slow, quick) = (ledger.open(), ledger.open());
    // 500 bytes are shared, and 250 are reserved for each account.
    assert_eq!(ledger.ask(slow, 700, ()), Answer::Granted(700));
    assert!(matches!(ledger.ask(slow, 100, ()), Answer::Waits(_)));
    assert_eq!(ledger.ask(quick, 400, ()), Answer::Granted(250));
    assert_eq!(ledger.used(), 950);
    // It holds bytes now, so it has to wait like the others.
    assert!(matches!(ledger.ask(quick, 100, ()), Answer::Waits(_)));
    let granted: Vec<_> = ledger
        .give_back(quick, 250)
        .into_iter()
        .map(|grant| (grant.account, grant.bytes))
        .collect();
    assert_eq!(granted, [(quick, 100)], "the first in the queue still does not fit");
    let granted: Vec<_> =
        ledger.give_back(slow, 700).into_iter().map(|grant| (grant.account, grant.bytes)).collect();
    assert_eq!(granted, [(slow, 100)]);
}

#[test]
fn what_is_common_goes_to_who_asked_first() {
    let mut ledger = Ledger::new(1_000);
    let all = [ledger.open(), ledger.open(), ledger.open(), ledger.open()];
    for account in all {
        assert_eq!(ledger.ask(account, 125, ()), Answer::Granted(125));
    }
    assert_eq!(ledger.ask(all[0], 400, ()), Answer::Granted(400));
    assert!(matches!(ledger.ask(all[1], 200, ()), Answer::Waits(_)));
    // It would fit, but it is not the first in the queue.
    assert!(matches!(ledger.ask(all[2], 50, ()), Answer::Waits(_)));
    let granted = ledger.give_back(all[0], 400);
    assert_eq!(granted.iter().map(|grant| grant.bytes).collect::<Vec<_>>(), [200, 50]);
}

#[test]
fn one_that_is_larger_than_can_ever_be_gets_what_there_is() {
    let mut ledger = Ledger::new(1_000);
    let alone = ledger.open();
    assert_eq!(ledger.ask(alone, usize::MAX, ()), Answer::Granted(750));
    let (second, third) = (ledger.open(), ledger.open());
    assert_eq!(ledger.ask(second, 500, ()), Answer::Granted(166));
    assert_eq!(ledger.ask(third, 500, ()), Answer::Granted(84));
    let fourth = ledger.open();
    assert_eq!(ledger.ask(fourth, 500, ()), Answer::Granted(1), "it is let in");
    ledger.give_back(alone, 750);
    ledger.give_back(fourth, 1);
    assert_eq!(ledger.ask(fourth, 500, ()), Answer::Granted(500));
}

#[test]
fn a_place_that_is_given_up_lets_the_next_one_in() {
    let mut ledger = Ledger::new(1_000);
    let (one, two) = (ledger.open(), ledger.open());
    assert_eq!(ledger.ask(one, 600, ()), Answer::Granted(600));
    assert_eq!(ledger.ask(two, 100, ()), Answer::Granted(100));
    let Answer::Waits(ticket) = ledger.ask(one, 600, ()) else { panic!("it fits") };
    assert!(matches!(ledger.ask(two, 200, ()), Answer::Waits(_)));
    let granted = ledger.withdraw(ticket);
    assert_eq!(granted.iter().map(|grant| grant.bytes).collect::<Vec<_>>(), [200]);
}

/// The next action of a reader.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask { who: usize, bytes: usize },
    GiveBack { who: usize },
    Withdraw { who: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..6_usize;
    let step = prop_oneof![
        3 => (who.clone(), 1..1_500_usize).prop_map(|(who, bytes)| Step::Ask { who, bytes }),
        3 => who.clone().prop_map(|who| Step::GiveBack { who }),
        1 => who.prop_map(|who| Step::Withdraw { who }),
    ];
    prop::collection::vec(step, 0..200)
}

/// Six readers, with the grants that each holds, and its place in the queue.
struct Readers {
    ledger: Ledger<usize>,
    accounts: Vec<AccountId>,
    granted: Vec<Vec<usize>>,
    waits: Vec<Option<Ticket>>,
}

impl Readers {
    fn new() -> Self {
        let mut ledger = Ledger::new(1_000);
        let accounts = (0..6).map(|_| ledger.open()).collect();
        Self { ledger, accounts, granted: vec![Vec::new(); 6], waits: vec![None; 6] }
    }

    fn hear(&mut self, grants: Vec<Grant<usize>>) {
        for grant in grants {
            assert_eq!(self.accounts[grant.waiter], grant.account);
            self.granted[grant.waiter].push(grant.bytes);
            assert!(self.waits[grant.waiter].take().is_some(), "it did not wait");
        }
    }

    fn play(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Ask { who, .. } if self.waits[who].is_some() => {}
            Step::Ask { who, bytes } => {
                let empty_handed = self.granted[who].is_empty();
                match self.ledger.ask(self.accounts[who], bytes, who) {
                    Answer::Granted(granted) => {
                        prop_assert!(granted <= bytes && granted >= bytes.min(1_000 / 12));
                        self.granted[who].push(granted);
                    }
                    Answer::Waits(ticket) => {
                        prop_assert!(!empty_handed, "it holds nothing, and waits");
                        self.waits[who] = Some(ticket);
                    }
                }
            }
            Step::GiveBack { who } => {
                if let Some(bytes) = self.granted[who].pop() {
                    let grants = self.ledger.give_back(self.accounts[who], bytes);
                    self.hear(grants);
                }
            }
            Step::Withdraw { who } => {
                if let Some(ticket) = self.waits[who].take() {
                    let grants = self.ledger.withdraw(ticket);
                    self.hear(grants);
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_sum_is_bounded_and_nobody_starves(steps in steps()) {
        let mut readers = Readers::new();
        for step in steps {
            readers.play(step)?;
            let held: usize = readers.granted.iter().flatten().sum();
            prop_assert_eq!(readers.ledger.used(), held);
            prop_assert!(held <= 1_000, "{}", held);
            for (granted, waits) in readers.granted.iter().zip(&readers.waits) {
                prop_assert!(waits.is_none() || !granted.is_empty(), "it holds nothing, and waits");
            }
        }
        // Every waiting reader is served once the others have returned their bytes.
        while let Some(who) = readers.granted.iter().position(|granted| !granted.is_empty()) {
            readers.play(Step::GiveBack { who })?;
        }
        prop_assert!(readers.waits.iter().all(Option::is_none));
        prop_assert_eq!(readers.ledger.used(), 0);
    }
}
