//! A frozen fleet: nothing moves that a live worker holds.

use kcl_core::coordinator::StoreCall;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// While the operator has frozen the fleet, no worker that stays hands a lease over to another one.
/// One whose processor makes no progress on it may ask for that.
#[derive(Debug)]
pub(super) struct FrozenFleetsKeep;

impl Invariant for FrozenFleetsKeep {
    fn name(&self) -> &'static str {
        "a frozen fleet keeps what it holds"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Lease { call: StoreCall::Release(release), stays: true, frozen: true, .. } = fact
        else {
            return Ok(());
        };
        let to = release.successor.as_ref().filter(|to| to.worker != release.owner.worker);
        match to {
            Some(to) if !release.avoid && !release.key.is_role() => {
                Err(format!("{} goes from {} to {to}", release.key, release.owner))
            }
            _ => Ok(()),
        }
    }
}
