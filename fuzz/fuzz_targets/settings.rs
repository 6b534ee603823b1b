//! Settings files.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kcl_cli::untrusted_input::settings(text));
