//! A name for a worker that was given none.

use std::ffi::OsString;

use crate::{env::Entropy, lease::WorkerId, settings::InvalidSettings};

/// `POD_NAME` from the environment, else the host's name, the process id and a random part.
///
/// # Errors
/// `POD_NAME` is there and can be no worker's id: under a made-up one the worker would not take its
/// leases back, nor be the one that placement rules name.
pub(super) fn default_worker_id(entropy: &dyn Entropy) -> Result<WorkerId, InvalidSettings> {
    let pod = named_by(std::env::var_os("POD_NAME"))?;
    Ok(pod.unwrap_or_else(|| made_up(entropy)))
}

/// The worker's id as the environment gives it, if it does.
fn named_by(pod: Option<OsString>) -> Result<Option<WorkerId>, InvalidSettings> {
    let Some(pod) = pod.filter(|pod| !pod.is_empty()) else { return Ok(None) };
    let name = pod.to_string_lossy();
    name.parse().map(Some).map_err(|why: crate::lease::InvalidName| {
        InvalidSettings::new("POD_NAME", why.to_string(), "mend it, or give a worker id")
    })
}

fn made_up(entropy: &dyn Entropy) -> WorkerId {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host: String = host.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
    let host = if host.is_empty() { "worker".to_owned() } else { host };
    let random = entropy.next_u64() & 0xffff_ffff;
    named(&format!("{host}-{}-{random:08x}", std::process::id()))
}

#[expect(clippy::expect_used, reason = "letters, digits and dashes make a valid worker id")]
fn named(name: &str) -> WorkerId {
    name.parse().expect("a valid worker id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_name_that_can_be_no_id_is_not_taken_for_none() {
        assert_eq!(named_by(None).unwrap(), None);
        assert_eq!(named_by(Some("".into())).unwrap(), None);
        assert_eq!(named_by(Some("orders-0".into())).unwrap(), Some("orders-0".parse().unwrap()));
        for bad in ["orders 0", "orders/0", &"x".repeat(129)] {
            let refused = named_by(Some(bad.into())).unwrap_err().to_string();
            assert!(refused.contains("POD_NAME") && refused.contains("worker id"), "{refused}");
        }
    }
}
