//! The two workers do the same: a state and its mirror image are searched once.

use super::{
    state::State,
    world::{Letter, Letters, SessionNo, World},
};

/// What is what in the mirror.
#[derive(Debug)]
pub(crate) struct Mirror {
    lives: u8,
    letters: Vec<usize>,
}

impl Mirror {
    pub(crate) fn new(world: &World) -> Self {
        let mut mirror = Self { lives: world.bounds.lives, letters: Vec::new() };
        let images = world.letters.iter().map(|letter| world.number(mirror.letter(*letter)));
        mirror.letters = images.collect();
        mirror
    }

    /// The state or its image, whichever comes first in some order: the same for both.
    pub(crate) fn choose(&self, state: State) -> State {
        let image = self.image(&state);
        if image < state { image } else { state }
    }

    fn image(&self, state: &State) -> State {
        let mut image = state.clone();
        image.workers.swap(0, 1);
        image.sessions[..usize::from(self.lives) * 2].rotate_left(usize::from(self.lives));
        image.row.owner = image.row.owner.map(|owner| self.session(owner));
        image.truth.holder = image.truth.holder.map(|holder| self.session(holder));
        image.letters = Letters::default();
        for number in state.letters.numbers() {
            image.letters.add(self.letters[number]);
        }
        image
    }

    const fn session(&self, session: SessionNo) -> SessionNo {
        (session + self.lives) % (self.lives * 2)
    }

    fn letter(&self, letter: Letter) -> Letter {
        match letter {
            Letter::Acquire { seen_owner, seen_epoch, by } => Letter::Acquire {
                seen_owner: seen_owner.map(|owner| self.session(owner)),
                seen_epoch,
                by: self.session(by),
            },
            Letter::Advance { by, epoch, checkpoint } => {
                Letter::Advance { by: self.session(by), epoch, checkpoint }
            }
            Letter::Release { by, epoch, checkpoint } => {
                Letter::Release { by: self.session(by), epoch, checkpoint }
            }
        }
    }
}
