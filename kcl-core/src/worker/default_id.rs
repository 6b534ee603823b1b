//! A name for a worker that was given none.

use crate::{env::Entropy, lease::WorkerId};

/// `POD_NAME` from the environment, else the host's name, the process id and a random part.
pub(super) fn default_worker_id(entropy: &dyn Entropy) -> WorkerId {
    let pod = std::env::var("POD_NAME").ok().and_then(|name| name.parse().ok());
    pod.unwrap_or_else(|| {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let host: String = host.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        let host = if host.is_empty() { "worker".to_owned() } else { host };
        let random = entropy.next_u64() & 0xffff_ffff;
        named(&format!("{host}-{}-{random:08x}", std::process::id()))
    })
}

#[expect(clippy::expect_used, reason = "letters, digits and dashes make a valid worker id")]
fn named(name: &str) -> WorkerId {
    name.parse().expect("a valid worker id")
}
