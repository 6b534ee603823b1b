//! A frozen fleet: no lease moves away from a live worker.

use kcl_core::coordinator::StoreCall;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// While the fleet is frozen and every planner knows it, a worker that stays hands no lease of a
/// shard to another worker.
///
/// Broken by a `Release` of such a worker that names another worker as successor. A release with
/// `avoid` is allowed: the worker asks for it because its own processor makes no progress on the
/// shard. So is the release of a role.
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
