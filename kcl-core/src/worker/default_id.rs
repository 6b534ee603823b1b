//! Makes the id of a worker whose builder was given none.

use std::ffi::OsString;

use crate::{env::Entropy, lease::WorkerId, settings::InvalidSettings};

/// The environment variable `POD_NAME` if it is set and not empty; else the host name, the process
/// id and a random part, such as `host-4711-0badcafe`.
///
/// # Errors
/// `POD_NAME` is no valid worker id. A random id instead would change at each start: the worker
/// would not take its former leases back, and placement rules could not name it.
pub(super) fn default_worker_id(entropy: &dyn Entropy) -> Result<WorkerId, InvalidSettings> {
    let pod = named_by(std::env::var_os("POD_NAME"))?;
    Ok(pod.unwrap_or_else(|| made_up(entropy)))
}

/// The value of `POD_NAME` as a worker id; `None` if it is unset or empty.
fn named_by(pod: Option<OsString>) -> Result<Option<WorkerId>, InvalidSettings> {
    let Some(pod) = pod.filter(|pod| !pod.is_empty()) else { return Ok(None) };
    let name = pod.to_string_lossy();
    name.parse().map(Some).map_err(|why: crate::lease::InvalidName| {
        InvalidSettings::new("POD_NAME", why.to_string(), "mend it, or give a worker id")
    })
}

/// An id from the host name (its ASCII letters and digits, at most 60), process id and 32 random
/// bits.
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
