//! Names of workers, sessions, shards, leases and documents.
#![no_main]

#[path = "../../kcl-core/tests/untrusted_input/checks.rs"]
#[allow(dead_code, reason = "each target asks some of the questions")]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::names(text));
