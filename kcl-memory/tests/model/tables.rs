//! What the rules say of every row and every letter of the small world.
//!
//! Made once by calling `kcl_core::lease::rules` and the decisions that the coordinator takes;
//! the search looks up what they said. Nothing of them is written down here.

use kcl_core::{
    coordinator::{Origin, Transfer},
    lease::{Beat, EndSession, Ending, Epoch, Report, Session, SessionState, Write, rules},
};

use super::{
    mutant::Mutant,
    world::{Letter, Letters, Row, SessionNo, World},
};

/// What the rules say.
#[derive(Debug)]
pub(crate) struct Tables {
    letters: usize,
    /// By row and letter: what becomes of the row, if the letter is accepted.
    landed: Vec<Option<Row>>,
    /// By row: the letters that this row, or one that can still come of it, accepts.
    alive: Vec<Letters>,
    /// By session and epoch: the letters that release it.
    releases: Vec<Vec<Letters>>,
    /// By row, session, and whether the owner has ended: whether the session may acquire the row.
    free: Vec<bool>,
    /// By row and epoch: whether an order to take it by force, which names its owner and that
    /// epoch, means this row.
    ordered: Vec<bool>,
    sessions: usize,
    epochs: usize,
    pub(crate) fences: Fences,
}

/// What the rules say of a session's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fences {
    /// Whether a fence on the beat that the row shows ends the session.
    pub(crate) on_this_beat: bool,
    /// Whether one on an earlier beat does.
    pub(crate) on_an_earlier_beat: bool,
}

impl Tables {
    pub(crate) fn new(world: &World, mutant: Mutant) -> Self {
        let rows = world.rows();
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(world.row_number(*row), number);
            assert_eq!(world.row(&world.lease(*row)), *row);
        }
        let landed = |row: &Row, letter: &Letter| {
            let answer = mutant.land(world, &world.lease(*row), *letter);
            answer.done().map(|lease| world.row(&lease))
        };
        let landed: Vec<Option<Row>> =
            rows.iter().flat_map(|row| world.letters.iter().map(move |l| landed(row, l))).collect();
        let mut free = Vec::new();
        for row in &rows {
            for me in 0..world.sessions() {
                let free_if = |ended| world.lease(*row).is_free_for(&world.name(me), |_| ended);
                free.extend([free_if(false), free_if(true)]);
            }
        }
        let mut tables = Self {
            letters: world.letters.len(),
            alive: Vec::new(),
            landed,
            releases: all_releases(world),
            free,
            ordered: all_ordered(world, &rows, mutant),
            epochs: usize::from(world.bounds.epochs),
            sessions: usize::from(world.sessions()),
            fences: fences(world, mutant),
        };
        tables.alive = tables.all_alive(world, &rows);
        tables
    }

    /// What becomes of `row` when the letter lands; `None`: it is refused.
    pub(crate) fn landed(&self, row: usize, letter: usize) -> Option<Row> {
        self.landed[row * self.letters + letter]
    }

    /// The letters that this row, or any that can still come of it, accepts. All others mean
    /// nothing any more: wherever they land, they are refused.
    pub(crate) fn alive(&self, row: usize) -> &Letters {
        &self.alive[row]
    }

    /// The letters that release what `session` holds under `epoch`.
    pub(crate) fn releases(&self, session: SessionNo, epoch: u8) -> &Letters {
        &self.releases[usize::from(session)][usize::from(epoch)]
    }

    /// Whether `me` may acquire the row, without an order to.
    pub(crate) fn is_free(&self, row: usize, me: SessionNo, owner_ended: bool) -> bool {
        self.free[(row * self.sessions + usize::from(me)) * 2 + usize::from(owner_ended)]
    }

    /// Whether an order to take the lease from its owner by force, given under epoch `told`, means
    /// this row.
    pub(crate) fn is_ordered(&self, row: usize, told: u8) -> bool {
        self.ordered[row * (self.epochs + 1) + usize::from(told)]
    }

    fn all_alive(&self, world: &World, rows: &[Row]) -> Vec<Letters> {
        let mut alive = vec![Letters::default(); rows.len()];
        for (row, alive) in alive.iter_mut().enumerate() {
            let mut reached = vec![false; rows.len()];
            let mut next = vec![row];
            while let Some(row) = next.pop() {
                if std::mem::replace(&mut reached[row], true) {
                    continue;
                }
                for letter in 0..self.letters {
                    if let Some(after) = self.landed(row, letter) {
                        alive.add(letter);
                        next.push(world.row_number(after));
                    }
                }
            }
        }
        alive
    }
}

fn all_releases(world: &World) -> Vec<Vec<Letters>> {
    let mut all = vec![
        vec![Letters::default(); usize::from(world.bounds.epochs) + 1];
        world.sessions().into()
    ];
    for (number, letter) in world.letters.iter().enumerate() {
        if let Letter::Release { by, epoch, .. } = letter {
            all[usize::from(*by)][usize::from(*epoch)].add(number);
        }
    }
    all
}

fn all_ordered(world: &World, rows: &[Row], mutant: Mutant) -> Vec<bool> {
    let is_ordered = |row: &Row, told: u8| {
        if told == 0 {
            return false;
        }
        let row = world.lease(*row);
        let epoch = match mutant {
            Mutant::OrdersWithoutEpoch => row.epoch,
            _ => Epoch(told.into()),
        };
        Origin { owner: row.owner.clone(), epoch, how: Transfer::Force }.forces(&row)
    };
    let all = rows.iter().flat_map(|row| (0..=world.bounds.epochs).map(move |told| (row, told)));
    all.map(|(row, told)| is_ordered(row, told)).collect()
}

/// Asks the rules about a session that has beaten twice.
fn fences(world: &World, mutant: Mutant) -> Fences {
    let second = std::time::Duration::from_secs(1);
    let mut row = Session::new(world.name(0), 1, second * 6, second);
    for number in 1..=2 {
        let beat = Beat::new(row.id.clone(), number, Report::NOTHING);
        row = rules::beat(Some(&row), &beat).done().unwrap();
        assert!(!rules::beat(Some(&row), &beat).is_done(), "a beat counts once");
    }
    let ended = rules::end_session(Some(&row), &EndSession::new(row.id.clone(), Ending::Replace));
    let ended = ended.done().unwrap();
    assert!(matches!(ended.state, SessionState::Ended(_)), "a new life ends the old one");
    let beat = Beat::new(row.id.clone(), 3, Report::NOTHING);
    assert!(!rules::beat(Some(&ended), &beat).is_done(), "an ended session beats no more");
    assert!(matches!(rules::register(Some(&ended), &row), Write::Refused(_)), "nor comes back");
    Fences {
        on_this_beat: mutant.fence(&row, 2).is_done(),
        on_an_earlier_beat: mutant.fence(&row, 1).is_done(),
    }
}
