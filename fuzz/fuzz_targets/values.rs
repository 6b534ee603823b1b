//! Values of Redis, as whoever wrote them left them.
#![no_main]

libfuzzer_sys::fuzz_target!(|stored: &[u8]| kcl_redis::untrusted_input::rows(stored));
