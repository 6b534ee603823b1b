//! What `kcl leases export` wrote, or somebody by hand.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kcl_cli::untrusted_input::export(text));
